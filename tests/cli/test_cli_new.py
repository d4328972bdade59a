"""`evolve new`: what it writes runs as it is, and what it is told wrongly loses nothing."""

from __future__ import annotations

import json
import tomllib
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from evolve.check import Grade
from evolve.check.bench import Bench
from evolve.check.rows import known_programs, splits
from evolve.cli.app import app
from evolve.problem import load
from evolve.scaffold import FAMILIES
from evolve.wish import enclosed, guessed_direction

SUMS = """#!/usr/bin/env python3
import json
STEP = 3
print("hello")
print(json.dumps({"cost": 10 - STEP, "other": 1, "name": "x"}))
"""
SEEDED = "import sys\nprint(float(sys.argv[1]) % 7)\n"
NAMED = """print('{"a": 3}')\n"""
WORDS = "for n in 3 1 2; do echo $n; done | sort\n"


def call(*arguments: str | Path, status: int = 0) -> Result:
    """The command in this process; it must end with `status`."""
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == status, result.output + repr(result.exception)
    return result


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_makes_a_problem_that_loads(here: Path, family: str) -> None:
    said = call("new", "my-problem", "--family", family).stdout
    problem = load(here / "my-problem")
    assert problem.name == "my-problem" and problem.baselines
    assert "evolve check my-problem" in said and "evolve run my-problem" in said
    assert (here / "my-problem" / "README.md").exists()
    assert not list(here.glob(".my-problem*"))  # nothing is left of the draft


