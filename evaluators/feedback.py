"""What is said of a program, for people and for models that mend or better it: how it failed, where it did worst.

All of it is text, and much of it comes from the program itself: it is cut, cleaned of control characters and of what
differs between two runs of the same program (addresses, names of temporary files), and otherwise believed in nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice, takewhile
from typing import Any

import numpy as np

from evolve.core.types import Instance, Objective, Score

WORST = 3
"""Instances of a scored program that are told of."""
SHAPE_CHARACTERS, OUTPUT_CHARACTERS, WORDS_CHARACTERS = 400, 1500, 1000
OUTPUT_LINES = 20

_SAMPLE, _DEPTH, _PARTS, _SHORT = 1000, 4, 6, 24
_WORD_BITS = 64
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# Addresses as x86-64 and 64-bit Arm have them: of twelve digits, of libraries and stacks, or of programs.
_ADDRESS = re.compile(r"\b0x(?:7[ef]|ff|5[56]|aa)[0-9a-f]{10}\b")
# Commands are built and run in /tmp/work, which is the same each time.
_TEMPORARY = re.compile(r"(?<=/tmp/)(?!work\b)[^\s/'\":,;()<>]+|(?<=/evolve-session-)[\w-]+")


def failure_feedback(instance: Instance, error: str, printed: str = "") -> str:
    """Why a program has no score on an instance: its message first, then frames, the arguments' shape, and output.

    `error` is what `sandbox.base.Reply` or the verifier says, `printed` the program's standard output and error.
    """
    parts = [f"{instance.id}: {settled(_message_first(error))}", f"args: {shape_of_args(instance.args)}"]
    end = _end_of(printed)
    if end:
        parts.append(f"printed, at the end:\n{end}")
    return "\n".join(parts)


def worst_feedback(instance_ids: Sequence[str], scores: Sequence[Score], objective: Objective) -> str:
    """A line for each of up to three instances, worst first: its value, and the verifier's words. Scores may tie.

    The value is the objective's metric, or the score's value where no single instance has such a metric.
    """
    values = [score.metrics.get(objective.metric, score.value) for score in scores]
    order = sorted(range(len(scores)), key=lambda place: -objective.cost(values[place]))
    lines = []
    for place in order[:WORST]:
        words = " ".join(scores[place].feedback.split())[:WORDS_CHARACTERS]
        line = f"worst on {instance_ids[place]} ({objective.metric} {values[place]:.6g})"
        lines.append(f"{line}: {words}" if words else line)
    return "\n".join(lines)


def settled(text: str) -> str:
    """The text without control characters, and without what differs between two runs of the same program."""
    text = _TEMPORARY.sub("...", _ADDRESS.sub("0x...", text))
    return _CONTROL.sub("", text)


def shape_of_args(args: Iterable[Any]) -> str:
    """What a program was called with, such as `list of 58 lists of 256 float; ndarray (58, 256) float64; int 288`.

    At most 400 characters. Of a large argument the first parts are looked at: it takes milliseconds, whatever its size.
    """
    text = settled("; ".join(_shape(one, _DEPTH) for one in islice(args, _PARTS * _PARTS)))
    return text if len(text) <= SHAPE_CHARACTERS else f"{text[: SHAPE_CHARACTERS - 4]} ..."


def _shape(value: Any, depth: int) -> str:
    """One value: a scalar is shown, of anything larger what it is made of."""
    match value:
        case None | bool():
            return str(value)
        case int():
            few = value.bit_length() <= _WORD_BITS
            return f"int {value}" if few else f"int of {value.bit_length()} bits"
        case float():
            return f"float {value!r}"
        case str():
            return f"str {value!r}" if len(value) <= _SHORT else f"str of {len(value)} characters"
        case bytes():
            return f"bytes of {len(value)}"
        case np.ndarray():
            return f"ndarray {value.shape} {value.dtype}"
        case dict():
            return f"dict of {len(value)}{_items(value, depth)}"
        case list() | tuple():
            return _sequence(value, depth)
    return type(value).__name__


def _items(value: Mapping[Any, Any], depth: int) -> str:
    """The first keys of a dict, each with its value's shape."""
    if not value or not depth:
        return ""
    shown = [f"{_shape(key, 0)}: {_shape(part, depth - 1)}" for key, part in islice(value.items(), _PARTS)]
    return f" ({', '.join(shown)}{', ...' if len(value) > _PARTS else ''})"


def _sequence(value: Sequence[Any], depth: int) -> str:
    kind = type(value).__name__
    parts = value[:_SAMPLE]
    if not parts:
        return f"empty {kind}"
    if depth and len(value) <= _PARTS and len({type(part) for part in parts}) > 1:
        return f"{kind} ({', '.join(_shape(part, depth - 1) for part in parts)})"
    return f"{kind} of {len(value)} {_many(parts, depth)}"


def _many(values: Sequence[Any], depth: int) -> str:
    """What all of some values are, e.g. "lists of 2 to 9 float"."""
    kinds = list(dict.fromkeys(type(value) for value in values))
    names = [kind.__name__ for kind in kinds]
    if len(kinds) > 1:
        return f"mixed {', '.join(names[:_PARTS])}"
    if kinds[0] is np.ndarray:
        return f"ndarrays {_same(value.shape for value in values)} {_same(value.dtype for value in values)}"
    if kinds[0] is dict and depth:
        return f"dicts like {_shape(values[0], depth - 1)}"
    if kinds[0] in (list, tuple) and depth:
        share = max(1, _SAMPLE // len(values))
        inner = list(chain.from_iterable(islice(value, share) for value in values))
        return f"{names[0]}s of {_same(map(len, values))}" + (f" {_many(inner, depth - 1)}" if inner else "")
    return names[0]


def _same(values: Iterable[Any]) -> str:
    """The value that all share; of whole numbers the range, and else the first of several."""
    found = list(dict.fromkeys(values))
    if len(found) == 1:
        return str(found[0])
    if type(found[0]) is int:
        return f"{min(found)} to {max(found)}"
    return f"{found[0]} and others"


def _message_first(error: str) -> str:
    """The frames of a traceback after the message that they end in: its first line then says what happened."""
    lines = error.split("\n")
    frames = list(takewhile(lambda line: line.startswith("  "), lines))
    return "\n".join([*lines[len(frames) :], *frames]) if len(frames) < len(lines) else error


def _end_of(printed: str) -> str:
    """The last lines of an output, indented; one whose beginning is cut off begins with dots."""
    whole = printed.rstrip()
    # Cut before it is made into lines: an output may be a megabyte.
    lines = whole[-OUTPUT_CHARACTERS:].splitlines()
    if len(whole) > OUTPUT_CHARACTERS:
        lines[0] = f"...{lines[0]}"
    return settled("\n".join(f"  {line}" for line in lines[-OUTPUT_LINES:]))
