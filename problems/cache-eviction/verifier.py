"""Scores cache eviction policies by their decision logs: misses saved against first-in first-out.

Nothing of a policy runs here. `score` replays logs; `play` is the cache itself and asks a policy one request at a time.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import blake2b
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

import traces
import workloads
from replay import BYPASS, belady_misses, decided_within, fifo_misses, miss_count

from evolve.core import rng
from evolve.core.errors import Invalid, ProblemError
from evolve.core.types import Instance, Score, Split

Output: TypeAlias = "list[tuple[bool, array[int]]]"

# Shares of the distinct objects of a trace.
CAPACITIES: Final = {"small": 0.001, "medium": 0.01, "large": 0.1}

_SEEN: Final = ("zipf", "scan", "loop", "phase", "drift", "stack", "zipf+loop", "scan+stack")
# Kinds that the search never meets: models of their own, and mixtures of three or of other pairs.
_UNSEEN: Final = ("burst", "newest", "drift+loop", "phase+scan")
_FINAL_ONLY: Final = ("burst+loop", "newest+scan", "phase+stack", "drift+scan", "zipf+scan+loop", "newest+burst+loop")
GENERATED: Final = {
    Split.PROBE: ("scan+loop", "drift+stack"),
    Split.TRAIN: _SEEN,
    Split.GATE: _SEEN,
    Split.REPORT: _SEEN + _UNSEEN + _SEEN[:4],
    Split.FINAL: _SEEN + _UNSEEN + _FINAL_ONLY + _UNSEEN[:2] + _SEEN[4:],
}
GATE_ROUNDS: Final = 6
REQUESTS: Final = {Split.PROBE: 1_200, Split.TRAIN: 8_000, Split.GATE: 4_000, Split.REPORT: 8_000, Split.FINAL: 10_000}

# Recorded files: which part of one a split may see, how many files it uses, and how many windows of each.
PARTS: Final = {Split.TRAIN: (0.0, 0.45), Split.GATE: (0.45, 0.55), Split.REPORT: (0.55, 0.65), Split.FINAL: (0.7, 1.0)}
FILES: Final = {Split.TRAIN: 4, Split.GATE: 4, Split.REPORT: 8, Split.FINAL: 12}
WINDOWS: Final = {Split.TRAIN: 1, Split.GATE: 1, Split.REPORT: 1, Split.FINAL: 2}
WINDOW_REQUESTS: Final = {Split.TRAIN: 10_000, Split.GATE: 10_000, Split.REPORT: 10_000, Split.FINAL: 16_000}
LEAST_RECORDED: Final = 2_000
# Files that the search never sees: a third, at most two.
HELD_OUT: Final = 2
_NO_TRACES: Final = (".", "README", "LICENSE", "LICENCE", "NOTICE")


class Session(Protocol):
    """A policy in a sandbox, behind the driver's functions begin, hit, fill and miss."""

    def call(self, entry: str, *args: Any) -> Any:
        """The function's value. Raises what the sandbox raises where the policy fails."""
        ...

    def renew(self) -> None:
        """A fresh process."""
        ...


def instances(
    split: Split, seed: int, *, share: float = 1.0, gate_rounds: int = GATE_ROUNDS, recorded: bool = True
) -> list[Instance]:
    """The traces of a split; `args` = (trace, array of int; capacities, a tuple of int), `truth` = misses of FIFO.

    A profile makes it smaller: generated traces with a `share` of their requests, `gate_rounds` traces of each kind for
    the gate, and only with `recorded` those of files.

    Raises:
        ProblemError: the folder of recorded traces, or a file in it, is wrong.
    """
    generated = []
    length = round(share * REQUESTS[split])
    for index, kind in enumerate(GENERATED[split] * (gate_rounds if split is Split.GATE else 1)):
        trace = workloads.trace(kind, rng.derive_seed("cache-eviction", str(split), seed, index), length)
        generated.append(make_instance(f"{kind}-{index}", f"generated/{kind}-{index}", trace))
    return generated + (_recorded(split, seed) if recorded else [])


def make_instance(name: str, group: str, trace: array[int], capacities: Sequence[int] | None = None) -> Instance:
    """An instance of a trace of your own; capacities are its usual shares where none are given.

    Raises:
        ProblemError: the trace is empty, or a capacity is below 1.
    """
    sizes = capacities_of(trace) if capacities is None else tuple(capacities)
    if not trace or not sizes or min(sizes) < 1:
        what = "an empty trace" if not trace else f"capacities {list(sizes)}"
        raise ProblemError(f"{name}: {what}", "An instance needs requests, and capacities of at least 1.")
    return Instance(name, group, (trace, sizes), tuple(fifo_misses(trace, size) for size in sizes))


