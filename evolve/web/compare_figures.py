"""The two pictures of a comparison: how policies came on, and how far each is from the control."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from evolve.comparison.outcome import Comparison
from evolve.comparison.picture import POINTS, QUARTILES, ahead_by_seed
from evolve.web.figures import name_of, series, steps, value_axis


def curves_figure(comparison: Comparison) -> dict[str, Any]:
    """Best so far on train against what was spent: the median over seeds, and the quartiles as a band."""
    spent = np.linspace(0.0, comparison.budget, POINTS)
    xs = [float(one) for one in spent]
    data: list[dict[str, Any]] = []
    values: list[float] = []
    for place, policy in enumerate(comparison.policies):
        runs = np.array([[worth.course.at(one) for one in xs] for worth in comparison.worths[policy]])
        low, high = np.quantile(runs, QUARTILES, axis=0).tolist()
        middle = np.median(runs, axis=0).tolist()
        values += middle
        group = {"legendgroup": str(place), "hoverinfo": "skip", "showlegend": False}
        edge = {"width": 0, "color": series(place)["color"]}
        data.append({**steps(xs, low, name_of(policy), **edge), **group})
        data.append(
            {**steps(xs, high, name_of(policy), **edge), **group, "fill": "tonexty", "fillcolor": f"{edge['color']}/15"}
        )
        hover = "%{y:.6g} at %{x:.4g}"
        line = {**steps(xs, middle, name_of(policy), **series(place)), "hovertemplate": hover}
        data.append({**line, "legendgroup": str(place)})
    unit = "US dollars" if comparison.unit == "usd" else comparison.unit
    layout = {"xaxis": {"title": {"text": unit}}, "yaxis": value_axis(comparison.figure, values)}
    return {"data": data, "layout": layout}


def differences_figure(comparison: Comparison) -> dict[str, Any]:
    """On report: the difference of each seed from the control, the median and its interval, right is better."""
    rows = [row for row in comparison.of("final") if row.difference is not None]
    data: list[dict[str, Any]] = []
    for height, row in enumerate(reversed(rows)):
        look = series(comparison.policies.index(row.policy))
        ahead = ahead_by_seed(comparison, row)
        spread = [height + 0.05 * (place % 7 - 3) for place in range(len(ahead))]
        points = {"type": "scatter", "mode": "markers", "x": ahead, "y": spread, "name": name_of(row.policy)}
        marker = {"size": 6, "color": look["color"], "opacity": 0.45}
        data.append({**points, "marker": marker, "hovertemplate": "%{x:+.4g}", "showlegend": False})
        found = row.difference
        if found is None or not math.isfinite(found.middle):
            continue
        bounded = math.isfinite(found.low) and math.isfinite(found.high)
        arms = {"array": [found.high - found.middle], "arrayminus": [found.middle - found.low]} if bounded else {}
        data.append(
            {
                **points,
                "x": [found.middle],
                "y": [height],
                "marker": {"size": 11, "symbol": "diamond", "color": look["color"]},
                "error_x": {"type": "data", "symmetric": False, "visible": bounded, "color": look["color"], **arms},
                "hovertemplate": "median %{x:+.4g}",
                "showlegend": False,
            }
        )
    ticks = {"tickvals": list(range(len(rows))), "ticktext": [name_of(row.policy) for row in reversed(rows)]}
    layout = {
        "height": 120 + 56 * len(rows),
        "xaxis": {"title": {"text": f"ahead of {name_of(comparison.control)} (right is better)"}, "zerolinewidth": 2},
        "yaxis": {**ticks, "range": [-0.6, len(rows) - 0.4], "zeroline": False},
    }
    return {"data": data, "layout": layout}
