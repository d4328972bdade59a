"""Which display a run gets where nobody says so."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from evolve.core.types import Objective
from evolve.display.notebook import NotebookWatch, in_notebook, publisher
from evolve.display.watch import LineWatch, LiveWatch
from evolve.events import Listener, ignore


def chosen(objectives: Sequence[Objective], wanted: bool | None) -> AbstractContextManager[Listener]:
    """A listener to be opened for the time of the run.

    `wanted` None: a widget in a notebook, the live display where standard error is a terminal, else nothing.
    True: lines on standard error where it is neither. False: nothing.
    """
    if wanted is False:
        return nullcontext(ignore)
    if in_notebook():
        return NotebookWatch(objectives, publisher())
    if sys.stderr is not None and sys.stderr.isatty():
        return LiveWatch(objectives, stderr=True)
    return LineWatch(objectives, stderr=True) if wanted else nullcontext(ignore)
