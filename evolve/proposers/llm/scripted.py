"""A model for tests: a real server on loopback that speaks the OpenAI chat protocol and answers as a function says.

Nothing of it is clever, and it needs no key: what a run makes of replies, faults and prices can be tested with it
through the very library that asks real models.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Scripted:
    """One answer. `status` other than 200 sends `text` as the body of an error; `body` replaces the whole answer.

    After `delay_seconds` the answer begins; with `drip_seconds` it goes out byte by byte. `cut` closes the connection
    after so many bytes of it. `text` None is a reply without content.
    """

    text: str | None = ""
    finish: str = "stop"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    delay_seconds: float = 0.0
    drip_seconds: float = 0.0
    cut: int | None = None
    usage: Mapping[str, Any] | None = None


Answering = Callable[[dict[str, Any]], "Scripted | str"]
"""Takes the request as it came in, gives the answer. Called in a thread of each request's own."""


class ScriptedModel:
    """The server. `requests` are the bodies that came in, `peak` the most that were answered at the same time.

    Example::

        with ScriptedModel(lambda request: "Idea: nothing: a test") as model:
            run(problem, model="openai/scripted", api_base=model.url, tokens=10_000)
    """

    def __init__(self, answer: Answering) -> None:
        self._answer = answer
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.peak = self._now = 0
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # or each answer waits 40 ms for an acknowledgement

            def do_POST(self) -> None:
                scripted._serve(self)

            def log_message(self, *args: Any) -> None:
                """Says nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that has gone away is no error."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """What `api_base` must be."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        request = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        with self._lock:
            self.requests.append(request)
            self.headers.append(dict(handler.headers))
            self._now += 1
            self.peak = max(self.peak, self._now)
        try:
            given = self._answer(request)
            answer = Scripted(given) if isinstance(given, str) else given
            self._stopped.wait(answer.delay_seconds)
            self._send(handler, answer, request)
        finally:
            with self._lock:
                self._now -= 1

    def _send(self, handler: BaseHTTPRequestHandler, answer: Scripted, request: dict[str, Any]) -> None:
        stream = bool(request.get("stream")) and answer.status == 200 and answer.body is None
        body = answer.body if answer.body is not None else _body(answer, request, stream)
        handler.send_response(answer.status)
        handler.send_header("Content-Type", "text/event-stream" if stream else "application/json")
        handler.send_header("Content-Length", str(len(body)))
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        if answer.drip_seconds:
            for byte in body:
                if self._stopped.wait(answer.drip_seconds):
                    break
                handler.wfile.write(bytes([byte]))
                handler.wfile.flush()
        else:
            handler.wfile.write(body if answer.cut is None else body[: answer.cut])
        if answer.cut is not None or answer.drip_seconds:
            handler.close_connection = True


def _body(answer: Scripted, request: dict[str, Any], stream: bool) -> bytes:
    if answer.status != 200:
        return json.dumps({"error": {"message": answer.text, "type": "scripted", "code": None}}).encode()
    prompt = sum(len(str(message.get("content"))) for message in request["messages"]) // 4
    completion = len(answer.text or "") // 4
    counts = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    usage: dict[str, Any] = {**counts, **(answer.usage or {})}
    head: dict[str, Any] = {"id": "scripted", "created": 0, "model": request.get("model", "")}
    if not stream:
        message: dict[str, Any] = {"role": "assistant", "content": answer.text}
        choice: dict[str, Any] = {"index": 0, "finish_reason": answer.finish, "message": message}
        return json.dumps({**head, "object": "chat.completion", "choices": [choice], "usage": usage}).encode()
    chunk = {**head, "object": "chat.completion.chunk"}
    text = answer.text or ""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": text[start : start + 40]} for start in range(0, len(text), 40)]
    choices: list[dict[str, Any]] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": answer.finish})
    events = [{**chunk, "choices": [choice]} for choice in choices] + [{**chunk, "choices": [], "usage": usage}]
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + b"data: [DONE]\n\n"
