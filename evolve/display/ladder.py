"""What was found against what was known, rung by rung: one row for each value of the second objective.

Written for any problem of one or two objectives; nothing here knows what the metrics mean, except
that a metric called `digits`, where there is one, is easier to read than the first objective.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evolve.core.types import Objective
from evolve.events import ScoredProgram

DIGITS = Objective("digits", "maximize")


@dataclass(frozen=True, slots=True)
class Rung:
    """The best known and the best found program at one value (`level`) of the second objective.

    `known` is the best baseline that costs at most `level`; where there is none, the seed if it costs no more.
    `found` costs exactly `level`. Either may be missing. `gain` is positive where `found` is better, in the unit
    of the metric shown. `dominated` names the baselines that `found` beats in one objective without losing in
    the other. With one objective `level` is None.
    """

    level: float | None
    known: ScoredProgram | None
    found: ScoredProgram | None
    gain: float | None
    dominated: tuple[str, ...]


def shown_objective(objectives: Sequence[Objective], programs: Sequence[ScoredProgram]) -> Objective:
    """`digits` where every program has it, else the first objective."""
    return DIGITS if programs and all("digits" in one.metrics for one in programs) else objectives[0]


def gain_over(shown: Objective, found: Mapping[str, float], known: Mapping[str, float]) -> float:
    """How much better `found` is than `known`: positive is better, in the unit of the metric."""
    return shown.cost(known[shown.metric]) - shown.cost(found[shown.metric])


def dominates(objectives: Sequence[Objective], found: ScoredProgram, known: ScoredProgram) -> bool:
    """True where `found` is nowhere worse than `known` and somewhere better."""
    pairs = [(o.cost(found.metrics[o.metric]), o.cost(known.metrics[o.metric])) for o in objectives]
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


def climb(
    objectives: Sequence[Objective],
    seed: ScoredProgram,
    baselines: Sequence[ScoredProgram],
    front: Sequence[ScoredProgram],
) -> list[Rung]:
    """The rungs, cheapest first. Where the seed or a baseline stands on `front`, it is known and not found."""
    shown = shown_objective(objectives, [seed, *baselines, *front])
    known_ids = {one.program_id for one in (seed, *baselines)}
    found = [one for one in front if one.program_id not in known_ids]
    if len(objectives) == 1:
        return [_rung(objectives, shown, None, _best(shown, baselines) or seed, _best(shown, found), baselines)]
    second = objectives[1]
    rungs = []
    for level in sorted({one.metrics[second.metric] for one in (*baselines, *found)}, key=second.cost):
        known = _best(shown, _affordable(second, level, baselines)) or _best(shown, _affordable(second, level, [seed]))
        here = _best(shown, [one for one in found if one.metrics[second.metric] == level])
        rungs.append(_rung(objectives, shown, level, known, here, baselines))
    return rungs


def _rung(
    objectives: Sequence[Objective],
    shown: Objective,
    level: float | None,
    known: ScoredProgram | None,
    found: ScoredProgram | None,
    baselines: Sequence[ScoredProgram],
) -> Rung:
    if found is None:
        return Rung(level, known, None, None, ())
    gain = gain_over(shown, found.metrics, known.metrics) if known else None
    return Rung(level, known, found, gain, tuple(one.name for one in baselines if dominates(objectives, found, one)))


def _affordable(second: Objective, level: float, programs: Sequence[ScoredProgram]) -> list[ScoredProgram]:
    return [one for one in programs if second.cost(one.metrics[second.metric]) <= second.cost(level)]


def _best(shown: Objective, programs: Sequence[ScoredProgram]) -> ScoredProgram | None:
    return min(programs, key=lambda one: shown.cost(one.metrics[shown.metric]), default=None)
