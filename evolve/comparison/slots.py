"""Runs side by side: a process for each slot, which carries out one trial after another."""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from evolve.comparison.plan import Plan, Trial
from evolve.comparison.service import DONE, FAILED, SHARE, WARNING
from evolve.core.errors import InfrastructureError

MAX_DEATHS = 3
PUT_AWAY_SECONDS = 5.0

Told = Callable[[Trial, float], None]
Warn = Callable[[str], None]


def carry_out(plan: Plan, trials: Sequence[Trial], count: int, told: Told, warn: Warn) -> None:
    """Carry out all trials in `count` processes; `told` hears how far each is, from several threads.

    Raises the first error of a run, or KeyboardInterrupt; the processes then end at once, and what they had committed
    is kept. A process that dies is started again and goes on with its trial, up to three times.
    """
    waiting: queue.SimpleQueue[Trial] = queue.SimpleQueue()
    for trial in trials:
        waiting.put(trial)
    slots = [_Slot(plan, told, warn) for _ in range(min(count, len(trials)))]
    with ThreadPoolExecutor(max(1, len(slots))) as threads:
        try:
            for future in as_completed([threads.submit(slot.serve, waiting) for slot in slots]):
                future.result()
        finally:
            for slot in slots:
                slot.end()


class _Slot:
    """One process, started when it is needed."""

    def __init__(self, plan: Plan, told: Told, warn: Warn) -> None:
        self._plan, self._told, self._warn = plan, told, warn
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = False
        self._lock = threading.Lock()

    def serve(self, waiting: queue.SimpleQueue[Trial]) -> None:
        """Carry out what waits until nothing does. Raises the error of a run."""
        with contextlib.suppress(queue.Empty):
            while not self._ended:
                self._carry_out(waiting.get_nowait())

    def end(self) -> None:
        """End the process, whatever it is at."""
        with self._lock:
            self._ended = True
            process, self._process = self._process, None
        if process is not None:
            _put_away(process)

    def _carry_out(self, trial: Trial) -> None:
        for _ in range(MAX_DEATHS):
            process = self._started()
            if process is None:
                return
            try:
                self._asked(process, trial)
            except (EOFError, OSError, ValueError, pickle.UnpicklingError):  # ValueError: closed by `end`
                if self._ended:
                    return
                with self._lock:
                    self._process = None
                process.kill()
                _put_away(process)
            else:
                return
        raise InfrastructureError(
            f"the process died {MAX_DEATHS} times over {trial.policy} with seed {trial.seed}",
            "Look for the kernel's out-of-memory messages, or start with fewer --workers. Nothing is lost.",
        )

    def _asked(self, process: subprocess.Popen[bytes], trial: Trial) -> None:
        orders, answers = process.stdin, process.stdout
        if orders is None or answers is None:
            raise EOFError
        orders.write(pickle.dumps((self._plan, trial)))
        orders.flush()
        while True:
            kind, value = pickle.load(answers)  # noqa: S301 - both ends are ours
            match kind:
                case _ if kind == SHARE:
                    self._told(trial, value)
                case _ if kind == WARNING:
                    self._warn(value)
                case _ if kind == DONE:
                    self._told(trial, 1.0)
                    return
                case _ if kind == FAILED:
                    raise value

    def _started(self) -> subprocess.Popen[bytes] | None:
        """The process; None where all is at its end."""
        with self._lock:
            if self._ended:
                return None
            self._process = self._process or _start()
            return self._process


def _put_away(process: subprocess.Popen[bytes]) -> None:
    """Without its input a process ends by itself, and its own workers with it."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    try:
        process.wait(PUT_AWAY_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _start() -> subprocess.Popen[bytes]:
    # It is as trusted as this process, and may need the keys of models; its own workers get none.
    environment: dict[str, Any] = {**os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(path or os.getcwd() for path in sys.path)
    # Runs stand side by side: none of them may take the other's core.
    environment.setdefault("OPENBLAS_NUM_THREADS", "1")
    command = [sys.executable, "-P", "-m", "evolve.comparison.service"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
