"""A Docker engine, and the image without packages on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from sandbox.docker import images as docker_images
from sandbox.docker.engine import Engine


@pytest.fixture
def engine() -> Iterator[Engine]:
    with closing(Engine()) as engine:
        yield engine


@pytest.fixture
def image(engine: Engine) -> str:
    return docker_images.ensure(engine, ())
