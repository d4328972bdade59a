"""Programs in containers of a Docker engine, with the engine's own runtime or with gVisor."""

from __future__ import annotations

from sandbox.docker.backend import DockerSandbox
from sandbox.docker.ready import available

__all__ = ["DockerSandbox", "available"]
