"""The widget's states, how often it is drawn, and that nothing in it is taken for markup."""

from __future__ import annotations

import math
from html.parser import HTMLParser

import pytest

from evolve.core.clock import monotonic_seconds
from evolve.core.errors import InfrastructureError
from evolve.core.types import Objective, Status
from evolve.display.notebook import REDRAW_SECONDS, NotebookWatch, in_notebook
from evolve.events import Event, FinalProgress, Paused, Preparing, RunEnded, Warned, WentOn

from .conftest import ERROR, SIZE, committed, program, started

HOSTILE = "<img src=x onerror=alert(1)>"
VOID = {"img", "br", "hr", "input"}


class Words(HTMLParser):
    """The text of a page; fails where a tag is not closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs)
        if not (self.get_starttag_text() or "").endswith("/>"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            assert tag in ("rect", "circle", "path")

    def handle_data(self, data: str) -> None:
        self.text += data + " "


def watch(*events: Event, objectives: tuple[Objective, ...] = (ERROR, SIZE)) -> NotebookWatch:
    """A watch that has taken in the events and shows nothing anywhere."""
    one = NotebookWatch(objectives, lambda html, text: None)
    for event in events:
        one(event)
    return one


def words(one: NotebookWatch) -> str:
    return Words(one.html()).text


STARTED = started(program("seed", 1.0, 1), program("old", 0.5, 2))
FOUND = program("0123456789", 0.25, 2)


def test_a_warning_stays_and_a_pause_goes() -> None:
    one = watch(Warned("no sandbox: <beware>."), STARTED, Paused("the engine is gone", 3.0, 8.0))
    for said in (words(one), one.text()):
        assert "no sandbox: <beware>." in said
        assert "sandbox not available: the engine is gone; trying again in 8 s" in said
    one(WentOn(11.0))
    for said in (words(one), one.text()):
        assert "no sandbox: <beware>." in said and "not available" not in said


def test_each_state_says_what_goes_on() -> None:
    one = watch()
    assert "evaluating the seed and the baselines ..." in words(one)
    one(Preparing(3, 12))
    assert "3 of 12" in words(one) and "3 of 12" in one.text()
    one(STARTED)
    assert "at most 100 evaluations" in words(one) and "a1b2c3d4" in words(one)
    for number in range(41):
        one(committed(number, FOUND, status=Status.OK if number % 4 else Status.CRASHED))
    said = words(one)
    assert "40%: 40 of 100 evaluations" in said
    assert "ok 30 · crashed 11" in said
    assert "left" in said and "10 evaluations/s" in said
    assert "+0.25" in said
    one(FinalProgress(1, 4, 2.0, 3))
    assert "final check of 3 programs: 25%" in words(one) and "left" not in words(one)
    one(RunEnded("a1b2c3d4", "evaluations", 100.0, 120, 4.0, (FOUND,)))
    assert "ended: evaluations, after 4.0 s" in words(one) and "ended: evaluations" in one.text()
    assert "Interrupt the kernel" not in words(one)


def test_two_objectives_have_a_front_and_a_curve_and_one_has_a_curve() -> None:
    two = watch(STARTED, committed(5, FOUND)).html()
    assert two.count("<svg") == 2 and "<rect" in two
    one = watch(STARTED, committed(5, FOUND), objectives=(ERROR,)).html()
    assert one.count("<svg") == 1 and "best baseline: old" in one


def test_a_front_that_is_empty_and_figures_that_are_none() -> None:
    for objectives in ((ERROR,), (ERROR, SIZE)):
        words(watch(STARTED, committed(0), objectives=objectives))
        bad = program("seed", math.inf, 1, other=None), program("odd", math.nan, 2, other=math.nan)
        front = program("f", -math.inf, 3, other=None), program("g", math.nan, 4)
        assert "family/member" in words(watch(started(*bad), committed(0, *front), objectives=objectives))


def test_nothing_is_taken_for_markup() -> None:
    hostile = Objective(HOSTILE, "minimize")
    seed, old = program("seed", 1.0, **{HOSTILE: 9.0}), program(HOSTILE, 1.0, **{HOSTILE: 8.0})
    found = program(HOSTILE[:10], 1.0, **{HOSTILE: 7.0})
    begun = started(seed, old, problem=HOSTILE, archive=HOSTILE)
    for objectives in ((hostile,), (ERROR, hostile)):
        one = watch(begun, committed(1, found), RunEnded("r", HOSTILE, 1.0, 1, 1.0, ()), objectives=objectives)
        page = Words(one.html())
        assert HOSTILE in page.text and "img" not in page.tags
    failed = watch(begun)
    with pytest.raises(InfrastructureError), failed:
        raise InfrastructureError(HOSTILE)
    assert "img" not in Words(failed.html()).tags and HOSTILE in words(failed)


def test_however_many_events_few_drawings() -> None:
    shown: list[str] = []
    began = monotonic_seconds()
    with NotebookWatch((ERROR, SIZE), lambda html, text: shown.append(text)) as one:
        one(STARTED)
        number = 0
        while len(shown) < 4:
            number += 1
            one(committed(number, FOUND))
    lasted = monotonic_seconds() - began
    assert number > 100
    assert len(shown) <= 2 + lasted / REDRAW_SECONDS
    assert f"{number:,} of 100 evaluations" in shown[-1], "the last state is drawn"


def test_nothing_new_nothing_drawn() -> None:
    shown: list[str] = []
    with NotebookWatch((ERROR,), lambda html, text: shown.append(text)) as one:
        one(STARTED)
        while len(shown) < 2:
            one._over.wait(REDRAW_SECONDS / 10)
        one._over.wait(4 * REDRAW_SECONDS)
        assert len(shown) == 2
    assert len(shown) == 3


def test_the_end_of_a_run_that_failed_or_was_stopped() -> None:
    stopped = watch(STARTED, committed(3, FOUND))
    with pytest.raises(KeyboardInterrupt), stopped:
        raise KeyboardInterrupt
    assert 'run(None, resume="a1b2c3d4", archive="here.db")' in words(stopped)
    early = watch(Preparing(0, 3))
    with pytest.raises(KeyboardInterrupt), early:
        raise KeyboardInterrupt
    assert "stopped before the run was begun" in words(early)
    ended = watch(STARTED, committed(3, FOUND), RunEnded("a1b2c3d4", "interrupted", 3.0, 4, 1.0, (FOUND,)))
    assert "ended: interrupted" in words(ended) and 'resume="a1b2c3d4"' in words(ended)


def test_here_is_no_notebook() -> None:
    assert not in_notebook()
