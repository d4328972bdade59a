"""Whether the machine changed while it measured: a batch of times of one and the same program, in order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def drifts(log_times: Sequence[float], level: float, least_shift: float) -> bool:
    """Whether the times have a trend or a step that is both beyond chance and large enough to matter.

    Beyond chance: Kendall's rank correlation of the times with their order (Mann 1945, Econometrica 13:245; exact for
    so few) is significant at `level`, two-sided. Large enough: the medians of the two halves differ by more than
    `least_shift`, in the unit of `log_times`, natural logarithms of seconds. A quiet machine shows trends that no
    comparison would notice. On a machine without drift at most `level` of all batches are said to drift.
    """
    from scipy.stats import kendalltau

    half = len(log_times) // 2
    shift = float(np.median(log_times[-half:]) - np.median(log_times[:half]))
    if abs(shift) <= least_shift:
        return False
    return bool(kendalltau(range(len(log_times)), log_times).pvalue < level)
