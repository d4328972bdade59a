"""What a sandbox shows of one GPU: device nodes, the driver's libraries, and what CUDA reads of the kernel.

Known of CUDA, from other sandboxes and from the kernel module's source, and where no device was at hand not tried here:

* device nodes must be bound with their devices usable, and no other device's node is needed;
* cuInit fails with error 304 where /proc/self/task/TID/comm can not be written (drivers from 570 on, for the names of
  threads), so there must be a /proc. It is a fresh one, in which the program, the first of its pid namespace, finds
  itself and nobody else, and of the rest what CUDA reads, read-only: where the host is root, the program would be the
  owner of what is to be written there;
* it fails likewise without parts of /sys: the size of memory blocks, NUMA nodes, PCI devices. They are shown read-only,
  and tell what hardware there is;
* it makes a file in memory and listens on a socket of an abstract name (see `seccomp`).

Not shown: /dev/nvidia-caps, which is for MIG; the pipes of an MPS server, whose clients are not kept apart.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from glob import glob
from typing import Any

from sandbox.gpu.nvml import Device
from sandbox.limits import MEBIBYTE, Limits

DRIVER = "/opt/driver"
NOT_PRELOADED = frozenset(
    {"cupy", "cupyx", "cupy_backends", "torch", "jax", "jaxlib", "tensorflow", "triton", "pycuda", "cuda", "numba_cuda"}
)
"""Modules that may make a CUDA context, or begin to: no process that is forked later may import them.

A context does not survive a fork (CUDA C Programming Guide, "Context"), and would hold memory of a device that is
leased to nobody. numba makes none before its first kernel.
"""

_NODES = ("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools")
_KERNEL = ("/sys/bus/pci", "/sys/devices/system", "/sys/devices/pci*", "/sys/module/nvidia", "/sys/module/nvidia_uvm")
# Folders of /proc that CUDA reads, and files that say what a program may know: of what kind the machine is.
_PROC_READ = frozenset({"sys", "driver"})
_PROC_SHOWN = frozenset({"cpuinfo", "devices", "filesystems", "meminfo", "modules", "version"})
_LIBRARIES = re.compile(r"lib(cuda|nvidia-(ptxjitcompiler|nvvm[0-9]*|gpucomp))\.so[.0-9]*")
_FOLDERS = ("/usr/lib/*-linux-gnu*", "/usr/lib64", "/usr/lib", "/usr/lib/wsl/lib", "/usr/local/nvidia/lib64")
_CACHED = re.compile(r"^\s*(\S+) \(libc6,(x86-64|AArch64)[^)]*\) => (\S+)$", re.MULTILINE)
_ARCHITECTURES = {"x86_64": "x86-64", "aarch64": "AArch64"}
_MPS_PIPE = "/tmp/nvidia-mps"  # noqa: S108


@dataclass(frozen=True, slots=True)
class View:
    """Options for bwrap, and variables of the environment. `libraries` is a folder for the loader's search path."""

    options: tuple[str, ...]
    environment: dict[str, str]
    libraries: str = DRIVER


def view(device: Device, limits: Limits) -> View:
    """The device for bwrap. What is not there is left out: then CUDA says so to the program."""
    options: list[str] = []
    for node in (device.path, *_NODES):
        options += ["--dev-bind-try", node, node]
    for name, path in sorted(libraries().items()):
        options += ["--ro-bind", path, f"{DRIVER}/{name}"]
    for path in (path for pattern in _KERNEL for path in sorted(glob(pattern))):
        options += ["--ro-bind", path, path]
    return View((*options, *_proc()), environment(device, limits))


def _proc() -> list[str]:
    """Options for a /proc that says little beyond the program itself, and in which nothing else can be written to."""
    options = ["--proc", "/proc"]
    for entry in sorted(os.scandir("/proc"), key=lambda entry: entry.name):
        name = entry.path
        if entry.name.isdigit() or entry.is_symlink():
            continue
        if entry.name in _PROC_READ:
            options += ["--ro-bind", name, name]
        elif entry.is_dir():
            options += ["--tmpfs", name, "--remount-ro", name]
        elif entry.name not in _PROC_SHOWN:
            options += ["--ro-bind", os.devnull, name]
    return options


def environment(device: Device, limits: Limits) -> dict[str, str]:
    """What makes CUDA see this device alone, and keep compiled kernels out of the small /tmp."""
    found = {
        "CUDA_VISIBLE_DEVICES": device.uuid,
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "CUDA_CACHE_DISABLE": "1",
        "CUPY_CACHE_IN_MEMORY": "1",
    }
    if limits.gpu_memory_bytes and mps_runs():
        found["CUDA_MPS_PINNED_DEVICE_MEM_LIMIT"] = f"0={limits.gpu_memory_bytes // MEBIBYTE}M"
    return found


def mps_runs() -> bool:
    """Whether a server of NVIDIA's Multi-Process Service waits for clients; only its clients heed its memory limit."""
    return os.path.exists(os.path.join(os.environ.get("CUDA_MPS_PIPE_DIRECTORY", _MPS_PIPE), "control"))


def libraries() -> dict[str, str]:
    """The driver's own libraries that CUDA loads, by name, with the file that each is."""
    found: dict[str, str] = {}
    for name, path in _installed():
        if _LIBRARIES.fullmatch(name) and os.path.isfile(path):
            found.setdefault(name, os.path.realpath(path))
    return found


def device_request(*uuids: str) -> Any:
    """Devices for a container of Docker, by their identifiers; the engine needs NVIDIA's container toolkit."""
    from docker.types import DeviceRequest

    return DeviceRequest(device_ids=list(uuids), capabilities=[["gpu", "compute"]])


def _installed() -> Iterator[tuple[str, str]]:
    """Names and paths of libraries: those that the loader knows, then those in the usual places."""
    program = shutil.which("ldconfig") or "/sbin/ldconfig"
    architecture = _ARCHITECTURES.get(platform.machine())
    try:
        said = subprocess.run([program, "-p"], capture_output=True, text=True, check=False, env={}).stdout
    except OSError:
        said = ""
    yield from ((name, path) for name, kind, path in _CACHED.findall(said) if kind == architecture)
    for folder in _FOLDERS:
        for path in sorted(glob(f"{folder}/lib*.so*")):
            yield os.path.basename(path), path
