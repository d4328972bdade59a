"""Install the system packages that EVOLVE_REQUIRE names and tests need now. Nothing is touched without it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SETTINGS = Path("/etc/docker/daemon.json")
PROCESS_FILE = Path("/var/run/docker.pid")
SOCKET = "/var/run/docker.sock"
LOG = Path("/var/log/dockerd.log")
GVISOR = {"path": "/usr/bin/runsc", "runtimeArgs": ["--platform=ptrace", "--network=none"]}
ENGINE_SECONDS = 60


def has_postgres() -> bool:
    return bool(shutil.which("postgres")) or any(Path("/usr/lib/postgresql").glob("*/bin/postgres"))


def has_docker() -> bool:
    return bool(shutil.which("dockerd") and shutil.which("runsc"))


def start_docker() -> str | None:
    """Starts the engine where it is not running and makes gVisor a runtime of it. What is in the way, else None."""
    settings = with_gvisor(SETTINGS.read_text() if SETTINGS.exists() else "")
    running = engine() is not None
    if running and "runsc" in (engine() or {}).get("Runtimes", {}):
        return None
    if os.geteuid() != 0:
        return "as root, start the Docker engine with gVisor: EVOLVE_REQUIRE=docker python .ci/require.py"
    if settings is None:
        return f"{SETTINGS} is not valid JSON"
    SETTINGS.parent.mkdir(parents=True, exist_ok=True)
    SETTINGS.write_text(settings)
    if running:
        # The engine reads its runtimes anew; containers that run stay as they are.
        os.kill(int(PROCESS_FILE.read_text()), signal.SIGHUP)
    elif Path("/run/systemd/system").is_dir():
        subprocess.run(["systemctl", "start", "docker"], check=True)
    else:
        with LOG.open("ab") as log:
            subprocess.Popen(["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + ENGINE_SECONDS
    while "runsc" not in (engine() or {}).get("Runtimes", {}):
        if time.monotonic() > deadline:
            return f"the Docker engine did not start with gVisor within {ENGINE_SECONDS} s; see {LOG} or journalctl"
        time.sleep(0.2)
    return None


def with_gvisor(text: str) -> str | None:
    """The engine's settings with gVisor among the runtimes and all else as it was; None where they can not be read."""
    try:
        settings: dict[str, Any] = json.loads(text or "{}")
        settings.setdefault("runtimes", {}).setdefault("runsc", GVISOR)
    except (ValueError, AttributeError):
        return None
    return json.dumps(settings, indent=2) + "\n"


def engine() -> dict[str, Any] | None:
    """What the running engine says of itself; its command-line client need not be installed."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ENGINE_SECONDS)
        try:
            connection.connect(SOCKET)
            connection.sendall(b"GET /info HTTP/1.0\r\n\r\n")
            with connection.makefile("rb") as answer:
                told = json.loads(answer.read().partition(b"\r\n\r\n")[2])
        except (OSError, ValueError):
            return None
    return told if told.get("ServerVersion") else None


def nothing() -> None:
    """What is installed needs no start."""


def has_browser() -> bool:
    return bool(shutil.which("chromium"))


# What a requirement is satisfied by, the Debian packages that bring it, and what starts it.
NEEDS: dict[str, tuple[Callable[[], bool], tuple[str, ...], Callable[[], str | None]]] = {
    "bubblewrap": (lambda: bool(shutil.which("bwrap")), ("bubblewrap",), nothing),
    "browser": (has_browser, ("chromium", "fonts-dejavu-core"), nothing),
    "docker": (has_docker, ("docker.io", "runsc"), start_docker),
    "postgres": (has_postgres, ("postgresql",), nothing),
}


def main() -> int:
    for name in filter(None, os.environ.get("EVOLVE_REQUIRE", "").split(",")):
        satisfied, packages, start = NEEDS.get(name.strip(), (lambda: True, (), nothing))
        if not satisfied():
            install = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
            if os.geteuid() != 0 or not shutil.which("apt-get"):
                print(f"EVOLVE_REQUIRE names {name}: as root, run {' '.join(install)}", file=sys.stderr)
                return 1
            environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            subprocess.run(["apt-get", "update", "--quiet=2"], check=True, env=environment)
            subprocess.run(install, check=True, env=environment, stdout=subprocess.DEVNULL)
        problem = start()
        if problem:
            print(f"EVOLVE_REQUIRE names {name}: {problem}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
