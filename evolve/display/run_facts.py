"""How a run was begun, where its programs were run, and what kept them in: words that commands and pages share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evolve.core.config import DEFAULT_OUTCOME
from evolve.display.text import duration, number

if TYPE_CHECKING:
    from archive.rows import RunRow, RunSummary

SETTINGS = ("seed", "policy", "outcome", "window", "start", "evaluations", "proposals")
_UNITS = {
    "memory_bytes": "memory",
    "file_bytes": "files",
    "output_bytes": "output",
    "reply_bytes": "reply",
    "gpu_memory_bytes": "GPU memory",
}


def ending(run: RunRow) -> str:
    """Why a run ended, or how it stands, and after how long."""
    took = "" if run.seconds is None else f", after {duration(run.seconds)}"
    return (run.stop_reason or run.status.value) + took


def settings(config: Mapping[str, Any]) -> str:
    """What a run was told, in one line; what is as it always is is left out."""
    pairs = [(key, config.get(key)) for key in SETTINGS]
    return ", ".join(
        f"{key} {number(value) if isinstance(value, float | int) else value}"
        for key, value in pairs
        if value is not None and (key, value) != ("outcome", DEFAULT_OUTCOME)
    )


def pauses_of(events: Sequence[tuple[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """The events of a run that say that it waited for a sandbox, or went on."""
    return [dict(payload) for kind, payload in events if kind in ("paused", "went_on")]


def paused_seconds(pauses: Sequence[Mapping[str, Any]]) -> float:
    """Seconds without a sandbox; of an outage that ended with the search, those until its last try."""
    total = latest = 0.0
    for one in pauses:
        away = float(one["away_seconds"])
        if "message" not in one:
            total, latest = total + away, 0.0
            continue
        # One that begins anew had no end on record: the search was stopped in it.
        total, latest = total + (latest if away < latest else 0.0), away
    return total + latest


def pause_text(pauses: Sequence[Mapping[str, Any]]) -> str:
    """How long a run was without a sandbox and why, in one line."""
    return f"{duration(paused_seconds(pauses))} without a sandbox: {pauses[0].get('message', '')}"


def place_text(place: Mapping[str, Any]) -> str:
    """A sandbox, how programs start in it, and whose clock counts."""
    kept = place.get("confinement") or {}
    return f"{place['sandbox']}: {kept.get('start', '')}, clock of the {kept.get('clock', 'process')}"


def bounds(place: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a sandbox allows, each with who sees to it, and then what else is said of it."""
    kept = place.get("confinement") or {}
    pairs = [(_bound(name, bound["value"]), str(bound["by"])) for name, bound in (kept.get("limits") or {}).items()]
    return pairs + [(name, str(text)) for name, text in (kept.get("details") or {}).items()]


def _bound(name: str, value: float) -> str:
    if name in _UNITS:
        return f"{_UNITS[name]} {number(value / 2**20)} MiB"
    if name.endswith("_seconds"):
        return f"{name.removesuffix('_seconds')} {number(value)} s"
    return f"{name} {number(value)}"


def paid_text(row: RunSummary) -> str:
    """What models took, where there were any: at least that where the price of some replies is not known."""
    if not row.replies:
        return "-"
    if row.unpriced == row.replies:
        return "?"
    return f"{row.usd:.2f}+" if row.unpriced else f"{row.usd:.2f}"
