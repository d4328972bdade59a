"""The Docker engine: how it is reached, what is ours on it, and whether it still answers."""

from __future__ import annotations

import json
import os
import platform
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from evolve.core.clock import utc_now
from evolve.core.errors import InfrastructureError, UsageError
from sandbox.docker.owners import LABEL, is_orphan, owner

__all__ = ["IMAGE_LABEL", "LABEL", "Engine", "owner", "said"]

IMAGE_LABEL = "evolve.sandbox.image"
"""On every image of ours; its value is the name that it was given."""
DEFAULT = "unix:///var/run/docker.sock"
SECONDS = 30.0
ALIVE_SECONDS = 2.0
"""What is asked of the engine may take `SECONDS`; one that does not say that it lives within `ALIVE_SECONDS` does not.
"""
GVISOR_ARGUMENTS = ["--platform=ptrace", "--network=none"]
_REMOVALS = 5
LEFT_REMEDY = "Start the engine again (sudo systemctl restart docker, or dockerd); what is left is removed by itself."

_ANY_VERSION = "1.41"
_AT_REST = {"created", "exited", "dead"}
_UNPROVEN_SECONDS = 3600.0
_NAMELESS = "<none>:<none>"
_sweeping = threading.Lock()
_swept: set[tuple[int, str]] = set()


class Engine:
    """A connection to the engine that DOCKER_HOST names, else to the machine's own. Thread-safe.

    Raises UsageError where there is none, it does not run, or it may not be used; the remedy is one line.
    """

    def __init__(self) -> None:
        self.where = where = os.environ.get("DOCKER_HOST") or DEFAULT
        try:
            _knock(where)
            self.client = _client(where, _version(where))
        except ImportError:
            raise UsageError("Python's docker package is not installed", "Type: pip install docker") from None
        except Exception as error:
            raise _unreachable(where, error) from None
        self.api = self.client.api
        with self.asking("say what it is"):
            self.info: dict[str, Any] = self.api.info()

    def close(self) -> None:
        """Gives the connections back."""
        self.client.close()

    def answers(self) -> bool:
        """Whether it does, now."""
        from docker.errors import DockerException

        try:
            if self.where.startswith("unix://"):
                return _ping(self.where.removeprefix("unix://"))
            return bool(self.api.get(self.api._url("/_ping"), timeout=ALIVE_SECONDS).status_code == 200)
        except (DockerException, OSError):
            return False

    @contextmanager
    def asking(self, what: str) -> Iterator[None]:
        """Turns whatever goes wrong while the engine does `what` into an InfrastructureError."""
        from docker.errors import DockerException

        try:
            _knock(self.where)
            yield
        except (DockerException, OSError) as error:
            raise InfrastructureError(f"the Docker engine failed to {what}: {said(error)}", LEFT_REMEDY) from None

    def attach(self, container: str) -> socket.socket:
        """The one connection to the standard streams of a container; before it is started, so that nothing is missed.

        Raises what the client raises, and UsageError where the way to the engine is not a plain connection.
        """
        streams = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        answer = self.api.attach_socket(container, params=streams)
        plain = getattr(answer, "_sock", None)
        if not isinstance(plain, socket.socket) or hasattr(plain, "context"):
            raise UsageError(
                f"the Docker engine at {os.environ.get('DOCKER_HOST')} is reached by TLS or ssh, sessions are not",
                "Set DOCKER_HOST to unix://PATH or, in a network that is trusted, tcp://HOST:PORT.",
            )
        connection = plain.dup()
        # The client would keep the connection as one of its own, and end it when it thinks that it is done.
        answer.close()
        plain.close()
        return connection

    @cached_property
    def is_local(self) -> bool:
        """Whether containers are processes of this machine's kernel, as far as one can tell from here."""
        return bool(self.info.get("KernelVersion") == platform.release() and self.info.get("OSType") == "linux")

    @property
    def processors(self) -> int:
        """How many the engine has for all its containers."""
        return int(self.info.get("NCPU") or 1)

    @property
    def machine(self) -> str:
        """Its architecture, as the kernel names it."""
        return str(self.info.get("Architecture") or platform.machine())

    def require_runtime(self, name: str | None) -> None:
        """Raises UsageError where the engine has no runtime of that name."""
        if name is None or name in self.info.get("Runtimes", {}):
            return
        settings: dict[str, Any] = {"path": f"/usr/bin/{name}"}
        settings |= {"runtimeArgs": GVISOR_ARGUMENTS} if name == "runsc" else {}
        raise UsageError(
            f"runtime={name}: the Docker engine has {', '.join(sorted(self.info.get('Runtimes', {})))}",
            f"Install {name} (apt-get install {name}), write {json.dumps({'runtimes': {name: settings}})} to "
            "/etc/docker/daemon.json, and type: sudo systemctl reload docker",
        )

    def sweep(self) -> int:
        """Removes containers of processes of this machine that are gone, and images that a build left half-made.

        How many there were. What belongs to a living process, another machine or somebody else stays; what runs stays
        unless its owner was a process of this very boot.
        """
        removed = 0
        with self.asking("list what a crashed run left behind"):
            for found in self.api.containers(all=True, filters={"label": LABEL}):
                if is_orphan(found["Labels"][LABEL], self.is_at_rest(found)):
                    removed += self.remove(found["Id"])
            for name, image in self.imported():
                removed += name == image["Id"] and self.remove_image(name)
        return removed

    def imported(self) -> list[tuple[str, dict[str, Any]]]:
        """Images that were imported as ours, as the engine lists them, with their name, or identifier if it is lost.

        Labels are inherited by what is built from an image of ours. Such an image has another name, and a longer past.
        """
        found = []
        for image in self.api.images(filters={"label": IMAGE_LABEL}):
            names = set(image["RepoTags"] or ()) - {_NAMELESS}
            name = image["Labels"][IMAGE_LABEL] if names else image["Id"]
            if (not names or name in names) and self._is_import(image["Id"]):
                found.append((name, image))
        return found

    def _is_import(self, image: str) -> bool:
        """Whether it came in one piece; not where it is gone meanwhile."""
        from docker.errors import NotFound

        try:
            return len(self.api.history(image)) == 1
        except NotFound:
            return False

    def is_at_rest(self, container: dict[str, Any]) -> bool:
        """Whether it does not run, and no host elsewhere can be about to start it or to ask how it ended."""
        is_here = self.is_local and self.where.startswith("unix://")
        is_old = datetime.fromisoformat(utc_now()).timestamp() - container["Created"] > _UNPROVEN_SECONDS
        return container["State"] in _AT_REST and (is_here or is_old)

    def sweep_once(self) -> None:
        """`sweep`, for the first that asks in this process."""
        with _sweeping:
            if (key := (os.getpid(), self.api.base_url)) not in _swept:
                self.sweep()
                _swept.add(key)

    def remove(self, container: str) -> bool:
        """Removes it, running or not; whether it was there. An engine that is gone is no error: it is found later."""
        from docker.errors import APIError, DockerException, NotFound

        for _ in range(_REMOVALS):
            try:
                _knock(self.where)
                self.api.remove_container(container, v=True, force=True)
            except NotFound:
                return False
            except APIError:
                continue  # it ended by itself just when it was to be killed: an engine gives up then
            except (DockerException, OSError):
                return False
            return True
        return False

    def remove_image(self, image: str) -> bool:
        """Removes it, or its last name, unless a container uses it; whether it is gone."""
        from docker.errors import APIError

        try:
            self.api.remove_image(image)
        except APIError:
            return False
        return True


