"""On a real GPU, where there is one: what NVML, the driver and CUDA really do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from evolve.core.types import Source, Status
from sandbox import gpu
from sandbox.bubblewrap import BubblewrapSandbox
from sandbox.gpu import marks as gpu_marks
from sandbox.gpu.leases import ATTEMPTS
from sandbox.limits import MEBIBYTE, Limits

pytestmark = [pytest.mark.gpu, pytest.mark.bubblewrap]

LIMITS = Limits(wall_seconds=60.0, cpu_seconds=60.0, memory_bytes=4096 * MEBIBYTE, gpus=1)

# The driver API by hand, so that the test needs no package: holds as much memory as it is told, filled with a mark.
PROGRAM = """
import ctypes

cuda = ctypes.CDLL("libcuda.so.1")
held = []

def begin():
    device, context, count = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_int()
    for number in (
        cuda.cuInit(0),
        cuda.cuDeviceGetCount(ctypes.byref(count)),
        cuda.cuDeviceGet(ctypes.byref(device), 0),
        cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), device),
        cuda.cuCtxSetCurrent(context),
    ):
        if number:
            return number
    return [count.value]

def hold(mebibytes, mark):
    address = ctypes.c_uint64()
    size = ctypes.c_size_t(mebibytes << 20)
    number = cuda.cuMemAlloc_v2(ctypes.byref(address), size)
    number = number or cuda.cuMemsetD8_v2(address, ctypes.c_ubyte(mark), size) or cuda.cuCtxSynchronize()
    held.append(address)
    return number

def look(mebibytes):
    address = ctypes.c_uint64()
    size = mebibytes << 20
    number = cuda.cuMemAlloc_v2(ctypes.byref(address), ctypes.c_size_t(size))
    data = ctypes.create_string_buffer(size)
    number = number or cuda.cuMemcpyDtoH_v2(data, address, ctypes.c_size_t(size))
    return number, data.raw.count(b"\\x77")

def wait():
    while True:
        pass
"""


@pytest.fixture(autouse=True)
def _device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    reason = gpu.unavailable()
    if reason is not None:
        if "gpu" in os.environ.get("EVOLVE_REQUIRE", "").split(","):
            raise reason
        pytest.skip(f"needs a GPU: {reason.message}")
    monkeypatch.setattr(gpu_marks, "FOLDER", tmp_path / "leases")


@pytest.fixture
def sandbox() -> Iterator[BubblewrapSandbox]:
    made = BubblewrapSandbox()
    yield made
    made.close()


def test_the_driver_tells_of_its_devices() -> None:
    for device in gpu.devices():
        assert device.uuid.startswith("GPU-") and device.total_bytes > 1 << 30 and not device.fault
        assert Path(device.path).exists()


def test_memory_is_overwritten() -> None:
    with gpu.lease(LIMITS) as held:
        assert held.scrubbed.startswith("overwritten and read back after each program"), held.scrubbed


def test_cuda_works_in_the_sandbox_with_one_device(sandbox: BubblewrapSandbox) -> None:
    session = sandbox.open(Source({"program.py": PROGRAM}, "begin"), LIMITS)
    reply = session.call("begin")
    assert (reply.status, reply.value) == (Status.OK, [1]), reply.error
    assert session.call("hold", 64, 0x77).value == 0
    session.close()
    # What comes next must not see it.
    session = sandbox.open(Source({"program.py": PROGRAM}, "begin"), LIMITS)
    assert session.call("begin").value == [1]
    assert session.call("look", 1024).value == (0, 0)
    session.close()


def test_too_much_memory_of_the_device_ends_a_program(sandbox: BubblewrapSandbox) -> None:
    limits = Limits(
        wall_seconds=60.0, cpu_seconds=60.0, memory_bytes=4096 * MEBIBYTE, gpus=1, gpu_memory_bytes=2048 * MEBIBYTE
    )
    session = sandbox.open(Source({"program.py": PROGRAM}, "begin"), limits)
    assert session.call("begin").value == [1]
    assert session.call("hold", 64, 1).value == 0
    reply = session.call("hold", 4096, 1)
    for _ in range(ATTEMPTS):
        reply = session.call("wait") if reply.status is Status.OK else reply
    session.close()
    assert reply.status is Status.OUT_OF_MEMORY, reply.error
    with gpu.lease(LIMITS, 30.0):
        pass


def test_cupy_computes_and_what_it_returns_must_be_plain() -> None:
    pytest.importorskip("cupy", reason="the package cupy is not installed")
    text = "import cupy\ndef plain(): return float(cupy.arange(10).sum())\ndef solve(): return cupy.arange(3)"
    sandbox = BubblewrapSandbox(("cupy-cuda12x",))
    session = sandbox.open(Source({"program.py": text}, "solve"), LIMITS)
    assert session.call("plain").value == 45.0
    reply = session.call("solve")
    assert reply.status is Status.INVALID and "cupy.asnumpy" in reply.error
    session.close()
    sandbox.close()
