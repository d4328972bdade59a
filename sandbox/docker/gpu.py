"""A leased GPU in a container: the engine passes it in by its identifier, with NVIDIA's container toolkit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from evolve.core.errors import InfrastructureError, UsageError
from sandbox.docker.container import Plan
from sandbox.docker.engine import Engine
from sandbox.gpu.nvml import Device
from sandbox.gpu.view import environment
from sandbox.limits import Limits

# What an engine says that knows no way to pass a GPU.
_NO_TOOLKIT = "could not select device driver"


def check(engine: Engine, runtime: str | None) -> None:
    """Raises UsageError where containers of the engine can not have a device that is leased here."""
    if not engine.is_local:
        raise UsageError(
            "limits.gpus: the Docker engine is on another machine, whose GPUs can not be leased from here",
            "Run Evolve on that machine.",
        )
    if runtime is not None and runtime.startswith("runsc"):
        raise UsageError(
            "limits.gpus: programs in gVisor get no GPU from Evolve", "Use --sandbox docker, or --sandbox bubblewrap."
        )


def with_device(plan: Plan, device: Device, limits: Limits) -> Plan:
    """The same kind of container, with the device."""
    variables = {**dict(plan.environment), **environment(device, limits)}
    # Inside there is one device, whatever it is called outside.
    variables["NVIDIA_VISIBLE_DEVICES"] = device.uuid
    return replace(plan, devices=(device.uuid,), environment=tuple(variables.items()))


@contextmanager
def explained() -> Iterator[None]:
    """Raises UsageError, with the remedy, where the engine knows no way to pass a GPU."""
    try:
        yield
    except InfrastructureError as error:
        if _NO_TOOLKIT not in error.message:
            raise
        raise UsageError(
            "limits.gpus: the Docker engine can not pass GPUs to containers",
            "Install nvidia-container-toolkit, type: sudo nvidia-ctk runtime configure --runtime=docker, "
            "and restart the engine.",
        ) from None
