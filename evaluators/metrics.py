"""From scores on instances to the metrics of a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evolve.core.errors import ProblemError
from evolve.core.types import Objective, Score


def mean_metrics(scores: Sequence[Score], objectives: Sequence[Objective], **more: float) -> Mapping[str, float]:
    """The mean of each metric over the scores, and `more` as it is.

    Raises:
        ProblemError: an objective is not among them.
    """
    metrics = {name: float(np.mean([score.metrics[name] for score in scores])) for name in scores[0].metrics} | more
    for objective in objectives:
        if objective.metric not in metrics:
            raise ProblemError(
                f"the verifier gives no metric {objective.metric!r}, which is an objective",
                f"Add it to Score.metrics, or name one of {', '.join(metrics)} in problem.toml.",
            )
    return metrics
