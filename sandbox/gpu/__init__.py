"""A GPU for one candidate at a time: leased, bounded, overwritten afterwards, and not believed when it is broken.

    with lease(limits) as held:
        ...  # a process on held.device

What it promises: no two candidates of this user are on a device at once; what a candidate left in the device's memory
is overwritten, and read back, before the next; a device that does not work without a candidate either is leased to
nobody, and the candidate that was on it gets no verdict. What it does not: registers, shared memory and caches of the
device are left to the driver, as is memory that it keeps for itself; what is held is looked at every few milliseconds,
so a program may hold more for a moment; who else uses the device meanwhile is seen by its load; memory of this machine
that the driver pins for a program may be in nobody's account. The driver itself is large and runs in the kernel:
a program on a GPU attacks more of the kernel than another does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from evolve.core.errors import InfrastructureError
from sandbox.base import Confinement, Reply
from sandbox.gpu.leases import Lease, lease, named, recheck, settle
from sandbox.gpu.nvml import Device, devices, unavailable
from sandbox.gpu.view import NOT_PRELOADED, device_request
from sandbox.limits import Limits
from sandbox.process import Child
from sandbox.session import ProcessSession

__all__ = [
    "NOT_PRELOADED",
    "Device",
    "Lease",
    "LeasedSession",
    "device_request",
    "devices",
    "lease",
    "open_leased",
    "recheck",
    "recorded",
    "settle",
    "unavailable",
]


class LeasedSession(ProcessSession):
    """A session on a leased device: what its program answers counts only where the device is sound after it."""

    def __init__(self, child: Child, limits: Limits, held: Lease) -> None:
        child.lease = held
        self._lease = held
        super().__init__(child, limits)

    def call(self, entry: str, *args: Any) -> Reply:
        """See `Session`. Raises InfrastructureError where the device failed."""
        reply = super().call(entry, *args)
        try:
            self._lease.verify()
        except InfrastructureError:
            self.close()
            raise
        return reply

    def close(self) -> None:
        """See `Session`."""
        try:
            super().close()
        finally:
            if self._lease.ends_with_session:
                self._lease.release()


def open_leased(limits: Limits, open_with: Callable[[Lease], ProcessSession]) -> ProcessSession:
    """A session that `open_with` opens on a leased device; closing it gives the device back. Raises what they raise."""
    held = lease(limits)
    try:
        session = open_with(held)
        held.ends_with_session = True
    except BaseException:
        held.release()
        raise
    return session


def recorded(found: Confinement, limits: Limits) -> Confinement:
    """What stands in the record where programs have a GPU. Leases one to find out; raises what `lease` does."""
    with lease(limits) as held:
        device = held.device
        details = {"gpu": f"{named(device)}, driver {device.driver}", "gpu memory": held.scrubbed}
    most = limits.gpu_memory_bytes or device.total_bytes
    by = "count by the host, as the driver tells it" if limits.gpu_memory_bytes else "the device's own size"
    memory_by = found.limits["memory_bytes"][1].replace("address space of each process", "resident memory as seen")
    bounds = {
        **found.limits,
        "memory_bytes": (limits.memory_bytes, memory_by),
        "gpus": (limits.gpus, "lease of a whole device"),
        "gpu_memory_bytes": (most, by),
    }
    return replace(found, limits=bounds, details={**found.details, **details})
