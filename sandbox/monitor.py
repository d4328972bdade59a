"""Limits of a running process, enforced: what waits on its pipes also holds the clocks and kills on excess."""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress

from evolve.core.clock import monotonic_seconds
from evolve.core.types import Status
from sandbox import procfs
from sandbox.limits import Limits
from sandbox.pairing import QUICK_SECONDS, Pairing
from sandbox.process import Child

MAX_THREADS = 256
MAX_FILES = 10_000
MAX_SOCKETS = 256
"""Threads of a session, files in its /tmp, sockets: their memory is the kernel's, where no limit of a process reaches.
"""

_SHORTEST_TICK, _LONGEST_TICK, _TREE_TICK = 0.002, 0.05, 0.005
_CHUNK_BYTES = 1 << 16
_PEAK_EVERY = 2e-3
_WEIGHING_SHARE = 0.1
_ENDING_SECONDS = 0.5
_NEAR = 0.8
_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Stopped(Exception):
    """The session is over: `status` and text say why, `died` that the process ended by itself."""

    def __init__(self, status: Status, text: str, died: bool = False) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.died = died


class Monitor:
    """Sends to a process and receives from it, under limits. Not thread-safe.

    An exchange is `begin`, any number of `send` and `receive`, and `spent`. All of them raise Stopped when a limit
    is reached or the process is gone; `end` then kills what is left. Processor time counts from the last `spent`.
    """

    def __init__(self, child: Child, limits: Limits) -> None:
        self.peak_bytes = 0
        self._child = child
        self._limits = limits
        self._tree = limits.processes > 1
        self._measure = child.tree_cpu_seconds if self._tree else child.cpu_seconds
        self._longest_tick = _TREE_TICK if self._tree or limits.gpus else _LONGEST_TICK
        self._wall_limit, self._cpu_limit = limits.wall_seconds, limits.cpu_seconds
        self._started = self._next_tick = monotonic_seconds()
        self._cpu = self._charged = self._next_weighing = 0.0
        # Before any: the first exchange is always looked at, however little it takes.
        self._peak_read = -1.0
        self._printed = bytearray()
        self._output = ""
        self._output_open = True
        self._inside = False
        self._pairing = Pairing(child.pid)
        self._poller = select.poll()
        # The order matters: what was printed before a reply is then seen no later than the reply.
        self._poller.register(child.reply_fd, select.POLLIN)
        self._poller.register(child.output_fd, select.POLLIN)

    def begin(self, wall_limit: float | None = None) -> None:
        """Starts the clock of an exchange, with the limits of the session or another one for both clocks."""
        self._inside = wall_limit is None
        self._wall_limit = self._limits.wall_seconds if wall_limit is None else wall_limit
        self._cpu_limit = self._limits.cpu_seconds if wall_limit is None else wall_limit
        self._started = monotonic_seconds()
        first = max(_SHORTEST_TICK, min(self._longest_tick, self._cpu_limit / _CORES))
        self._next_tick = self._started + min(self._wall_limit, QUICK_SECONDS if self._pairing.joined else first)
        self._pairing.enter()

    def settle(self, cpu_seconds: float) -> None:
        """So much was used by ours, before anything untrusted was loaded: processor time counts from there.

        A clock that is not the process's own may be behind it.
        """
        with suppress(ProcessLookupError):
            self._charged = min(cpu_seconds, self._measure())

    def forget_peak(self) -> None:
        """Makes the peak what the process holds now, where the kernel lets us; of one that is gone it stays."""
        procfs.forget_peak(self._child.pid)
        with suppress(ProcessLookupError):
            self.peak_bytes = self._child.usage().peak_bytes

    @property
    def output(self) -> str:
        """What was printed so far, cut at the limit."""
        if self._printed and not self._output:
            self._output = bytes(self._printed[: self._limits.output_bytes]).decode("utf-8", "replace")
        return self._output

    def silent(self) -> bool:
        """Whether nothing waits in the pipe of replies; what was printed meanwhile is taken in."""
        ready = self._poller.poll(0)
        return not (ready and self._take(ready, 1))

    def send(self, data: bytes) -> None:
        """All of it, as quickly as the process reads. A reply that comes before is nobody's answer."""
        rest = self._write(data)
        if not rest:
            return
        self._poller.register(self._child.call_fd, select.POLLOUT)
        try:
            while rest:
                ready = self._wait()
                if self._take([one for one in ready if one[0] != self._child.call_fd], 1):
                    raise Stopped(Status.FORBIDDEN, "it replied before it was asked")
                rest = self._write(rest)
        finally:
            self._poller.unregister(self._child.call_fd)

    def receive(self, size: int) -> bytes:
        """At least one and at most `size` bytes."""
        while True:
            data = self._take(self._wait(), size)
            if data:
                return data

    def spent(self) -> tuple[float, float]:
        """Processor and wall seconds of the exchange that ends here."""
        wall_seconds = monotonic_seconds() - self._started
        self._pairing.leave(wall_seconds if not self._tree else QUICK_SECONDS)
        try:
            self._cpu = max(self._cpu, self._measure())
            if self._cpu - self._peak_read > _PEAK_EVERY:
                self._look()
        except ProcessLookupError:
            self._child.stop()
            self._cpu = max(self._cpu, self._child.total_cpu_seconds)
        if self._child.out_of_memory():
            raise self._too_much()
        cpu_seconds = self._cpu - self._charged
        self._check(cpu_seconds, wall_seconds)
        self._charged = self._cpu
        return cpu_seconds, wall_seconds

    def end(self) -> tuple[float, float]:
        """Kills the tree, verifies that it is gone, and returns the seconds of the exchange that it cut short."""
        self._pairing.part()
        self._child.stop()
        wall_seconds = monotonic_seconds() - self._started
        self._cpu = max(self._cpu, self._child.total_cpu_seconds)
        self._drain()
        return self._cpu - self._charged, wall_seconds

    def gone(self) -> Stopped:
        """Why nothing more will come: the process ended, or has closed its pipe."""
        if not self._child.ended(_ENDING_SECONDS):
            if self._child.out_of_memory():  # the kernel has killed it, and a busy machine is slow to bury it
                return self._too_much(died=True)
            return Stopped(Status.FORBIDDEN, "it closed the pipe of its replies")
        code = self._child.stop()
        if self._child.out_of_memory():
            return self._too_much(died=True)
        killed = 128 < code <= 128 + signal.NSIG
        if code == 128 + signal.SIGKILL and self.peak_bytes >= _NEAR * self._limits.memory_bytes:
            return Stopped(Status.OUT_OF_MEMORY, "it was killed near its memory limit", died=True)
        how = f"was killed by signal {code - 128}" if killed else f"ended with exit status {code}"
        return Stopped(Status.CRASHED, f"its process {how} before it answered", died=True)

    def _write(self, data: bytes | memoryview) -> memoryview:
        """Writes what the pipe takes; returns the rest."""
        try:
            return memoryview(data)[os.write(self._child.call_fd, data) :]
        except BlockingIOError:
            return memoryview(data)
        except BrokenPipeError:
            raise self.gone() from None

    def _wait(self) -> list[tuple[int, int]]:
        """Until something is ready; looks at clocks and counts in between."""
        now = monotonic_seconds()
        while True:
            if now >= self._next_tick:
                self._tick(now)
            ready = self._poller.poll((self._next_tick - now) * 1e3)
            began, now = now, monotonic_seconds()
            self._child.awaited(now - began)
            if ready:
                return ready

    def _take(self, ready: list[tuple[int, int]], size: int) -> bytes:
        """Reads what is ready: output into its buffer, bytes of a reply for the caller."""
        data = b""
        for number, _ in ready:
            if number == self._child.output_fd:
                self._drain()
                if len(self._printed) > self._limits.output_bytes:
                    raise Stopped(Status.OUTPUT_FLOOD, f"it printed more than {self._limits.output_bytes} bytes")
            else:
                data = os.read(number, size)
                if not data:
                    raise self.gone()
        return data

    def _drain(self) -> None:
        try:
            part = os.read(self._child.output_fd, _CHUNK_BYTES)
        except BlockingIOError:
            return
        if not part and self._output_open:
            self._output_open = False
            self._poller.unregister(self._child.output_fd)
        self._printed += part
        self._output = ""
        # One byte too many is enough to know that there were too many.
        del self._printed[self._limits.output_bytes + 1 :]

    def _tick(self, now: float) -> None:
        wall_left = self._started + self._wall_limit - now
        self._pairing.part()
        try:
            self._cpu = max(self._cpu, self._measure())
            cpu_left = self._cpu_limit - (self._cpu - self._charged)
            self._check(self._cpu_limit - cpu_left, self._wall_limit - wall_left)
            self._look()
        except ProcessLookupError:
            raise self.gone() from None
        soon = min(self._longest_tick, cpu_left / _CORES)
        self._next_tick = monotonic_seconds() + min(wall_left, max(_SHORTEST_TICK, soon))

    def _check(self, cpu_seconds: float, wall_seconds: float) -> None:
        if cpu_seconds > self._cpu_limit:
            raise Stopped(Status.TIMED_OUT, f"it used more than {self._cpu_limit:g} s of processor time")
        if wall_seconds >= self._wall_limit:
            raise Stopped(Status.TIMED_OUT, f"it took longer than {self._wall_limit:g} s")

    def _look(self) -> None:
        """Reads memory, and counts what no limit of the kernel bounds for us. Raises ProcessLookupError too."""
        descendants = self._child.descendants() if self._tree else []
        # Before anything is read of each of them: there may be thousands, and more by then.
        if len(descendants) >= self._limits.processes:
            raise Stopped(Status.FORBIDDEN, f"it started more than {self._limits.processes} processes")
        usage = self._child.usage(descendants)
        self._peak_read = self._cpu
        self.peak_bytes = max(self.peak_bytes, usage.peak_bytes)
        if usage.threads > MAX_THREADS:
            raise Stopped(Status.FORBIDDEN, f"it started more than {MAX_THREADS} threads")
        if self._inside and self._tree and self._child.sockets() > MAX_SOCKETS:
            raise Stopped(Status.FORBIDDEN, f"it made more than {MAX_SOCKETS} sockets")
        # While it starts, the process may still see the machine's own /tmp.
        files, file_bytes = self._child.files("/tmp") if self._inside else (0, 0)  # noqa: S108
        if files > MAX_FILES:
            raise Stopped(Status.FORBIDDEN, f"it made more than {MAX_FILES} files")
        if self._child.out_of_memory():
            raise self._too_much()
        if self._tree:
            self._weigh(usage.resident_bytes, file_bytes)
        if self._limits.gpus:
            self._weigh_with_gpu(usage.resident_bytes)

    def _weigh_with_gpu(self, resident_bytes: int) -> None:
        """Raises Stopped where too much is held: no limit of the kernel is on it, nor on the device's memory."""
        if not self._tree and resident_bytes > self._limits.memory_bytes:
            raise self._too_much()
        held_bytes, most = self._child.device_bytes(), self._limits.gpu_memory_bytes
        if most and held_bytes > most:
            raise Stopped(Status.OUT_OF_MEMORY, f"it holds more than {most} bytes of the GPU's memory")

    def _weigh(self, resident_bytes: int, file_bytes: int) -> None:
        """Raises Stopped where the tree holds too much; what they share, and files in memory, are counted once.

        To ask the kernel takes longer the more there is, so it is asked only where the answer may matter, and for the
        peak alone no more than `_WEIGHING_SHARE` of the time.
        """
        too_many = resident_bytes > self._limits.memory_bytes
        began = monotonic_seconds()
        if not too_many and (resident_bytes + file_bytes <= self.peak_bytes or began < self._next_weighing):
            return
        held_bytes, filed_bytes = self._child.held_bytes()
        now = monotonic_seconds()
        self._next_weighing = now + (now - began) / _WEIGHING_SHARE
        self.peak_bytes = max(self.peak_bytes, held_bytes + max(0, file_bytes - filed_bytes))
        if held_bytes > self._limits.memory_bytes:
            raise self._too_much()

    def _too_much(self, died: bool = False) -> Stopped:
        text = f"its processes hold more than {self._limits.memory_bytes} bytes together"
        return Stopped(Status.OUT_OF_MEMORY, text, died)
