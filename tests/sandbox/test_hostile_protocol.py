"""Programs that forge, withhold and bend replies, or hand back what is not plain data."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hostile import FORGE, WITH_NUMPY, forging, nothing_left, run, start

from evolve.core.types import Status

pytestmark = pytest.mark.bubblewrap

UNASKED = "it sent a reply without being asked"


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    with nothing_left():
        yield


@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5, 99])
def test_a_frame_of_another_kind(kind: int) -> None:
    assert run(forging(f"frame(nonce, b'T', {kind})")).status is Status.FORBIDDEN


def test_a_reply_before_the_call() -> None:
    text = """
pipe, nonce = steal()
os.write(pipe, frame(nonce, b"N", 4))
time.sleep(0.1)
os.write(pipe, frame(nonce, b"T"))
time.sleep(0.1)

def solve():
    return 1
"""
    session = start(FORGE + text)
    time.sleep(0.5)
    reply = session.call("solve")
    session.close()
    assert reply.status is Status.FORBIDDEN
    assert session.violation == reply.error == UNASKED


LATE = """
def late(pipe, nonce):
    time.sleep(0.05)
    os.write(pipe, frame(nonce, b"T"))

def solve():
    threading.Thread(target=late, args=steal()).start()
    return 1
"""


def test_a_second_reply_comes_to_light_at_the_next_call() -> None:
    session = start(FORGE + LATE)
    assert session.call("solve").value == 1
    time.sleep(0.3)
    assert session.call("solve").status is Status.FORBIDDEN
    session.close()
    assert session.violation == UNASKED


def test_a_second_reply_comes_to_light_on_closing() -> None:
    session = start(FORGE + LATE)
    assert session.call("solve").value == 1
    time.sleep(0.3)
    assert session.violation is None
    session.close()
    assert session.violation == UNASKED


def test_a_forged_reply_is_only_what_the_program_could_have_returned() -> None:
    assert run(forging("frame(nonce, b'T')")).value is True


@pytest.mark.parametrize(
    "forged",
    [
        "frame(nonce, b'T', length=2**63)",
        "frame(nonce, b'T', length=2**40)",
        "frame(nonce, b's' + struct.pack('<Q', 2**62) + b'x')",
        "frame(nonce, b'l' + struct.pack('<I', 2**32 - 1))",
        "frame(nonce, b'q' + struct.pack('<I', 2**31))",
        "frame(nonce, b'A\\x03<f8\\x02' + struct.pack('<QQ', 2**40, 2**40))",
        "frame(nonce, b'A\\x02|O\\x01' + struct.pack('<Q', 1) + bytes(8))",
        "frame(nonce, b'l\\x01\\0\\0\\0' * 100_000 + b'N')",
        "frame(nonce, b'')",
        "frame(nonce, b'TT')",
        "frame(nonce, b'T', magic=b'HTTP')",
        "b'x' * 100",
        "frame(nonce, b'N', 7)",
        "frame(nonce, b't' + struct.pack('<I', 2) + (b's' + struct.pack('<Q', 2) + b'ok') * 2, 7)",
        "frame(nonce, b't' + struct.pack('<I', 2) + b's' + struct.pack('<Q', 9) + b'timed_out' + b'N', 7)",
    ],
)
def test_a_reply_that_lies(forged: str) -> None:
    reply = run(forging(forged), wall_seconds=8.0)
    assert (reply.status, reply.value) == (Status.FORBIDDEN, None)
    assert reply.wall_seconds < 7


def test_keys_that_collide_do_not_hold_the_host() -> None:
    key = "(b'I' + struct.pack('<H', 11) + (k * (2**61 - 1)).to_bytes(11, 'little', signed=True) + b'N')"
    keys = f"b''.join({key} for k in range(1, 100_001))"
    started = time.monotonic()
    reply = run(forging(f"frame(nonce, b'D' + struct.pack('<I', 100_000) + {keys})"), wall_seconds=1.0)
    assert reply.status is Status.TIMED_OUT
    assert time.monotonic() - started < 10


def test_swallowing_the_calls() -> None:
    text = """
at = sys._getframe()
while "pipes" not in at.f_locals:
    at = at.f_back
calls = at.f_locals["pipes"].calls

def solve():
    threading.Thread(target=os.read, args=(calls, 1 << 16)).start()
    time.sleep(0.05)
    return 1
