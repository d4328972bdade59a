"""A GPU that is one candidate's, from the moment when it is fit for the next to the moment when it is so again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TypeVar

from evolve.core.clock import monotonic_seconds
from evolve.core.errors import InfrastructureError, ProblemError, UnavailableError, UsageError
from sandbox.gpu import nvml
from sandbox.gpu.marks import Lock, Marks, pause
from sandbox.gpu.memory import scrub
from sandbox.gpu.nvml import Device, DeviceError
from sandbox.limits import MEBIBYTE, Limits

WAIT_SECONDS = 600.0
GONE_SECONDS = 10.0
PAUSE_SECONDS = 0.02
ATTEMPTS = 3
ATTEMPT_SECONDS = 0.2
LEAST_LOOK_SECONDS, LOOK_SHARE = 0.01, 0.1
REMEDY = "Type: evolve doctor (it tests the device and lets it be used again where it is sound), or reboot."

_Answer = TypeVar("_Answer")


class Lease:
    """A device that nobody else of this user has, until `release`. Not thread-safe. Made by `lease`.

    `scrubbed` says what became of the memory of the program before. With `ends_with_session` the session that runs on
    the device gives it back when it is closed.
    """

    def __init__(self, device: Device, lock: Lock, marks: Marks) -> None:
        self.device = device
        self.scrubbed = "overwritten and read back after each program"
        self.ends_with_session = False
        self._lock, self._marks = lock, marks
        self._ours: set[int] = set()
        self._others: frozenset[int] = frozenset()
        self._errors: int | None = None
        self._used_bytes = self._held_bytes = 0
        self._next_look = 0.0
        self._released = False

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def begin(self) -> bool:
        """Whether the device is sound and its memory overwritten; one that is not is marked and given back."""
        fault = None
        if not self._lock.clean:
            # Its last holder was killed, or there was none.
            self._ours = set(self._lock.pids)
            fault = self._fault() or self._scrub()
            self._ours.clear()
        try:
            self._others = frozenset(self._ask(nvml.processes))
            self._used_bytes = self._ask(nvml.used_bytes)
            self._errors = self._ask(nvml.uncorrected_errors)
        except DeviceError as error:
            fault = fault or str(error)
        if fault:
            self._mark(fault)
        else:
            self._lock.write(clean=False)
        return fault is None

    def held_bytes(self, pids: Iterable[int]) -> int:
        """Device memory of the processes; asked of the driver in a tenth of the time at most, else the last answer.

        Where the driver's numbers are of another pid namespace, all count that came after the lease began and are
        nobody here. Raises InfrastructureError where the device does not answer.
        """
        began = monotonic_seconds()
        if began < self._next_look:
            return self._held_bytes
        try:
            self._held_bytes = self._weigh(frozenset(pids))
        except DeviceError as error:
            raise self._broken(str(error)) from None
        now = monotonic_seconds()
        self._next_look = now + max(LEAST_LOOK_SECONDS, (now - began) / LOOK_SHARE)
        return self._held_bytes

    def verify(self) -> None:
        """Raises InfrastructureError where the device is faulty now: whatever a program answered counts for nothing."""
        try:
            self._ask(nvml.used_bytes)
            fault = self._new_errors()
        except DeviceError as error:
            fault = str(error)
        if fault:
            raise self._broken(fault)

    def release(self) -> None:
        """Overwrites the memory and gives the device to the next. The program is gone before. May be repeated.

        A fault that outlives the program marks the device: it is leased no more. In a copy of the process that leased
        it nothing happens. Who forgets to release it gives it back as well, for the next to overwrite its memory.
        """
        if self._released or not self._lock.ours:
            return
        try:
            fault = self._fault() or self._scrub()
            if fault:
                self._mark(fault)
        finally:
            self._give_back()

    def _weigh(self, pids: frozenset[int]) -> int:
        found = self._ask(nvml.processes)
        ours = {pid for pid in found if pid in pids or (pid not in self._others and not os.path.exists(f"/proc/{pid}"))}
        if not ours <= self._ours:
            self._ours |= ours
            self._lock.write(clean=False, pids=self._ours)
        sizes = [found[pid] for pid in ours]
        if None in sizes:
            return max(0, self._ask(nvml.used_bytes) - self._used_bytes)
        return sum(size for size in sizes if size is not None)

    def _fault(self) -> str | None:
        """What is wrong with the device although the program is gone; None where nothing is."""
        deadline = monotonic_seconds() + GONE_SECONDS
        try:
            while left := self._ours & self._ask(nvml.processes).keys():
                if monotonic_seconds() > deadline:
                    return f"process {min(left)} is gone and still holds memory of it"
                pause(PAUSE_SECONDS)
            self._ask(nvml.used_bytes)
            return self._new_errors()
        except DeviceError as error:
            return str(error)

    def _ask(self, question: Callable[[str], _Answer]) -> _Answer:
        """The answer to one question, asked anew where that may help. Raises DeviceError."""
        for _ in range(ATTEMPTS - 1):
            try:
                return question(self.device.uuid)
            except DeviceError:
                pause(ATTEMPT_SECONDS)
        return question(self.device.uuid)

    def _new_errors(self) -> str | None:
        """Raises DeviceError."""
        if self._errors is None:
            return None
        now = self._ask(nvml.uncorrected_errors)
        if now is None or now <= self._errors:
            return None
        return f"{now - self._errors} errors of its memory could not be corrected"

    def _scrub(self) -> str | None:
        """Overwrites the memory and says so beside the lock; returns a fault of the device."""
        done = scrub(self.device)
        self.scrubbed = done.words
        self._lock.write(done.clean)
        return done.words if done.fault else None

    def _mark(self, fault: str) -> None:
        self._marks.mark_unhealthy(self.device.uuid, fault)
        self._give_back()

    def _give_back(self) -> None:
        self._released = True
        self._lock.close()

    def _broken(self, fault: str) -> InfrastructureError:
        return InfrastructureError(f"{named(self.device)} failed while a program ran on it: {fault}", REMEDY)


def lease(limits: Limits, wait_seconds: float = WAIT_SECONDS) -> Lease:
    """A device with the memory that is asked for, its turn awaited. Those who wait longest come first.

    Raises:
        UsageError: there is no device, or none that can be leased as a whole.
        ProblemError: no device has so much memory. InfrastructureError: none is fit, or all are marked unhealthy.
        UnavailableError: none became free within `wait_seconds`.
    """
    suitable = _suitable(limits)
    marks = Marks()
    deadline = monotonic_seconds() + wait_seconds
    while True:
        device, lock = _take(suitable, marks, deadline, wait_seconds)
        held = Lease(device, lock, marks)
        try:
            if held.begin():
                return held
        except BaseException:
            lock.close()
            raise


def recheck(device: Device) -> str | None:
    """Tests a device that nobody has: asks it, and overwrites its memory. One that is sound may be leased again.

    Returns what is wrong with it, or who has it; None where nothing is.
    """
    marks = Marks()
    lock = marks.lock(device.uuid)
    if lock is None:
        return "a program runs on it"
    # Nothing is known to be overwritten any more, so `begin` overwrites it.
    lock.write(clean=False)
    with Lease(device, lock, marks) as held:
        if not held.begin():
            return marks.unhealthy(device.uuid) or "it was marked by another process"
    marks.mark_healthy(device.uuid)
    return None


def settle(device: Device) -> str | None:
    """What is wrong with a device that was marked unhealthy; one that turns out to be sound may be leased again.

    None where it was not marked, or is sound.
    """
    return None if Marks().unhealthy(device.uuid) is None else recheck(device)


def _suitable(limits: Limits) -> list[Device]:
    found = nvml.find()
    whole = [device for device in found if not device.fault and not device.partitioned]
    if not whole:
        why = "; ".join(f"{named(device)}: {device.fault or 'it is split by MIG'}" for device in found)
        if any(device.fault for device in found):
            raise InfrastructureError(f"no GPU is fit to be used: {why}", REMEDY)
        raise UsageError(f"no GPU here can be leased as a whole: {why}", "See nvidia-smi; MIG devices are left alone.")
    large = [device for device in whole if device.total_bytes >= limits.gpu_memory_bytes]
    if not large:
        most = max(device.total_bytes for device in whole)
        raise ProblemError(
            f"limits.gpu_memory_bytes is {limits.gpu_memory_bytes}; the largest GPU here has {most}",
            f"Set gpu_memory_mebibytes under [limits] in problem.toml to at most {most // MEBIBYTE}.",
        )
    return large


def _take(suitable: list[Device], marks: Marks, deadline: float, wait_seconds: float) -> tuple[Device, Lock]:
    """The first that is free and not marked, when it is our turn."""
    with marks.queue() as place:
        while True:
            sick = {device: marks.unhealthy(device.uuid) for device in suitable}
            if all(sick.values()):
                why = "; ".join(f"{named(device)}: {reason}" for device, reason in sick.items())
                raise InfrastructureError(f"no GPU is fit to be used: {why}", REMEDY)
            if place.is_first():
                for device in suitable:
                    lock = marks.lock(device.uuid) if not sick[device] else None
                    if lock is not None and marks.unhealthy(device.uuid) is None:
                        return device, lock
                    if lock is not None:
                        lock.close()
            if not place.wait(deadline):
                raise UnavailableError(
                    f"no GPU became free within {wait_seconds:g} s",
                    "Run fewer workers than there are GPUs, or see what holds them: nvidia-smi",
                )


def named(device: Device) -> str:
    return f"GPU {device.index} ({device.name})"
