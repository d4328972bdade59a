"""What sessions in containers are made of: the engine, an image on it, and containers that wait."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from dataclasses import dataclass, field

from evolve.core.errors import UsageError
from sandbox import seccomp
from sandbox.config import DockerConfig
from sandbox.docker import images
from sandbox.docker.child import ContainerChild
from sandbox.docker.container import ImageError, Plan, start
from sandbox.docker.engine import Engine
from sandbox.docker.pool import Pool
from sandbox.mounts import Tools


@dataclass(frozen=True, slots=True)
class Ready:
    """What is there once the engine was asked. Thread-safe. It belongs to the process that made it."""

    engine: Engine
    pool: Pool[Plan]
    image: str
    pid: int = field(default_factory=os.getpid)

    def close(self) -> None:
        """Ends what waits, waits until what was used is removed, and gives the connection back.

        A copy of the process has no part in it: what waits is the other's, and the threads that remove are not there.
        """
        if self.pid != os.getpid():
            return
        self.pool.close()
        self.engine.close()


def make_ready(config: DockerConfig, packages: tuple[str, ...], tools: Tools | None) -> Ready:
    """Finds the engine and the image, or makes it, and removes what crashed runs left; starts nothing.

    Raises UsageError, naming the key and the remedy, where there is no engine, image or runtime.
    """
    engine = Engine()
    try:
        image = _image(engine, config, packages, tools)
        engine.sweep_once()
    except BaseException:
        engine.close()
        raise

    def begin(plan: Plan) -> ContainerChild:
        try:
            return start(engine, plan)
        except ImageError:
            if config.image is not None:
                raise
            # Ours, and removed meanwhile.
            images.ensure(engine, packages, say)
            return start(engine, plan)

    return Ready(engine, Pool(config.pool, begin, engine.remove), image)


def available(runtime: str | None = None) -> str | None:
    """Why there is no engine to use, or none with that runtime, with the remedy; None where there is one."""
    try:
        with closing(Engine()) as engine:
            engine.require_runtime(runtime)
    except UsageError as error:
        return str(error)
    return None


def say(text: str) -> None:
    """A line of progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


def _image(engine: Engine, config: DockerConfig, packages: tuple[str, ...], tools: Tools | None) -> str:
    engine.require_runtime(config.runtime)
    if engine.machine not in seccomp.ARCHITECTURES:
        raise UsageError(
            f"docker: the filter of system calls knows {', '.join(seccomp.ARCHITECTURES)}, not {engine.machine}",
            "Use an engine on one of these: set DOCKER_HOST.",
        )
    if config.image is None:
        return images.ensure(engine, packages, say)
    if not images.exists(engine, config.image):
        raise UsageError(
            f"docker:image={config.image}: the engine has no such image",
            f"Type: docker pull {config.image}, or leave the image to Evolve: --sandbox docker",
        )
    if tools and tools.folders and not engine.is_local:
        raise UsageError(
            f"folders {', '.join(tools.folders)} can not be shown to containers of an engine elsewhere",
            "Put them into the image, and take them out of problem.toml.",
        )
    return config.image
