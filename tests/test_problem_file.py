"""What is said of a wrong key: its line, and the nearest valid key or the table where it belongs."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from evolve.core.errors import ProblemError
from evolve.problem_file import tables
from evolve.problem_reading import line_of, read

GOOD = '''name = "p"
title = """
entry = "this is text, not a key"
"""
entry = "solve"
evidence = "sampled"
sandbox = "bubblewrap"

[[objectives]]
metric = "score"
direction = "maximize"

[limits]
cpu_seconds = 5

[search]
start = "seed"
'''
NO_ENTRY = GOOD.replace('entry = "solve"\n', "")
EVIDENCE = 'evidence = "sampled"'
EFFECT = 'sandbox = "bubblewrap"\nminimum_effect = 0.05'
TIMED = GOOD.replace('"score"', '"time_ratio"').replace("maximize", "minimize") + "\n[timing]\n"
TIMED = TIMED.replace('sandbox = "bubblewrap"', EFFECT)
COMMAND = '\n[command]\nprogram = "a.c"\nrun = "./a"\n'


def _refusal(tmp_path: Path, text: str) -> str:
    path = tmp_path / "problem.toml"
    path.write_text(text)
    with pytest.raises(ProblemError) as caught:
        read(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('entry = "solve"', 'entri = "solve"', "line 5: entri: unknown key; the nearest valid one is entry"),
        ("cpu_seconds", "cpu_secs", "line 14: limits.cpu_secs: unknown key; the nearest valid one is cpu_seconds"),
        ("metric = ", "metrics = ", "line 10: objectives.0.metrics: unknown key; the nearest valid one is metric"),
        ("[search]", "[searches]", "line 16: searches: unknown key; the nearest valid one is search"),
        ("cpu_seconds = 5", "cpu_seconds = 'five'", "line 14: limits.cpu_seconds: Input should be a valid number"),
        ('entry = "solve"', 'evaluations = 5\nentry = "solve"', "line 5: evaluations: unknown key; it belongs under"),
        ('start = "seed"', 'sandbox = "bubblewrap"', "line 17: search.sandbox: unknown key; it belongs at the top"),
        ('entry = "solve"', 'evaluation = 5\nentry = "solve"', "the nearest valid one is evaluations under [search]"),
        ("cpu_seconds = 5", 'metrc = "a"', "limits.metrc: unknown key; the nearest valid one is metric under [[objec"),
        ("cpu_seconds = 5", 'direction = "a"', "limits.direction: unknown key; it belongs under [[objectives]]"),
        ("[[objectives]]", "[objectives]", "line 9: objectives: there may be two of them, so write [[objectives]]"),
        ("[[objectives]]", "[[objective]]", "objective: unknown key; the nearest valid one is [[objectives]]"),
        ('evidence = "sampled"\n', "", "evidence: Field required"),
        ('entry = "solve"\n', "", "entry is missing"),
    ],
)
def test_a_wrong_key_is_told_with_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    head, _, tail = GOOD.rpartition(old)
    assert message in _refusal(tmp_path, head + new + tail)


def test_keys_of_an_inline_table_have_the_line_of_their_table(tmp_path: Path) -> None:
    text = GOOD.replace('[[objectives]]\nmetric = "score"\ndirection = "maximize"\n', "").replace(
        'sandbox = "bubblewrap"', 'sandbox = "bubblewrap"\nobjectives = [{metric = "a", way = "maximize"}]'
    )
    said = _refusal(tmp_path, text)
    assert "line 8: objectives.0.way: unknown key; the nearest valid one is" in said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + COMMAND, "entry has no meaning beside [command]"),
        (NO_ENTRY + COMMAND.replace('"a.c"', '"src/a.c"'), "must be the plain name of a file"),
        (NO_ENTRY.replace("bubblewrap", "straight_line") + COMMAND, "sandbox must be"),
        (GOOD.replace('sandbox = "bubblewrap"', 'sandbox = "straight_line"'), "limits has no meaning"),
        (GOOD.replace('"score"', '"time_ratio"'), "no table [timing] says how it is measured: add it"),
        (TIMED.replace("time_ratio", "score"), "an objective is metric = 'time_ratio', direction = 'minimize'"),
        (TIMED.replace("minimize", "maximize"), "an objective is metric = 'time_ratio', direction = 'minimize'"),
        (TIMED.replace("minimum_effect = 0.05", ""), "minimum_effect is missing or 0: set 0.03"),
        (TIMED.replace("= 0.05", "= 0.0"), "minimum_effect is missing or 0: set 0.03"),
        (TIMED + "instances = 2", "timing.minimum_effect and timing.instances are for a second objective"),
        (GOOD.replace(EVIDENCE, f"{EVIDENCE}\ninteractive = true\nisolation = 'stage'"), "isolation has no meaning"),
        (NO_ENTRY.replace(EVIDENCE, f"{EVIDENCE}\ninteractive = true") + COMMAND, "interactive has no meaning beside"),
        (TIMED.replace(EFFECT, f"{EFFECT}\nstochastic = true"), "stochastic has no meaning beside [timing]"),
        (TIMED.replace(EFFECT, f"{EFFECT}\ndecouple = true"), "decouple has no meaning beside [timing]"),
        (TIMED.replace('"bubblewrap"', '"straight_line"'), "timing is for programs in processes: set sandbox"),
        (TIMED.replace(EFFECT, f'{EFFECT}\ndriver = "d.py"'), "timing has no meaning beside a driver"),
        (TIMED + "pairs = 25", "timing.pairs must be a multiple of timing.batch, 10: set 30"),
        (TIMED + "pairs = 8\nbatch = 8", "timing.pairs: 8 pairs can decide nothing at a level of 0.01: set 10"),
    ],
)
def test_keys_that_do_not_fit_together(tmp_path: Path, text: str, message: str) -> None:
    assert message in _refusal(tmp_path, text)


@pytest.mark.parametrize("more", ["", 'reference = "usual"\npairs = 20\nbatch = 5\n'])
def test_a_score_that_is_a_time(tmp_path: Path, more: str) -> None:
    path = tmp_path / "problem.toml"
    path.write_text(TIMED + more)
    timing = read(path).timing
    assert timing is not None
    assert (timing.reference, timing.pairs, timing.batch) == (("usual", 20, 5) if more else ("seed", 40, 10))


def test_a_command_needs_no_entry(tmp_path: Path) -> None:
    path = tmp_path / "problem.toml"
    path.write_text(NO_ENTRY + COMMAND)
    file = read(path)
    assert file.command is not None and file.command.run == "./a" and not file.entry


def test_lines_of_a_file_that_is_all_there() -> None:
    assert tomllib.loads(GOOD)["entry"] == "solve"
    assert line_of(GOOD, ("entry",)) == 5
    assert line_of(GOOD, ("objectives", 0, "direction")) == 11
    assert line_of(GOOD, ("limits", "nothing")) == 13
    assert line_of(GOOD, ("nowhere",)) is None


def test_every_key_has_a_description_and_stands_in_one_table_of_the_reference() -> None:
    names = [name for name, _ in tables()]
    assert names[0] == "" and len(names) == len(set(names))
    known = {"objectives", "command", "limits", "verifier", "timing", "tuning", "search", "splits", "profiles"}
    assert known == set(names[1:])
    for name, model in tables():
        for key, field in model.model_fields.items():
            assert field.description and len(field.description) > 10, f"{name}.{key}"
