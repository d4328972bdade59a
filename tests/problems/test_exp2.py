"""The problem function-approximation/exp2: its points, its scores, its baselines and its proofs."""

from __future__ import annotations

import importlib.util
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import mpmath
import numpy as np
import pytest

from evolve.core.errors import Invalid, ProblemError
from evolve.core.types import Split
from sandbox.straight_line import StraightLine, parse

FOLDER = Path(__file__).parents[2] / "problems" / "function-approximation" / "exp2"
BASELINES = sorted((FOLDER / "baselines").glob("*.py"))


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"exp2_{name}", FOLDER / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


verifier, remez = _load("verifier"), _load("remez")


def _program(path: Path) -> StraightLine:
    return parse(path.read_text(encoding="utf-8"), "exp2")


@pytest.mark.parametrize(("split", "count"), [(Split.PROBE, 65), (Split.TRAIN, 2049), (Split.REPORT, 4096)])
def test_each_split_has_one_instance_of_its_size(split: Split, count: int) -> None:
    (instance,) = verifier.instances(split, 7)
    (x,) = instance.args
    assert x.shape == instance.truth.shape == (count,) and x.dtype == np.float64
    assert np.all(np.diff(x) > 0) and x.min() >= 0.0 and x.max() <= 1.0
    assert np.allclose(instance.truth, 2.0**x, rtol=1e-15)


def test_probe_and_train_hold_both_ends() -> None:
    for split in (Split.PROBE, Split.TRAIN):
        (instance,) = verifier.instances(split, 0)
        assert instance.args[0][0] == 0.0 and instance.args[0][-1] == 1.0


def test_report_depends_on_its_seed_alone() -> None:
    first, again, other = (next(iter(verifier.instances(Split.REPORT, seed))).args[0] for seed in (3, 3, 4))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


@pytest.mark.parametrize("split", [Split.GATE, Split.FINAL])
def test_gate_and_final_are_not_sampled(split: Split) -> None:
    with pytest.raises(ProblemError, match="no instances"):
        verifier.instances(split, 0)


def test_score_is_the_largest_relative_error_and_names_its_place() -> None:
    (instance,) = verifier.instances(Split.TRAIN, 0)
    output = instance.truth.copy()
    output[700] *= 1.0 + 2.0**-10
    result = verifier.score(instance, output)
    assert result.value == pytest.approx(2.0**-10, rel=1e-9)
    assert result.metrics["digits"] == pytest.approx(3.0103, abs=1e-4)
    assert f"{instance.args[0][700]:.6g}" in result.feedback and "above" in result.feedback


def test_a_perfect_output_has_finite_digits() -> None:
    (instance,) = verifier.instances(Split.PROBE, 0)
    assert verifier.score(instance, instance.truth).metrics["digits"] == pytest.approx(15.95, abs=0.01)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: y[:-1], "shape"),
        (lambda y: y[:, None], "shape"),
        (lambda y: y.astype(np.float32), "dtype float32"),
        (lambda y: y.astype(complex), "dtype complex128"),
        (lambda y: y.astype(object), "dtype object"),
        (list, "list"),
        (lambda y: None, "NoneType"),
        (lambda y: np.where(np.arange(65) % 2 == 1, np.nan, y), "32 of 65 values are NaN or infinite, the first at x"),
        (lambda y: np.where(np.arange(65) == 0, -np.inf, y), "1 of 65 .* x = 0"),
    ],
)
def test_what_is_no_array_of_finite_doubles_is_invalid(change: object, message: str) -> None:
    (instance,) = verifier.instances(Split.PROBE, 0)
    with pytest.raises(Invalid, match=message):
        verifier.score(instance, change(instance.truth))  # type: ignore[operator]


def test_target_is_what_score_compares_with() -> None:
    (instance,) = verifier.instances(Split.PROBE, 0)
    x, y = verifier.target(instance)
    assert x is instance.args[0] and y is instance.truth


def test_the_committed_baselines_are_what_remez_writes() -> None:
    assert {path.name: path.read_text(encoding="utf-8") for path in BASELINES} == remez.programs()


