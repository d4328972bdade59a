"""What the gate could see: the smallest gain that its groups tell from chance."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from evaluators.statistics import LEAST_GROUPS, group_means, smallest_gain
from evolve.check.bench import Bench, Evaluated
from evolve.check.report import Finding, Grade
from evolve.check.rows import best_of
from evolve.core.types import Split


def gate(bench: Bench, known: Sequence[Evaluated]) -> Finding:
    """The smallest gain that the gate would find, for programs as alike as the two most alike known ones.

    How far two programs differ from group to group is measured on train; gate itself is not opened. Told as well
    where not even seed and best baseline could be told apart.
    """
    if bench.problem.evidence == "exact":
        return Finding("gate", Grade.OK, "exact: every gain is proven")
    groups = len({instance.group for instance in bench.verifier.instances(Split.GATE)})
    if groups < LEAST_GROUPS:
        says = f"{groups} group{'s' * (groups != 1)}: too few to be gated"
        remedy = f"Let instances() give at least {LEAST_GROUPS} groups for gate; a group is what is independent."
        return Finding("gate", Grade.LOOK, says, remedy, {"groups": groups})
    best = best_of(bench, known)
    deviations = {one.name: _deviation(bench, one, best) for one in known if one is not best}
    if not any(deviations.values()):
        says = f"{groups} groups; how far programs differ from group to group is not known"
        remedy = "Write a baseline, and give train several groups."
        return Finding("gate", Grade.LOOK, says, remedy, {"groups": groups})
    nearest = min(filter(deviations.get, deviations), key=lambda name: deviations[name])
    gain = smallest_gain(deviations[nearest], groups)
    share = f" ({gain / abs(best.value):.1%} of the best known)" if best.value else ""
    says = f"finds a gain of {gain:.3g}{share} four times in five, with {groups} groups and programs "
    says += f"as alike as {nearest} and {best.name}"
    figures = {"groups": groups, "smallest_gain": gain, "deviations": deviations}
    gap = abs((best.value or 0.0) - (known[0].value or 0.0))
    if gap and gap < (needed := smallest_gain(deviations["seed"], groups)):
        wanted = math.ceil(groups * (needed / gap) ** 2)
        says = f"{groups} groups do not tell even the seed from {best.name}: {gap:.3g} apart, {needed:.3g} needed"
        remedy = f"Some {wanted} groups in gate would; or draw instances that differ less."
        return Finding("gate", Grade.LOOK, says, remedy, figures)
    return Finding("gate", Grade.OK, says, "", figures)


def _deviation(bench: Bench, one: Evaluated, other: Evaluated) -> float:
    """Standard deviation over the groups of train of the paired difference; 0 where there are not two groups."""
    names = [instance.group for instance in bench.verifier.instances(Split.TRAIN)]
    first, second = (group_means(names, [bench.value(run) for run in each.runs]) for each in (one, other))
    differences = [a - b for a, b in zip(first, second, strict=True)]
    return statistics.stdev(differences) if len(differences) > 1 else 0.0
