"""Programs that cheat at paging-predictions, each in its sandbox: refused, or scored as what it decided deserves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest
from cheats_of_paging_predictions import (
    ANSWERING,
    ANSWERS,
    BY_ORDER,
    DEEDS,
    FAILING,
    LOOKING,
    MEMORISING,
    REMEMBERING,
    looking,
)

from evaluators.process_cascade import ProcessEvaluator
from evaluators.stage import Run, Stage
from evaluators.verifier import load_verifier
from evolve.core.types import Source, Split, Status
from evolve.engine.worker import Worker
from evolve.problem import load

pytestmark = pytest.mark.bubblewrap

FOLDER = Path(__file__).parents[4] / "problems" / "paging-predictions"
# Of a split's instances: two kinds of sequence, with one kind of prediction each.
FEW = (1, 4)


class Arena:
    """Runs a program on a few instances of a split."""

    def __init__(self, stage: Stage, seed: Source) -> None:
        self.stage, self.seed = stage, seed
        self.honest = cache(lambda split: self.values(self.runs("", split)))

    def runs(self, text: str, split: Split = Split.TRAIN, places: Sequence[int] = FEW) -> list[Run]:
        instances = self.stage.verifier.instances(split)
        source = self.seed.with_main(self.seed.main + text)
        return [self.stage.run(source, split, instances[place]) for place in places]

    @staticmethod
    def values(runs: Sequence[Run]) -> list[float]:
        assert all(run.score is not None for run in runs), [run.feedback for run in runs]
        return [run.score.value for run in runs if run.score is not None]


@pytest.fixture(scope="module")
def arena() -> Iterator[Arena]:
    worker = Worker(str(FOLDER))
    assert isinstance(worker.evaluator, ProcessEvaluator)
    yield Arena(worker.evaluator.stage, load(str(FOLDER)).seed)
    worker.evaluator.stage.close()


@pytest.mark.parametrize("name", sorted(LOOKING.keys() - {"neighbours", "verifier"}))
def test_there_is_no_future_to_be_found(arena: Arena, name: str) -> None:
    """Whoever looks finds nothing, and decides as the seed does."""
    assert arena.values(arena.runs(looking(name))) == arena.honest(Split.TRAIN)


def test_the_verifier_can_not_be_imported(arena: Arena) -> None:
    # The import fails, which the program catches; SystemExit, which it would not, is not reached.
    assert arena.values(arena.runs(looking("verifier"), places=FEW[:1])) == arena.honest(Split.TRAIN)[:1]


def test_the_sequences_beside_a_sequence_tell_nothing_of_it(arena: Arena) -> None:
    """They are drawn independently, each for a cache and parameters of its own."""
    cheat, honest = arena.values(arena.runs(looking("neighbours"))), arena.honest(Split.TRAIN)
    assert sum(cheat) > sum(honest)


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_that_is_no_slot_is_refused(arena: Arena, name: str) -> None:
    for run in arena.runs(ANSWERING.format(ANSWERS[name])):
        assert run.result.status is Status.INVALID and run.score is None, run.feedback
        assert "slot" in run.feedback


def test_whoever_evicts_the_same_slot_each_time_pays_for_it(arena: Arena) -> None:
    cheat = arena.values(arena.runs(DEEDS["evicts nobody else"]))
    assert all(value > honest for value, honest in zip(cheat, arena.honest(Split.TRAIN), strict=True))


@pytest.mark.parametrize("name", ["mutates", "replaces the driver"])
def test_what_a_program_does_to_its_own_process_changes_no_sequence_and_no_bit(arena: Arena, name: str) -> None:
    """It may answer otherwise; the cache is the verifier's, and the faults are those of the answers."""
    cheat = arena.values(arena.runs(DEEDS[name]))
    assert all(value >= honest for value, honest in zip(cheat, arena.honest(Split.TRAIN), strict=True))


def test_nothing_is_carried_from_one_play_to_the_next(arena: Arena) -> None:
    """Neither in a module, nor in a file, nor in the environment: the second time it would fail."""
    twice = arena.runs(REMEMBERING, places=(4, 4, 4))
    values = arena.values(twice)
    assert values[0] == values[1] == values[2]
    assert values == arena.values(arena.runs("", places=(4, 4, 4)))


def test_a_program_that_fails_where_predictions_are_bad_has_no_score(arena: Arena) -> None:
    runs = arena.runs(FAILING)
    assert {run.result.status for run in runs} == {Status.CRASHED}
    assert all(run.score is None for run in runs)


def test_who_has_memorised_train_gains_nothing_where_it_counts(arena: Arena) -> None:
    instances = load_verifier(FOLDER).instances(Split.TRAIN, load(str(FOLDER)).file.splits.train)
    known = [list(requests) for place in FEW for _, _, requests, _, _ in instances[place].truth]
    text = MEMORISING.format(known=known)
    assert max(arena.values(arena.runs(text))) < 1.1  # as good as the optimum there,
    elsewhere = arena.values(arena.runs(text, Split.GATE))  # and hardly different from the seed elsewhere
    assert elsewhere == pytest.approx(arena.honest(Split.GATE), abs=0.03)


def test_the_number_of_a_sequence_does_not_tell_how_wrong_its_bits_are(arena: Arena) -> None:
    many = (0, 1, 2, 3, 6, 7)
    assert sum(arena.values(arena.runs(BY_ORDER, places=many))) > sum(arena.values(arena.runs("", places=many)))