def test_without_a_family_it_is_scheduling(here: Path) -> None:
    assert "scheduling" in call("new", "mine").stdout
    assert load(here / "mine").seed.entry == "schedule"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("Bad Name",), "is no name for a problem"),
        (("taken",), "exists already"),
        (("no/such/folder",), "there is no folder"),
        (("mine", "--family", "puzzles"), "there is no family 'puzzles'"),
        (("mine", "--run", "true"), "--run has no meaning without --program"),
        (("mine", "--program", "a.py"), "--program needs --run"),
        (("mine", "--program", "gone.py", "--run", "x"), "gone.py can not be read"),
        (("mine", "--program", "verifier.py", "--run", "x"), "can not be called verifier.py"),
        (("mine", "--program", "half.py", "--run", "x"), "EVOLVE-BLOCK-END"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(here: Path, arguments: tuple[str, ...], message: str) -> None:
    (here / "taken").mkdir()
    (here / "verifier.py").write_text("print(1)")
    (here / "half.py").write_text("# EVOLVE-BLOCK-START\nprint(1)\n")
    before = sorted(here.rglob("*"))
    assert message in call("new", *arguments, status=2).stderr
    assert sorted(here.rglob("*")) == before


@pytest.mark.bubblewrap
def test_a_program_that_prints_json_is_wrapped(here: Path) -> None:
    (here / "sums.py").write_text(SUMS)
    said = call("new", "sums", "--program", "sums.py", "--run", "python3 sums.py").stdout
    assert "prints cost and other; cost counts" in said and "less is better" in said
    assert "all of sums.py may change" in said
    file = tomllib.loads((here / "sums" / "problem.toml").read_text())
    assert file["objectives"] == [{"metric": "cost", "direction": "minimize"}]
    assert file["command"] == {"program": "sums.py", "run": "python3 sums.py", "separated": False}
    assert (here / "sums" / "sums.py").read_text().startswith("#!/usr/bin/env python3\n# EVOLVE-BLOCK-START\n")
    report = json.loads(call("check", "sums", "--json").stdout)
    grades = {one["name"]: one["grade"] for one in report["findings"]}
    assert grades["verifier"] == "look" and report["grade"] == "look"
    readme = (here / "sums" / "README.md").read_text()
    assert "not separated" in readme and "How to separate the verifier" in readme
    found = json.loads(
        call("run", "sums", "--evaluations", "12", "--workers", "1", "--archive", here / "a.db", "--json").stdout
    )
    assert found["verifier_separated"] is False and found["found"][0]["metrics"]["cost"] <= 7


@pytest.mark.bubblewrap
def test_a_command_with_a_seed_gets_seeds_that_differ_by_split(here: Path) -> None:
    (here / "rest.py").write_text(SEEDED)
    call("new", "rest", "--program", "rest.py", "--run", "python3 rest.py {seed}", "--maximize")
    problem = load(here / "rest")
    assert problem.command is not None and problem.command.run == 'python3 rest.py "$1"'
    assert problem.objectives[0].direction == "maximize"
    with closing(Bench(problem)) as bench:
        found = splits(bench, print)
    assert found.grade is Grade.OK and found.figures["instances"]["gate"] == 12


@pytest.mark.bubblewrap
def test_with_a_measured_metric_what_is_printed_becomes_what_is_right(here: Path) -> None:
    (here / "words.sh").write_text(WORDS)
    call("new", "words", "--program", "words.sh", "--run", "sh words.sh", "--metric", "wall_seconds")
    assert json.loads((here / "words" / "expected.json").read_text()) == {"only": "1\n2\n3\n"}
    problem = load(here / "words")
    assert problem.separated and problem.objectives[0].direction == "minimize"
    (here / "words" / "baselines").mkdir()
    (here / "words" / "baselines" / "wrong.sh").write_text("echo 1\n")
    with closing(Bench(load(here / "words"))) as bench:
        programs = known_programs(bench, print)[1][0]
    assert "wrong is invalid" in programs.says and "seed" not in programs.says.split(" is ")[0]


@pytest.mark.bubblewrap
@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("import sys\nsys.exit('no such thing')\n", (), "did not run in the sandbox: exit status 1: no such thing"),
        ("print('done')\n", (), "it ran, but printed no number: 'done'; print a number alone on the last line"),
        ("print('NaN')\n", (), "it ran, but printed no number: 'NaN'"),
        ("print('score: 0.93')\n", (), "it ran, but printed no number: 'score: 0.93'"),
        ("""print('{"cpu_seconds": 1}')\n""", (), "it has cpu_seconds, which the host measures by itself"),
        (NAMED, ("--metric", "speed"), "it ran, but printed no speed: it has a"),
        (
            "import os\nprint(os.urandom(4))\n",
            ("--metric", "cpu_seconds"),
            "it ran, but the same input did not give the same",
        ),
    ],
)
def test_a_program_that_gives_no_score_is_wrapped_all_the_same(
    here: Path, text: str, options: tuple[str, ...], message: str
) -> None:
    (here / "p.py").write_text(text)
    said = call("new", "p", "--program", "p.py", "--run", "python3 p.py", *options, status=1).stdout
    assert message in said and ("the program did not run in the sandbox" in said) == ("it ran, but" not in said)
    assert "rm -r p " in said
    assert load(here / "p").command is not None


def test_files_that_the_command_needs_come_along(here: Path) -> None:
    (here / "src").mkdir()
    (here / "src" / "p.py").write_text("print(open('data.txt').read())")
    (here / "data.txt").write_text("41\n")
    said = call(
        "new", "p", "--program", "src/p.py", "--run", "python3 src/p.py", "--file", "data.txt", "--metric", "answer"
    ).stdout
    assert "src/p.py is called p.py in the sandbox" in said
    problem = load(here / "p")
    assert problem.command is not None and problem.command.run == "python3 p.py"
    assert dict(problem.command.files) == {"data.txt": b"41\n"}


def test_markers_are_comments_of_the_language() -> None:
    assert enclosed("int main() {}\n", "a.c") == "// EVOLVE-BLOCK-START\nint main() {}\n// EVOLVE-BLOCK-END\n"
    assert enclosed("#!/bin/sh\necho 1", "a.sh") == "#!/bin/sh\n# EVOLVE-BLOCK-START\necho 1\n# EVOLVE-BLOCK-END\n"


@pytest.mark.parametrize(
    ("metric", "direction"),
    [("loss", "minimize"), ("wall_seconds", "minimize"), ("P99_Latency", "minimize"), ("score", None)],
)
def test_the_direction_follows_the_name(metric: str, direction: str | None) -> None:
    assert guessed_direction(metric) == direction
