"""Recordings: what a run's models answered, from an archive or a file, to go through the run again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evolve.core.errors import UsageError

if TYPE_CHECKING:
    from archive.replay import Replay


def read_recording(place: str, name: str) -> Replay:
    """The recording `name`: a file that `evolve export RUN --replies` wrote, or a run of the archive at `place`.

    Raises:
        UsageError: there is neither, or no model answered anything in it. ArchiveError: it can not be read.
    """
    from archive.replay import read_replay
    from archive.store import Archive

    if Path(name).is_file():
        with open(name, encoding="utf-8") as lines:
            recording = read_replay(lines)
    else:
        with Archive.open(place, create=False) as archive:
            recording = archive.replay(archive.run(name).id)
    if not recording.replies:
        raise UsageError(f"{name} holds no reply of a model", "Name a run that was begun with --model.")
    return recording
