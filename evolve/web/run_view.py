"""What the page of a run shows, gathered from the archive by keys and bounded looks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from archive.equivalence import Savings
from archive.rows import ArmSum, ProgramLine, RunRow, RunStatus, RunSummary, Spending
from evolve.core.config import UNSANDBOXED, hour_usd
from evolve.core.errors import UsageError
from evolve.core.types import Status
from evolve.display.ahead import ahead_pairs
from evolve.display.facts import NOT_ISOLATED, saved_text
from evolve.display.run_facts import bounds, ending, pause_text, pauses_of, place_text
from evolve.display.text import duration, number
from evolve.foresight import FORESIGHT_EVENT, foresight_from_json
from evolve.sandboxing import CONFINEMENT, SANDBOX
from evolve.web.course import Course, course_of
from evolve.web.desk import STRANGE, Desk, objectives, places_of
from evolve.web.finals import FinalCheck, final_check
from evolve.web.settings import Setting, settings_of
from evolve.web.shares import is_sampled

NEWEST = 20
PAGE = 100
"""Records whose programs stand on one page."""
OTHERS = 20
_SHOWN = (FORESIGHT_EVENT, SANDBOX, CONFINEMENT, "paused", "went_on")
MOST_SAVED = 200_000
"""What the cache saved is added up for runs of so many records at most."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A budget: how much of it is spent. `share` is between 0 and 1, for a bar."""

    name: str
    spent: str
    limit: str
    left: str
    share: float


@dataclass(frozen=True, slots=True)
class Place:
    """A sandbox of the run, in words."""

    text: str
    warning: str
    bounds: list[tuple[str, str]]


