"""What runs beside Evolve: the Docker engine with gVisor and our images, and GPUs."""

from __future__ import annotations

import importlib.util
import os
import socket
from contextlib import closing
from typing import TYPE_CHECKING

from evolve.core.errors import EvolveError, UnavailableError, UsageError
from evolve.doctor.findings import Finding, State

if TYPE_CHECKING:
    from sandbox.config import DockerConfig
    from sandbox.docker.engine import Engine

ENGINE_SECONDS = 5.0
SOCKET = "unix:///var/run/docker.sock"
_NEEDS_ENGINE = "needs a Docker engine"
_DRIVER = "/proc/driver/nvidia/version"


def docker() -> list[Finding]:
    """The engine; the runtime of gVisor and our images on it."""
    from sandbox.docker.engine import Engine

    try:
        _check_answers(os.environ.get("DOCKER_HOST") or SOCKET)
        with closing(Engine()) as engine:
            return [_engine_finding(engine), _gvisor(engine), _images(engine)]
    except EvolveError as error:
        forbidden = "may not be used" in error.message
        silent = isinstance(error, UnavailableError)
        state = State.FORBIDDEN if forbidden else State.UNKNOWN if silent else State.MISSING
        away = [Finding(name, State.UNKNOWN, _NEEDS_ENGINE) for name in ("gVisor", "Docker images")]
        return [Finding("Docker", state, error.message, (error.remedy,)), *away]


def check_options(config: DockerConfig) -> None:
    """Raises UsageError where the engine lacks the runtime or the image that was chosen. An image of ours is made."""
    from sandbox.docker import images
    from sandbox.docker.engine import Engine

    if config.runtime is None and config.image is None:
        return
    with closing(Engine()) as engine:
        engine.require_runtime(config.runtime)
        if config.image is not None and not images.exists(engine, config.image):
            raise UsageError(
                f"docker:image={config.image}: the engine has no such image",
                f"Type: docker pull {config.image}, or leave the image to Evolve: --sandbox docker",
            )


def gpu() -> Finding:
    """NVIDIA devices, their faults, and the array library."""
    from sandbox.gpu import leases, nvml

    try:
        devices = nvml.find()
    except UsageError as error:
        if os.path.exists(_DRIVER):
            return Finding("GPU", State.MISSING, error.message, (error.remedy,))
        remedy = f"Install the NVIDIA driver. {nvml.INSTALL}"
        return Finding("GPU", State.MISSING, "none here; only problems that ask for one need it", (remedy,))
    figures = {"devices": [device.name for device in devices]}
    faults = [f"device {one.index}: {fault}" for one in devices if (fault := one.fault or leases.settle(one))]
    if faults:
        remedy = "See what nvidia-smi says; a device that is lost comes back with a reboot."
        return Finding("GPU", State.DEGRADED, "; ".join(faults), (remedy,), figures=figures)
    says = ", ".join(f"{device.name} with {device.total_bytes >> 30} GiB" for device in devices)
    if importlib.util.find_spec("cupy") is None:
        says = f"{says}; CuPy is not installed"
        return Finding("GPU", State.DEGRADED, says, (nvml.INSTALL,), figures=figures)
    return Finding("GPU", State.OK, f"{says}; driver {devices[0].driver}", figures=figures)


def _check_answers(where: str) -> None:
    """Raises UnavailableError where something takes the question whether it lives and does not answer in time.

    Other failures are nothing yet: the client says better what they are.
    """
    if not where.startswith("unix://"):
        return
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ENGINE_SECONDS)
        try:
            connection.connect(where.removeprefix("unix://"))
            connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            connection.recv(1)
        except TimeoutError:
            raise UnavailableError(
                f"the Docker engine at {where} does not answer within {ENGINE_SECONDS:g} s",
                "Type: sudo systemctl restart docker",
            ) from None
        except OSError:
            return


def _engine_finding(engine: Engine) -> Finding:
    from docker import __version__ as package

    info = engine.info
    figures = {
        "version": info.get("ServerVersion"),
        "package": package,
        "storage": info.get("Driver"),
        "cgroup_version": info.get("CgroupVersion"),
        "runtimes": sorted(info.get("Runtimes", {})),
        "local": engine.is_local,
    }
    says = f"engine {figures['version']} with storage {figures['storage']}, Python's package {package}"
    if not engine.is_local:
        # What can not be seen has no clock of its own, see `Confinement.clock`.
        says += "; not of this machine, so times are measured more coarsely"
    return Finding("Docker", State.OK, says, figures=figures)


def _gvisor(engine: Engine) -> Finding:
    try:
        engine.require_runtime("runsc")
    except UsageError as error:
        return Finding("gVisor", State.MISSING, "the engine has no runtime runsc; it is optional", (error.remedy,))
    return Finding("gVisor", State.OK, "the engine has the runtime runsc: --sandbox docker:runtime=runsc")


def _images(engine: Engine) -> Finding:
    from sandbox.docker import images as docker_images

    images = docker_images.images(engine)
    figures = {"count": len(images)}
    if not images:
        says = "none yet; the first run with --sandbox docker makes one"
        return Finding("Docker images", State.MISSING, says, ("Type: evolve sandbox build",), figures=figures)
    return Finding("Docker images", State.OK, f"{len(images)} of ours: evolve sandbox list", figures=figures)
