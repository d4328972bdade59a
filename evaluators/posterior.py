"""What scores are worth once one of them was selected.

The best of many noisy scores looks better than it is: the winner's curse. `posterior`, `lower_quantile` and `curse` are
empirical Bayes, for the programs of one run. The model is normal twice over. A program's
true mean is drawn from N(mu, tau^2), the spread of the field, and its score is the truth plus an error of known size.
Its posterior is the score pulled towards mu, the more the larger its own error is beside tau (B. Efron and C. Morris,
Data analysis using Stein's estimator and its generalizations, JASA 70, 1975). A posterior is not moved by selection:
whichever program is looked at because of its score, its posterior mean stays right on average (B. Efron, Tweedie's
formula and selection bias, JASA 106, 2011).

**Which error.** All programs of a run meet the same instances. What the instances are worth to everyone, hard ones or
easy ones, is in all scores alike: no selection favours it, and the error of a raw mean, most of which it is, would
shrink far too much. What selection favours is what a program has beyond the field on just these instances. So
`against_field` takes paired differences from the field's median, group by group, and their error over groups.

**How it can fail.** Errors of a child and its parent are alike, which the model takes for luck of each of them: the
curse comes out too large where the front is one family. A field of many clusters is not normal. And where groups are
of fixed kinds, one of each, the differences between kinds pass for luck. Such is cache-eviction: the model expected the
champion of a run to lose 0.034, and on five fresh draws of the same kinds it lost nothing. So what a run says at its
end is `left_out`, which supposes nothing of errors or of the field.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluators.statistics import LEVEL

LEAST_PROGRAMS = 10
"""With fewer programs nothing is known of how the field scatters."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Posterior:
    """Each program's true score, in the unit of the scores: mean and standard deviation, both [N].

    `deviations` take the field as known, `doubts` [N] are what is unknown of the field: they are common to all programs
    and so count for what one is worth, and not for which is the best.
    """

    means: Floats
    deviations: Floats
    doubts: Floats


@dataclass(frozen=True, slots=True)
class Curse:
    """By how much a selected score is expected to exceed the truth, with the bounds of the 95 % interval."""

    expected: float
    low: float
    high: float


def against_field(scores: ArrayLike) -> tuple[Floats, Floats]:
    """Means [N] of the paired differences from the field's median, and their standard errors [N].

    `scores` [N, G] are the means of N programs on G independent groups, more is better. The reference is what the
    field's median program has on each group: one program of low quality does not move it. Raises ValueError for fewer
    than two groups.
    """
    table = np.asarray(scores, dtype=np.float64)
    groups = table.shape[1]
    if groups < 2:
        raise ValueError(f"{groups} groups have no standard error")
    ahead = table - np.median(table, axis=0)
    return ahead.mean(axis=1), ahead.std(axis=1, ddof=1) / np.sqrt(groups)


def posterior(means: ArrayLike, errors: ArrayLike) -> Posterior:
    """What N programs are worth whose scores are `means` [N] with standard errors `errors` [N].

    mu is the median, and tau^2 solves sum (mean - mu)^2 / (error^2 + tau^2) = n over the n programs above it (the
    estimator of R. C. Paule and J. Mandel, J. Res. NBS 87, 1982, on one half). For a symmetric field that is the
    spread of the whole; the long tail of poor programs that any search has says nothing of how good ones scatter.
    What n programs leave unknown of mu and tau is allowed for as by C. N. Morris (Parametric empirical Bayes inference,
    JASA 78, 1983).

    Raises ValueError for fewer than 10 programs, errors below zero, and what is not finite.
    """
    scores, sizes = _checked(means, errors)
    centre = float(np.median(scores))
    upper = scores > centre
    count = max(int(upper.sum()), 4)
    square = _spread(scores[upper] - centre, sizes[upper])
    total = sizes**2 + square
    pull = np.divide(sizes**2, total, out=np.zeros_like(total), where=total > 0.0) * (count - 3.0) / (count - 1.0)
    away = scores - centre
    unknown_centre = np.pi / 2.0 * total.mean() / len(scores)
    doubts = pull * np.sqrt(unknown_centre + 2.0 / (count - 1.0) * away**2)
    return Posterior(centre + (1.0 - pull) * away, sizes * np.sqrt(1.0 - pull), doubts)


