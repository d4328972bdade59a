"""Problem folders, good and bad: an error names the file, the key and the nearest valid one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from evolve import load, run
from evolve.core.errors import ProblemError, UsageError
from evolve.problem import shipped, shipped_folder

EXP2 = "function-approximation/exp2"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder of one's own with the shipped problem."""
    return Path(shutil.copytree(shipped_folder() / EXP2, tmp_path / "mine"))


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_names_aliases_and_folders_load_the_same_problem(copy: Path) -> None:
    assert load(EXP2).version == load("float32-exp2").version == load(copy).version
    assert {EXP2, "float32-exp2"} <= set(shipped())


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        load("float32-exp3")
    assert "Did you mean float32-exp2?" in str(caught.value)


def test_a_folder_without_a_problem_file(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match=r"problem\.toml does not exist"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('entry = "exp2"', 'entrie = "exp2"', "entrie: unknown key; the nearest valid one is entry"),
        ("points = 14", "point = 14", "tuning.point: unknown key; the nearest valid one is points"),
        ('direction = "minimize"', 'directions = "minimize"', "the nearest valid one is direction"),
        ('evidence = "exact"', 'evidence = "hope"', "evidence"),
        ("points = 14", "points = 14.5", "tuning.points"),
        ('name = "', "name = ", "is not TOML"),
        ("train = 2", 'train = "two"', "splits.train"),
    ],
)
def test_a_wrong_key_is_named(copy: Path, old: str, new: str, message: str) -> None:
    _replace(copy / "problem.toml", old, new)
    with pytest.raises(ProblemError, match=message):
        load(copy)


def test_the_version_follows_everything_that_decides_a_score(copy: Path) -> None:
    before = load(copy).version
    (copy / "README.md").write_text("other words")
    assert load(copy).version == before
    for name in ("verifier.py", "seed.py", "problem.toml", "baselines/polynomial_2.py"):
        earlier = load(copy).version
        with (copy / name).open("a") as file:
            file.write("\n# another line\n")
        assert load(copy).version != earlier


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("return 1.0 + x", "return 1.0 / x", "seed.py is invalid"),
        ("return 1.0 + x", "return abs(x)", "only \\+ - \\* /"),
        ("def exp2", "def exp3", "named exp2"),
        ("    # EVOLVE-BLOCK-END", "", "EVOLVE-BLOCK-END"),
    ],
)
def test_a_seed_that_fails_stops_before_the_run_starts(
    copy: Path, tmp_path: Path, old: str, new: str, message: str
) -> None:
    _replace(copy / "seed.py", old, new)
    with pytest.raises(ProblemError, match=message):
        run(copy, evaluations=10, archive=tmp_path / "archive.db")


def test_a_verifier_that_fails_is_named(copy: Path, tmp_path: Path) -> None:
    _replace(copy / "verifier.py", "def score(", "def score(instance, output):\n    return 1 / 0\n\ndef unused(")
    with pytest.raises(ProblemError, match=r"the verifier fails on .*ZeroDivisionError"):
        run(copy, evaluations=10, archive=tmp_path / "archive.db")


def test_a_metric_that_no_verdict_has_is_named(copy: Path, tmp_path: Path) -> None:
    _replace(copy / "problem.toml", 'metric = "max_relative_error"', 'metric = "max_error"')
    with pytest.raises(ProblemError, match="no metric 'max_error'"):
        run(copy, evaluations=10, archive=tmp_path / "archive.db")


def test_keys_of_processes_have_no_meaning_for_straight_lines(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    shutil.copytree(load("float32-exp2").folder, folder)
    file = folder / "problem.toml"
    file.write_text(file.read_text().replace('entry = "exp2"', 'entry = "exp2"\ndriver = "driver.py"'))
    with pytest.raises(ProblemError, match=r"problem.toml: driver has no meaning with sandbox = 'straight_line'"):
        load(folder)
