"""`evolve show RUN`: how a run was begun, where its programs were run, and what kept them in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evolve.core.config import DEFAULT_OUTCOME, hour_usd
from evolve.core.errors import UsageError

if TYPE_CHECKING:
    from archive.rows import RunRow
    from archive.store import Archive

SETTINGS = ("seed", "policy", "outcome", "window", "start", "evaluations", "proposals")
NOTHING_SAID: Mapping[str, Any] = {"prospect": None, "luck": None}
_UNITS = {
    "memory_bytes": "memory",
    "file_bytes": "files",
    "output_bytes": "output",
    "reply_bytes": "reply",
    "gpu_memory_bytes": "GPU memory",
}


def find_run(archive: Archive, name: str) -> RunRow | None:
    """The run that is called so (an id, its first characters, or 'last'); None where there is not one such run."""
    try:
        return archive.run(name)
    except UsageError:
        return None


def show_run(archive: Archive, run: RunRow, as_json: bool) -> None:
    """Print a run."""
    from evolve.cli.output import print_json
    from evolve.display.facts import saved_text
    from evolve.display.text import line
    from evolve.foresight import FORESIGHT_EVENT
    from evolve.sandboxing import records

    events = archive.events(run.id)
    places = [place for place in records(run.config, events) if place]
    pauses = [dict(payload) for kind, payload in events if kind in ("paused", "went_on")]
    cached = run.config.get("equivalence") is not None
    savings = archive.savings(run.id).priced(hour_usd()) if cached else None
    said = next((payload for kind, payload in reversed(events) if kind == FORESIGHT_EVENT), NOTHING_SAID)
    if as_json:
        saved = {"equivalence": savings.to_json() if savings else None}
        print_json({**_run_json(run, places, pauses), **saved, **said})
    else:
        _print(run, places, pauses)
        if savings:
            line(f"{'saved':<10}{saved_text(savings)}")
        _print_foresight(said)


def _run_json(run: RunRow, places: Sequence[Mapping[str, Any]], pauses: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "run_id": run.id,
        "problem": run.problem,
        "problem_version": run.problem_version,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "status": run.status.value,
        "stop_reason": run.stop_reason,
        "seconds": run.seconds,
        "settings": {key: run.config.get(key) for key in SETTINGS},
        "sandboxes": [dict(place) for place in places],
        "paused_seconds": _paused_seconds(pauses),
    }


def _paused_seconds(pauses: Sequence[Mapping[str, Any]]) -> float:
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


def _print(run: RunRow, places: Sequence[Mapping[str, Any]], pauses: Sequence[Mapping[str, Any]]) -> None:
    from evolve.display.text import duration, line, number

    line(run.id, style="bold")
    ending = run.stop_reason or run.status.value
    took = "" if run.seconds is None else f", after {duration(run.seconds)}"
    settings = [(key, run.config.get(key)) for key in SETTINGS]
    words = ", ".join(
        f"{key} {number(value) if isinstance(value, float | int) else value}"
        for key, value in settings
        if value is not None and (key, value) != ("outcome", DEFAULT_OUTCOME)
    )
    facts = [("problem", run.problem), ("started", f"{run.started_at[:19].replace('T', ' ')} UTC")]
    facts += [("ended by", ending + took), ("settings", words)]
    for label, text in facts:
        line(f"{label:<10}{text}")
    for place in places:
        _print_place(place)
    if pauses:
        line(f"{'paused':<10}{duration(_paused_seconds(pauses))} without a sandbox: {pauses[0].get('message', '')}")


def _print_foresight(said: Mapping[str, Any]) -> None:
    from evolve.display.ahead import ahead_pairs
    from evolve.display.text import line
    from evolve.foresight import foresight_from_json

    for label, text in ahead_pairs(*foresight_from_json(said)):
        line(f"{label:<10}{text}")


def _print_place(place: Mapping[str, Any]) -> None:
    from evolve.core.config import UNSANDBOXED
    from evolve.display.facts import NOT_ISOLATED
    from evolve.display.text import line

    kept = place.get("confinement") or {}
    line(f"{'sandbox':<10}{place['sandbox']}: {kept.get('start', '')}, clock of the {kept.get('clock', 'process')}")
    if place["sandbox"] == UNSANDBOXED:
        line(f"{'':<10}{NOT_ISOLATED[1]}", style="yellow")
    for name, bound in (kept.get("limits") or {}).items():
        line(f"{'':<10}{_bound(name, bound['value']):<24}{bound['by']}", style="dim")
    for name, text in (kept.get("details") or {}).items():
        line(f"{'':<10}{name:<24}{text}", style="dim")


def _bound(name: str, value: float) -> str:
    from evolve.display.text import number

    if name in _UNITS:
        return f"{_UNITS[name]} {number(value / 2**20)} MiB"
    if name.endswith("_seconds"):
        return f"{name.removesuffix('_seconds')} {number(value)} s"
    return f"{name} {number(value)}"
