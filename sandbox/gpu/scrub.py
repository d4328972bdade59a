"""Overwrites all free memory of a GPU, and reads back whether that was done: `python scrub.py`.

A trusted process of its own, started with CUDA_VISIBLE_DEVICES naming the device, because a CUDA context can not be
given back without ending its process. It stands alone. Prints one line of JSON: `overwritten_bytes`, `left_bytes`
(free, but in pieces that are too small to be had) and `total_bytes`; or `impossible` with the reason, where CUDA can
not be asked; or `failed` with the reason, where the device does not do what it is told.

CUDA driver API: https://docs.nvidia.com/cuda/cuda-driver-api (cuMemAlloc, cuMemsetD8, cuMemcpyDtoH).
"""

from __future__ import annotations

import ctypes
import json
import sys

LIBRARY = "libcuda.so.1"
PATTERN = 0xA5
LEAST_BLOCK_BYTES = 64 << 10
SAMPLE_BYTES = 4096
OUT_OF_MEMORY, NO_DEVICE, INVALID_DEVICE = 2, 100, 101

Size = ctypes.c_size_t


class Address(ctypes.c_uint64):
    """CUdeviceptr."""


class ImpossibleError(Exception):
    """CUDA is not there, or shows no device."""


class FailedError(Exception):
    """The device does not do what it is told."""


class Cuda:
    """The few calls that are needed. Raises FailedError with the number of the error."""

    def __init__(self) -> None:
        try:
            self.library = ctypes.CDLL(LIBRARY)
        except OSError as error:
            raise ImpossibleError(f"{LIBRARY} can not be loaded: {error}") from None

    def call(self, name: str, *arguments: object) -> None:
        """One call that must succeed."""
        number = self.attempt(name, *arguments)
        if number in (NO_DEVICE, INVALID_DEVICE):
            raise ImpossibleError(f"{name} finds no device ({number})")
        if number:
            raise FailedError(f"{name} fails with error {number} of CUDA")

    def attempt(self, name: str, *arguments: object) -> int:
        """The number of the error, 0 for none."""
        return int(getattr(self.library, name)(*arguments))


def begin(cuda: Cuda) -> None:
    """Makes a context on the first device that is visible."""
    device, context = ctypes.c_int(), ctypes.c_void_p()
    cuda.call("cuInit", ctypes.c_uint(0))
    cuda.call("cuDeviceGet", ctypes.byref(device), ctypes.c_int(0))
    cuda.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
    cuda.call("cuCtxSetCurrent", context)


def memory(cuda: Cuda) -> tuple[int, int]:
    """Free and total bytes."""
    free, total = Size(), Size()
    cuda.call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
    return free.value, total.value


def take_all(cuda: Cuda) -> list[tuple[Address, int]]:
    """Blocks of memory, the largest that there are, until nothing is left."""
    blocks = []
    size = memory(cuda)[0]
    while size >= LEAST_BLOCK_BYTES:
        address = Address()
        number = cuda.attempt("cuMemAlloc_v2", ctypes.byref(address), Size(size))
        if number == 0:
            blocks.append((address, size))
        elif number == OUT_OF_MEMORY:
            size //= 2
        else:
            raise FailedError(f"cuMemAlloc fails with error {number} of CUDA")
    return blocks


def overwrite(cuda: Cuda, blocks: list[tuple[Address, int]]) -> None:
    """Fills the blocks, and reads beginning, middle and end of each. Raises FailedError where they differ."""
    for address, size in blocks:
        cuda.call("cuMemsetD8_v2", address, ctypes.c_ubyte(PATTERN), Size(size))
    cuda.call("cuCtxSynchronize")
    sample, wanted = ctypes.create_string_buffer(SAMPLE_BYTES), bytes([PATTERN]) * SAMPLE_BYTES
    for address, size in blocks:
        for at in (0, size // 2, size - SAMPLE_BYTES):
            cuda.call("cuMemcpyDtoH_v2", sample, Address(address.value + at), Size(SAMPLE_BYTES))
            if sample.raw != wanted:
                raise FailedError("memory does not hold what was written to it")


def main() -> dict[str, object]:
    """What is to be printed."""
    try:
        cuda = Cuda()
        begin(cuda)
        blocks = take_all(cuda)
        overwrite(cuda, blocks)
        left_bytes, total_bytes = memory(cuda)
    except ImpossibleError as error:
        return {"impossible": str(error)}
    except FailedError as error:
        return {"failed": str(error)}
    return {
        "overwritten_bytes": sum(size for _, size in blocks),
        "left_bytes": left_bytes,
        "total_bytes": total_bytes,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main()) + "\n")
