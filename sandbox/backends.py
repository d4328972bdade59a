"""From the name of a sandbox to the sandbox. Backends of other distributions come by entry points.

An entry point of the group `evolve.sandboxes` names a function `make(packages, tools, options) -> Sandbox`: `packages`
are names of distributions that programs may import, `tools` is what a command may use (`sandbox.mounts.Tools`, None for
library programs), `options` a dict of what followed the name, all text.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from typing import Any

from evolve.core import named
from evolve.core.errors import EvolveError, UsageError
from sandbox.base import Sandbox
from sandbox.config import BubblewrapConfig, DockerConfig, NoSandboxConfig, OtherConfig, SandboxConfig
from sandbox.mounts import Tools

NOUN, GROUP = "sandbox", "evolve.sandboxes"
PING_SECONDS = 2.0
_BUILT_IN: Mapping[str, type[BubblewrapConfig | DockerConfig | NoSandboxConfig]] = {
    "bubblewrap": BubblewrapConfig,
    "docker": DockerConfig,
    "none": NoSandboxConfig,
}
_OF_OTHERS = "Mend the distribution that brings it (entry point evolve.sandboxes), or choose another sandbox."


def read(wanted: str | Mapping[str, Any]) -> SandboxConfig:
    """A configuration from its text, `NAME` or `NAME:KEY=VALUE,KEY=VALUE`, or from a table with the key `type`.

    Raises UsageError for a name or an option that there is not, with the nearest that there is.
    """
    if isinstance(wanted, str):
        return _checked(*named.split(NOUN, wanted))
    options = dict(wanted)
    name = options.pop("type", None)
    if not isinstance(name, str):
        known = ", ".join(_names())
        raise UsageError("[sandbox] names no type", f'Write type = "NAME" below it; there are: {known}.')
    return _checked(name, options)


def text(config: SandboxConfig) -> str:
    """What `read` makes the configuration of; without options that have their defaults."""
    if isinstance(config, OtherConfig):
        given: Mapping[str, Any] = config.options
    else:
        given = config.model_dump(exclude={"type"}, exclude_defaults=True)
    return named.joined(config.type, given)


def create(config: SandboxConfig, packages: tuple[str, ...] = (), tools: Tools | None = None) -> Sandbox:
    """A sandbox whose programs may import the packages, and with `tools` start other programs.

    Raises:
        UsageError: it can not be had here, or runs no commands. ProblemError: a package is not installed.
    """
    match config:
        case BubblewrapConfig():
            from sandbox.bubblewrap import BubblewrapSandbox

            return BubblewrapSandbox(packages, tools, config.start)
        case DockerConfig():
            from sandbox.docker import DockerSandbox

            return DockerSandbox(packages, tools, config)
        case NoSandboxConfig():
            from sandbox.unsandboxed import UnsandboxedSandbox

            return UnsandboxedSandbox(packages, tools)
    make = named.load(NOUN, _others()[config.type])
    try:
        made: Sandbox | None = make(packages, tools, dict(config.options))
    except EvolveError:
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise UsageError(f"the sandbox {text(config)} can not be made: {said}", _OF_OTHERS) from error
    if made is None:
        raise UsageError(f"the sandbox {config.type} can not be made: its entry point gave none", _OF_OTHERS)
    return made


def check(config: SandboxConfig) -> None:
    """Raises UsageError where the sandbox is not there; the remedy is what installs it, or another that is there.

    Says nothing of images and packages, and nothing of sandboxes that others bring: `Sandbox.open` does.
    """
    if not isinstance(config, BubblewrapConfig):
        return
    from sandbox import bubblewrap_check

    try:
        bubblewrap_check.check()
    except UsageError as error:
        if not _engine_answers():
            raise
        raise UsageError(error.message, f"{error.remedy} Or use Docker, which is running: --sandbox docker") from None


def _checked(name: str, options: Mapping[str, Any]) -> SandboxConfig:
    named.without_commas(NOUN, name, options)
    model = _BUILT_IN.get(name)
    if model is not None:
        return named.validated(NOUN, name, model, options)
    if name not in _others():
        raise UsageError(f"there is no sandbox called {name!r}", named.suggestion(name, _names()))
    return OtherConfig(type=name, options={key: str(value) for key, value in options.items()})


def _names() -> list[str]:
    return [*_BUILT_IN, *sorted(set(_others()) - set(_BUILT_IN))]


def _others() -> dict[str, EntryPoint]:
    return named.brought(GROUP)


def _engine_answers() -> bool:
    """Whether a Docker engine of this machine is there to be used instead."""
    place = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    if not place.startswith("unix://") or not hasattr(socket, "AF_UNIX"):
        return False
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PING_SECONDS)
        try:
            connection.connect(place.removeprefix("unix://"))
            connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in connection.recv(64)
        except OSError:
            return False
