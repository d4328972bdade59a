"""NVIDIA devices of this machine as NVML tells of them: what there is, who holds their memory, whether they are sound.

NVML comes with the driver, its Python module with the package nvidia-ml-py, which is imported when first needed. Asking
NVML makes no CUDA context. Names: https://docs.nvidia.com/deploy/nvml-api.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from evolve.core.errors import EvolveError, InfrastructureError, UsageError

INSTALL = "Type: pip install 'evolve-discovery[gpu]'"
_LOOK = "See what nvidia-smi says."
_MESSAGES = {
    "LibraryNotFound": (
        "there is no NVIDIA driver here",
        "Install it; nvidia-smi must list the device.",
    ),
    "DriverNotLoaded": ("the NVIDIA driver is not loaded", "Type: sudo modprobe nvidia"),
    "NoPermission": ("this user may not use the NVIDIA driver", "See who may open /dev/nvidiactl: ls -l /dev/nvidia*"),
    "LibRmVersionMismatch": (
        "the NVIDIA library and the loaded driver are of different versions",
        "Reboot, or load the driver anew.",
    ),
}
_FAULTS = {
    "IrqIssue": "its interrupts do not arrive",
    "GpuIsLost": "it is lost: it has fallen off the bus",
    "ResetRequired": "it must be reset",
    "GpuNotFound": "it is not found any more",
    "NotFound": "it is not found any more",
    "Unknown": "the driver fails for an unknown reason",
}


@dataclass(frozen=True, slots=True)
class Device:
    """A device. `minor` is the number in /dev/nvidiaN, which may differ from NVML's `index`; `total_bytes` its memory.

    `partitioned` says that MIG is on. `fault` is what NVML says is wrong with it, empty where nothing is; of a device
    that does not even tell who it is, `uuid` is empty.
    """

    index: int
    minor: int
    uuid: str
    name: str
    total_bytes: int
    driver: str
    partitioned: bool = False
    fault: str = ""

    @property
    def path(self) -> str:
        """Its device node."""
        return f"/dev/nvidia{self.minor}"


class DeviceError(Exception):
    """NVML can not say something of a device; the text says why."""


def find() -> tuple[Device, ...]:
    """All devices, at least one.

    Raises UsageError: no package, no driver, no device, no permission. Raises InfrastructureError where a driver that
    was there does not answer any more.
    """
    nvml = _nvml()
    try:
        driver, count = _text(nvml.nvmlSystemGetDriverVersion()), nvml.nvmlDeviceGetCount()
    except nvml.NVMLError as error:
        raise InfrastructureError(f"the NVIDIA driver does not answer: {error}", _LOOK) from None
    found = tuple(_device(nvml, index, driver) for index in range(count))
    if not found:
        raise UsageError("the NVIDIA driver finds no device", "See whether nvidia-smi lists one.")
    return found


def devices() -> tuple[Device, ...]:
    """All devices; none where they can not be asked for: `unavailable` says why. Never raises."""
    try:
        return find()
    except EvolveError:
        return ()


def unavailable() -> UsageError | None:
    """Why there are no devices, with the remedy; None where there are. Never raises."""
    try:
        find()
    except UsageError as error:
        return error
    except EvolveError as error:
        return UsageError(error.message, error.remedy)
    return None


def used_bytes(uuid: str) -> int:
    """Device memory in use by everybody. Raises DeviceError."""
    with _asking() as nvml:
        return int(nvml.nvmlDeviceGetMemoryInfo(_handle(nvml, uuid)).used)


def processes(uuid: str) -> dict[int, int | None]:
    """Bytes that each process with a CUDA context holds, None where the driver does not tell. Raises DeviceError.

    Numbers are those of the driver's pid namespace: in a container they may be nobody's that is known there.
    """
    with _asking() as nvml:
        found = nvml.nvmlDeviceGetComputeRunningProcesses(_handle(nvml, uuid))
        return {int(one.pid): None if one.usedGpuMemory is None else int(one.usedGpuMemory) for one in found}


def uncorrected_errors(uuid: str) -> int | None:
    """Memory errors since the driver was loaded that were not corrected; None where not counted. Raises DeviceError."""
    with _asking() as nvml:
        kind, since = nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, nvml.NVML_VOLATILE_ECC
        try:
            return int(nvml.nvmlDeviceGetTotalEccErrors(_handle(nvml, uuid), kind, since))
        except nvml.NVMLError_NotSupported:
            return None


def _device(nvml: Any, index: int, driver: str) -> Device:
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        minor = int(nvml.nvmlDeviceGetMinorNumber(handle))
        uuid, name = _text(nvml.nvmlDeviceGetUUID(handle)), _text(nvml.nvmlDeviceGetName(handle))
        total_bytes = int(nvml.nvmlDeviceGetMemoryInfo(handle).total)
        return Device(index, minor, uuid, name, total_bytes, driver, _partitioned(nvml, handle))
    except nvml.NVMLError as error:
        return Device(index, index, "", "a device that does not answer", 0, driver, fault=str(_error(error)))


def _partitioned(nvml: Any, handle: Any) -> bool:
    try:
        return bool(nvml.nvmlDeviceGetMigMode(handle)[0] == nvml.NVML_DEVICE_MIG_ENABLE)
    except nvml.NVMLError_NotSupported:
        return False


def _nvml() -> Any:
    """The module, ready to be asked by this very process. Raises UsageError."""
    return _initialised(os.getpid())


@cache
def _initialised(process_id: int) -> Any:
    try:
        nvml = importlib.import_module("pynvml")
    except ImportError:
        raise UsageError("the package nvidia-ml-py, which asks the NVIDIA driver, is not installed", INSTALL) from None
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        usual = (f"the NVIDIA driver does not answer: {error}", _LOOK)
        raise UsageError(*_MESSAGES.get(_kind(error), usual)) from None
    return nvml


def _handle(nvml: Any, uuid: str) -> Any:
    return nvml.nvmlDeviceGetHandleByUUID(uuid)


@contextmanager
def _asking() -> Iterator[Any]:
    """The module; its errors become DeviceError."""
    nvml = _nvml()
    try:
        yield nvml
    except nvml.NVMLError as error:
        raise _error(error) from None


def _error(error: Exception) -> DeviceError:
    return DeviceError(_FAULTS.get(_kind(error), f"NVML fails: {error}"))


def _kind(error: Exception) -> str:
    """`GpuIsLost` of NVMLError_GpuIsLost: the package makes a class for each error of NVML."""
    return type(error).__name__.removeprefix("NVMLError_")


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
