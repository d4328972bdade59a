"""Every float32 of an interval, none left out: the error of straight-line programs run in float32.

All programs of a front are checked in one pass, against one reference run in float64 that is itself a
straight-line program. C is written from the graphs alone (never from a candidate's text), compiled without
contraction to fused multiply-add, and run as a child process on all cores. Without a C compiler numpy does
the same arithmetic, with the same results to the last bit, some thirty times slower.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template
from threading import Timer
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from evolve.core.clock import monotonic_seconds
from evolve.core.environment import without_secrets
from evolve.core.errors import InfrastructureError
from sandbox.straight_line import StraightLine

UNIT_INTERVAL: Final = (0x00000000, 0x3F800000)
"""Bit patterns of the float32 in [0, 1), first and one past the last: 1,065,353,216 of them, zero included."""

Progress = Callable[[int, int], None]
Method = Literal["auto", "c", "numpy"]

_COMPILERS: Final = ("gcc", "clang", "cc")
_FLAGS: Final = ("-O3", "-march=native", "-std=c11", "-D_POSIX_C_SOURCE=200809L", "-ffp-contract=off")
_COMPILE_SECONDS: Final = 120.0
_TEMPLATE: Final = Path(__file__).with_name("float32_check.c.in")
_BLOCK: Final = 1 << 16
_EXPONENT: Final = np.uint64(0x7FF0000000000000)  # also the bits of infinity
_POWER_23: Final = np.uint64((1023 + 1023 + 23) << 52)


@dataclass(frozen=True, slots=True)
class Float32Error:
    """The worst that a program does on the floats looked at.

    `max_ulp` is the largest |float32 result - reference| in units of 2**(e - 23), e the exponent of the
    reference; `worst_x` the smallest x that attains it. NaN and infinite results have infinite errors.
    `seconds` is the time that this program's own loop took, summed over threads, without the reference.
    """

    max_ulp: float
    worst_x: float
    max_relative_error: float
    seconds: float
    floats: int


def check_exhaustively(
    programs: Sequence[StraightLine],
    reference: StraightLine,
    progress: Progress,
    *,
    patterns: tuple[int, int] = UNIT_INTERVAL,
    method: Method = "auto",
    threads: int | None = None,
    timeout_seconds: float = 3600.0,
) -> list[Float32Error]:
    """Run `programs` on every float32 whose bit pattern is in [patterns[0], patterns[1]).

    Args:
        programs: of one argument; constants are rounded to float32, arithmetic is float32.
        reference: of one argument, run in float64; its values lie in float32's normal range.
        progress: called with (floats done, floats in all).
        method: "auto" takes C where a compiler is found, else numpy.
        threads: default one for each core that this process may use.
        timeout_seconds: of the child process.

    Raises:
        InfrastructureError: the compiler or the compiled check failed or took too long.
        ValueError: a program of several arguments, or no float32 pattern in the range.
    """
    first, last = patterns
    if not 0 <= first < last <= 1 << 32:
        raise ValueError(f"{patterns} is no range of float32 bit patterns")
    if any(len(program.arguments) != 1 for program in (*programs, reference)):
        raise ValueError("programs of one argument are checked")
    if not programs:
        return []
    compiler = None if method == "numpy" else _compiler()
    if compiler is None:
        if method == "c":
            raise InfrastructureError("no C compiler was found", "install gcc or clang")
        return _check_with_numpy(programs, reference, progress, first, last)
    with tempfile.TemporaryDirectory(prefix="evolve-float32-") as folder:
        executable = _compile(compiler, c_source(programs, reference), Path(folder))
        command = [str(executable), str(first), str(last), str(threads or _cores())]
        return _run(command, len(programs), (first, last), progress, timeout_seconds)


def _compiler() -> str | None:
    return next((path for name in _COMPILERS if (path := shutil.which(name))), None)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def c_source(programs: Sequence[StraightLine], reference: StraightLine) -> str:
    """The C program that checks `programs`; numbers and operators are all that comes from the graphs."""
    values = [_c_function("reference", "double", reference)]
    values.extend(_c_function(f"value_{k}", "float", program) for k, program in enumerate(programs))
    indices = range(len(programs))
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        count=len(programs),
        values="\n".join(values),
        programs="\n".join(f"PROGRAM({k})" for k in indices),
        scans=", ".join(f"scan_{k}" for k in indices),
        finds=", ".join(f"find_{k}" for k in indices),
    )


def _c_function(name: str, kind: Literal["float", "double"], program: StraightLine) -> str:
    lines = [f"static inline {kind} {name}({kind} s0) {{", "    (void)s0;"]
    for slot, constant in enumerate(program.constants, 1):
        lines.append(f"    const {kind} s{slot} = {_c_constant(constant, kind)};")
    for slot, (operator, left, right) in enumerate(program.steps, 1 + len(program.constants)):
        lines.append(f"    const {kind} s{slot} = s{left} {operator} s{right};")
    return "\n".join([*lines, f"    return s{program.result};", "}"])


def _c_constant(value: float, kind: Literal["float", "double"]) -> str:
    if kind == "float":
        with np.errstate(over="ignore"):
            value = float(np.float32(value))
    if np.isnan(value):
        return "NAN"
    if np.isinf(value):  # too large for float32
        return "INFINITY" if value > 0 else "-INFINITY"
    return value.hex() + ("f" if kind == "float" else "")


def _compile(compiler: str, source: str, folder: Path) -> Path:
    text, executable = folder / "check.c", folder / "check"
    text.write_text(source, encoding="utf-8")
    command = [compiler, *_FLAGS, "-o", str(executable), str(text), "-lpthread"]
    remedy = f"see that {compiler} compiles C programs, or install another compiler"
    try:
        run = subprocess.run(
            command, capture_output=True, text=True, timeout=_COMPILE_SECONDS, check=False, env=without_secrets()
        )
    except subprocess.TimeoutExpired:
        raise InfrastructureError(f"{compiler} took more than {_COMPILE_SECONDS:.0f} seconds", remedy) from None
    except OSError as error:
        raise InfrastructureError(f"{compiler} did not start: {error}", remedy) from None
    if run.returncode != 0:
        raise InfrastructureError(f"{compiler} failed with status {run.returncode}: {run.stderr[:2000]}", remedy)
    return executable


def _run(
    command: list[str], count: int, patterns: tuple[int, int], progress: Progress, timeout_seconds: float
) -> list[Float32Error]:
    floats = patterns[1] - patterns[0]
    errors: dict[int, Float32Error] = {}
    done = 0
    with _child(command, timeout_seconds) as lines:
        for line in lines:
            word, *rest = line.split()
            if word == "progress":
                done = int(rest[0])
                progress(done, floats)
            else:
                ulp, relative = int(rest[1], 16), int(rest[3], 16)
                errors[int(rest[0])] = _found(patterns, ulp, int(rest[2]), relative, int(rest[4]) * 1e-9)
    if done != floats or len(errors) != count:
        seen = f"{done:,} of {floats:,} floats and {len(errors)} of {count} results"
        raise InfrastructureError(f"the float32 check ended after {seen}", "run it again")
    return [errors[k] for k in range(count)]


def _found(patterns: tuple[int, int], ulp: int, pattern: int, relative: int, seconds: float) -> Float32Error:
    # Where every result is exact no pattern was the worst: the first one stands for all.
    worst = pattern if ulp > 0 else patterns[0]
    return Float32Error(_double(ulp), _float(worst), _double(relative), seconds, patterns[1] - patterns[0])


@contextmanager
def _child(command: list[str], timeout_seconds: float) -> Iterator[Iterator[str]]:
    """Lines of a child's stdout. The child is gone when the block is left, whichever way."""
    try:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=without_secrets()
        )
    except OSError as error:
        raise InfrastructureError(
            f"the float32 check did not start: {error}", "set TMPDIR to a folder that may hold programs"
        ) from None
    timer = Timer(timeout_seconds, child.kill)
    timer.daemon = True
    start = monotonic_seconds()
    timer.start()
    try:
        with child:
            assert child.stdout is not None
            try:
                yield iter(child.stdout)
            except BaseException:
                child.kill()
                raise
    finally:
        timer.cancel()
    if child.returncode != 0:
        if monotonic_seconds() - start >= timeout_seconds:
            raise InfrastructureError(
                f"the float32 check took more than {timeout_seconds:.0f} seconds", "check fewer programs at once"
            )
        raise InfrastructureError(f"the float32 check died with status {child.returncode}", "run it again")