def capacities_of(trace: Sequence[int]) -> tuple[int, ...]:
    """0.1 %, 1 % and 10 % of the distinct objects, rounded; each at least 1 and above the one before.

    A trace of few objects has not that many sizes that can be full: none is larger than the objects less one, or 1.
    """
    objects = len(set(trace))
    sizes: list[int] = []
    for share in CAPACITIES.values():
        least = sizes[-1] + 1 if sizes else 1
        sizes.append(min(max(round(share * objects), least), max(objects - 1, 1)))
    return tuple(sizes)


# Recorded traces


def _recorded(split: Split, seed: int) -> list[Instance]:
    folder = _folder()
    if folder is None or split not in PARTS:
        return []
    found = []
    for path in _files(folder, split):
        name, length = traces.stem(path), traces.length(path)
        if length < LEAST_RECORDED:
            raise ProblemError(f"{path} has only {length} requests", f"Remove it: {LEAST_RECORDED} are the least.")
        low, high = (int(share * length) for share in PARTS[split])
        step = (high - low) // WINDOWS[split]
        size = min(step, WINDOW_REQUESTS[split])
        draw = rng.generator("cache-eviction", str(split), seed, name)
        for window in range(WINDOWS[split]):
            start = low + window * step + int(draw.random() * (step - size + 1))
            trace = traces.read(path, start, start + size)
            found.append(make_instance(f"{name}@{start}", f"recorded/{name}", trace))
    return found


