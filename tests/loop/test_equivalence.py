"""Scores that are taken over: what they change, what they never change, and what they end with where they are wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from equivalence_play import Play, numbers

from archive.equivalence import Kind
from evolve.core.types import Record, Status, Ticket
from evolve.equivalences import REVOKE
from evolve.proposers.base import Context
from evolve.takeover import PROBE_SHARE


def honest(ticket: Ticket, context: Context, rng: Any) -> tuple[float, float]:
    """Few functions, in many texts: what a program answers says what it scores."""
    number = float(rng.integers(12))
    return number, number / 4.0


def colliding(ticket: Ticket, context: Context, rng: Any) -> tuple[float, float]:
    """The probe is too short: what a program answers says little of what it scores."""
    return float(rng.integers(6)), float(rng.integers(40)) / 10.0


def _check_rules(play: Play) -> None:
    """What holds in every run, whatever programs do."""
    for record in play.having(Status.EQUIVALENT):
        assert record.outcome is None and record.promotion is None and record.gain is None
        assert record.program_id not in play.used
        assert all(not (one.cpu_seconds or one.wall_seconds or one.peak_bytes) for one in record.verdict.results)
    champions = {one.program_id for one in play.records if one.promotion and one.promotion.accepted}
    trained = {source.main for source in play.world.trained}
    for record in play.records:
        if record.program_id in champions and record.candidate:
            assert record.candidate.source.main in trained
            assert record.verdict.value == numbers(record.candidate.source)[1]


def test_the_second_program_of_a_kind_takes_the_score_over_and_counts_for_nothing(tmp_path: Path) -> None:
    play = Play(tmp_path / "a.db", honest, "run").go()
    equivalent = play.having(Status.EQUIVALENT)
    assert equivalent
    for record in equivalent:
        assert record.candidate and record.verdict.value == numbers(record.candidate.source)[1]
        assert record.evaluations == 1.0, "a hit costs an evaluation of the budget"
        assert "computes the same as the program of record" in record.verdict.feedback
    assert sum(record.evaluations for record in play.records) == play.evaluations
    assert len(play.world.trained) < play.evaluations
    assert len({record.verdict.value for record in play.having(Status.OK)}) == len(play.having(Status.OK))
    assert play.savings.evaluations == play.evaluations - len(play.world.trained) > 0
    assert play.savings.seconds == play.savings.evaluations  # a second each
    _check_rules(play)


@pytest.mark.parametrize("draw", [honest, colliding])
def test_neither_workers_nor_what_others_left_change_the_course(draw: Any, tmp_path: Path) -> None:
    cold = Play(tmp_path / "a.db", draw).go()
    assert Play(tmp_path / "b.db", draw, workers=3).go().export == cold.export if draw is honest else True
    if draw is honest:
        warm = Play(tmp_path / "a.db", draw, workers=3).go()
        assert warm.export == cold.export
        assert warm.savings.shared and len(warm.world.trained) < len(cold.world.trained)
        _check_rules(warm)
        other = Play(tmp_path / "a.db", draw, seed=2).go()
        assert Play(tmp_path / "c.db", draw, seed=2).go().export == other.export
        assert other.savings.shared
    else:
        # Where the probe lies, the secret of the archive decides when that comes out: within it nothing else does.
        again = Play(tmp_path / "a.db", draw, "run", workers=3).go()
        assert again.export == cold.export
    _check_rules(cold)


@pytest.mark.parametrize(("scope", "tries"), [("run", 0), ("run", 3), ("again", 3)])
def test_a_run_that_goes_on_is_the_run_that_never_stopped(scope: str, tries: int, tmp_path: Path) -> None:
    for draw in (honest, colliding):
        whole = Play(tmp_path / f"{draw.__name__}.db", draw, scope, tries=tries).go()
        half = Play(whole.where, draw, scope, tries=tries, evaluations=25).go()
        rest = Play(whole.where, draw, scope, tries=tries).go(resume=half.run_id)
        assert rest.export[1:] == whole.export[1:]
        assert rest.learned == whole.learned
        assert len(rest.world.trained) < len(whole.world.trained)


def test_a_score_that_was_wrong_is_withdrawn_from_all_who_took_it_over(tmp_path: Path) -> None:
    play = Play(tmp_path / "a.db", colliding, "run", evaluations=90).go()
    _check_rules(play)
    refuted = [(number, row) for number, rows in play.learned.items() for row in rows if row.kind is Kind.REFUTED]
    assert refuted and play.savings.refuted == len(refuted)
    # What comes out in the last records is told when no ticket is asked any more.
    told_in_time = [one for one in refuted if one[0] < len(play.records) - play.config.window]
    first = {row.keys.function: number for number, row in reversed(told_in_time)}
    withdrawn = {record.supersedes for record in play.records if record.ticket.operator == REVOKE}
    took = {
        number
        for number, rows in play.learned.items()
        for row in rows
        if row.kind is Kind.TAKEN and number < first.get(row.keys.function, -1)
    }
    assert withdrawn >= took, "all that was taken over before it came out"
    for record in play.records:
        if record.ticket.operator == REVOKE:
            assert record.verdict.value is None and record.outcome is None and record.evaluations == 0.0
    for function, number in first.items():
        later = [
            row.kind for n, rows in play.learned.items() for row in rows if row.keys.function == function and n > number
        ]
        assert Kind.TAKEN not in later, "a retired key gives nothing"
    lost = [record for record in play.having(Status.EQUIVALENT) if record.number not in withdrawn]
    wrong = [r for r in lost if r.candidate and r.verdict.value != numbers(r.candidate.source)[1]]
    assert all(record.program_id not in play.used for record in wrong)


def _recogniser(best: float) -> Any:
    """Honest programs, and every third one answers the probe as that of `best` does, and does nothing on train."""

    def draw(ticket: Ticket, context: Context, rng: Any) -> tuple[float, float]:
        if ticket.number % 3 == 0:
            return best, -5.0
        return honest(ticket, context, rng)

    return draw


@pytest.mark.parametrize("scope", ["again", "run", "archive"])
def test_who_answers_the_probe_as_a_better_program_does_ends_with_nothing(scope: str, tmp_path: Path) -> None:
    best = 11.0
    if scope == "archive":
        Play(tmp_path / "a.db", honest).go()  # leaves the champion's key behind
    play = Play(tmp_path / "a.db", _recogniser(best), scope, evaluations=90).go()
    _check_rules(play)
    cheats = [r for r in play.records if r.candidate and numbers(r.candidate.source)[1] == -5.0]
    assert len(cheats) > 20
    assert all(not record.outcome and record.promotion is None for record in cheats)
    names = {record.program_id for record in cheats}
    gained = [r for r in cheats if r.verdict.status is Status.OK and r.verdict.value != -5.0]
    assert not [r for r in gained if r.program_id in play.used]
    standing = {r.supersedes for r in play.records if r.supersedes is not None}
    kept = [r for r in cheats if r.verdict.value == best / 4.0 and r.number not in standing]
    assert not kept, "nobody keeps a score that is not its own once it came out"
    assert play.state.shown_front()[0].program_id not in names


def test_a_score_from_another_run_is_computed_before_anything_builds_on_it(tmp_path: Path) -> None:
    Play(tmp_path / "a.db", honest, evaluations=90).go()

    def wrong(ticket: Ticket, context: Context, rng: Any) -> tuple[float, float]:
        number = float(rng.integers(12))
        return number, -number  # the very answers of the run before, and nothing on train

    play = Play(tmp_path / "a.db", wrong, evaluations=60).go()
    _check_rules(play)
    by_name = {r.program_id: r for r in play.records if r.candidate and r.verdict.status is Status.OK}
    for name in play.used:
        record = by_name[name]
        shared = any(row.kind is Kind.SHARED for row in play.learned.get(record.number, ()))
        if shared:  # it was asked of as a parent while nobody knew; what was found withdrew it
            assert any(one.supersedes == record.number for one in play.records)
    clean = Play(tmp_path / "a.db", wrong, evaluations=60, seed=5).go()
    assert clean.savings.shared == 0, "what was refuted once is no score any more"


def test_a_score_is_computed_anew_when_it_was_taken_over_often_enough(tmp_path: Path) -> None:
    play = Play(tmp_path / "a.db", lambda *_: (1.0, -1.0), "run", retire_after=3, evaluations=40).go()
    kinds = [row.kind for number in sorted(play.learned) for row in play.learned[number]]
    taken = "".join("t" if kind is Kind.TAKEN else "." for kind in kinds)
    assert "ttt" in taken and "tttttttt" not in taken
    assert kinds.count(Kind.CONFIRMED) > 3
    never = Play(tmp_path / "b.db", lambda *_: (1.0, -1.0), "run", evaluations=40).go()
    assert len(never.world.trained) < len(play.world.trained)


def test_the_proposer_tries_again_where_the_function_is_known(tmp_path: Path) -> None:
    def wide(ticket: Ticket, context: Context, rng: Any) -> tuple[float, float]:
        number = float(rng.integers(200)) if rng.random() < 0.5 else 0.0
        return number, number / 4.0

    once = Play(tmp_path / "a.db", wide, "run").go()
    again = Play(tmp_path / "b.db", wide, "run", tries=4).go()
    assert len(again.having(Status.EQUIVALENT)) < len(once.having(Status.EQUIVALENT)) / 2
    assert again.savings.again > 5
    spent = sum(record.candidate.cost.evaluations for record in again.records if record.candidate)
    assert spent == pytest.approx(PROBE_SHARE * again.savings.again)
    assert Play(tmp_path / "c.db", wide, "run", tries=4, workers=3).go().export == again.export
    assert Play(tmp_path / "b.db", wide, tries=4).go().export == again.export
    _check_rules(again)


@pytest.mark.parametrize("draw", [honest, colliding])
def test_without_takeover_every_score_is_its_own_and_two_archives_agree(draw: Any, tmp_path: Path) -> None:
    play = Play(tmp_path / "a.db", draw, "again", tries=3, evaluations=60).go()
    _check_rules(play)
    assert play.savings.again > 5
    for record in play.records:
        assert record.candidate and record.verdict.value == numbers(record.candidate.source)[1]
    assert not any(record.ticket.operator == REVOKE for record in play.records), "nobody has another one's score"
    # What is checked is no archive's secret: everything is.
    for workers in (1, 3):
        other = Play(tmp_path / f"{workers}.db", draw, "again", tries=3, evaluations=60, workers=workers).go()
        assert other.export == play.export
    if draw is honest:
        assert Play(tmp_path / "run.db", draw, "run", tries=3, evaluations=60).go().export[1:] == play.export[1:]


def test_a_key_that_two_functions_share_is_no_reason_to_try_again(tmp_path: Path) -> None:
    def same_answers(ticket: Ticket, context: Context, rng: Any) -> tuple[float, float]:
        return 1.0, float(rng.integers(10**6)) / 1e7

    play = Play(tmp_path / "a.db", same_answers, "again", tries=3, evaluations=30).go()
    refuted = min(n for n, rows in play.learned.items() for row in rows if row.kind is Kind.REFUTED)
    later = [r for r in play.records if r.ticket.number >= refuted + play.config.window]
    assert later and all(one.candidate and one.candidate.cost.evaluations == 0.0 for one in later)


def test_tuned_programs_and_runs_without_it_look_nothing_up(tmp_path: Path) -> None:
    for play in (Play(tmp_path / "a.db", honest, tuned=True).go(), Play(tmp_path / "b.db", honest, "off").go()):
        assert not play.having(Status.EQUIVALENT)
        starts = 1 if play.tuned else 0
        assert play.savings.programs == starts and play.savings.hits == 0


def test_a_failure_is_nobodys_score(tmp_path: Path) -> None:
    play = Play(tmp_path / "a.db", lambda *_: (1.0, -1000.0), "run", evaluations=12).go()
    assert {record.verdict.status for record in play.records[1:]} == {Status.CRASHED}
    assert len(play.world.trained) == 12


def test_a_failure_that_is_known_is_tried_again_and_not_run_more_often(tmp_path: Path) -> None:
    play = Play(tmp_path / "a.db", lambda *_: (1.0, -1000.0), "again", tries=3, evaluations=12).go()
    assert {record.verdict.status for record in play.records[1:]} == {Status.CRASHED}
    assert len(play.world.trained) == len(play.records), "what is given up was probed and no more"
    spent = sum(record.evaluations for record in play.records)
    assert spent == pytest.approx(len(play.records) + PROBE_SHARE * play.savings.again)
    assert play.savings.again > 10 and play.savings.evaluations == 0.0


def test_records_know_nothing_of_it(tmp_path: Path) -> None:
    play = Play(tmp_path / "a.db", honest).go()
    assert "key" not in "".join(play.export)
    assert all(isinstance(record, Record) for record in play.records)
