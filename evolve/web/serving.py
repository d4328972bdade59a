"""A server of the pages: where it listens, who may read, and how it ends."""

from __future__ import annotations

import errno
import ipaddress
import os
import re
import secrets
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from evolve.core.errors import UsageError

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

    from archive.store import Archive

HERE = "127.0.0.1"
FIRST_PORT, PORTS = 8000, 100
NAMES_OF_HERE = (HERE, "localhost", "::1")
_ANYWHERE = ("0.0.0.0", "::")  # noqa: S104  compared with, not listened on
_TOKEN = re.compile(r"[\x21-\x7e]{16,512}")


@dataclass(frozen=True, slots=True)
class Place:
    """A socket that listens already, so that the address is good before the pages are. `token` None lets everybody in
    who reaches it: only this machine does."""

    listening: socket.socket
    name: str
    token: str | None

    @property
    def address(self) -> str:
        """What a browser opens, with the token where there is one."""
        port = self.listening.getsockname()[1]
        name = f"[{self.name}]" if ":" in self.name else self.name
        return f"http://{name}:{port}/" + (f"?token={quote(self.token, safe='')}" if self.token else "")


def take_place(host: str = HERE, port: int | None = None, token: str | None = None) -> Place:
    """Listen on a port of `host`: on the given one, else on the first of a hundred from 8000 on that is free.

    Where others than this machine reach it there is a token: as given, else a new one. Raises UsageError where the
    address is not one of this machine, the port is taken, or the token is easy to guess.
    """
    if token is not None and not _TOKEN.fullmatch(token):
        raise UsageError("a token has 16 to 512 visible characters", "Leave it out: a good one is made and printed.")
    if port is not None and not 0 <= port < 65536:
        raise UsageError(f"there is no port {port}", "Give --port a number up to 65535, or leave it out.")
    ports = (port,) if port is not None else range(FIRST_PORT, FIRST_PORT + PORTS)
    listening = next(filter(None, (_listen(host, one) for one in ports)), None)
    if listening is None:
        raise _taken(host, ports)
    if token is None and host not in NAMES_OF_HERE:
        token = secrets.token_urlsafe(24)
    return Place(listening, _reachable(listening, host), token)


def _listen(host: str, port: int) -> socket.socket | None:
    """A socket that listens; None where the port is taken."""
    try:
        family, *_, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(where[:2], family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return None
        words = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise UsageError(
            f"can not listen on {host}, port {port}: {words}",
            "Give --host an address of this machine, or another --port.",
        ) from None
    except UnicodeError:
        raise UsageError(f"{host[:80]!r} is no name of a machine", "Give --host an address of this machine.") from None


def _taken(host: str, ports: range | tuple[int, ...]) -> UsageError:
    words = f"port {ports[0]} is taken" if len(ports) == 1 else f"ports {ports[0]} to {ports[-1]} are taken"
    later = range(ports[-1] + 1, min(ports[-1] + PORTS, 65536))
    for port in later:
        if found := _listen(host, port):
            found.close()
            return UsageError(words, f"Port {port} is free: --port {port}")
    return UsageError(words, "Give --port the number of a free one.")


def _reachable(listening: socket.socket, host: str) -> str:
    """A name by which a browser elsewhere may find the machine: of one that listens on all addresses, the one by which
    it would itself reach others. Nothing is sent for that."""
    if host not in _ANYWHERE:
        return host
    documented = ("192.0.2.1", 9) if host == _ANYWHERE[0] else ("2001:db8::1", 9)
    try:
        with socket.socket(listening.family, socket.SOCK_DGRAM) as asking:
            asking.connect(documented)
            return str(ipaddress.ip_address(asking.getsockname()[0]))
    except OSError:
        return socket.gethostname()


def serve(archive: Archive, place: Place, ready: Callable[[], None] = lambda: None) -> None:
    """Answer until a signal ends it; Ctrl-C is then a KeyboardInterrupt. `ready` is called when pages can be asked for.

    Streams of messages end at once with it; an answer that goes out still has a second.
    """
    from evolve.web.app import create_app

    with place.listening:
        make_server(create_app(archive, token=place.token), ready).run([place.listening])


def make_server(app: FastAPI, ready: Callable[[], None] = lambda: None) -> uvicorn.Server:
    """A server of the application, for sockets that listen already."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            threading.Thread(target=ready, daemon=True).start()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            app.state.pulse.closed.set()
            await super().shutdown(sockets)

    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="on",
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    return Server(config)
