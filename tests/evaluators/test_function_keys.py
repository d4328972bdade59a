"""One key for one function, however it is written; another for another one, however little differs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.functional_hash import MOST_ITEMS, Hashing, Raised
from evaluators.judged import Judged
from evaluators.process_cascade import ProcessEvaluator
from evaluators.screen import screen_baseline, screen_text
from evolve.core.keys import Keys
from evolve.core.types import Source, Status
from evolve.evaluation import make_evaluator, never_taken_over
from evolve.problem import Problem, load

PROBE = [(3, 1.5), (-2, 0.25), (7, -4.0), (0, 0.0)]
HASHING = Hashing(53, "here")
OPERATORS = ("+", "-", "*")
DEAD = ["unused = [n for n in range(3)]", "if x > 1e9 and x < 0: y = 1 / 0", "x and y"]


@dataclass(frozen=True)
class Line:
    """`name = left operator right + constant`, or the sum of `left * i` over a loop of `turns`."""

    name: str
    left: str
    operator: str
    right: str
    constant: int
    turns: int = 0

    def needs(self) -> set[str]:
        return {self.left, self.right}


@dataclass(frozen=True)
class Program:
    """Lines, each of which may use arguments and earlier lines; all of their values are returned."""

    lines: tuple[Line, ...]
    names: dict[str, str] = field(default_factory=dict)

    def text(self, rng: Random | None = None) -> str:
        """As it stands, or rewritten without changing what it computes."""
        lines, body = list(self.lines), []
        if rng is not None:
            lines = _reordered(lines, rng)
        for line in lines:
            body += self._written(line, rng)
            if rng is not None and rng.random() < 0.4:
                body.append(
                    rng.choice(["unused = [n for n in range(3)]", "if x > 1e9 and x < 0: y = 1 / 0", "x and y"])
                )
        kept = ", ".join(self._name(line.name) for line in self.lines)
        return "def f(x, y):\n" + "".join(f"    {one}\n" for one in body) + f"    return [{kept}]\n"

    def _name(self, name: str) -> str:
        return self.names.get(name, name)

    def _written(self, line: Line, rng: Random | None) -> list[str]:
        name, left, right = (self._name(one) for one in (line.name, line.left, line.right))
        if line.turns:
            if rng is None or rng.random() < 0.3:
                return [f"{name} = {line.constant}", f"for i in range({line.turns}): {name} = {name} + {left} * i"]
            return [f"{name} = {line.constant}", *(f"{name} = {name} + {left} * {i}" for i in range(line.turns))]
        whole = f"{left} {line.operator} {right}"
        if rng is not None:
            whole = rng.choice(_equal(left, line.operator, right))
        return [f"{name} = ({whole}) + {line.constant}"]


def _equal(left: str, operator: str, right: str) -> list[str]:
    """Ways to write it that give the same bits (a minus zero is a zero)."""
    ways = [f"{left} {operator} {right}"]
    if operator in "+*":
        ways.append(f"{right} {operator} {left}")
    if operator == "-":
        ways += [f"-({right} - {left})", f"{left} + -({right})", f"{left} - {right} * 1"]
    if operator == "*":
        ways += [f"({left} * 2) * ({right} * 2) / 4 if isinstance({left} * {right}, float) else {left} * {right}"]
    if left == right and operator == "+":
        ways.append(f"2 * {left}")
    return ways


def _reordered(lines: list[Line], rng: Random) -> list[Line]:
    """Another order in which every line still finds what it needs."""
    left, found, known = list(lines), [], {"x", "y"}
    while left:
        ready = [line for line in left if line.needs() <= known]
        line = rng.choice(ready)
        left.remove(line)
        known.add(line.name)
        found.append(line)
    return found


@st.composite
def programs(draw: Callable[[Any], Any]) -> Program:
    known, lines = ["x", "y"], []
    for number in range(draw(st.integers(1, 5))):
        left, right = draw(st.sampled_from(known)), draw(st.sampled_from(known))
        turns = draw(st.sampled_from([0, 0, 2, 3]))
        line = Line(f"v{number}", left, draw(st.sampled_from(OPERATORS)), right, draw(st.integers(-3, 3)), turns)
        known.append(line.name)
        lines.append(line)
    return Program(tuple(lines))


def _outputs(text: str) -> list[Any]:
    space: dict[str, Any] = {}
    exec(text, space)
    return [space["f"](*args) for args in PROBE]


def _keys(text: str) -> Keys:
    keys = HASHING.keys(_outputs(text))
    assert keys is not None
    return keys


@settings(max_examples=60, deadline=None)
@given(programs(), st.integers(0, 10**6))
def test_rewritten_it_is_the_same_function(program: Program, seed: int) -> None:
    rng = Random(seed)
    renamed = replace(program, names={line.name: f"other_{rng.randrange(99)}_{line.name}" for line in program.lines})
    assert _keys(renamed.text(rng)) == _keys(program.text())


@settings(max_examples=60, deadline=None)
@given(programs(), st.integers(0, 10**6))
def test_changed_a_little_it_is_another_one(program: Program, seed: int) -> None:
    rng = Random(seed)
    place = rng.randrange(len(program.lines))
    line = program.lines[place]
    changed = replace(line, turns=line.turns + 1) if line.turns and rng.random() < 0.5 else None
    changed = changed or replace(line, constant=line.constant + rng.choice((-1, 1)))
    other = replace(program, lines=(*program.lines[:place], changed, *program.lines[place + 1 :]))
    assert _keys(other.text(rng)) != _keys(program.text())


@pytest.mark.parametrize("change", [0, 2, 3])
def test_a_last_bit_counts_as_far_as_the_problem_wants(change: int) -> None:
    value, other = 0.1, math.nextafter(0.1, 1.0)
    for bits, alike in ((53, False), (40, True), (10, True)):
        hashing = Hashing(bits, "here")
        one, two = hashing.keys([[value] * (20 - change)]), hashing.keys([[other] * (20 - change)])
        assert one and two and (one.function == two.function) is alike
        assert one.exact != two.exact, "between runs every bit counts"


def test_what_decides_a_score_besides_is_in_the_key() -> None:
    keys = [Hashing(40, "a").keys([1]), Hashing(40, "b").keys([1]), Hashing(41, "a").keys([1])]
    keys += [Hashing(40, "a").keys([1], "set"), Hashing(40, "a").keys([1], 7.0)]
    assert len({one.function for one in keys if one}) == 5


def test_an_exception_is_its_class_and_no_value() -> None:
    keys = [HASHING.keys([one]) for one in (Raised("ValueError"), Raised("KeyError"), "ValueError", ("ValueError",))]
    assert len({one.function for one in keys if one}) == 4
    assert HASHING.keys([1, Raised("ValueError")]) != HASHING.keys([Raised("ValueError")])


def test_what_is_no_plain_data_or_too_long_has_no_key() -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    mixed = [None] * (MOST_ITEMS + 1)
    assert [HASHING.keys([one]) for one in (object(), deep, mixed, [[None, 1] * 900] * 200)] == [None] * 4
    assert HASHING.keys([list(range(MOST_ITEMS + 1))]), "a row of numbers is one part"


def test_rows_of_numbers_are_told_apart_as_one_by_one() -> None:
    rows: list[Any] = [[0] * 16, [0.0] * 16, [False] * 16, [0] * 17, tuple([0] * 16), [0] * 15 + [1], [0] * 15 + [0.0]]
    assert len({HASHING.keys([one]) for one in rows}) == len(rows)
    assert HASHING.keys([[math.nan, -0.0] * 9]) == HASHING.keys([[-math.nan, 0.0] * 9])


def test_arithmetic_counts_its_operations() -> None:
    problem = load("float32-exp2")
    evaluator = make_evaluator(problem)
    found: list[Keys] = []

    def known(keys: Keys) -> bool:
        found.append(keys)
        return True

    head, tail = problem.seed.main.split("    # EVOLVE-BLOCK-START\n")
    end = tail[tail.index("    # EVOLVE-BLOCK-END") :]
    for body in ("1.0 + x", "x * 0.5 + (1.0 + x * 0.5)", "(x * 0.5 + 1.0) + 0.5 * x", "1.0 + x * 1.0", "1.0 + x * 2.0"):
        source = problem.seed.with_main(f"{head}    # EVOLVE-BLOCK-START\n    return {body}\n{end}")
        judged: Judged = evaluator.judge(screen_baseline(source).program, known)  # type: ignore[arg-type]
        assert judged.verdict is None and judged.keys == found[-1]
    one, two, same, three, other = (keys.function for keys in found)
    assert two == same and len({one, two, three, other}) == 4


@pytest.fixture(scope="module")
def eviction() -> Any:
    problem = load("cache-eviction")
    evaluator = make_evaluator(problem)
    assert isinstance(evaluator, ProcessEvaluator)
    yield problem, evaluator
    evaluator.stage.close()


WRITTEN = {
    "as it is": ("return -idle * 2.0", True),
    "another way": ("lazy = 0\n    for part in (idle, idle):\n        lazy = lazy - part\n    return lazy", True),
    "dead code": ("if hits < 0:\n        return 1 / 0\n    unused = age\n    return 0.0 - (idle + idle)", True),
    "a little else": ("return -idle * 2.0 + hits * 0.125", False),
    "nearly never else": ("return -idle * 2.0 + (hits > 40)", False),
}


@pytest.mark.bubblewrap
def test_a_driven_program_is_all_that_it_decides(eviction: tuple[Problem, ProcessEvaluator]) -> None:
    problem, evaluator = eviction
    keys = {}
    for name, (body, _) in WRITTEN.items():
        source = problem.seed.with_main(problem.seed.main.replace("    return -idle\n", f"    {body}\n"))
        judged = evaluator.judge(screen_text(source, problem.seed).program, known=lambda keys: True)
        assert judged.verdict is None and judged.keys
        keys[name] = judged.keys
    for name, (_, same) in WRITTEN.items():
        assert (keys[name] == keys["as it is"]) is same, name


@pytest.mark.bubblewrap
@pytest.mark.parametrize(
    ("body", "status", "keyed"),
    [
        ("raise KeyError(idle)", Status.CRASHED, True),
        ("while True: pass", Status.TIMED_OUT, False),
        ("import os; os._exit(0)", Status.CRASHED, False),
        ("return [bytes(1 << 30)]", Status.OUT_OF_MEMORY, False),
    ],
)
def test_who_was_stopped_has_no_key(write_problem: Any, body: str, status: Status, keyed: bool) -> None:
    problem = write_problem("sort")
    (problem.folder / "problem.toml").write_text(
        (problem.folder / "problem.toml").read_text().replace("cpu_seconds = 5", "cpu_seconds = 0.3")
    )
    problem = load(problem.folder)
    evaluator = make_evaluator(problem)
    assert isinstance(evaluator, ProcessEvaluator)
    text = f"# EVOLVE-BLOCK-START\ndef arrange(idle):\n    {body}\n# EVOLVE-BLOCK-END\n"
    try:
        judged = evaluator.judge(Source({"program.py": text}, "arrange"))
    finally:
        evaluator.stage.close()
    assert judged.verdict and judged.verdict.status is status and (judged.keys is not None) is keyed


@pytest.mark.parametrize(
    ("keys", "words"), [("stochastic = true\nrepeats = 2", "stochastic"), ("", ""), ("hash_bits = 20", "")]
)
def test_what_is_never_taken_over(write_problem: Any, keys: str, words: str) -> None:
    problem = write_problem("sort", keys=keys)
    assert words in never_taken_over(problem)
    assert bool(never_taken_over(problem)) is bool(words)
