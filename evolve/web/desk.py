"""What the pages ask of an archive: names to rows, with an error that says what to do where there is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache

from archive.rows import ProgramRow, RunRow
from archive.store import Archive
from evolve.core.config import OBJECTIVES
from evolve.core.errors import UsageError
from evolve.core.types import Objective, Source
from evolve.known import KNOWN_EVENT, Known, known_of


class Desk:
    """An open archive with what was read of it and can not change any more."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self._known = lru_cache(maxsize=512)(self._read_known)
        self._ended = lru_cache(maxsize=4096)(archive.run)
        self._settled = lru_cache(maxsize=1024)(archive.program)
        self._spent = lru_cache(maxsize=4096)(archive.spent)

    def known(self, run_id: str) -> Known | None:
        """What a run (by its full id) knew when it began; None where it did not say so, or not yet."""
        with suppress(LookupError):
            return self._known(run_id)
        return None

    def _read_known(self, run_id: str) -> Known:
        known = known_of(self.archive.happened(run_id, [KNOWN_EVENT]))
        if known is None:
            raise LookupError  # which is not remembered: it may come
        return known

    def run(self, run_id: str) -> RunRow:
        """A run by its full id; once it has ended it changes no more, but for a resumption, which begins anew."""
        run = self._ended(run_id)
        if run.ended_at is None:
            self._ended.cache_clear()
            run = self.archive.run(run_id)
        return run

    def program(self, program_id: str, run_id: str) -> ProgramRow:
        """A program of a run; remembered where the run has ended."""
        if self.run(run_id).ended_at is None:
            return self.archive.program(program_id, run_id)
        return self._settled(program_id, run_id)

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
        return self.archive.runs_named(problem)

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
                found[one] = dict(self.program(one, run.id).verdict.metrics)
        return found

    def pulse(self) -> dict[str, object]:
        """Records by run that has not ended, and under `*` what changes with anything."""
        pulse = self.archive.pulse()
        whole = (pulse.runs, pulse.ended, pulse.last_end, pulse.records, pulse.replies, pulse.finals)
        return {**pulse.live, "*": " ".join(map(str, whole))}

    def known_program(self, program_id: str) -> tuple[str, Source, str] | None:
        """Name, text and run of a seed or baseline that no run made, by its whole id or its beginning."""
        for run in reversed(self.archive.runs()):
            known = self.known(run.id)
            for one in known.programs if known else ():
                if known and len(program_id) >= 6 and one.program_id.startswith(program_id):
                    return one.name, known.sources[one.program_id], run.id
        return None


def objectives(run: RunRow) -> tuple[Objective, ...]:
    """What a run searched for, as it was stored with it; empty for one that lacks it."""
    return tuple(Objective(**one) for one in run.config.get(OBJECTIVES) or ())


def slug(problem: str) -> str:
    """A problem's name in an address: families and members are parted by a tilde there."""
    return problem.replace("/", "~")


def problem_name(in_address: str) -> str:
    """What `slug` was given."""
    return in_address.replace("~", "/")


def one_of(rows: Mapping[str, object], name: str, noun: str) -> str:
    """The key of `rows` that `name` is or begins. Raises UsageError where there is not one."""
    found = [name] if name in rows else [key for key in rows if name and key.startswith(name)]
    if len(found) != 1:
        raise UsageError(f"no {noun} {name!r} in the archive", "Begin at the list of problems.")
    return found[0]
