"""A driver that is not there: answers like the module of nvidia-ml-py, from a file that several processes may change.

FAKE_NVML names the file, JSON: `error` (of nvmlInit), `gone` (it answered before), `driver`, and `devices`, each with
`uuid`, `name`, `minor`, `total`, `used`, `mig` (None: not supported), `uncorrected` (None: not counted), `processes`
(pid to bytes or None) and `error`, the name of the error that every question about the device answers with.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

NVML_DEVICE_MIG_ENABLE = 1
NVML_VOLATILE_ECC = 0
NVML_MEMORY_ERROR_TYPE_UNCORRECTED = 1


class NVMLError(Exception):
    pass


_NAMES = (
    "LibraryNotFound DriverNotLoaded NoPermission LibRmVersionMismatch NotSupported NotFound Timeout IrqIssue "
    "GpuIsLost ResetRequired GpuNotFound Unknown"
)
_ERRORS = {name: type(f"NVMLError_{name}", (NVMLError,), {}) for name in _NAMES.split()}
globals().update({kind.__name__: kind for kind in _ERRORS.values()})


def _state() -> dict[str, Any]:
    return json.loads(Path(os.environ["FAKE_NVML"]).read_text())


def _of(handle: str) -> dict[str, Any]:
    (found,) = [one for one in _state()["devices"] if one["uuid"] == handle]
    _fail(found.get("error"))
    return found


def _fail(name: str | None) -> None:
    if name:
        raise _ERRORS[name](name)


def nvmlInit() -> None:
    _fail(_state().get("error"))


def nvmlSystemGetDriverVersion() -> str:
    if _state().get("gone"):
        _fail("Unknown")
    return str(_state()["driver"])


def nvmlDeviceGetCount() -> int:
    return len(_state()["devices"])


def nvmlDeviceGetHandleByIndex(index: int) -> str:
    return str(_state()["devices"][index]["uuid"])


def nvmlDeviceGetHandleByUUID(uuid: str) -> str:
    if uuid not in [one["uuid"] for one in _state()["devices"]]:
        _fail("NotFound")
    return uuid


def nvmlDeviceGetUUID(handle: str) -> str:
    return handle


def nvmlDeviceGetName(handle: str) -> bytes:
    return str(_of(handle)["name"]).encode()


def nvmlDeviceGetMinorNumber(handle: str) -> int:
    return int(_of(handle)["minor"])


def nvmlDeviceGetMemoryInfo(handle: str) -> SimpleNamespace:
    found = _of(handle)
    return SimpleNamespace(total=found["total"], used=found["used"], free=found["total"] - found["used"])


def nvmlDeviceGetMigMode(handle: str) -> list[int]:
    mode = _of(handle)["mig"]
    if mode is None:
        _fail("NotSupported")
    return [mode, mode]


def nvmlDeviceGetTotalEccErrors(handle: str, kind: int, since: int) -> int:
    assert (kind, since) == (NVML_MEMORY_ERROR_TYPE_UNCORRECTED, NVML_VOLATILE_ECC)
    count = _of(handle)["uncorrected"]
    if count is None:
        _fail("NotSupported")
    return int(count)


def nvmlDeviceGetComputeRunningProcesses(handle: str) -> list[SimpleNamespace]:
    held = _of(handle)["processes"]
    return [SimpleNamespace(pid=int(pid), usedGpuMemory=size) for pid, size in held.items()]