def _files(folder: Path, split: Split) -> list[Path]:
    """The files of a split in an order that depends on their names alone; the held-out ones come first."""
    paths = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(_NO_TRACES)]
    paths.sort(key=lambda path: blake2b(traces.stem(path).encode()).digest())
    names = [traces.stem(path) for path in paths]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ProblemError(f"{folder} holds several traces called {twice[0]}", "Rename or remove one.")
    held_out = min(HELD_OUT, len(paths) // 3) if split in (Split.TRAIN, Split.GATE) else 0
    return paths[held_out:][: FILES[split]]


def _folder() -> Path | None:
    """The folder of recorded traces: at EVOLVE_DATA, which must exist, else at data/; None where there is none."""
    named = os.environ.get("EVOLVE_DATA", "")
    root = Path(named or "data")
    if named and not root.is_dir():
        remedy = "Set it to a folder that holds traces/, or unset it to use generated workloads only."
        raise ProblemError(f"EVOLVE_DATA names the folder {named}, which does not exist", remedy)
    folder = root / "traces"
    return folder if folder.is_dir() else None


# Scores


def score(instance: Instance, output: Any) -> Score:
    """Mean over the capacities of (FIFO's misses - misses) / FIFO's misses, from the logged decisions.

    `output` is a list of (bypasses, log), one for each capacity, as the driver returns it.

    Raises:
        Invalid: it is not, or a log breaks a rule; see replay.miss_count.
    """
    return _scored(instance, _replayed(instance, output, miss_count))


def floor(instance: Instance) -> Score:
    """The same figures for the fewest misses possible: Belady's MIN, which knows the future and may bypass."""
    trace, capacities = instance.args
    return _scored(instance, [belady_misses(trace, capacity, bypasses=True) for capacity in capacities])


def _replayed(instance: Instance, output: Any, replay: Callable[[array[int], int, Any, Any], Any]) -> list[Any]:
    trace, capacities = instance.args
    if type(output) not in (list, tuple) or len(output) != len(capacities):
        what = f"{len(output)} entries" if type(output) in (list, tuple) else f"a {type(output).__name__}"
        raise Invalid(f"the output is {what}, not a list of {len(capacities)} pairs (bypasses, log)")
    for capacity, pair in zip(capacities, output, strict=True):
        if type(pair) not in (list, tuple) or len(pair) != 2:
            raise Invalid(f"capacity {capacity}: the output is not a pair (bypasses, log)")
    return [replay(trace, size, log, bypasses) for size, (bypasses, log) in zip(capacities, output, strict=True)]


def _scored(instance: Instance, counts: Sequence[tuple[int, int]]) -> Score:
    trace, capacities = instance.args
    fifo = instance.truth
    reductions = [(first - misses) / first for first, (misses, _) in zip(fifo, counts, strict=True)]
    value = sum(reductions) / len(reductions)
    decided = sum(misses - min(size, misses) for size, (misses, _) in zip(capacities, counts, strict=True))
    metrics = {
        "miss_ratio_reduction": value,
        "miss_ratio": sum(misses for misses, _ in counts) / len(counts) / len(trace),
        **{f"reduction_{name}": gain for name, gain in zip(CAPACITIES, reductions, strict=False)},
        "bypassed": sum(bypassed for _, bypassed in counts) / max(decided, 1),
    }
    worst = min(range(len(reductions)), key=reductions.__getitem__)
    text = (
        f"{instance.id} ({len(trace)} requests, capacities {', '.join(map(str, capacities))}) does worst at capacity "
        f"{capacities[worst]}: {counts[worst][0]} misses, where first-in first-out has {fifo[worst]}"
    )
    return Score(value, metrics, text)


# Strict replay


def play(session: Session, instance: Instance) -> Output:
    """What a policy decides when it gets one request at a time; equals what the driver logs for an honest policy.

    The cache, its names and its ghost cells are here; the policy's process sees slots and cells alone. Each capacity
    has a fresh process: a policy that told the next one what was requested would let it know the future.

    Raises:
        Invalid: an answer is of the wrong type or out of range, or bypasses or remembers without saying so at first.
    """
    trace, capacities = instance.args
    return [_played(session, trace, capacity) for capacity in capacities]


def _played(session: Session, trace: array[int], capacity: int) -> tuple[bool, array[int]]:
    session.renew()
    bypasses, remembers = _pair(session.call("begin", capacity), bool, "begin")
    slots: dict[int, int] = {}
    names: list[int] = []
    ghosts: dict[int, int] = {}
    cells: list[int | None] = [None] * capacity
    log = array("i")
    for name in trace:
        slot = slots.get(name)
        if slot is not None:
            session.call("hit", slot)
            continue
        if len(names) < capacity:
            slots[name] = len(names)
            names.append(name)
            session.call("fill", slots[name])
            continue
        ghost = ghosts.pop(name, -1)
        if ghost >= 0:
            cells[ghost] = None
        slot, cell = _decided(session.call("miss", ghost), capacity, bypasses, remembers)
        log.append(slot)
        gone = name if slot == BYPASS else names[slot]
        if cell >= 0:
            forgotten = cells[cell]
            if forgotten is not None:
                del ghosts[forgotten]
            cells[cell] = gone
            ghosts[gone] = cell
        if slot != BYPASS:
            del slots[gone]
            names[slot] = name
            slots[name] = slot
    return bypasses, log


def _decided(answer: Any, capacity: int, bypasses: bool, remembers: bool) -> tuple[int, int]:
    slot, cell = _pair(answer, int, "miss")
    if not (BYPASS if bypasses else 0) <= slot < capacity:
        what = f"the victim is not one of the slots 0 to {capacity - 1}" if slot != BYPASS else "an undeclared bypass"
        raise Invalid(f"capacity {capacity}: {what}")
    if not -1 <= cell < (capacity if remembers else 0):
        raise Invalid(f"capacity {capacity}: the cell to remember in is not one of 0 to {capacity - 1}, or -1")
    return slot, cell


def _pair(answer: Any, kind: type, call: str) -> Any:
    if type(answer) not in (list, tuple) or len(answer) != 2 or any(type(part) is not kind for part in answer):
        raise Invalid(f"{call} answered something else than two {kind.__name__}")
    return answer


# Non-anticipation


def spliced(instance: Instance, other: Instance, share: float) -> Instance:
    """Requests [0, share * n) of `instance`, then those of `other` from its start, cycled or cut to n in all.

    Object numbers of `other` stay as they are, so that both parts overlap; capacities are those of `instance`.
    """
    trace, capacities = instance.args
    kept = _kept(trace, share)
    joined = trace[:kept] + array("i", islice(cycle(other.args[0]), len(trace) - kept))
    return make_instance(f"{instance.id}+{other.id}", instance.group, joined, capacities)


def decisions(instance: Instance, output: Any, share: float) -> Output:
    """The part of an output that was decided within the first share * n requests; same shape as the output.

    It must be the same for `instance` and for anything spliced to it at that share, or the policy knew the future.

    Raises:
        Invalid: as for `score`.
    """
    _replayed(instance, output, miss_count)
    kept = _kept(instance.args[0], share)
    counts = _replayed(instance, output, partial(decided_within, requests=kept))
    return [(bypasses, array("i", log[:count])) for (bypasses, log), count in zip(output, counts, strict=True)]


def _kept(trace: array[int], share: float) -> int:
    if not 0.0 <= share <= 1.0:
        raise ProblemError(f"a prefix of {share:g} of a trace", "The share is between 0 and 1.")
    return int(share * len(trace))