class RunView:
    """One run. What is read is kept, so that a page asks for nothing twice."""

    def __init__(self, desk: Desk, row: RunRow, published: bool) -> None:
        self.desk, self.row, self._published = desk, row, published
        self._events = desk.archive.happened(row.id, _SHOWN)

    @cached_property
    def summary(self) -> RunSummary:
        """Its line in the list of runs."""
        rows = self.desk.archive.runs(self.row.problem)
        return next(one for one in rows if one.id == self.row.id)

    @property
    def title(self) -> str:
        """What the problem calls itself."""
        known = self.desk.known(self.row.id)
        return known.title if known else self.row.problem

    @cached_property
    def course(self) -> Course | None:
        """How the best came about."""
        return course_of(self.desk, self.row, self.summary)

    @cached_property
    def final(self) -> FinalCheck | None:
        """What the final check said."""
        return final_check(self.desk, self.row)

    @cached_property
    def statuses(self) -> dict[Status, int]:
        """Records by status."""
        return self.desk.archive.statuses(self.row.id)

    @property
    def records(self) -> int:
        """All of them."""
        return sum(self.statuses.values())

    @property
    def sampled(self) -> bool:
        """Whether the picture of its statuses is drawn from a part of its records."""
        return is_sampled(self.records)

    @cached_property
    def spendings(self) -> dict[str, Spending]:
        """By model."""
        return self.desk.archive.spendings(self.row.id)

    @cached_property
    def arms(self) -> list[ArmSum]:
        """By model and move, where models proposed."""
        return self.desk.archive.arms(self.row.id) if self.spendings else []

    @cached_property
    def _savings(self) -> Savings | None:
        if self.row.config.get("equivalence") is None or self.records > MOST_SAVED:
            return None
        try:
            price = hour_usd()
        except UsageError:  # of the surroundings, not of the archive
            price = None
        return self.desk.archive.savings(self.row.id).priced(price)

    @property
    def caches(self) -> list[tuple[str, str]]:
        """What both caches saved, in words."""
        if self._savings:
            own = saved_text(self._savings)
        elif self.row.config.get("equivalence") is not None:
            own = "of a run so long it is not added up here: see evolve show"
        else:
            own = "not used"
        pairs = [("evaluations", own)]
        asked = sum(one.prompt_tokens for one in self.spendings.values())
        if asked:
            cached = sum(one.cached_tokens for one in self.spendings.values())
            words = f"{cached:,} of {asked:,} prompt tokens ({cached / asked:.1%}) were read from the providers' caches"
            pairs.append(("prompts", words))
        return pairs

    @property
    def limits(self) -> list[Limit]:
        """What the run may spend, and has."""
        summary, config = self.summary, self.row.config
        spent = {
            "evaluations": summary.evaluations,
            "proposals": float(summary.proposals),
            "usd": summary.usd,
            "tokens": float(summary.tokens),
        }
        found = []
        for name, value in spent.items():
            limit = config.get(name)
            if isinstance(limit, int | float) and limit > 0:
                left = max(0.0, limit - value)
                cells = [number(_round(name, one)) for one in (value, limit, left)]
                found.append(
                    Limit(
                        "US dollars" if name == "usd" else name, cells[0], cells[1], cells[2], min(1.0, value / limit)
                    )
                )
        return found

    @property
    def ahead(self) -> list[tuple[str, str]]:
        """What it says of more evaluations and of new instances."""
        said = next((payload for kind, payload in reversed(self._events) if kind == FORESIGHT_EVENT), None)
        if said is None:
            return []
        try:
            return ahead_pairs(*foresight_from_json(said))
        except (KeyError, TypeError):  # said by another version
            return []

    @property
    def pauses(self) -> str:
        """How long it waited for a sandbox and why; empty where it never did."""
        with suppress(*STRANGE):
            pauses = pauses_of(self._events)
            return pause_text(pauses) if pauses else ""
        return ""

    @property
    def places(self) -> list[Place]:
        """Its sandboxes in order; none where programs run in place."""
        found = []
        for one in places_of(self.row, self._events):
            with suppress(*STRANGE):
                if one.get("sandbox"):
                    warning = NOT_ISOLATED[1] if one["sandbox"] == UNSANDBOXED else ""
                    found.append(Place(place_text(one), warning, bounds(one)))
        return found

    @cached_property
    def settings(self) -> list[Setting]:
        """The configuration."""
        return settings_of(self.row, self._published)

    @cached_property
    def newest(self) -> list[ProgramLine]:
        """Its latest programs, the newest first."""
        rows = self.desk.archive.programs_of(self.row.id, max(0, self.records - 10 * NEWEST), 10 * NEWEST)
        return rows[: -NEWEST - 1 : -1]

    @cached_property
    def others(self) -> list[RunSummary]:
        """Some latest runs of the same version of the problem, to be compared with."""
        version = {one.id for one in self.desk.archive.runs_of(self.row.problem_version)}
        rows = [one for one in self.desk.archive.runs(self.row.problem) if one.id in version and one.id != self.row.id]
        return rows[: -OTHERS - 1 : -1]

    @property
    def facts(self) -> Iterator[tuple[str, str]]:
        """Label and text, for a list of terms."""
        row, summary = self.row, self.summary
        if row.status is RunStatus.RUNNING:
            yield "state", f"going on, {duration(summary.seconds)} until now"
        else:
            yield "ended by", ending(row)
        yield "evaluations", f"{summary.evaluations:,.0f} in {summary.proposals:,} proposals"
        yield "programs", f"{summary.programs:,}"
        if summary.replies:
            known = "price unknown" if summary.unpriced == summary.replies else f"${summary.usd:.2f}"
            more = (
                f" and {summary.unpriced:,} replies of unknown price" if 0 < summary.unpriced < summary.replies else ""
            )
            yield "models", f"{summary.replies:,} replies, {summary.tokens:,} tokens, {known}{more}"
        yield "policy", str(row.config.get("policy", "–"))
        yield "seed", str(row.run_seed)
        if self.pauses:
            yield "paused", self.pauses

    @property
    def names(self) -> list[str]:
        """The metrics of its objectives."""
        return [one.metric for one in objectives(self.row)]

    @property
    def metric(self) -> str:
        """The first objective's; empty where the run said none."""
        return next(iter(self.names), "")


def _round(name: str, value: float) -> float:
    return round(value, 2) if name == "usd" else round(value)
