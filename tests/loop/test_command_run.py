"""A whole run of a problem whose programs a command runs: its front, going on with it, showing and exporting it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evolve import run
from evolve.cli.app import app

pytestmark = pytest.mark.bubblewrap

TOML = """
name = "counting"
title = "counting"
evidence = "sampled"
sandbox = "bubblewrap"
minimum_effect = 0.05
[[objectives]]
metric = "cpu_seconds"
direction = "minimize"
[[objectives]]
metric = "steps"
direction = "maximize"
[command]
program = "count.sh"
run = "./count.sh"
separated = false
[limits]
wall_seconds = 2
cpu_seconds = 0.5
"""
VERIFIER = """
from evolve.core.errors import Invalid
from evolve.core.types import Instance, Score

def instances(split, seed):
    for number in range(2):
        yield Instance(f"{split}-{number}", f"group-{number}", (f"{number} {split}\\n",))

def score(instance, output):
    if not output.strip().isdigit():
        raise Invalid("not a number")
    return Score(1.0, {"steps": float(min(int(output), 10**6))})
"""
PROGRAM = """#!/bin/sh
# EVOLVE-BLOCK-START
i=0
while [ $i -lt 300 ]; do i=$((i + 1)); done
echo $i
# EVOLVE-BLOCK-END
"""


def test_a_run_has_a_measured_front_goes_on_and_is_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "counting"
    (folder / "baselines").mkdir(parents=True)
    (folder / "problem.toml").write_text(TOML)
    (folder / "verifier.py").write_text(VERIFIER)
    (folder / "count.sh").write_text(PROGRAM)
    (folder / "baselines" / "longer.sh").write_text(PROGRAM.replace("300", "900"))
    place = str(tmp_path / "a.db")
    first = run(folder, evaluations=6, seed=3, workers=1, archive=place, final_check=False)
    assert first.stop_reason == "evaluations" and first.front and not first.verifier_separated
    assert first.baselines[0].name == "longer"
    for one in (*first.front, first.seed):
        assert {"steps", "cpu_seconds", "wall_seconds", "peak_mebibytes"} == set(one.metrics)
        assert one.metrics["cpu_seconds"] > 0 and one.metrics["peak_mebibytes"] > 5
    again = run(folder, evaluations=8, workers=1, archive=place, resume=first.run_id, final_check=True)
    assert again.run_id == first.run_id and again.evaluations >= 8
    assert all("cpu_seconds" in row for row in again.final.values())

    monkeypatch.chdir(tmp_path)
    outputs = {}
    for words in (["show", "best"], ["export"], ["diff", "longer", "seed"], ["show", "best", "--json"]):
        done = CliRunner().invoke(app, [*words, "--archive", place])
        assert done.exit_code == 0, done.output
        outputs[words[-1]] = done.output
    assert "verifier not separated: the program reports its own score" in outputs["best"]
    assert "-while [ $i -lt 900 ]; do i=$((i + 1)); done" in outputs["seed"]
    text = (tmp_path / "best.sh").read_text()
    assert text.startswith("#!/bin/sh\n# counting: a program found by Evolve.\n")
    assert text.endswith(json.loads(outputs["--json"])["files"]["count.sh"].partition("\n")[2])
