"""What the pages ask of an archive: names to rows, with an error that says what to do where there is none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from archive.rows import ProgramRow, RunRow
from archive.store import Archive
from evolve.core.config import OBJECTIVES
from evolve.core.errors import UsageError
from evolve.core.types import Objective, Source
from evolve.known import KNOWN_EVENT, Known, known_of
from evolve.sandboxing import records

STRANGE = (LookupError, TypeError, ValueError, AttributeError)
"""What it may raise to read a payload as this version writes it: archives are imported, and older ones are kept."""


class Desk:
    """An open archive with what was read of it and can not change any more."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self._known = lru_cache(maxsize=512)(self._read_known)
        self._settled = lru_cache(maxsize=1024)(self._read_settled)
        self._spent = lru_cache(maxsize=4096)(archive.spent)
        self._ids: dict[str, tuple[str, ...]] = {}

    def known(self, run_id: str) -> Known | None:
        """What a run (by its full id) knew when it began; None where it did not say so."""
        with suppress(LookupError):
            return self._known(run_id)
        return None

    def _read_known(self, run_id: str) -> Known:
        """Raises LookupError, so that nothing is remembered of a run that has begun and will say it in a moment."""
        found = known_of(self.archive.happened(run_id, [KNOWN_EVENT]))
        if found is None:
            raise LookupError(run_id)
        return found

    def program(self, program_id: str, run: RunRow) -> ProgramRow:
        """A program of a run; remembered where the run has ended, until it goes on."""
        if run.ended_at is None:
            return self.archive.program(program_id, run.id)
        return self._settled(program_id, run.id, run.ended_at)

    def _read_settled(self, program_id: str, run_id: str, ended_at: str) -> ProgramRow:
        return self.archive.program(program_id, run_id)

    def openings(self, run: RunRow) -> list[dict[str, dict[str, float]]]:
        """What each opening of the final set gave a run, in their order: metrics by program id.

        A run that went on has more than one, and each compares another champion with what was known.
        """
        found: dict[int, dict[str, dict[str, float]]] = {}
        for row in self.archive.finals(run.problem, run.id):
            found.setdefault(row.opening, {})[row.program_id] = dict(row.metrics)
        return list(found.values())

    def evaluations(self, run_id: str, number: int) -> float:
        """What a run had spent with its record of that number."""
        return self._spent(run_id, number)

    def characters(self, run_id: str, program_id: str) -> int | None:
        """The size of a seed's or baseline's text; None where the run did not keep it."""
        known = self.known(run_id)
        source = known.sources.get(program_id) if known else None
        return sum(map(len, source.files.values())) if source else None

    def runs_of(self, problem: str) -> list[RunRow]:
        """All runs of a problem, oldest first."""
        return self.archive.runs_of_problem(problem)

    def one_version(self, versions: Sequence[str], name: str) -> str:
        """The version that `name` is or begins. Raises UsageError."""
        return one_of(dict.fromkeys(versions), name, "version of the problem")

    def best_on_train(self, run: RunRow) -> dict[str, dict[str, float]]:
        """The program of a run's last improvement, with its metrics on train; empty where there is none."""
        last = next(reversed(self.archive.improvements(run.id)), None)
        return self.on_train(run, [last.program_id]) if last else {}

    def on_train(self, run: RunRow, programs: Iterable[str]) -> dict[str, dict[str, float]]:
        """Metrics on train by program id, of those programs that the run has."""
        found = {}
        for one in programs:
            with suppress(UsageError):
                found[one] = dict(self.program(one, run).verdict.metrics)
        return found

    def pulse(self) -> dict[str, object]:
        """Records by run that has not ended, and under `*` what changes with anything."""
        pulse = self.archive.pulse()
        whole = (pulse.runs, pulse.ended, pulse.last_end, pulse.records, pulse.replies, pulse.finals, pulse.event)
        return {**pulse.live, "*": " ".join(map(str, whole))}

    def known_program(self, program_id: str) -> tuple[str, Source, str] | None:
        """Name, text and run of a seed or baseline that no run made, by its whole id or its beginning."""
        if len(program_id) < 6:
            return None
        for run in reversed(self.archive.runs()):
            if any(one.startswith(program_id) for one in self._known_ids(run.id)) and (known := self.known(run.id)):
                named = next(one for one in known.programs if one.program_id.startswith(program_id))
                return named.name, known.sources[named.program_id], run.id
        return None

    def _known_ids(self, run_id: str) -> tuple[str, ...]:
        """The ids of what a run knew when it began. Kept for all runs, which their texts are not."""
        if run_id not in self._ids and (known := self.known(run_id)):
            self._ids[run_id] = tuple(one.program_id for one in known.programs)
        return self._ids.get(run_id, ())


def objectives(run: RunRow) -> tuple[Objective, ...]:
    """What a run searched for, as it was stored with it; empty for one that lacks it or says it in another way."""
    try:
        found = tuple(Objective(**one) for one in run.config.get(OBJECTIVES) or ())
    except TypeError:
        return ()
    is_said = all(isinstance(one.metric, str) and one.direction in ("minimize", "maximize") for one in found)
    return found if is_said else ()


def places_of(run: RunRow, events: list[tuple[str, dict[str, Any]]]) -> list[Mapping[str, Any]]:
    """The sandboxes of a run, by its configuration and events, as `evolve.sandboxing.records`."""
    return records(run.config, [(kind, payload) for kind, payload in events if isinstance(payload, Mapping)])


def slug(problem: str) -> str:
    """A problem's name in an address: families and members are parted by a tilde there, and names may hold one too."""
    return problem.replace("!", "!!").replace("~", "!t").replace("/", "~")


def problem_name(in_address: str) -> str:
    """What `slug` was given."""
    return re.sub("!!|!t|~", lambda found: _UNSLUGGED[found[0]], in_address)


_UNSLUGGED = {"!!": "!", "!t": "~", "~": "/"}


def board_address(problem: str, version: str = "") -> str:
    """Where a problem's leaderboard is; that of its latest version unless one is named."""
    behind = f"/{quote(version, safe='')}" if version else ""
    return f"/problems/{quote(slug(problem), safe='~!')}{behind}"


def one_of(rows: Mapping[str, object], name: str, noun: str) -> str:
    """The key of `rows` that `name` is or begins. Raises UsageError where there is not one."""
    found = [name] if name in rows else [key for key in rows if name and key.startswith(name)]
    if len(found) != 1:
        raise UsageError(f"no {noun} {name!r} in the archive", "Begin at the list of problems.")
    return found[0]
