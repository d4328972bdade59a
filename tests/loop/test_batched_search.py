"""A search whose train has batches: driven or not, with programs that fail late, cheat, or do both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import pytest

from archive.standing import standing
from evaluators.screen import screen_text
from evolve.agenda import Agenda
from evolve.briefing import Briefing
from evolve.budget import Budget
from evolve.core.config import RunConfig
from evolve.core.extent import Extent, extended, together
from evolve.core.rng import generator
from evolve.core.types import Candidate, Objective, Record, Result, Source, Status, Ticket, Verdict
from evolve.crew import Crew
from evolve.events import ScoredProgram
from evolve.guidance import Guidance
from evolve.probation import CHECK, REPLAY
from evolve.racing import BATCH
from evolve.rules import Rules
from evolve.search import SearchState
from evolve.step import Work

SEED = Source({"program.py": "# EVOLVE-BLOCK-START\nvalue = 0\n# EVOLVE-BLOCK-END\ndef f(x):\n    return value\n"}, "f")
NAMES = [f"t{number}" for number in range(32)]
ORDER = [[(name, name) for name in NAMES[start : start + 8]] for start in range(0, 32, 8)]
FORBIDDEN = Verdict(Status.FORBIDDEN, feedback="it looked ahead", stage="anticipation", evaluation_set="s")
WINDOW = 4


GAIN = Objective("gain", "maximize")


def _search(driven: bool, policy: str = "clade", guidance: Guidance | None = None) -> SearchState:
    config = RunConfig(seed=3, policy=policy, window=WINDOW, start="seed", evaluations=1e3, proposals=1000)
    rules = Rules((GAIN,), 0.001, {"edit": 1.0}, proven=False, driven=driven, order=ORDER)
    return SearchState(config, rules, {0: SEED}, guidance=guidance)


def _program(number: int) -> Source:
    return SEED if number == 0 else SEED.with_main(SEED.main.replace("value = 0", f"value = {number}"))


def _batch(number: int, place: int) -> Verdict:
    """Program `number` on a batch: programs differ less than instances do, and every seventh fails late."""
    batch = ORDER[place]
    if number % 7 == 3 and place == 2:
        return Verdict(
            Status.CRASHED, feedback="it crashed", stage="train", evaluation_set="s", extent=Extent(0, 32, 8)
        )
    worth = float(generator("worth", number).normal()) if number else 0.0
    draws = generator("noise", number, place).normal(size=len(batch))
    scores = [worth + hard + 0.5 * float(draw) for (name, _), draw in zip(batch, draws, strict=True)
              for hard in [int(name[1:]) % 5]]  # fmt: skip
    mean = sum(scores) / len(scores)
    results = tuple(Result(name, Status.OK, score) for (name, _), score in zip(batch, scores, strict=True))
    extent = Extent(8, 32, 8, {"gain": mean} if place == 0 else {})
    return Verdict(Status.OK, mean, {"gain": mean}, "", results, "train", "s", extent)


def _work(ticket: Ticket, recorded: Mapping[str, float], parent: Source | None) -> Work:
    if ticket.kind == "expand":
        source, verdict = _program(ticket.number), _batch(ticket.number, 0)
        for place in range(1, 4 if ticket.number == 0 else 1):
            verdict = together(verdict, extended(verdict, _batch(0, place)))
        return Work(ticket, Candidate(ticket, source, ""), verdict, screen_text(source, SEED))
    assert parent is not None
    number = int(parent.main.split("value = ")[1].split("\n")[0])
    if ticket.operator == BATCH:
        return Work(ticket, None, _batch(number, len(recorded) // 8), None)
    assert ticket.operator == CHECK or len(recorded) == 32
    cheats = number % 5 == 1
    return Work(ticket, None, FORBIDDEN if cheats and ticket.operator == REPLAY else None, None)


def _run(search: SearchState, records: int, known: Mapping[int, Record] | None = None) -> list[Record]:
    told: list[Record] = []
    flying: list[Record] = []
    known = known or {}
    while len(told) < records:
        while search.ready() and search.asked < records:
            old = known.get(search.asked)
            ticket, context = search.ask(old.ticket if old else None)
            measured = [one.ticket.parents[0] for one in flying if one.ticket.kind == "measure"]
            assert ticket.kind == "expand" or ticket.parents[0] not in measured
            if old:
                search.restore(old)
                flying.append(old)
            else:
                flying.append(search.settle(_work(ticket, context.recorded, (*context.parents, None)[0])))
        told.append(flying.pop(0))
        search.tell(told[-1])
    return told


@pytest.mark.parametrize("driven", [False, True])
@pytest.mark.parametrize("policy", ["clade", "hill", "independent"])
def test_nothing_is_champion_without_all_of_train(driven: bool, policy: str) -> None:
    search = _search(driven, policy)
    records = _run(search, 400)
    accepted = [one for one in records if one.promotion is not None and one.promotion.accepted]
    assert len(accepted) > 2 and all(one.verdict.whole for one in accepted)
    assert {one.ticket.operator for one in accepted[1:]} == {REPLAY if driven else BATCH}
    (best,) = search.shown_front()
    final = {one.program_id: one.verdict for one in standing(records)}
    assert best.metrics == final[best.program_id].metrics and len(final[best.program_id].results) == 32
    operators = Counter(one.ticket.operator for one in records)
    assert operators[BATCH] > 20 and bool(operators[CHECK] and operators[REPLAY]) == driven


def test_a_program_that_fails_late_is_revoked() -> None:
    records = _run(_search(driven=False), 400)
    late = [one for one in records if one.supersedes is not None and one.verdict.status is Status.CRASHED]
    assert late
    final = {one.program_id: one for one in standing(records)}
    for record in late:
        assert final[record.program_id].verdict.status is Status.CRASHED
        assert final[record.program_id].outcome is None
        assert record.evaluations == 0.25 and record.verdict.share == 0.5
        after = [one for one in records[record.number + WINDOW :] if one.ticket.kind == "expand"]
        assert after and not any(record.program_id in (*one.ticket.parents, *one.ticket.inspirations) for one in after)
        assert not any(one.ticket.parents == (record.program_id,) for one in records[record.number + 1 :])


def test_what_is_clearly_worse_is_measured_no_further() -> None:
    """Of pure noise around the champion a part is measured on; what is a whole unit worse is not."""
    records = _run(_search(driven=False), 400)
    shares = {one.number: one.verdict.share for one in standing(records) if one.verdict.status is Status.OK}
    worths = {one.number: float(generator("worth", one.ticket.number).normal()) for one in standing(records)}
    best = max(worths[number] for number, share in shares.items() if share == 1.0)
    assert best == max(worths[number] for number in shares)
    assert all(shares[number] == 0.25 for number, worth in worths.items() if worth < -1.0 and number in shares)
    assert sum(share < 1.0 for share in shares.values()) > 200


def test_checks_cost_nothing_and_batches_their_share() -> None:
    records = _run(_search(driven=True), 200)
    budget = Budget(1e3, 1000)
    for record in records:
        before = budget.evaluations
        budget.settle(record)
        spent = {CHECK: 0.0, REPLAY: 0.0, BATCH: 0.25, "start": 1.0, "edit": 0.25}
        assert budget.evaluations - before == spent[record.ticket.operator]
        assert record.evaluations == spent[record.ticket.operator]


@pytest.mark.parametrize("driven", [False, True])
@pytest.mark.parametrize("known", [1, 37, 120, 199])
def test_a_resumed_search_goes_on_as_if_it_had_not_stopped(driven: bool, known: int) -> None:
    whole = _run(_search(driven), 200)
    resumed = _search(driven)
    again = _run(resumed, 200, {record.number: record for record in whole[:known]})
    assert again == whole
    assert resumed.shown_front()


def test_policies_compare_all_programs_by_the_first_batch() -> None:
    search = _search(driven=False)
    told: list[Record] = []
    plant, tell = search.policy.plant, search.policy.tell
    search.policy.plant = lambda record: (told.append(record), plant(record))[1]  # type: ignore[method-assign]
    search.policy.tell = lambda record: (told.append(record), tell(record))[1]  # type: ignore[method-assign]
    records = _run(search, 100)
    scored = [one for one in told if one.verdict.status is Status.OK]
    assert len(scored) > 20 and not any(one.ticket.operator == BATCH for one in scored)
    for record in scored:
        assert [result.instance_id for result in record.verdict.results] == NAMES[:8]
        mean = sum(result.score or 0.0 for result in record.verdict.results) / 8
        assert record.verdict.value == record.verdict.metrics["gain"] == pytest.approx(mean)
    assert scored[0] != records[0] and scored[0] == replace(records[0], verdict=scored[0].verdict)


@pytest.mark.parametrize("driven", [False, True])
def test_models_hear_that_the_best_has_changed_and_compare_by_the_first_batch(driven: bool) -> None:
    """Champions come of batches or replays, never of the proposals themselves."""
    agenda = Agenda(1e3, None, GAIN.cost)
    briefing = Briefing((GAIN,), (ScoredProgram("seed", "seed", {"gain": 0.0}),), None)
    guidance = Guidance(Crew({"cheap": 1.0}, {"strong": 1.0}, 8), agenda, briefing, Budget(1e3, 1000).share)
    search = _search(driven, guidance=guidance)
    stagnant: dict[int, int] = {}
    tell = search.tell
    search.tell = lambda record: (tell(record), stagnant.update({record.number: agenda.stagnant}))[0]  # type: ignore[method-assign]
    records = _run(search, 200)
    promoted = [one.number for one in records[1:] if one.promotion is not None and one.promotion.accepted]
    assert promoted and all(records[number].ticket.kind == "measure" for number in promoted)
    assert all(stagnant[number] == 0 for number in promoted) and max(stagnant.values()) > 10
    # The seed has all of train, the others have a part: all are compared by what they share.
    assert len(briefing.vectors.farthest(records[0].program_id or "")) > 20


def test_a_program_that_may_be_the_best_is_measured_to_its_end_when_the_budget_is_spent() -> None:
    budget = Budget(10.0, 100)
    budget.evaluations = 10.0 + 1e-12
    assert budget.stop_reason(0) == "evaluations" and budget.may_complete(0)
    assert not budget.may_complete(1)
    budget.evaluations = 11.0 - 1e-12
    assert not budget.may_complete(0)
    budget.evaluations, budget.interrupted = 10.0, True
    assert not budget.may_complete(0)