"""
    session = start(FORGE + text, wall_seconds=0.5)
    assert session.call("solve").value == 1
    assert session.call("solve").status in (Status.TIMED_OUT, Status.OK)
    session.close()


def test_a_program_that_does_not_read_a_large_call() -> None:
    text = """
import ctypes, threading

def solve(x):
    return 1

def begin():
    # PyDLL keeps the interpreter's lock while it sleeps.
    threading.Timer(0.05, lambda: ctypes.PyDLL(None).usleep(3_000_000)).start()
"""
    session = start(text, wall_seconds=0.5)
    session.call("begin")
    time.sleep(0.3)
    started = time.monotonic()
    assert session.call("solve", bytes(1 << 22)).status is Status.TIMED_OUT
    assert time.monotonic() - started < 2
    session.close()


@pytest.mark.parametrize("limit", [50_000, 300_000])
def test_a_forged_oversized_reply(limit: int) -> None:
    forged = f"frame(nonce, b'b' + struct.pack('<Q', {limit}) + bytes({limit}))"
    assert run(forging(forged), reply_bytes=limit).status is Status.FORBIDDEN


HOOKS = """
class Reduced:
    def __reduce__(self): print('called'); return (print, ('called',))
    __reduce_ex__ = __array__ = __iter__ = __index__ = __getattribute__ = lambda *_: print('called')
class L(list):
    def __iter__(self): print('called'); return iter([1])
class D(dict):
    def items(self): print('called'); return []
class I(int):
    def __index__(self): print('called'); return 1
class F(float):
    def __float__(self): print('called'); return 1.0
class S(str): pass
class T(tuple): pass
"""
FOREIGN = [
    "Reduced()",
    "L([2])",
    "D(a=1)",
    "I(3)",
    "F(1.5)",
    "S('x')",
    "T((1,))",
    "Reduced",
    "{1, 2}",
    "iter([])",
    "1j",
]


@pytest.mark.parametrize("made", FOREIGN)
def test_foreign_objects_are_refused_untouched(made: str) -> None:
    reply = run(HOOKS + f"def solve(): return [0, 1, {{'a': {made}}}]")
    assert (reply.status, reply.value, reply.output) == (Status.INVALID, None, "")
    assert reply.error.startswith("output[2]['a']: a value of type ")


@pytest.mark.parametrize(
    "made", ["array([None])", "array(['a'])", "zeros(2, 'i4,i4')", "zeros(1, 'M8[D]')", "zeros(1, 'g')"]
)
def test_arrays_of_other_kinds(made: str) -> None:
    reply = run(f"import numpy\ndef solve(): return [numpy.{made}]", sandbox=WITH_NUMPY)
    assert reply.status is Status.INVALID
    assert reply.error.startswith("output[0]: a numpy array of dtype")


@pytest.mark.parametrize(
    "made", ["ma.masked_array([1])", "matrix([1])", "array([1]).view(type('A', (n.ndarray,), {}))"]
)
def test_array_subclasses(made: str) -> None:
    assert run(f"import numpy as n\ndef solve(): return n.{made}", sandbox=WITH_NUMPY).status is Status.INVALID


def test_numbers_that_are_none() -> None:
    text = """
import numpy
from array import array
x = [float("nan"), float("inf"), float("-inf"), -0.0]

def solve():
    return x, x * 3, array("d", x), numpy.array(x), numpy.float32("nan")
"""
    *rows, scalar = run(text, sandbox=WITH_NUMPY).value
    for numbers in rows:
        assert math.isnan(numbers[0])
        assert list(numbers[1:3]) == [math.inf, -math.inf]
        assert math.copysign(1.0, numbers[3]) == -1.0
    assert type(scalar) is float
    assert math.isnan(scalar)


def test_changed_arguments_are_the_programs_own() -> None:
    numbers, array_of_numbers = [1, 2, {"a": [3]}], np.arange(4.0)
    text = "def solve(x, y):\n    x[2]['a'].append(4)\n    x.clear()\n    y[:] = -1\n    return 1"
    assert run(text, numbers, array_of_numbers, sandbox=WITH_NUMPY).value == 1
    assert numbers == [1, 2, {"a": [3]}]
    assert array_of_numbers.tolist() == [0.0, 1.0, 2.0, 3.0]
