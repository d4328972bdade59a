"""A Docker engine with the image without packages on it, and a machine with GPUs that are not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import fake_gpu
import pytest
from fake_gpu import Machine

from sandbox.docker import images as docker_images
from sandbox.docker.engine import Engine
from sandbox.gpu import memory as gpu_memory


@pytest.fixture
def engine() -> Iterator[Engine]:
    with closing(Engine()) as engine:
        yield engine


@pytest.fixture
def image(engine: Engine) -> str:
    return docker_images.ensure(engine, ())


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Machine]:
    yield fake_gpu.begin(monkeypatch, tmp_path)
    fake_gpu.end()


@pytest.fixture(scope="module")
def cuda(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fake_gpu.compile_cuda(tmp_path_factory.mktemp("cuda"))


@pytest.fixture
def with_cuda(machine: Machine, cuda: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setenv("LD_LIBRARY_PATH", str(cuda))
    monkeypatch.setattr(gpu_memory, "_PASSED_ON", (*gpu_memory._PASSED_ON, "FAKE_CUDA"))
    return machine