def _check_with_numpy(
    programs: Sequence[StraightLine], reference: StraightLine, progress: Progress, first: int, last: int
) -> list[Float32Error]:
    count = len(programs)
    worst_ulp, worst_relative, seconds = [np.uint64(0)] * count, [np.uint64(0)] * count, [0.0] * count
    worst_pattern = [0xFFFFFFFF] * count
    for start in range(first, last, _BLOCK):
        x = np.arange(start, min(start + _BLOCK, last), dtype=np.uint32).view(np.float32)
        truth = np.ascontiguousarray(reference.evaluate(x.astype(np.float64)))
        per_ulp = (_POWER_23 - (truth.view(np.uint64) & _EXPONENT)).view(np.float64)
        inverse = 1.0 / truth
        for k, program in enumerate(programs):
            before = monotonic_seconds()
            ulp, relative = _errors(program, x, truth, per_ulp, inverse)
            place = int(np.argmax(ulp))
            if ulp[place] > worst_ulp[k]:
                worst_ulp[k], worst_pattern[k] = ulp[place], start + place
            worst_relative[k] = max(worst_relative[k], relative.max())
            seconds[k] += monotonic_seconds() - before
        progress(start + len(x) - first, last - first)
    return [
        _found((first, last), int(u), p, int(r), s)
        for u, p, r, s in zip(worst_ulp, worst_pattern, worst_relative, seconds, strict=True)
    ]


def _errors(
    program: StraightLine,
    x: NDArray[np.float32],
    truth: NDArray[np.floating],
    per_ulp: NDArray[np.float64],
    inverse: NDArray[np.floating],
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Bits of both errors: as integers they are ordered like the errors, and NaN counts as infinity."""
    with np.errstate(all="ignore"):
        error = program.evaluate(x).astype(np.float64) - truth
        sizes = [np.abs(error * scale).view(np.uint64) for scale in (per_ulp, inverse)]
    ulp, relative = (np.minimum(bits, _EXPONENT) for bits in sizes)
    return ulp, relative


def _double(bits: int) -> float:
    return float(struct.unpack("<d", struct.pack("<Q", bits))[0])


def _float(bits: int) -> float:
    return float(struct.unpack("<f", struct.pack("<I", bits))[0])
