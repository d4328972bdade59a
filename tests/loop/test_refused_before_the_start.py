"""Bad input ends before a run begins: with the key or the row, and what mends it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from archive.replay import Replay
from evolve import run
from evolve.beginning import replayed_run
from evolve.core.config import RunConfig
from evolve.core.errors import ArchiveError, EvolveError, ProblemError, UsageError
from evolve.problem import Problem
from evolve.proposers.llm.models import Model

WriteProblem = Callable[..., Problem]


def _refused(folder: Path | str, where: Path) -> EvolveError:
    archive = where / "a.db"
    with pytest.raises((ProblemError, UsageError)) as caught:
        run(folder, evaluations=5, workers=1, archive=archive)
    assert caught.value.remedy
    with pytest.raises((ArchiveError, UsageError)):
        run(folder, resume="last", archive=archive)  # no run was begun
    return caught.value


def test_a_driver_that_is_missing(write_problem: WriteProblem) -> None:
    with pytest.raises(ProblemError, match=r"driver: there is no file simulator.py") as caught:
        write_problem("sort", keys='driver = "simulator.py"')
    assert "simulator.py" in caught.value.remedy


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ('isolation = "process"', "isolation: Input should be 'instance' or 'stage'"),
        ('isolashun = "stage"', "isolashun: unknown key; the nearest valid one is isolation"),
        ("packages = 3", "packages"),
        ("[verifier]\nwall_seconds = 0", "verifier.wall_seconds: Input should be greater than 0"),
        ("[tuning]\nmethod = 'least_squares'", "tuning.method 'least_squares' has no meaning"),
    ],
)
def test_keys_that_can_not_be_honoured(write_problem: WriteProblem, keys: str, words: str) -> None:
    with pytest.raises(ProblemError, match=words):
        write_problem("sort", keys=keys) if "[" not in keys else write_problem("sort", toml=f"\n{keys}\n")


@pytest.mark.bubblewrap
def test_a_package_that_is_not_installed(write_problem: WriteProblem, tmp_path: Path) -> None:
    problem = write_problem("sort", keys='packages = ["no-such-package-at-all"]')
    error = _refused(problem.folder, tmp_path)
    assert "packages" in str(error) and "no-such-package-at-all" in str(error)


@pytest.mark.bubblewrap
def test_less_memory_than_the_interpreter_needs(write_problem: WriteProblem, tmp_path: Path) -> None:
    problem = write_problem("sort")
    path = problem.folder / "problem.toml"
    path.write_text(path.read_text().replace("memory_mebibytes = 256", "memory_mebibytes = 4"))
    assert "memory" in str(_refused(problem.folder, tmp_path))


@pytest.mark.bubblewrap
@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "time,object,size\n1,2,3\n2,x", "a.csv"),
        ("b.csv", "object\n", "b.csv"),
        ("c.jsonl", '{"hash_ids": [1, 2]}\nnonsense\n', "c.jsonl"),
    ],
)
def test_a_malformed_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, words: str) -> None:
    (tmp_path / "traces").mkdir()
    (tmp_path / "traces" / name).write_text(text)
    monkeypatch.setenv("EVOLVE_DATA", str(tmp_path))
    assert words in str(_refused("cache-eviction", tmp_path))


def test_no_bubblewrap_is_one_line_with_the_command(
    write_problem: WriteProblem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = write_problem("sort")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "apt-get").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    from sandbox import bubblewrap_check

    bubblewrap_check.check.cache_clear()
    try:
        error = _refused(problem.folder, tmp_path)
    finally:
        bubblewrap_check.check.cache_clear()
    assert error.message == "bubblewrap is not installed"
    assert "apt-get install bubblewrap" in error.remedy and "\n" not in error.remedy


MODELS = {"bandit": "thompson", "callbacks": [], "models": [Model(name="m", model="openai/x").model_dump(mode="json")]}
CONFIG = RunConfig(1, "clade", 16, "seed", 10.0, 100, models=MODELS).to_json()
FORGED: list[dict[str, object]] = [
    {"seed": "one"},
    {"seed": None},
    {"window": 0},
    {"policy": "magic"},
    {"evaluations": "many"},
    {"models": [1]},
    {"models": {**MODELS, "bandit": "mine"}},
    {"models": {**MODELS, "callbacks": 3}},
    {"models": {**MODELS, "models": [{"name": "m"}]}},
    {"models": {**MODELS, "models": 7}},
    {"models": {"bandit": "thompson"}},
    {"hint": 4},
]


def recording(config: dict[str, object]) -> Replay:
    return Replay("float32-exp2", "1", config, (), (), ())


@pytest.mark.parametrize("change", FORGED, ids=str)
def test_a_recording_with_settings_that_no_run_has(change: dict[str, object]) -> None:
    assert replayed_run("float32-exp2", recording(CONFIG))[1] == RunConfig.from_json(CONFIG)
    with pytest.raises(UsageError) as caught:
        replayed_run("float32-exp2", recording({**CONFIG, **change}))
    assert caught.value.remedy and len(caught.value.message) < 500
