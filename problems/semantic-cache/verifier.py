"""Scores the settings of a semantic cache by what a workload costs with them, as a share of what it costs without.

`play` hands over what was observed, window by window, and gets settings back; the queries stay here. `score` serves
the workload again with the settings that were logged and adds up the costs.
"""

from __future__ import annotations

import math
from typing import Any, Final, Protocol, TypeAlias

import query_streams
from cache_costs import NEAREST, SHADOW, Cost, Setting, Stream, Tally, cost, cost_without, least_cost, prepared, served

from evolve.core import rng
from evolve.core.errors import Invalid
from evolve.core.types import Instance, Score, Split

Decision: TypeAlias = "list[list[float]]"
# Settings of the windows served so far, for each category.
Rows: TypeAlias = "list[tuple[Setting, ...]]"

_SEEN: Final = ("mixed", "developer", "consumer", "volatile", "drift")
_UNSEEN: Final = ("burst", "surge", "studio", "gateway", "crowd")
GENERATED: Final = {
    Split.PROBE: ("mixed", "volatile"),
    Split.TRAIN: _SEEN * 3,
    Split.GATE: _SEEN,
    Split.REPORT: _SEEN * 2 + _UNSEEN * 2,
    Split.FINAL: _SEEN * 3 + _UNSEEN * 3,
}
GATE_ROUNDS: Final = 8
WINDOWS: Final = 5
"""The warm-up and those that count."""

QUERIES: Final = {Split.PROBE: 150, Split.TRAIN: 300, Split.GATE: 300, Split.REPORT: 300, Split.FINAL: 300}
LONGEST: Final = 1e8
"""The longest time to live, in seconds."""

_SLACK: Final = 1e-9


class Session(Protocol):
    """A program in a sandbox."""

    def call(self, entry: str, *args: Any) -> Any:
        """The function's value. Raises what the sandbox raises where the program fails."""
        ...

    def renew(self) -> None:
        """A fresh process."""
        ...


def instances(split: Split, seed: int, *, share: float = 1.0, gate_rounds: int = GATE_ROUNDS) -> list[Instance]:
    """The workloads of a split; `args` = what the first question shows, `truth` = the workload.

    A profile makes it smaller: with a `share` of the queries, and `gate_rounds` workloads of each kind in the gate.
    """
    kinds = GENERATED[split] * (gate_rounds if split is Split.GATE else 1)
    queries = max(round(share * QUERIES[split]), query_streams.LEAST_QUERIES)
    found = []
    for index, kind in enumerate(kinds):
        branch = rng.derive_seed("semantic-cache", str(split), seed, index)
        name = f"{kind}-{index}"
        found.append(make_instance(name, f"{split}/{name}", query_streams.workload(kind, branch, WINDOWS, queries)))
    return found


def make_instance(name: str, group: str, workload: dict[str, Any]) -> Instance:
    """An instance of a workload, which query_streams gives or is made alike."""
    streams = [prepared(data) for data in workload["categories"]]
    capacity = workload["capacity"]
    return Instance(name, group, (_history(streams, _warm_up(len(streams), capacity)), capacity), workload)


def play(session: Session, instance: Instance) -> list[Decision]:
    """The settings for each window after the warm-up, [threshold, time to live, quota] of each category.

    Before each window `configure(statistics, capacity)` is asked. `statistics[w][c]` is what was observed of category
    c in window w, a dict; see README.md. A fresh process has seen no other workload.

    Raises:
        Invalid: an answer breaks a rule; see `checked`.
    """
    session.renew()
    streams, capacity = _streams(instance), instance.truth["capacity"]
    rows = _warm_up(len(streams), capacity)
    log: list[Decision] = []
    for _ in range(1, instance.truth["windows"]):
        decision = checked(session.call("configure", _history(streams, rows), capacity), len(streams))
        log.append(decision)
        rows = _with(rows, decision, capacity)
    return log


def _history(streams: list[Stream], rows: Rows) -> list[list[dict[str, Any]]]:
    """What was observed in each window that was served so far, of each category."""
    return [
        [
            observed(stream, window, served(stream, row[: window + 1])[0])
            for stream, row in zip(streams, rows, strict=True)
        ]
        for window in range(len(rows[0]))
    ]


def observed(stream: Stream, window: int, tally: Tally) -> dict[str, Any]:
    """What a real system knows of a window of one category: counts, histograms over the cosine, seconds and prices."""
    right, other, stale = tally.compared
    return {
        "queries": tally.queries,
        "lookups": tally.lookups,
        "hits": tally.hits,
        "regrets": tally.regrets,
        "evictions": tally.evictions,
        "nearest": list(tally.nearest),
        "right": list(right),
        "other": list(other),
        "stale": list(stale),
        "right_age": tally.ages[0],
        "stale_age": tally.ages[2],
        "model_seconds": stream.model_seconds * stream.loads[window],
        "model_money": stream.model_money,
        "penalty": stream.penalty,
    }


