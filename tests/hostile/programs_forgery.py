"""Replies that lie: frames that were forged, bent or withheld, and objects that only look like data."""

from __future__ import annotations

import math

from battery import CRASHED, FORBIDDEN, INVALID, OK, TIMED_OUT, Hostile
from forging import FORGE

HOOKS = """
class Reduced:
    def __reduce__(self): print("called"); return (print, ("called",))
    __reduce_ex__ = __array__ = __iter__ = __index__ = __len__ = __eq__ = __hash__ = lambda *_: print("called")
    __getattribute__ = lambda *_: print("called")
class Meta(type):
    __eq__ = __hash__ = __instancecheck__ = lambda *_: print("called")
class Odd(metaclass=Meta): pass
class L(list):
    def __iter__(self): print("called"); return iter([1])
    def __len__(self): print("called"); return 1
class D(dict):
    def items(self): print("called"); return []
class I(int):
    def __index__(self): print("called"); return 1
class F(float):
    def __float__(self): print("called"); return 1.0
class S(str):
    def __eq__(self, other): print("called"); return True
    __hash__ = str.__hash__
    encode = lambda *_: print("called")
class T(tuple):
    def __getitem__(self, at): print("called"); return 1
"""


def forged(name: str, expression: str, *, quick: bool = False, limit: int = 0) -> Hostile:
    """A program that sends these bytes as its reply, for which `nonce` is the right one, and then waits."""
    text = f"{FORGE}\ndef solve(host):\n    pipe, nonce = steal()\n    send(pipe, {expression})\n    time.sleep(9)\n"
    return Hostile(name, text, FORBIDDEN, limits={"reply_bytes": limit} if limit else {}, quick=quick)


def foreign(name: str, made: str, before: str = HOOKS) -> Hostile:
    """A program that returns what is no plain data, of which nothing may be called."""
    text = f"{before}\ndef solve(host): return [0, {{'a': {made}}}]\n"
    return Hostile(name, text, INVALID, says="output[1]['a']", after=lambda replies: replies[-1].output == "")


