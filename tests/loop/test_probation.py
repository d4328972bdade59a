"""Programs that run beside a driver: checked before they count for much, and undone where they cheated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from evaluators.screen import screen_text
from evolve.core.config import RunConfig
from evolve.core.types import Candidate, Objective, Record, Source, Status, Ticket, Verdict
from evolve.probation import CHECK, REPLAY, Probation
from evolve.rules import Rules
from evolve.search import SearchState
from evolve.step import Work

SEED = Source({"program.py": "# EVOLVE-BLOCK-START\nvalue = 0\n# EVOLVE-BLOCK-END\ndef f(x):\n    return value\n"}, "f")
RULES = Rules((Objective("gain", "maximize"),), 0.001, {"edit": 1.0}, proven=False, driven=True)
WINDOW = 4
CHEAT = Verdict(Status.FORBIDDEN, feedback="it looked ahead", stage="anticipation", evaluation_set="s")


def _search(policy: str = "clade") -> SearchState:
    config = RunConfig(seed=3, policy=policy, window=WINDOW, start="seed", evaluations=1e3, proposals=1000)
    return SearchState(config, RULES, {0: SEED})


def _program(number: int) -> Source:
    return SEED.with_main(SEED.main.replace("value = 0", f"value = {number}"))


def _scored(ticket: Ticket, gain: float) -> Work:
    source = SEED if ticket.number == 0 else _program(ticket.number)
    verdict = Verdict(Status.OK, gain, {"gain": gain}, "", (), "train", "s")
    return Work(ticket, Candidate(ticket, source, ""), verdict, screen_text(source, SEED))


Play = Callable[[Ticket], Work]


def _gain(number: int) -> float:
    return (number * 7919 % 101) / 101.0 + number / 1000.0


def _play(cheats: Callable[[str], bool]) -> Play:
    def play(ticket: Ticket) -> Work:
        if ticket.kind == "measure":
            return Work(ticket, None, CHEAT if cheats(ticket.parents[0]) else None, None)
        return _scored(ticket, 0.0 if ticket.number == 0 else _gain(ticket.number))

    return play


def _run(search: SearchState, play: Play, records: int, known: dict[int, Record] | None = None) -> list[Record]:
    told: list[Record] = []
    flying: list[Record] = []
    known = known or {}
    while len(told) < records:
        while search.ready() and search.asked < records:
            old = known.get(search.asked)
            ticket, _ = search.ask(old.ticket if old else None)
            if old:
                search.restore(old)
                flying.append(old)
            else:
                flying.append(search.settle(play(ticket)))
        told.append(flying.pop(0))
        search.tell(told[-1])
    return told


def test_a_would_be_champion_is_replayed_before_it_is_champion() -> None:
    search = _search()
    seed = search.settle(_scored(search.ask()[0], 0.0))
    search.tell(seed)
    assert [one.program_id for one in search.shown_front()] == [seed.program_id]
    better = search.settle(_scored(search.ask()[0], 0.5))
    assert better.promotion is None
    search.tell(better)
    ticket, context = search.ask()
    assert (ticket.kind, ticket.operator, ticket.parents) == ("measure", REPLAY, (better.program_id,))
    assert context.parents == (_program(1),)
    assert [one.program_id for one in search.shown_front()] == [seed.program_id]
    checked = search.settle(Work(ticket, None, None, None))
    assert checked.promotion is not None and checked.promotion.accepted and checked.evaluations == 0.0
    assert checked.verdict.metrics == {"gain": 0.5} and checked.supersedes is None
    search.tell(checked)
    assert [one.program_id for one in search.shown_front()] == [better.program_id]


def test_a_cheat_is_superseded_and_never_shown() -> None:
    search = _search()
    records = _run(search, _play(lambda _: True), 200)
    measured = [record for record in records if record.ticket.kind == "measure"]
    assert len(measured) > 20
    for record in measured:
        assert record.verdict.status is Status.FORBIDDEN
        assert record.supersedes is not None
        assert records[record.supersedes].program_id == record.program_id
        assert record.outcome is None and record.promotion is None
    assert [one.program_id for one in search.shown_front()] == [records[0].program_id]


@pytest.mark.parametrize("policy", ["clade", "hill", "independent"])
def test_after_its_check_a_cheat_is_nobodys_parent(policy: str) -> None:
    records = _run(_search(policy), _play(lambda _: True), 300)
    caught = {record.program_id: record.number for record in records if record.supersedes is not None}
    for record in records:
        if record.ticket.kind == "expand":
            for parent in (*record.ticket.parents, *record.ticket.inspirations):
                # What was asked before the check was told is in flight, and finished.
                assert parent not in caught or record.number < caught[parent] + WINDOW


def test_nobody_has_a_third_child_or_inspires_without_a_check() -> None:
    records = _run(_search(), _play(lambda program: int(program[:2], 16) % 3 == 0), 400)
    seed = records[0].program_id
    passed: dict[str | None, int] = {seed: 0}
    for record in records:
        if record.ticket.kind == "measure" and record.verdict.status is Status.OK:
            passed.setdefault(record.program_id, record.number)
    children: Counter[str] = Counter()
    for record in records[1:]:
        if record.ticket.kind == "measure":
            continue
        children[record.ticket.parents[0]] += 1
        for parent in record.ticket.parents:
            assert children[parent] <= 2 or passed[parent] < record.number
        for one in record.ticket.inspirations:
            assert passed[one] < record.number
    assert max(children.values()) > 2


def test_checks_are_asked_once_each() -> None:
    records = _run(_search(), _play(lambda _: False), 300)
    measured = Counter(record.ticket.parents[0] for record in records if record.ticket.kind == "measure")
    assert set(measured.values()) == {1}
    assert {record.ticket.operator for record in records if record.ticket.kind == "measure"} == {CHECK, REPLAY}


@pytest.mark.parametrize("known", [1, 37, 120, 199])
def test_a_resumed_search_goes_on_as_if_it_had_not_stopped(known: int) -> None:
    play = _play(lambda program: int(program[:2], 16) % 2 == 0)
    whole = _run(_search(), play, 200)
    resumed = _search()
    again = _run(resumed, play, 200, {record.number: record for record in whole[:known]})
    assert again == whole
    assert resumed.shown_front()


def test_ranks_forget_superseded_scores() -> None:
    search = _search()
    for _ in range(2):
        ticket, _ = search.ask()
        search.tell(search.settle(_scored(ticket, 0.0 if ticket.number == 0 else 9.0)))
    ticket, _ = search.ask()
    search.tell(search.settle(Work(ticket, None, CHEAT, None)))
    ticket, _ = search.ask()
    # With the cheat's score gone, the better of two is in the top quarter.
    assert search.settle(_scored(ticket, 1.0)).outcome == 1.0


def test_where_nothing_is_driven_nothing_is_checked() -> None:
    probation = Probation(driven=False)
    probation.want("a", CHECK)
    for _ in range(5):
        probation.add_child("a")
    assert not probation.waiting(CHECK) and probation.allows_child("a")