def checked(answer: Any, categories: int) -> Decision:
    """An answer as a list of [threshold, time to live, quota], all float.

    Raises:
        Invalid: it is no list of a list (or tuple) of three numbers for each category, a threshold is not within 0 and
            1, a time to live not above 0 and at most 1e8 seconds, a quota not within 0 and 1, or quotas add up to more
            than 1 (by more than rounding).
    """
    if type(answer) not in (list, tuple) or len(answer) != categories:
        what = f"{len(answer)} entries" if type(answer) in (list, tuple) else f"a {type(answer).__name__}"
        raise Invalid(f"the answer is {what}, not a list of {categories} settings")
    found = [_checked_setting(number, one) for number, one in enumerate(answer)]
    total = math.fsum(quota for _, _, quota in found)
    if not total <= 1.0 + _SLACK:
        raise Invalid(f"the quotas add up to {total:.6g}, which is more than 1")
    return found


def _checked_setting(number: int, setting: Any) -> list[float]:
    if type(setting) not in (list, tuple) or len(setting) != 3:
        raise Invalid(f"category {number}: the setting is not a list of threshold, time to live and quota")
    for name, value, least, most in zip(
        ("threshold", "time to live", "quota"), setting, (0.0, 0.0, 0.0), (1.0, LONGEST, 1.0), strict=True
    ):
        if type(value) not in (int, float):
            raise Invalid(f"category {number}: the {name} is a {type(value).__name__}, not a number")
        if not least <= value <= most:
            raise Invalid(f"category {number}: the {name} is not between {least:g} and {most:g}")
    if setting[1] == 0:
        raise Invalid(f"category {number}: the time to live is 0")
    return [float(value) for value in setting]


def score(instance: Instance, output: Any) -> Score:
    """Cost of the windows after the warm-up, as a share of their cost without a cache.

    `output` is a list of the answers, one for each of those windows.

    Raises:
        Invalid: it is not, or an answer breaks a rule.
    """
    windows = instance.truth["windows"] - 1
    if type(output) not in (list, tuple) or len(output) != windows:
        what = f"{len(output)} entries" if type(output) in (list, tuple) else f"a {type(output).__name__}"
        raise Invalid(f"the output is {what}, not a list of {windows} answers")
    streams, capacity = _streams(instance), instance.truth["capacity"]
    rows = _warm_up(len(streams), capacity)
    for answer in output:
        rows = _with(rows, checked(answer, len(streams)), capacity)
    costs, hits, wrong = [], 0, 0
    for stream, row in zip(streams, rows, strict=True):
        tallies = [served(stream, row[: window + 1])[0] for window in range(1, windows + 1)]
        costs.append(sum((cost(stream, window, tally) for window, tally in enumerate(tallies, 1)), Cost()))
        hits += sum(tally.hits for tally in tallies)
        wrong += sum(tally.wrong for tally in tallies)
    return _scored(instance, streams, costs, hits, wrong)


def floor(instance: Instance) -> Score:
    """The same figures for a cache of any size that knows every meaning and every change of an answer."""
    streams = _streams(instance)
    found = [[least_cost(stream, window) for window in range(1, instance.truth["windows"])] for stream in streams]
    every = [one for row in found for one in row]
    costs = [sum((one for one, _, _ in row), Cost()) for row in found]
    return _scored(instance, streams, costs, sum(hits for _, hits, _ in every), sum(wrong for _, _, wrong in every))


def _scored(instance: Instance, streams: list[Stream], costs: list[Cost], hits: int, wrong: int) -> Score:
    windows = range(1, instance.truth["windows"])
    without = [sum((cost_without(stream, window) for window in windows), Cost()).total for stream in streams]
    whole, total = sum(without), sum(costs, Cost())
    queries = sum(stream.starts[-1] - stream.starts[1] for stream in streams)
    value = total.total / whole
    metrics = {
        "cost_ratio": value,
        "latency_share": total.latency / whole,
        "model_share": total.model / whole,
        "penalty_share": total.penalty / whole,
        "hit_rate": hits / queries,
        "wrong_hit_rate": wrong / max(hits, 1),
    }
    worst = max(range(len(costs)), key=lambda at: costs[at].total - without[at])
    text = (
        f"{instance.id} ({len(streams)} categories): category {worst} does worst; it costs "
        f"{costs[worst].total / max(without[worst], 1e-12):.3f} of what it costs without a cache, "
        f"{costs[worst].penalty / max(without[worst], 1e-12):.3f} of that for wrong answers"
    )
    return Score(value, metrics, text)


def _streams(instance: Instance) -> list[Stream]:
    return [prepared(data) for data in instance.truth["categories"]]


def _warm_up(categories: int, capacity: int) -> Rows:
    """The settings of the warm-up, a row for each category: equal parts, nothing dies, nothing is served."""
    return [(Setting(SHADOW, LONGEST, capacity // categories),)] * categories


def _with(rows: Rows, decision: Decision, capacity: int) -> Rows:
    """The rows and the settings of one more window. Thresholds below NEAREST are as that; quotas are rounded down."""
    return [
        (*row, Setting(max(threshold, NEAREST), seconds, int(quota * capacity + _SLACK)))
        for row, (threshold, seconds, quota) in zip(rows, decision, strict=True)
    ]
