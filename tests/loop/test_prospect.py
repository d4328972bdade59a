"""What as many evaluations again would bring, against curves whose second half is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from evolve import run
from evolve.core.rng import Generator, generator
from evolve.core.types import Candidate, Objective, Record, Source, Status, Ticket, Verdict
from evolve.events import Event, RecordCommitted, RunStarted, ScoredProgram, Spending
from evolve.foresight import Trail, foresight_from_json, foresight_json, prospect
from evolve.prospect import LEAST_IMPROVEMENTS, gain_ahead

HALF = 400
ERROR, SIZE = Objective("error", "minimize"), Objective("size", "minimize")
Points = list[tuple[float, float]]


def best_so_far(values: np.ndarray) -> Points:
    best = np.maximum.accumulate(values)
    places = np.flatnonzero(np.append(True, best[1:] > best[:-1]))
    return [(place + 1.0, float(best[place])) for place in places]


def independent(kind: str, rng: Generator) -> Points:
    draws = {"normal": rng.normal, "exponential": rng.exponential, "uniform": rng.random}
    return best_so_far(draws[kind](size=2 * HALF))


@pytest.mark.parametrize("kind", ["normal", "exponential", "uniform"])
def test_the_interval_holds_the_second_half_of_independent_draws(kind: str) -> None:
    rng, hits, asked = generator("second half", kind), 0, 0
    for _ in range(200):
        points = independent(kind, rng)
        first = [point for point in points if point[0] <= HALF]
        gain = gain_ahead(first, HALF)
        if gain is not None:
            asked += 1
            hits += gain.low <= points[-1][1] - first[-1][1] <= gain.high
    # 80 % of 170 or more; its standard deviation is 3 points
    assert asked > 150 and 0.7 < hits / asked < 0.93


def test_too_little_says_nothing() -> None:
    steady = [(float(spent), float(spent)) for spent in range(1, 12)]
    assert gain_ahead(steady, 19) is None
    assert gain_ahead(steady[:LEAST_IMPROVEMENTS], 100) is None and gain_ahead([], 100) is None
    assert gain_ahead(steady[: LEAST_IMPROVEMENTS + 1], 100) is not None
    with pytest.raises(ValueError, match="an improvement at 11 of 10"):
        gain_ahead(steady, 10)


def test_a_curve_that_has_come_to_rest_promises_less_than_one_that_climbs() -> None:
    early = [(1.0, 0.0), (2.0, 1.0), (4.0, 2.0), (8.0, 3.0)]
    late = [(1.0, 0.0), (500.0, 1.0), (700.0, 2.0), (900.0, 3.0)]
    rested, climbing = gain_ahead(early, 1_000), gain_ahead(late, 1_000)
    assert rested is not None and climbing is not None
    assert 0.0 == rested.low <= rested.expected < 0.2 * climbing.expected
    assert climbing.low <= climbing.expected <= climbing.high


def test_the_unit_of_the_score_does_not_matter_and_steps_that_shrink_go_on_shrinking() -> None:
    points = [(1.0, 0.0), (100.0, 8.0), (200.0, 12.0), (400.0, 14.0), (800.0, 15.0)]
    one, other = gain_ahead(points, 1_000), gain_ahead([(at, 1_000.0 * best + 7.0) for at, best in points], 1_000)
    assert one is not None and other is not None
    assert other.expected == pytest.approx(1_000.0 * one.expected) and other.high == pytest.approx(1_000.0 * one.high)
    steady = gain_ahead([(at, float(number)) for number, (at, _) in enumerate(points)], 1_000)
    assert steady is not None and one.expected / 15.0 < 0.5 * steady.expected / 4.0


def told(number: int, best: ScoredProgram, charged: bool = True) -> RecordCommitted:
    ticket = Ticket(number, "expand" if charged else "measure", (), (), "graft", None, 1)
    verdict = Verdict(Status.OK, 0.1, stage="train")
    candidate = Candidate(ticket, Source({"p.py": ""}, "p"), "") if charged else None
    record = Record(number, ticket, candidate, verdict, best.program_id)
    return RecordCommitted(record, 999.0, number, 1.0, (best,), Spending(3, 50, 0.25, number % 2))


def trail_of(*events: Event, objectives: tuple[Objective, ...] = (ERROR,)) -> Trail:
    seed = ScoredProgram("seed", "id-seed", {"error": 1.0, "size": 3.0})
    trail = Trail(objectives)
    for event in (RunStarted("r", "p", "a.db", seed, (), 9.0, 9, None, 0), *events):
        trail(event)
    return trail


def test_the_trail_passes_events_on_and_names_a_champion_that_was_found() -> None:
    heard: list[Event] = []
    trail = Trail((ERROR,), heard.append)
    seed = ScoredProgram("seed", "id-seed", {"error": 1.0})
    started = RunStarted("r", "p", "a.db", seed, (), 9.0, 9, None, 0)
    trail(started)
    assert heard == [started] and trail.run_id == "r" and trail.champion is None
    trail(told(0, seed))
    assert trail.champion is None, "the seed was selected by nobody"
    found = ScoredProgram("f", "id-f", {"error": 0.5})
    trail(told(1, found))
    assert trail.champion == found and len(heard) == 3


def test_two_objectives_start_from_no_gain() -> None:
    assert trail_of(objectives=(ERROR, SIZE)).points() == [(0.0, 0.0)]
    better = ScoredProgram("f", "id-f", {"error": 0.25, "size": 3.0})
    assert trail_of(told(0, better), objectives=(ERROR, SIZE)).points()[0] == (0.0, 0.0)


def test_what_was_drained_has_no_prospect_and_an_unknown_price_is_none() -> None:
    found = ScoredProgram("f", "id-f", {"error": 0.5})
    trail = trail_of(told(0, found))
    assert prospect(trail, "exhausted", 4.0) is None and prospect(trail_of(), "evaluations", 4.0) is None
    trail(told(1, found, charged=False))
    trail(told(2, found))
    ahead = prospect(trail, "evaluations", 4.0)
    assert trail.told == 2.0, "a check of a program that is there is no evaluation"
    assert ahead is not None and ahead.gain is None and (ahead.seconds, ahead.tokens, ahead.usd) == (4.0, 50, 0.25)
    unpriced = prospect(trail_of(told(1, found)), "evaluations", 4.0)
    assert unpriced is not None and unpriced.usd is None


def test_a_run_says_it_and_keeps_it(tmp_path: Path) -> None:
    result = run("float32-exp2", evaluations=600, seed=3, start="seed", archive=tmp_path / "a.db", final_check=False)
    ahead = result.prospect
    assert ahead is not None and ahead.evaluations == pytest.approx(result.evaluations)
    assert ahead.figure == "largest gain in digits" and ahead.seconds == result.seconds
    assert result.luck is None, "what is proven is no luck"
    assert f"{ahead.evaluations:,.0f} more evaluations would take some" in str(result)
    stored = json.loads(json.dumps(foresight_json(ahead, result.luck)))
    assert foresight_from_json(stored) == (ahead, None)
