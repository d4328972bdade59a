"""What a run shows while it goes on."""

from __future__ import annotations

import pytest

from evolve.core.types import Objective, Record, Status, Ticket, Verdict
from evolve.display import watch
from evolve.display.progress import Progress
from evolve.display.tables import ladder_grid
from evolve.display.watch import LineWatch, LiveWatch
from evolve.events import (
    Asking,
    FinalProgress,
    Paused,
    RecordCommitted,
    RunEnded,
    RunStarted,
    ScoredProgram,
    Warned,
    WentOn,
)

OBJECTIVES = (Objective("error", "minimize"), Objective("operations", "minimize"))
SEED = ScoredProgram("seed", "5" * 32, {"error": 0.5, "operations": 2.0})
BASELINE = ScoredProgram("known-by-a-name-that-is-much-too-long", "b" * 32, {"error": 0.2, "operations": 4.0})
STARTED = RunStarted("a1b2c3d4", "family/member", "here.db", SEED, (BASELINE,), 100.0, 1000, None, 0)


def committed(number: int, seconds: float, *, error: float = 0.1, status: Status = Status.OK) -> RecordCommitted:
    ticket = Ticket(number, "expand", (), (), "graft", None, 1)
    verdict = Verdict(status, 0.1 if status.scored else None)
    front = (ScoredProgram("found", "f" * 32, {"error": error, "operations": 4.0}),)
    return RecordCommitted(Record(number, ticket, None, verdict, None), number * 0.5, number + 1, seconds, front)


def test_rates_and_time_left() -> None:
    progress = Progress()
    progress.update(STARTED)
    assert progress.budget() is None
    for number in range(21):
        progress.update(committed(number, number * 0.1))
    budget = progress.budget()
    assert budget is not None
    assert budget.name == "evaluations"
    assert budget.share == pytest.approx(0.1)
    assert progress.rates() == pytest.approx((5.0, 10.0))
    assert progress.seconds_left() == pytest.approx(18.0)


def test_the_budget_shown_is_the_one_that_ends_first() -> None:
    progress = Progress()
    progress.update(RunStarted("r", "p", "a", SEED, (), 1000.0, None, 60.0, 0))
    progress.update(committed(1, 30.0))
    budget = progress.budget()
    assert budget is not None
    assert budget.name == "minutes"
    assert progress.seconds_left() == pytest.approx(30.0)
    assert str(budget) == "0.5 of 1.0 minutes"


def test_lines_say_start_news_final_and_end(capsys: pytest.CaptureFixture[str]) -> None:
    with LineWatch(OBJECTIVES, stderr=False) as lines:
        for event in (STARTED, committed(0, 0.1), committed(1, 0.2, error=0.1), FinalProgress(2, 2, 1.5, 1)):
            lines(event)
        lines(RunEnded("a1b2c3d4", "evaluations", 50.0, 100, 3.0, ()))
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "run a1b2c3d4: family/member, at most 100 evaluations, 1,000 proposals"
    assert said[3] == "0.1 s, better: operations 4: error 0.1, +0.1 on known-by-a-name-that-is-much-too-long"
    assert said[4] == "final check: 100%, 1.5 s"
    assert said[5:] == ["end: evaluations, 3.0 s"]


def test_lines_are_rationed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(watch, "monotonic_seconds", lambda: now[0])
    lines = LineWatch(OBJECTIVES, stderr=False)
    lines(STARTED)
    for number in range(110):  # eleven seconds, and the front moves every tenth of one
        now[0] += 0.1
        lines(committed(number, number * 0.1, error=0.19 - number * 0.001))
    said = capsys.readouterr().out.splitlines()
    assert 9 <= sum("better" in text for text in said) <= 12
    assert sum("candidates/s" in text for text in said) == 2


def test_worse_than_the_baseline_is_no_news(capsys: pytest.CaptureFixture[str]) -> None:
    lines = LineWatch(OBJECTIVES, stderr=False)
    lines(STARTED)
    lines(committed(0, 0.1, error=0.3))
    assert "better" not in capsys.readouterr().out


def test_live_display_fits_the_screen() -> None:
    live = LiveWatch(OBJECTIVES, stderr=False)
    live.console.width, live.console.height = 80, 24
    statuses = list(Status)
    live(STARTED)
    for number in range(48):
        live(committed(number, number * 0.1, status=statuses[number % len(statuses)]))
    live(FinalProgress(1, 4, 1.0, 3))
    with live.console.capture() as captured:
        live.console.print(live.draw())
    drawn = captured.get().splitlines()
    assert len(drawn) < 24
    assert max(map(len, drawn)) <= 80
    assert "  24%" in drawn[1]
    assert "final check of 3 programs" in drawn[-1]


def test_short_tables_keep_the_largest_gains() -> None:
    baselines = [ScoredProgram(f"b{n}", f"b{n}", {"error": 1.0 / n, "operations": float(n)}) for n in range(1, 9)]
    front = [ScoredProgram("f", f"f{n}", {"error": 0.9**n / n, "operations": float(n)}) for n in (2, 5, 8)]
    grid = ladder_grid(OBJECTIVES, SEED, baselines, front, rows=3)
    assert [row.cells[0] for row in grid.rows] == ["2", "5", "8"]


def test_a_pause_is_told_and_over(capsys: pytest.CaptureFixture[str]) -> None:
    paused = Paused("bubblewrap is not installed", 3.0, 8.2)
    words = "sandbox not available: bubblewrap is not installed; trying again in 8 s; Ctrl-C stops, --resume continues"
    with LineWatch(OBJECTIVES, stderr=False) as lines:
        for event in (Warned("no sandbox: beware."), STARTED, paused, WentOn(11.25)):
            lines(event)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "warning: no sandbox: beware."
    assert said[-2:] == [words, "sandbox available again, after 11.2 s"]


def test_the_live_display_keeps_a_warning_and_shows_a_pause() -> None:
    live = LiveWatch(OBJECTIVES, stderr=False)

    def drawn() -> str:
        with live.console.capture() as capture:
            live.console.print(live.draw())
        return " ".join(capture.get().split())

    live(Warned("no sandbox: beware."))
    assert "beware" in drawn()
    for event in (STARTED, committed(1, 1.0), Paused("the engine is gone", 3.0, 8.0)):
        live(event)
    assert "beware" in drawn() and "sandbox not available: the engine is gone; trying again in 8 s" in drawn()
    live(WentOn(11.0))
    assert "beware" in drawn() and "not available" not in drawn()


def test_the_screen_is_free_while_somebody_is_asked() -> None:
    with LiveWatch(OBJECTIVES, stderr=False) as live:
        live(Asking())
        assert not live.live.is_started
        live(STARTED)
        assert live.live.is_started
    assert not live.live.is_started


def test_the_clock_goes_on_between_records(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [50.0]
    monkeypatch.setattr("evolve.display.progress.monotonic_seconds", lambda: now[0])
    progress = Progress()
    assert progress.seconds == 0.0
    progress.update(STARTED)
    progress.update(committed(1, 30.0))
    now[0] = 62.0
    assert progress.seconds == 42.0
    progress.update(FinalProgress(1, 2, 1.5, 1))
    assert progress.seconds == 30.0