NUMPY = "import numpy as n\n"
PROGRAMS = [
    Hostile(
        "leaving_after_a_printed_frame",
        f"{FORGE}\ndef solve(host):\n    os.write(1, frame(steal()[1], b'T'))\n    os._exit(0)\n",
        CRASHED,
        after=lambda replies: replies[-1].died and "EVW1" in replies[-1].output,
        quick=True,
    ),
    Hostile(
        "leaving_after_a_frame_of_a_guessed_nonce",
        f"{FORGE}\ndef solve(host):\n    send(steal()[0], frame(bytes(16), b'T'))\n    os._exit(0)\n",
        # Where the frame has a long way, the end may be seen first.
        (FORBIDDEN, CRASHED),
        quick=True,
    ),
    Hostile(
        "leaving_after_a_right_frame",
        f"{FORGE}\ndef solve(host):\n    pipe, nonce = steal()\n    send(pipe, frame(nonce, b'T'))\n    os._exit(0)\n",
        CRASHED,
        calls=("solve", "then"),
        after=lambda replies: replies[0].value in (True, None),
    ),
    forged("a_wrong_nonce", "frame(bytes(16), b'T')", quick=True),
    forged("a_frame_of_another_kind", "frame(nonce, b'T', 3)"),
    forged("another_protocol", "frame(nonce, b'T', magic=b'HTTP')"),
    forged("two_replies", "frame(nonce, b'T') * 2", quick=True),
    forged("a_length_that_is_too_large", "frame(nonce, b'T', length=2**63)", quick=True),
    forged("a_length_that_is_too_short", "frame(nonce, b'l' + struct.pack('<I', 3) + b'TTT', length=6)"),
    forged("a_count_beyond_the_end", "frame(nonce, b'l' + struct.pack('<I', 2**32 - 1))"),
    forged("text_beyond_the_end", "frame(nonce, b's' + struct.pack('<Q', 2**62) + b'x')"),
    forged("an_array_as_large_as_the_world", "frame(nonce, b'A\\x03<f8\\x02' + struct.pack('<QQ', 2**40, 2**40))"),
    forged("an_array_of_objects", "frame(nonce, b'A\\x02|O\\x01' + struct.pack('<Q', 1) + bytes(8))", quick=True),
    forged("booleans_that_are_two", "frame(nonce, b'A\\x03|b1\\x01' + struct.pack('<Q', 2) + b'\\x02\\x02')"),
    forged("nesting", "frame(nonce, b'l\\x01\\0\\0\\0' * 100_000 + b'N')", quick=True),
    forged(
        "a_reply_above_the_limit", "frame(nonce, b'b' + struct.pack('<Q', 300_000) + bytes(300_000))", limit=300_000
    ),
    forged(
        "a_failure_of_its_own_choice",
        "frame(nonce, b't' + struct.pack('<I', 2) + (b's' + struct.pack('<Q', 2) + b'ok') * 2, 7)",
    ),
    Hostile(
        "a_reply_that_never_ends",
        f"{FORGE}\ndef solve(host):\n    send(steal()[0], frame(steal()[1], b'T', length=50))\n    time.sleep(9)\n",
        TIMED_OUT,
        limits={"wall_seconds": 0.3},
    ),
    Hostile(
        "a_reply_in_crumbs",
        FORGE
        + """
def solve(host):
    pipe, nonce = steal()
    for byte in frame(nonce, b"b" + struct.pack("<Q", 9999) + bytes(9999)):
        send(pipe, bytes([byte]))
        time.sleep(0.01)
""",
        TIMED_OUT,
        limits={"wall_seconds": 0.4},
    ),
    Hostile(
        "a_reply_before_the_question",
        FORGE
        + """
pipe, nonce = steal()
os.write(pipe, frame(nonce, b"N", 4))
time.sleep(0.05)
os.write(pipe, frame(nonce, b"T"))
time.sleep(0.05)

def solve(host): return 1
""",
        FORBIDDEN,
        quick=True,
    ),
    Hostile(
        "frames_into_every_descriptor",
        f"{FORGE}\ndef solve(host):\n    for number in range(3, 300):\n"
        "        won('', os.write, number, frame(bytes(16), b'T'))\n",
        FORBIDDEN,
        quick=True,
    ),
    # Where something stands between, it keeps its own ends open, and the silence ends with the time.
    Hostile(
        "closing_its_pipes",
        "def solve(host):\n    os.closerange(3, 256)\n    time.sleep(9)\n",
        (FORBIDDEN, TIMED_OUT),
        limits={"wall_seconds": 1.0},
        quick=True,
    ),
    Hostile("a_large_reply", "def solve(host): return b'x' * 200_000\n", INVALID, limits={"reply_bytes": 100_000}),
    Hostile(
        "a_deep_reply",
        "def solve(host):\n    x = []\n    for _ in range(10**5): x = [x]\n    return x\n",
        INVALID,
        says="levels",
    ),
    Hostile("a_reply_that_holds_itself", "def solve(host):\n    x = []\n    x.append(x)\n    return x\n", INVALID),
    foreign("an_object_that_reduces_itself", "Reduced()"),
    foreign("a_class_with_hostile_equality", "Odd()"),
    foreign("a_list_that_is_none", "L([2])"),
    foreign("a_dict_that_is_none", "D(a=1)"),
    foreign("a_number_that_is_none", "[1, I(3), F(1.5)]"),
    foreign("a_key_that_equals_everything", "{S('x'): 1}"),
    foreign("a_tuple_that_is_none", "T((1,))"),
    foreign("an_array_of_objects_that_was_returned", "n.array([None, {}])", NUMPY),
    foreign(
        "an_array_of_a_class_of_its_own", "n.arange(3).view(type('A', (n.ndarray,), {'__len__': lambda s: 9}))", NUMPY
    ),
    foreign("an_array_with_fields", "n.zeros(2, 'i4,O')", NUMPY),
    Hostile(
        "payloads_of_nan",
        """
import numpy, struct

def solve(host):
    odd = [struct.unpack("<d", struct.pack("<Q", bits))[0] for bits in (0x7FF0DEADBEEF0001, 0xFFF8000000C0FFEE)]
    return odd, odd * 5, numpy.array(odd)
""",
        holds=lambda value: all(math.isnan(number) and not number > 0 for row in value for number in row),
        quick=True,
    ),
    Hostile(
        "text_that_is_none",
        "def solve(host): return 'a\\ud800'\n",
        INVALID,
        says="lone surrogate",
    ),
    Hostile(
        "escapes_for_the_terminal",
        "def solve(host): raise ValueError('\\x1b]0;title\\x07\\x1b[31m red \\x9b1A')\n",
        CRASHED,
        says="red",
        after=lambda replies: not set("\x1b\x07\x9b") & set(replies[-1].error),
    ),
]
assert OK not in [program.verdicts for program in PROGRAMS if not program.holds]
