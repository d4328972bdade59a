"""The exhaustive check: C and numpy agree to the last bit, nothing is left out, and failures are told."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from evaluators import float32
from evaluators.float32 import UNIT_INTERVAL, Float32Error, check_exhaustively
from evolve.core import rng
from evolve.core.errors import InfrastructureError
from sandbox.straight_line import StraightLine, parse

compiled = pytest.mark.skipif(float32._compiler() is None, reason="no C compiler")


def _program(body: str) -> StraightLine:
    return parse(f"def exp2(x):\n    {body}", "exp2")


def _taylor() -> StraightLine:
    coefficients = [math.sqrt(2.0) * math.log(2.0) ** k / math.factorial(k) for k in range(15)]
    lines = ["t = x - 0.5", f"p = {coefficients[-1]!r}"]
    lines.extend(f"p = p * t + {c!r}" for c in reversed(coefficients[:-1]))
    return _program("\n    ".join([*lines, "return p"]))


REFERENCE = _taylor()
CUBIC = _program("p = 0.0786 * x + 0.2262\n    p = p * x + 0.6952\n    return p * x + 0.99993")
QUOTIENT = _program("return 1.5 / (3.407083236107397 - x) - 1.4142130305546163 * 0.2 * x")
RANGES = {
    "subnormal": (0, 40_000),
    "least normal": (0x00800000 - 5000, 0x00800000 + 5000),
    "squares become subnormal": (0x1F000000, 0x1F000000 + 40_000),
    "about 1/2": (0x3F000000 - 100_000, 0x3F000000 + 100_000),
    "up to 1": (0x3F800000 - 100_001, 0x3F800000),
}


def _quiet(done: int, total: int) -> None:
    assert 0 < done <= total


def _check(programs: Sequence[StraightLine], patterns: tuple[int, int], **options: object) -> list[Float32Error]:
    return check_exhaustively(programs, REFERENCE, _quiet, patterns=patterns, **options)  # type: ignore[arg-type]


def _findings(errors: Sequence[Float32Error]) -> list[tuple[float, float, float, int]]:
    return [(e.max_ulp, e.worst_x, e.max_relative_error, e.floats) for e in errors]


def _random_programs() -> list[StraightLine]:
    random = rng.generator("test_float32")
    programs = []
    for _ in range(5):
        names, lines = ["x"], []
        for step in range(6):
            left = names[int(random.integers(len(names)))]
            right = names[int(random.integers(len(names)))] if random.random() < 0.5 else repr(float(random.normal()))
            lines.append(f"t{step} = {left} {'+-*/'[int(random.integers(4))]} {right}")
            names.append(f"t{step}")
        programs.append(_program("\n    ".join([*lines, f"return {names[-1]}"])))
    return programs


def _float(pattern: int) -> float:
    return float(struct.unpack("<f", struct.pack("<I", pattern))[0])


def test_the_unit_interval_is_every_float_below_one() -> None:
    first, last = UNIT_INTERVAL
    assert last - first == 1_065_353_216
    assert _float(first) == 0.0 and _float(last - 1) == 1.0 - 2.0**-24 and _float(last) == 1.0


@compiled
def test_c_and_numpy_agree_to_the_last_bit() -> None:
    """Also over subnormal arguments and results, infinite constants, NaN, and where FMA would differ."""
    odd = ["return x", "return 1.25", "return x * x - 0.3", "return 1e300 + x", "return 1e300 * x", "return 1e-46 + x"]
    programs = [CUBIC, QUOTIENT, *map(_program, odd), *_random_programs()]
    programs.append(CUBIC.with_constants((math.nan, math.inf, 0.5, -1.0)))
    for name, patterns in RANGES.items():
        in_c = _check(programs, patterns, method="c")
        assert _findings(in_c) == _findings(_check(programs, patterns, method="numpy")), name
        assert all(e.seconds > 0 and e.floats == patterns[1] - patterns[0] for e in in_c)


@compiled
def test_threads_and_company_do_not_change_the_result() -> None:
    patterns = (0x3F800000 - (1 << 23) - 12_345, 0x3F800000)  # three pieces, the last one partial
    alone = _check([CUBIC], patterns, method="c", threads=1)
    assert _findings(alone) == _findings(_check([QUOTIENT, CUBIC], patterns, method="c", threads=3))[1:]


@pytest.mark.parametrize("method", [pytest.param("c", marks=compiled), "numpy"])
def test_against_the_definition(method: str) -> None:
    first, last = 0x3F7F0000, 0x3F800000
    (found,) = _check([CUBIC], (first, last), method=method)
    x = np.arange(first, last, dtype=np.uint32).view(np.float32)
    c = np.float32
    values = (((c(0.0786) * x + c(0.2262)) * x + c(0.6952)) * x + c(0.99993)).astype(np.float64)
    truth = np.exp2(x.astype(np.float64))
    ulp = np.abs(values - truth) * 2.0**23  # 2**x is in [1, 2)
    assert found.max_ulp == pytest.approx(ulp.max(), abs=1e-7)
    assert found.worst_x == x[int(np.argmax(ulp))]
    assert found.max_relative_error == pytest.approx(np.abs(values / truth - 1).max(), abs=1e-15)


@pytest.mark.parametrize("method", [pytest.param("c", marks=compiled), "numpy"])
@pytest.mark.parametrize("pattern", [0x3F000000 + 123_457, 0x00000000, 0x3F7FFFFF, 0x00000001])
def test_a_single_bad_float_is_found(method: str, pattern: int) -> None:
    """0/0 at one float alone: NaN is an infinite error, and the float is named."""
    bad = _float(pattern)
    program = _program(f"d = x - {bad!r}\n    return 1.0 + x + 0.0 * (d / d)")
    patterns = (max(pattern - 70_000, 0), min(pattern + 70_000, UNIT_INTERVAL[1]))
    (found,) = _check([program], patterns, method=method)
    assert found.max_ulp == found.max_relative_error == math.inf and found.worst_x == bad


@pytest.mark.parametrize("method", [pytest.param("c", marks=compiled), "numpy"])
def test_a_correctly_rounded_result_is_within_half_an_ulp(method: str) -> None:
    (found,) = _check([_program("return 1.0 + x * 0.6931471805599453")], (0x32FE0000, 0x33000000), method=method)
    assert found.max_ulp <= 0.5


@pytest.mark.parametrize(("value", "scale"), [("4.5", 2.0**21), ("0.1875", 2.0**26)])
def test_the_ulp_is_that_of_the_reference(value: str, scale: float) -> None:
    reference = _program(f"return 0.0 * x + {value}")
    program = _program(f"return 0.0 * x + {float(value) * 1.25}")
    (found,) = check_exhaustively([program], reference, _quiet, patterns=(0, 1000), method="numpy")
    assert found.max_ulp == float(value) * 0.25 * scale and found.max_relative_error == pytest.approx(0.25)


@pytest.mark.parametrize("method", [pytest.param("c", marks=compiled), "numpy"])
def test_progress_counts_every_float(method: str) -> None:
    seen: list[tuple[int, int]] = []
    patterns = (0x3F000000, 0x3F000000 + 200_000)
    check_exhaustively(
        [CUBIC],
        REFERENCE,
        lambda *step: seen.append(step),
        patterns=patterns,
        method=method,  # type: ignore[arg-type]
    )
    assert seen[-1] == (200_000, 200_000) and seen == sorted(seen)


def test_an_exact_program_has_no_error() -> None:
    half = _program("return 0.5 * x + 1.0")
    (found,) = check_exhaustively([half], half, _quiet, patterns=(0x3F000000, 0x3F000100), method="numpy")
    exact = _program("return 1.0 + 0.0 * x")
    (same,) = check_exhaustively([exact], exact, _quiet, patterns=(0x3F000000, 0x3F000100), method="numpy")
    assert found.max_ulp <= 0.5 and _findings([same]) == [(0.0, 0.5, 0.0, 256)]


def test_no_program_is_no_work() -> None:
    assert check_exhaustively([], REFERENCE, _quiet) == []


@pytest.mark.parametrize("patterns", [(5, 5), (-1, 4), (0, (1 << 32) + 1)])
def test_ranges_that_are_none_are_refused(patterns: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="no range"):
        _check([CUBIC], patterns)


def test_two_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="one argument"):
        _check([parse("def f(x, y):\n    return x + y", "f")], (0, 10))


def test_the_source_holds_nothing_of_a_candidate_but_numbers_and_operators() -> None:
    evil = StraightLine(('x); system("true"); float (y',), (0.1, -1e300), (("*", 0, 1), ("+", 2, 3)), 4)
    source = float32.c_source([evil], REFERENCE)
    assert "system" not in source
    assert "const float s1 = 0x1.99999a0000000p-4f;" in source and "const float s2 = -INFINITY;" in source


def test_without_a_compiler_numpy_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    patterns = (0x3F000000, 0x3F000000 + 1000)
    expected = _findings(_check([CUBIC], patterns, method="numpy"))
    monkeypatch.setenv("PATH", "")
    assert _findings(_check([CUBIC], patterns)) == expected
    with pytest.raises(InfrastructureError, match="no C compiler"):
        _check([CUBIC], patterns, method="c")


def _fake_compiler(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A compiler named gcc whose text is `script`."""
    path = folder / "gcc"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_a_failing_compiler_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fake_compiler(tmp_path, monkeypatch, "echo 'internal compiler error' >&2; exit 4")
    with pytest.raises(InfrastructureError, match="status 4: internal compiler error") as caught:
        _check([CUBIC], (0, 10))
    assert "another compiler" in caught.value.remedy


_OUTPUT = 'while [ "$1" != -o ]; do shift; done'


@pytest.mark.parametrize(
    ("child", "message"),
    [
        ("echo progress 10; kill -SEGV $$", "died with status -11"),
        ("echo progress 10", "10 of 10 floats and 0 of 1 results"),
        ("echo progress 7; echo program 0 0 0 0 5", "7 of 10 floats and 1 of 1 results"),
        ("sleep 30", "more than 1 seconds"),
    ],
)
def test_a_check_that_dies_or_stops_short_is_no_result(
    child: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f"exec 0</dev/null; {child.replace('sleep', 'exec sleep')}"
    made = f"printf '#!/bin/sh\\n%s\\n' '{script}' > \"$2\"; chmod +x \"$2\""
    _fake_compiler(tmp_path, monkeypatch, f"{_OUTPUT}\n{made}")
    with pytest.raises(InfrastructureError, match=message):
        _check([CUBIC], (0, 10), timeout_seconds=1.0)


@compiled
def test_an_error_in_the_callback_ends_the_child() -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_exhaustively([CUBIC], REFERENCE, stop, method="c")
