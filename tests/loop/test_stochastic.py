"""Scores that differ from run to run: few runs for the bad, more for the good."""

from __future__ import annotations

import statistics
from functools import cache

from evaluators.screen import Screened, screen_text
from evolve.core.config import RunConfig
from evolve.core.extent import Extent, extended, together
from evolve.core.rng import generator
from evolve.core.types import Candidate, Objective, Result, Source, Status, Ticket, Verdict
from evolve.racing import BATCH
from evolve.rules import Rules
from evolve.search import SearchState
from evolve.step import Work

SEED = Source({"program.py": "# EVOLVE-BLOCK-START\nvalue = 0\n# EVOLVE-BLOCK-END\ndef f(x):\n    return value\n"}, "f")
GAIN = Objective("gain", "maximize")
INSTANCES, REPEATS, PROGRAMS, BUDGET = 4, 5, 40, 200
WORTH, NOISE = 0.5, 3.0
ORDER = [[(f"t{place} {repeat}", f"t{place}") for place in range(INSTANCES)] for repeat in range(REPEATS)]


@cache
def _worth(number: int) -> float:
    """What the program is truly worth: there are PROGRAMS of them, of which one is best."""
    return WORTH * float(generator("worth", number % PROGRAMS).normal())


@cache
def _round(number: int, repeat: int, seed: int) -> Verdict:
    """One run of a program on all instances."""
    draws = generator("noise", seed, number, repeat).normal(size=INSTANCES)
    scores = [_worth(number) + NOISE * float(draw) for draw in draws]
    results = tuple(Result(name, Status.OK, score) for (name, _), score in zip(ORDER[repeat], scores, strict=True))
    mean = statistics.fmean(scores)
    extent = Extent(INSTANCES, INSTANCES * REPEATS, INSTANCES, {"gain": mean} if repeat == 0 else {})
    return Verdict(Status.OK, mean, {"gain": mean}, "", results, "train", "s", extent)


def _champion(seed: int, race: bool) -> float:
    """The true worth of the champion after BUDGET runs of the instances; without a race each program has one."""
    config = RunConfig(seed, "independent", 1, "seed", 1e9, 10**9)
    rules = Rules((GAIN,), 0.0, {"edit": 1.0}, proven=False, order=ORDER if race else ())
    search = SearchState(config, rules, {0: SEED})
    spent = 0
    while spent < BUDGET:
        ticket, context = search.ask()
        record = search.settle(_work(ticket, context.parents, len(context.recorded), seed, race))
        search.tell(record)
        spent += record.verdict.extent.new // INSTANCES if record.verdict.extent else 1
    (best,) = search.shown_front()
    return _worth(_number(search.source(best.program_id)))


def _work(ticket: Ticket, parents: tuple[Source, ...], done: int, seed: int, race: bool) -> Work:
    if ticket.operator == BATCH:
        return Work(ticket, None, _round(_number(parents[0]), done // INSTANCES, seed), None)
    source = SEED.with_main(SEED.main.replace("value = 0", f"value = {ticket.number}")) if ticket.number else SEED
    verdict = _round(ticket.number, 0, seed)
    if not race:
        verdict = Verdict(Status.OK, verdict.value, verdict.metrics, "", verdict.results, "train", "s")
    elif ticket.number == 0:
        for repeat in range(1, REPEATS):
            verdict = together(verdict, extended(verdict, _round(0, repeat, seed)))
    return Work(ticket, Candidate(ticket, source, ""), verdict, _screened(source.main))


@cache
def _screened(text: str) -> Screened[Source]:
    return screen_text(SEED.with_main(text), SEED)


def _number(source: Source) -> int:
    return int(source.main.split("value = ")[1].split("\n")[0])


def test_a_race_finds_better_programs_than_one_run_of_each() -> None:
    """Thirty runs of the search, paired by what they draw, at equal cost. One run of a program has three times the
    spread of what programs are worth: with little noise there is nothing to race for."""
    pairs = [(_champion(seed, race=True), _champion(seed, race=False)) for seed in range(30)]
    best = max(_worth(number) for number in range(PROGRAMS))
    found = [sum(worth == best for worth in arm) for arm in zip(*pairs, strict=True)]
    assert found[0] > 1.5 * found[1]
    gains = [one - other for one, other in pairs]
    assert statistics.fmean(gains) > 2.0 * statistics.stdev(gains) / len(gains) ** 0.5
