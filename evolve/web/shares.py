"""What became of a run's candidates, stretch by stretch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archive.rows import STATUSES, Stretch

COUNT = 60
LEAST = 5
MOST = 300
"""Of each stretch so many records are looked at: a picture of a million records reads no more than 18,000."""


def shares_figure(stretches: Sequence[Stretch]) -> dict[str, Any]:
    """Stacked shares of statuses; each bar is a stretch of the run's records."""
    middles = [(one.first + one.end - 1) / 2 for one in stretches]
    widths = [one.end - one.first for one in stretches]
    words = [f"records {one.first:,} to {one.end - 1:,}" for one in stretches]
    data = []
    for place, status in enumerate(STATUSES):
        if not any(one.counts.get(status) for one in stretches):
            continue
        heights = [one.counts.get(status, 0) / max(1, sum(one.counts.values())) for one in stretches]
        data.append(
            {
                "type": "bar",
                "name": status.value.replace("_", " "),
                "x": middles,
                "y": heights,
                "width": widths,
                "text": words,
                "textposition": "none",
                "hovertemplate": "%{y:.1%} of %{text}",
                "marker": {"color": f"--status-{place}", "line": {"width": 0}},
            }
        )
    layout = {
        "barmode": "stack",
        "bargap": 0,
        "xaxis": {"title": {"text": "records, in their order"}},
        "yaxis": {"title": {"text": "share"}, "tickformat": ".0%", "range": [0, 1]},
    }
    return {"data": data, "layout": layout}


def bars(records: int) -> int:
    """How many bars a picture of so many records has: no bar of fewer than five records, but the only one."""
    return max(1, min(COUNT, records // LEAST))


def is_sampled(records: int) -> bool:
    """Whether the picture of a run of so many records is drawn from a part of them."""
    return records > COUNT * MOST
