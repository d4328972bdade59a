"""A problem whose verifier has changed since a run: it is not gone on with, and all that it found can still be read."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from evolve.problem import load

from .conftest import Cli

pytestmark = pytest.mark.bubblewrap
VERIFIER = """
from evolve.core.types import Instance, Score


def instances(split, seed):
    for number in range(3):
        yield Instance(f"{split}-{number}", f"group-{number}", (0.1 * number + (seed % 7) / 100,))


def score(instance, output):
    loss = abs(output - 1.0)
    return Score(loss, {"loss": loss})
"""
TOML = """
name = "one"
title = "One"
entry = "f"
evidence = "sampled"
sandbox = "bubblewrap"

[[objectives]]
metric = "loss"
direction = "minimize"

[search]
evaluations = 40

[limits]
wall_seconds = 20
cpu_seconds = 5
memory_mebibytes = 256
"""
SEED = "# EVOLVE-BLOCK-START\ndef f(x):\n    return x * 2.0 + 0.3\n# EVOLVE-BLOCK-END\n"


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Cli, Any, Any]:
    """An archive with a run, that run's best program as it was shown, and the problem changed behind it."""
    folder = tmp_path_factory.mktemp("changed")
    problem = folder / "one"
    problem.mkdir()
    for name, text in {"problem.toml": TOML, "verifier.py": VERIFIER, "seed.py": SEED}.items():
        (problem / name).write_text(text)
    cli = Cli(folder / "archive.db")
    report = cli.json("run", problem, "--evaluations", "8", "--workers", "1", "--no-final")
    before = cli.json("show", "best")
    (problem / "verifier.py").write_text(VERIFIER.replace("1.0", "1.5"))
    (problem / "problem.toml").write_text(TOML.replace("minimize", "maximize").replace('"loss"', '"gain"'))
    return cli, report, before


def test_it_is_not_gone_on_with_nor_drawn(changed: tuple[Cli, Any, Any], tmp_path: Path) -> None:
    cli, report, _ = changed
    for command in (("run", "--resume", "last"), ("plot", "last", "-o", tmp_path / "a.svg"), ("diff", "seed", "best")):
        message, remedy = cli.fail(*command, status=1)
        assert f"one has changed since run {report['run_id']}" in message
        assert "Restore the problem's files as they were, or run it anew" in remedy


def test_what_it_found_is_read_as_before(changed: tuple[Cli, Any, Any], tmp_path: Path) -> None:
    """By the objectives of then, and it says so."""
    cli, report, before = changed
    assert not before["problem_changed"]
    assert cli.json("show", "best") == {**before, "problem_changed": True}
    said = cli.call("show", "best")
    assert "these scores compare with those of its old version alone" in said and "Line of descent" in said
    assert [row["id"] for row in cli.json("runs")] == [report["run_id"]]
    assert cli.json("show", "last")["problem_version"] != load(cli.archive.parent / "one").version
    cli.call("diff", before["lineage"][0]["program_id"], "best")
    cli.call("export", "best", "-o", tmp_path / "best.py")
    assert "the problem has changed since" in (tmp_path / "best.py").read_text()


def test_a_new_run_is_of_the_new_version(changed: tuple[Cli, Any, Any], tmp_path: Path) -> None:
    """Both stand in one archive, and scores are kept apart by their evaluation sets."""
    cli, report, _ = changed
    folder = shutil.copytree(cli.archive.parent / "one", tmp_path / "one")
    (folder / "problem.toml").write_text(TOML)
    (folder / "verifier.py").write_text(VERIFIER.replace("1.0", "1.5"))
    both = Cli(Path(shutil.copy(cli.archive, tmp_path / "archive.db")))
    new = both.json("run", folder, "--evaluations", "3", "--workers", "1", "--no-final")
    with sqlite3.connect(both.archive) as reader:
        sets = reader.execute("SELECT DISTINCT run_id, evaluation_set FROM records WHERE status = 'ok' ORDER BY 1")
        kept = dict(sets.fetchall())
    reader.close()
    assert len({kept[report["run_id"]], kept[new["run_id"]]}) == 2


def test_where_the_objectives_were_not_stored_another_metric_is_no_guess(
    changed: tuple[Cli, Any, Any], tmp_path: Path
) -> None:
    cli, _, before = changed
    old = Cli(Path(shutil.copy(cli.archive, tmp_path / "archive.db")))
    with sqlite3.connect(old.archive) as writer:
        (text,) = writer.execute("SELECT config FROM runs").fetchone()
        config = json.loads(text)
        del config["objectives"]
        writer.execute("UPDATE runs SET config = ?", (json.dumps(config),))
    writer.close()
    message, remedy = old.fail("show", "best", status=2)
    assert "has found no program yet" in message and "name a program" in remedy
    assert old.json("show", before["program_id"])["metrics"] == before["metrics"]
