"""Every sandbox that the suites run over, how it is made, and why it can not be made here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Literal

import pytest

from evolve.core.errors import UsageError
from sandbox.base import Sandbox

PACKAGES = ("numpy",)


@dataclass(frozen=True)
class Backend:
    """A way to make a sandbox for programs that may import numpy. `mark` is the rule by which its tests are skipped."""

    name: str
    make: Callable[[], Sandbox]
    mark: str = ""

    def param(self) -> Any:
        """For `pytest.mark.parametrize` and fixtures."""
        return pytest.param(self, id=self.name, marks=[getattr(pytest.mark, self.mark)] if self.mark else [])


def _bubblewrap(start: Literal["fork", "pool", "process"]) -> Backend:
    def make() -> Sandbox:
        from sandbox.bubblewrap import BubblewrapSandbox

        return BubblewrapSandbox(PACKAGES, start=start)

    return Backend(f"bubblewrap-{start}", make, "bubblewrap")


def _docker(runtime: str | None) -> Backend:
    def make() -> Sandbox:
        from sandbox.config import DockerConfig
        from sandbox.docker import DockerSandbox

        return DockerSandbox(PACKAGES, config=DockerConfig(runtime=runtime))

    return Backend(f"docker-{runtime}" if runtime else "docker", make, "docker")


def _of_others() -> Iterator[Backend]:
    for point in entry_points(group="evolve.sandboxes"):
        yield Backend(point.name, lambda point=point: point.load()(PACKAGES, None, {}))


BACKENDS = [*map(_bubblewrap, ("fork", "pool", "process")), *map(_docker, (None, "runsc")), *_of_others()]
BY_NAME = {backend.name: backend for backend in BACKENDS}


@contextmanager
def made(backend: Backend) -> Iterator[Sandbox]:
    """The sandbox, given back at the end."""
    sandbox = backend.make()
    try:
        yield sandbox
    finally:
        sandbox.close()


def containers() -> list[str]:
    """Containers that the engine has for this process, running or not; none where there is no engine."""
    from sandbox.docker.engine import LABEL, Engine, owner

    try:
        engine = Engine()
    except UsageError:
        return []
    try:
        found = engine.api.containers(all=True, quiet=True, filters={"label": f"{LABEL}={owner()}"})
        return sorted(str(one["Id"]) for one in found)
    finally:
        engine.close()
