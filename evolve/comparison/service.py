"""A process that carries out one run of a comparison after another: asked and answering by pickles on its pipes.

Started by `evolve.comparison.slots`. It ends at once when nobody asks any more; what it had committed is kept.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import threading
from collections.abc import Callable
from typing import Any, BinaryIO

from archive.store import Archive
from evolve.comparison.plan import Plan, Trial, found, is_done
from evolve.core.clock import monotonic_seconds
from evolve.core.errors import EvolveError, InfrastructureError
from evolve.events import Event, RecordCommitted, Warned
from evolve.result import RunResult

NEWS_SECONDS = 0.5
SHARE, WARNING, DONE, FAILED = "share", "warning", "done", "failed"

Say = Callable[[str, Any], None]


def carry_out(plan: Plan, trial: Trial, say: Say, known: RunResult | None = None) -> RunResult | None:
    """Begin the trial's run, or go on with it, to its end; its result, None where it had ended before. `known` is the
    result of another trial of the plan. Raises what `evolve.run` raises."""
    from evolve.api import run

    with Archive.open(plan.arguments["archive"]) as archive:
        row = found(archive, plan).get(trial)
    if row is not None and is_done(row):
        return None
    arguments = plan.beginning(trial) if row is None else plan.resuming(row.id)
    listener = _Listener(plan, say)
    return run(**arguments, workers=1, final_check=False, progress=False, listener=listener, known=known)


class _Listener:
    """Tells how far a run is, at most twice a second, and what it warns of."""

    def __init__(self, plan: Plan, say: Say) -> None:
        self._limits, self._say, self._next = plan.config, say, 0.0

    def __call__(self, event: Event) -> None:
        if isinstance(event, Warned):
            self._say(WARNING, event.text)
        elif isinstance(event, RecordCommitted) and monotonic_seconds() >= self._next:
            self._next = monotonic_seconds() + NEWS_SECONDS
            share = event.evaluations / self._limits.evaluations
            if event.spending is not None and self._limits.usd:
                share = max(share, event.spending.usd / self._limits.usd)
            self._say(SHARE, min(0.999, share))  # 1.0 is for what has ended


def main() -> None:
    """Serve until the input closes."""
    # Ctrl-C is for the process that asks.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what is printed here must not look like an answer
    orders: queue.SimpleQueue[tuple[Plan, Trial]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(asked, orders), daemon=True).start()

    def say(kind: str, value: Any) -> None:
        answers.write(pickle.dumps((kind, value)))
        answers.flush()

    # A plan's runs have seed and baselines in common: the first one scores them.
    known: dict[str, RunResult] = {}
    while True:
        plan, trial = orders.get()
        try:
            result = carry_out(plan, trial, say, known.get(plan.id))
            if result is not None:
                known = {plan.id: result}
            say(DONE, None)
        except EvolveError as error:
            say(FAILED, error)
        except Exception as error:
            words = f"the run of {trial.policy} with seed {trial.seed} failed: {type(error).__name__}: {error}"
            say(FAILED, InfrastructureError(words, "This is a fault of Evolve or of the problem's verifier."))


def _listen(asked: BinaryIO, orders: queue.SimpleQueue[tuple[Plan, Trial]]) -> None:
    """Pass on what is asked; end the process where nobody asks any more, in the middle of a run too."""
    try:
        while True:
            orders.put(pickle.load(asked))  # noqa: S301 - both ends are ours
    except (EOFError, pickle.UnpicklingError):
        os._exit(0)


if __name__ == "__main__":
    main()
