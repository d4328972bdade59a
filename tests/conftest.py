"""Small problems whose programs run in real sandboxes, and the rule for tests that need one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from evolve.problem import Problem, load

pytest.register_assert_rewrite("sandbox.conformance", "sandbox.conformance_protocol")

TOML = """
name = "{name}"
title = "{name}"
entry = "{entry}"
evidence = "sampled"
sandbox = "bubblewrap"
{keys}

[[objectives]]
metric = "right"
direction = "maximize"

[search]
evaluations = 20

[limits]
wall_seconds = 20
cpu_seconds = 5
memory_mebibytes = 256
"""

# Guess the next of a row of bits; the driver beside the guesser holds the whole row.
GUESS_VERIFIER = """
from evolve.core.errors import Invalid
from evolve.core.rng import generator
from evolve.core.types import Instance, Score


def instances(split, seed):
    for number in range(3 if split == "final" else 2):
        bits = [int(b) for b in generator(str(split), seed, number).random(60) < 0.7]
        yield Instance(f"{split}-{number}", f"row-{number}", (bits,), bits)


def score(instance, output):
    if type(output) is not list or len(output) != len(instance.truth):
        raise Invalid("not one guess for each bit")
    if any(type(guess) is not int for guess in output):
        raise Invalid("a guess that is no integer")
    if output[0] == 7:
        return output[0] / 0
    if output[0] == 8:
        while True:
            pass
    right = sum(guess == bit for guess, bit in zip(output, instance.truth)) / len(output)
    return Score(right, {"right": right}, f"{right:.3f} right")


def floor(instance):
    return Score(1.0, {"right": 1.0})


def play(session, instance):
    session.call("begin")
    guesses = []
    for bit in instance.truth:
        guesses.append(session.call("step", bit))
    return guesses


def spliced(instance, other, share):
    cut = int(share * len(instance.truth))
    bits = instance.truth[:cut] + [1 - bit for bit in instance.truth[cut:]]
    return Instance("spliced", instance.group, (bits,), bits)


def decisions(instance, output, share):
    return output[: int(share * len(instance.truth))]
"""

GUESS_DRIVER = """
stage = {}


def drive(make_guesser, bits):
    guesser, guesses = make_guesser(), []
    for bit in bits:
        guesses.append(guesser.guess())
        guesser.see(bit)
    return guesses


def begin(make_guesser):
    stage["guesser"] = make_guesser()


def step(make_guesser, bit):
    guess = stage["guesser"].guess()
    stage["guesser"].see(bit)
    return guess
"""

GUESS_SEED = """
# EVOLVE-BLOCK-START
def choose(ones, zeros, last):
    return last
# EVOLVE-BLOCK-END


class Guesser:
    def __init__(self):
        self.ones, self.zeros, self.last = 0, 0, 0

    def guess(self):
        return 1 if choose(self.ones, self.zeros, self.last) > 0 else 0

    def see(self, bit):
        self.ones, self.zeros, self.last = self.ones + bit, self.zeros + 1 - bit, bit


def make_guesser():
    return Guesser()
"""

SORT_VERIFIER = """
from evolve.core.errors import Invalid
from evolve.core.types import Instance, Score


def instances(split, seed):
    for number in range(3):
        yield Instance(f"{split}-{number}", f"list-{number}", ([(seed * 31 + number + i * i) % 17 for i in range(9)],))


def score(instance, output):
    if type(output) is not list:
        raise Invalid("not a list")
    wanted = sorted(instance.args[0])
    right = sum(a == b for a, b in zip(output, wanted)) / len(wanted)
    return Score(right, {"right": right}, "compared")
"""

SORT_SEED = """
# EVOLVE-BLOCK-START
def arrange(numbers):
    return list(numbers)
# EVOLVE-BLOCK-END
"""

WriteProblem = Callable[..., Problem]


def writer(room: Path) -> WriteProblem:
    """A function that writes a problem's folder into `room`; `kind`, else the name, is "guess" (driven) or "sort"."""

    def write(name: str = "guess", *, kind: str = "", keys: str = "", toml: str = "", **files: str) -> Problem:
        folder = room / name
        folder.mkdir()
        driven = (kind or name) == "guess"
        entry = "make_guesser" if driven else "arrange"
        keys = keys + ('\ndriver = "driver.py"' if driven else "")
        (folder / "problem.toml").write_text(TOML.format(name=name, entry=entry, keys=keys) + toml)
        (folder / "verifier.py").write_text(files.pop("verifier", GUESS_VERIFIER if driven else SORT_VERIFIER))
        (folder / "seed.py").write_text(files.pop("seed", GUESS_SEED if driven else SORT_SEED))
        if driven:
            (folder / "driver.py").write_text(files.pop("driver", GUESS_DRIVER))
        (folder / "baselines").mkdir()
        for name, text in files.items():
            (folder / "baselines" / f"{name}.py").write_text(text)
        return load(folder)

    return write


@pytest.fixture
def write_problem(tmp_path: Path) -> WriteProblem:
    """Writes a problem's folder for one test, and loads it."""
    return writer(tmp_path)


@pytest.fixture(scope="module")
def write_shared(tmp_path_factory: pytest.TempPathFactory) -> WriteProblem:
    """Writes a problem's folder for the tests of a module that look at one run of it, and loads it."""
    return writer(tmp_path_factory.mktemp("shared"))


PRICES = """
[models.priced]
model = "openai/scripted"
input_usd_per_million = 1.0
output_usd_per_million = 10.0
max_tokens = 1000
concurrency = 4
"""


@pytest.fixture
def priced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings in which a model on loopback, called "priced", has a price."""
    folder = tmp_path / "settings" / "evolve"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(PRICES)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder.parent))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests of what is not there, or does not work, are skipped, unless EVOLVE_REQUIRE names it."""
    for name in ("bubblewrap", "docker", "browser"):
        if item.get_closest_marker(name) is None or name in os.environ.get("EVOLVE_REQUIRE", "").split(","):
            continue
        reason = _missing("runsc" if name == "docker" and "runsc" in item.name else name)
        if reason is not None:
            # In one line, so that the whole of it stands in the summary.
            pytest.skip(f"needs {name}: {' '.join(reason.split())}")


@cache
def _missing(name: str) -> str | None:
    """Why there is no bubblewrap, no browser, no Docker engine, or none with gVisor (`runsc`); None where there is."""
    if name == "browser":
        return None if shutil.which("chromium") else "Chromium is not installed (as root: apt-get install chromium)"
    if name == "bubblewrap":
        from sandbox.bubblewrap import available

        return available()
    from sandbox import docker

    return docker.available("runsc" if name == "runsc" else None)