@pytest.mark.parametrize(
    ("name", "operations", "digits"),
    [
        ("polynomial_1", 2, 1.53),
        ("polynomial_2", 4, 2.76),
        ("polynomial_3", 6, 4.13),
        ("polynomial_4", 8, 5.59),
        ("polynomial_5", 10, 7.13),
        ("polynomial_6", 12, 8.73),
        ("fraction_1_1", 3, 3.06),
        ("rational_2_1", 6, 4.60),
        ("fraction_2_2", 7, 6.36),
        ("rational_3_2", 10, 8.12),
        ("fraction_3_3", 9, 10.03),
    ],
)
def test_baselines_have_the_operations_and_digits_of_the_theory(name: str, operations: int, digits: float) -> None:
    result = verifier.prove(_program(FOLDER / "baselines" / f"{name}.py"))
    assert result.metrics["operations"] == operations
    assert round(result.metrics["digits"], 2) == digits
    assert result.value == result.metrics["max_relative_error"]


@pytest.mark.parametrize("path", BASELINES, ids=lambda path: path.stem)
def test_no_minimax_baseline_is_better_on_the_points_than_its_proof(path: Path) -> None:
    program = _program(path)
    (instance,) = verifier.instances(Split.TRAIN, 0)
    sampled = verifier.score(instance, program.evaluate(*instance.args)).value
    proven = verifier.prove(program).value
    assert sampled <= proven + 1e-15 and sampled == pytest.approx(proven, rel=1e-3)


@pytest.mark.parametrize(("n", "m"), [(2, 0), (5, 0), (1, 1), (3, 2)])
def test_the_error_of_a_best_approximation_alternates_at_one_level(n: int, m: int) -> None:
    best = remez.remez(n, m)
    with mpmath.workdps(40):
        x = [mpmath.mpf(i) / 4000 for i in range(4001)]
        top, bottom = (
            [sum(mpmath.mpf(str(c)) * v**k for k, c in enumerate(part)) for v in x]
            for part in (best.numerator, best.denominator)
        )
        error = [p / q / 2**v - 1 for p, q, v in zip(top, bottom, x, strict=True)]
    level = abs(float(best.error))
    signs = [1 if e > 0 else -1 for e in error if abs(e) > level * (1 - 1e-4)]
    assert sum(a != b for a, b in pairwise(signs)) == n + m + 1
    assert max(abs(float(e)) for e in error) == pytest.approx(level, rel=1e-6)


def test_the_seed_is_a_program_with_its_block_marked() -> None:
    text = (FOLDER / "seed.py").read_text(encoding="utf-8")
    assert text.index("# EVOLVE-BLOCK-START") < text.index("return") < text.index("# EVOLVE-BLOCK-END")
    assert verifier.prove(parse(text, "exp2")).value == pytest.approx(0.0614757, rel=1e-5)


def test_a_pole_between_the_train_points_is_scored_well_and_not_proven() -> None:
    program = parse("def exp2(x):\n    return 1.0 + x + 1e-9 / (x - 0.123456789)", "exp2")
    (instance,) = verifier.instances(Split.TRAIN, 0)
    assert verifier.score(instance, program.evaluate(*instance.args)).value < 0.07
    with pytest.raises(Invalid, match=r"x = 0\.123456789"):
        verifier.prove(program)


def test_a_program_of_two_arguments_is_refused() -> None:
    program = parse("def exp2(x, y):\n    return x + y", "exp2")
    with pytest.raises(Invalid, match="one argument"):
        verifier.prove(program)
    with pytest.raises(Invalid, match="one argument"):
        verifier.final([program], lambda done, total: None)


def test_the_float32_reference_is_exact_to_a_rounding_of_float64() -> None:
    x = np.concatenate((np.linspace(0.0, 1.0, 2001), 2.0 ** -np.arange(1.0, 140.0)))
    values = verifier.reference().evaluate(x)
    with mpmath.workdps(40):
        worst = max(abs(mpmath.mpf(float(v)) / 2 ** mpmath.mpf(float(a)) - 1) for v, a in zip(values, x, strict=True))
    assert worst < 1e-15
