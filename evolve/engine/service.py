"""A worker's process: it reads tasks from its standard input and answers on its standard output, as pickles.

Started by `evolve.engine.local`, with the folder of the problem and the sandbox as its first message.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
from typing import TYPE_CHECKING, BinaryIO

from evolve.core.errors import EvolveError, InfrastructureError
from evolve.engine.base import Task

if TYPE_CHECKING:
    from evolve.engine.worker import Worker
    from sandbox.config import SandboxConfig


def main() -> None:
    """Serve until the input closes; what the worker holds is then given back."""
    # Ctrl-C is for the loop, which ends its workers when what is in flight has finished.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    tasks, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what is printed here must not look like an answer
    worker = _serve(tasks, answers)
    if worker is not None:
        with contextlib.suppress(EvolveError):
            worker.close()
    os._exit(0)  # nothing else is to be put away, and an interpreter takes its time to end


def _serve(tasks: BinaryIO, answers: BinaryIO) -> Worker | None:
    """Answer until nobody asks or listens any more. Returns the worker, where one was made."""
    from evolve.engine.worker import WORK, Worker

    worker: Worker | None = None
    with contextlib.suppress(EOFError, BrokenPipeError, pickle.UnpicklingError):
        folder: str
        config: SandboxConfig | None
        folder, config = pickle.load(tasks)  # noqa: S301 - both ends are ours
        while True:
            task, news = pickle.load(tasks)  # noqa: S301
            try:
                worker = worker or Worker(folder, config)
                for entry in news:
                    worker.share(entry)
                answer = True, WORK[task.name](worker, *task.args)
            except EvolveError as error:
                answer = False, error
            except Exception as error:
                answer = False, _as_ours(task, error)
            answers.write(pickle.dumps(answer))
            answers.flush()
    return worker


def _as_ours(task: Task, error: Exception) -> InfrastructureError:
    import traceback

    frames = "".join(traceback.format_exception(error)[-3:])
    return InfrastructureError(
        f"the task {task.name!r} failed in a worker: {type(error).__name__}: {error}",
        f"This is a fault of Evolve or of the problem's verifier, not of the program.\n{frames}",
    )


if __name__ == "__main__":
    main()