def lower_quantile(means: ArrayLike, errors: ArrayLike, level: float = 0.05) -> Floats:
    """What each program exceeds with probability 1 - `level` [N]: for a final choice, which no luck should decide.

    Of two programs with one score the one that was measured better is higher. Raises as `posterior`.
    """
    from scipy.stats import norm

    known = posterior(means, errors)
    quantiles: Floats = known.means + float(norm.ppf(level)) * known.deviations
    return quantiles


def curse(means: ArrayLike, errors: ArrayLike, chosen: int | None = None) -> Curse:
    """The score of the program at `chosen` (by default the best) minus its posterior mean. Raises as `posterior`.

    The interval is of that program's own luck. What the instances are worth to all programs is not in it.
    """
    from scipy.stats import norm

    scores = np.asarray(means, dtype=np.float64)
    place = int(np.argmax(scores)) if chosen is None else chosen
    known = posterior(means, errors)
    expected = float(scores[place] - known.means[place])
    reach = float(norm.ppf(0.5 + LEVEL / 2.0) * np.hypot(known.deviations[place], known.doubts[place]))
    return Curse(expected, expected - reach, expected + reach)


def left_out(scores: ArrayLike) -> Curse:
    """By how much the best of N programs falls behind its score on a group that had no part in choosing it.

    `scores` [N, G] as for `against_field`. For each group the best by the mean over the others is chosen. What it loses
    from its mean there to its score here, averaged over all groups, is right for a choice by G - 1 exchangeable groups,
    whatever programs have in common (M. Stone, Cross-validatory choice and assessment of statistical predictions, JRSS
    B 36, 1974). Where the same program is best whatever is left out, no luck chose it, and the answer is 0.

    The interval is Student's over groups, as if each were chosen for independently: with few groups wide, and rough.

    Raises ValueError for fewer than three groups.
    """
    from scipy.stats import t

    table = np.asarray(scores, dtype=np.float64)
    groups = table.shape[1]
    if groups < 3:
        raise ValueError(f"{groups} groups, none of which can be left out")
    ahead = table - np.median(table, axis=0)
    others = (ahead.sum(axis=1, keepdims=True) - ahead) / (groups - 1)
    chosen, places = others.argmax(axis=0), np.arange(groups)
    lost = others[chosen, places] - ahead[chosen, places]
    reach = float(t.ppf(0.5 + LEVEL / 2.0, groups - 1)) * float(lost.std(ddof=1)) / np.sqrt(groups)
    expected = float(lost.mean()) if len(set(chosen)) > 1 else 0.0  # or rounding would say that it is a little
    return Curse(expected, expected - reach, expected + reach)


def _checked(means: ArrayLike, errors: ArrayLike) -> tuple[Floats, Floats]:
    scores, sizes = np.asarray(means, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    if scores.shape != sizes.shape or scores.ndim != 1 or len(scores) < LEAST_PROGRAMS:
        raise ValueError(f"{scores.shape} scores with {sizes.shape} errors, where {LEAST_PROGRAMS} or more are needed")
    if not (np.isfinite(scores).all() and np.isfinite(sizes).all() and (sizes >= 0.0).all()):
        raise ValueError("a score or an error is not finite, or an error is below zero")
    return scores, sizes


def _spread(away: Floats, sizes: Floats) -> float:
    """tau^2: zero where the errors alone explain the distances from the centre."""
    from scipy.optimize import brentq

    def excess(square: float) -> float:
        return float((away**2 / (sizes**2 + square)).mean()) - 1.0

    if not len(away):
        return 0.0
    smallest = 1e-12 * float((away**2).max())
    if excess(smallest) <= 0.0:
        return 0.0
    return float(brentq(excess, smallest, float((away**2).max())))
