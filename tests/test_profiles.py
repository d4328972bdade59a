"""Reduced sizes of a problem: versions of their own, and what is said of wrong ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from evolve import load
from evolve.core.errors import ProblemError, UsageError
from evolve.core.types import Split
from evolve.evaluation import make_evaluator
from evolve.problem import Problem, shipped_folder

EXP2 = "function-approximation/exp2"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A problem of one's own whose instances take a size, with a profile that gives one."""
    copied = Path(shutil.copytree(shipped_folder() / "landscape" / "smooth", tmp_path / "mine"))
    verifier = copied / "verifier.py"
    text = verifier.read_text().replace(
        "@cache\ndef instances(split: Split, seed: int)", "def instances(split, seed, count=6)"
    )
    verifier.write_text(text.replace("range(1 if split is Split.PROBE else len(WEIGHTS))", "range(count)"))
    return copied


def _with(folder: Path, text: str) -> Path:
    path = folder / "problem.toml"
    path.write_text(path.read_text() + text)
    return folder


def test_a_profile_is_a_problem_version_of_its_own(folder: Path) -> None:
    _with(folder, "[profiles.tiny]\nevaluations = 7\ninstances = { count = 2 }\n[profiles.short]\n")
    whole, tiny, short = load(folder), load(f"{folder}@tiny"), load(f"{folder}@short")
    assert len({whole.version, tiny.version, short.version}) == 3
    assert (tiny.name, tiny.search.evaluations, short.search.evaluations) == ("landscape/smooth@tiny", 7, 300)
    sizes = [len(list(one.verifier.instances(Split.TRAIN, 2))) for one in (whole, tiny, short)]
    assert sizes == [6, 2, 6]
    assert len({_evaluation_set(one) for one in (whole, tiny, short)}) == 3
    assert load(tiny.place).version == tiny.version and load(whole.place).version == whole.version


def _evaluation_set(problem: Problem) -> str:
    return make_evaluator(problem).evaluation_set


def test_shipped_problems_have_a_size_for_comparisons() -> None:
    for name in ("float32-exp2", "cache-eviction"):
        assert load(f"{name}@compare").search.evaluations < load(name).search.evaluations
    instances = load("cache-eviction@compare").verifier.instances
    assert len(list(instances(Split.GATE, 3))) == 16 and len(instances(Split.TRAIN, 2)[0].args[0]) == 800


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        (
            "[profiles.tiny]\nevaluation = 7",
            "profiles.tiny.evaluation: unknown key; the nearest valid one is evaluations",
        ),
        ("[profiles.tiny]\nevaluations = 0", "profiles.tiny.evaluations: "),
        ("[profiles.tiny]\ninstances = 3", "profiles.tiny.instances: "),
        ('[profiles."a b"]', "profiles.a b"),
        ("[profile.tiny]", "profile: unknown key; the nearest valid one is profiles"),
    ],
)
def test_wrong_profiles_are_refused_with_their_key(folder: Path, toml: str, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        load(_with(folder, toml))


def test_a_profile_that_there_is_not_and_arguments_that_nobody_takes(folder: Path) -> None:
    with pytest.raises(UsageError, match="has no profile tiny"):
        load(f"{EXP2}@tiny")
    _with(folder, "[profiles.tiny]\ninstances = { size = 2 }\n")
    with pytest.raises(ProblemError, match="unexpected keyword argument 'size'"):
        _ = load(f"{folder}@tiny").verifier


def test_a_folder_with_an_at_sign_is_a_folder(folder: Path, tmp_path: Path) -> None:
    moved = folder.rename(tmp_path / "mine@home")
    assert load(moved).profile == "" and load(_with(moved, "[profiles.x]\n").parent / "mine@home@x").profile == "x"
