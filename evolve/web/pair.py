"""Two runs of one version of a problem, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evolve.core.errors import UsageError
from evolve.display.text import metric_text
from evolve.web.desk import Desk
from evolve.web.run_view import RunView


@dataclass(frozen=True, slots=True)
class Fact:
    """What both runs say of one thing."""

    name: str
    one: str
    other: str

    @property
    def differs(self) -> bool:
        """Whether they say the same."""
        return self.one != self.other


@dataclass(frozen=True, slots=True)
class Pair:
    """The two runs."""

    one: RunView
    other: RunView

    @classmethod
    def of(cls, desk: Desk, one: str, other: str, published: bool) -> Pair:
        """By their names. Raises UsageError where their scores can not be compared."""
        rows = [desk.archive.run(name) for name in (one, other)]
        if rows[0].problem_version != rows[1].problem_version:
            raise UsageError(
                f"runs {rows[0].id} and {rows[1].id} are not of one version of a problem: their scores do not compare",
                "Choose another run on the page of either: it lists those that compare.",
            )
        return cls(*(RunView(desk, row, published) for row in rows))

    @property
    def facts(self) -> list[Fact]:
        """State and costs."""
        return list(_joined(dict(self.one.facts), dict(self.other.facts)))

    @property
    def settings(self) -> list[Fact]:
        """All settings of either."""
        both = ({one.name: one.value for one in view.settings} for view in (self.one, self.other))
        return list(_joined(*both))

    @property
    def scores(self) -> list[Fact]:
        """The best of each on train, and its champion on final."""
        return list(_joined(_scores(self.one), _scores(self.other)))


def _joined(one: dict[str, str], other: dict[str, str]) -> Iterator[Fact]:
    for name in dict.fromkeys([*one, *other]):
        yield Fact(name, one.get(name, "–"), other.get(name, "–"))


def _scores(view: RunView) -> dict[str, str]:
    found = {}
    if view.course is not None and view.course.steps:
        best = view.course.steps[-1]
        found[f"best {_words(view.metric)} on train"] = metric_text(view.metric, best.value)
    if view.final is not None and view.final.front:
        metrics = view.final.front[0].metrics
        found |= {
            f"{_words(name)} on final": metric_text(name, metrics[name]) for name in view.names if name in metrics
        }
    return found


def _words(name: str) -> str:
    return name.replace("_", " ")
