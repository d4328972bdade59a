"""What a run makes of a policy's text, and of the features that its problem declares."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from archive.policies.islands import Islands
from archive.policies.portfolio import Portfolio
from evolve.beginning import Limits, fresh_run
from evolve.core.config import RunConfig
from evolve.core.errors import ProblemError, UsageError
from evolve.core.types import Objective
from evolve.problem import Problem, load
from evolve.programs import check_features
from evolve.rules import Rules
from evolve.search import SearchState


def _problem(tmp_path: Path, features: str) -> Problem:
    folder = tmp_path / "exp2"
    shutil.copytree(load("float32-exp2").folder, folder)
    text = (folder / "problem.toml").read_text()
    (folder / "problem.toml").write_text(f"features = {features}\n{text}")
    return load(folder)


def test_what_is_stored_is_the_text_in_one_way_of_writing_it() -> None:
    _, config = fresh_run("float32-exp2", Limits(100), 0, None, "portfolio: members = hill : samples=1 + clade", None)
    assert config.policy == "portfolio:members=hill+clade"
    with pytest.raises(UsageError, match="there is no policy 'magic'"):
        fresh_run("float32-exp2", Limits(100), 0, None, "magic", None)


def test_a_search_hands_on_budget_and_features() -> None:
    objectives = (Objective("error", "minimize"),)
    rules = Rules(objectives, 0.0, {"edit": 1.0}, features=("depth",))
    config = RunConfig(0, "islands", 4, "seed", 100.0, 100)
    islands = SearchState(config, rules, {}).policy.inner
    assert isinstance(islands, Islands) and islands._features == ("depth",)
    portfolio = SearchState(RunConfig(0, "portfolio", 4, "seed", 100.0, 100), rules, {}).policy.inner
    assert isinstance(portfolio, Portfolio) and len(portfolio.active) == 3


def test_a_feature_that_the_seed_lacks_is_refused_with_the_nearest(tmp_path: Path) -> None:
    problem = _problem(tmp_path, '["length", "oprations"]')
    assert problem.version != load("float32-exp2").version
    with pytest.raises(ProblemError, match=r"problem\.toml: features: the seed has no metric 'oprations'") as caught:
        check_features(problem, {"operations": 3.0, "digits": 2.0})
    assert "Did you mean operations?" in caught.value.remedy


def test_features_that_are_there_are_taken(tmp_path: Path) -> None:
    problem = _problem(tmp_path, '["length", "operations"]')
    check_features(problem, {"operations": 3.0})
    assert problem.features == ("length", "operations")