def said(error: BaseException) -> str:
    """One line of what the engine, or the way to it, said."""
    text = str(getattr(error, "explanation", None) or error).strip()
    return " ".join(text.split())[-500:]


def _start_afresh() -> None:
    """In a copy of this process nobody sweeps, whoever did when it was made."""
    global _sweeping
    _sweeping = threading.Lock()


os.register_at_fork(after_in_child=_start_afresh)


def _knock(where: str) -> None:
    """Raises OSError where nobody listens at a socket of this machine; what is elsewhere is asked later.

    The client would say so too, less clearly, and would leave a socket to the garbage collector each time.
    """
    if not where.startswith("unix://"):
        return
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(SECONDS)
        connection.connect(where.removeprefix("unix://"))


def _ping(path: str) -> bool:
    """Asks for a sign of life; the client would leave the socket of an engine that dies to the garbage collector."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ALIVE_SECONDS)
        connection.connect(path)
        connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
        return connection.recv(64).split(b" ")[1:2] == [b"200"]


def _version(where: str) -> str:
    """The newest version of its interface that the engine knows."""
    client = _client(where, _ANY_VERSION)
    try:
        return str(client.version(api_version=False)["ApiVersion"])
    finally:
        client.close()


def _client(where: str, version: str) -> Any:
    import docker

    return docker.from_env(version=version, timeout=SECONDS, environment={**os.environ, "DOCKER_HOST": where})


def _unreachable(where: str, error: BaseException) -> UsageError:
    """What stands between us and the engine, and the command for that."""
    sudo = "" if os.geteuid() == 0 else "sudo "
    start = f"{sudo}systemctl start docker" if Path("/run/systemd/system").is_dir() else f"{sudo}dockerd &"
    if isinstance(error, PermissionError):
        return UsageError(
            f"the Docker engine at {where} may not be used by this user",
            "Type: sudo usermod --append --groups docker $USER, and log in again.",
        )
    if isinstance(error, FileNotFoundError) and where == DEFAULT and shutil.which("dockerd") is None:
        return UsageError("Docker is not installed", _installation(sudo))
    # What the engine answers is of this kind too, and has a response.
    if isinstance(error, OSError) and getattr(error, "response", None) is None:
        other = " (or unset DOCKER_HOST, which names it)" if os.environ.get("DOCKER_HOST") else ""
        return UsageError(f"the Docker engine at {where} is not running", f"Type: {start}{other}")
    return UsageError(f"the Docker engine at {where} can not be used: {said(error)}", "See what docker info says.")


def _installation(sudo: str) -> str:
    if shutil.which("apt-get"):
        return f"Type: {sudo}apt-get install docker.io"
    return "Install Docker: https://docs.docker.com/engine/install"
