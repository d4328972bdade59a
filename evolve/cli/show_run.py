"""`evolve show RUN`: how a run was begun, where its programs were run, and what kept them in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evolve.core.config import hour_usd
from evolve.core.errors import UsageError

if TYPE_CHECKING:
    from archive.rows import RunRow
    from archive.store import Archive

NOTHING_SAID: Mapping[str, Any] = {"prospect": None, "luck": None}


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
    from evolve.display.run_facts import pauses_of
    from evolve.display.text import line
    from evolve.foresight import FORESIGHT_EVENT
    from evolve.sandboxing import records

    events = archive.events(run.id)
    places = [place for place in records(run.config, events) if place]
    pauses = pauses_of(events)
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
    from evolve.display.run_facts import SETTINGS, paused_seconds

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
        "paused_seconds": paused_seconds(pauses),
    }


def _print(run: RunRow, places: Sequence[Mapping[str, Any]], pauses: Sequence[Mapping[str, Any]]) -> None:
    from evolve.display.run_facts import ending, pause_text, settings
    from evolve.display.text import line

    line(run.id, style="bold")
    facts = [("problem", run.problem), ("started", f"{run.started_at[:19].replace('T', ' ')} UTC")]
    facts += [("ended by", ending(run)), ("settings", settings(run.config))]
    for label, text in facts:
        line(f"{label:<10}{text}")
    for place in places:
        _print_place(place)
    if pauses:
        line(f"{'paused':<10}{pause_text(pauses)}")


def _print_foresight(said: Mapping[str, Any]) -> None:
    from evolve.display.ahead import ahead_pairs
    from evolve.display.text import line
    from evolve.foresight import foresight_from_json

    for label, text in ahead_pairs(*foresight_from_json(said)):
        line(f"{label:<10}{text}")


def _print_place(place: Mapping[str, Any]) -> None:
    from evolve.core.config import UNSANDBOXED
    from evolve.display.facts import NOT_ISOLATED
    from evolve.display.run_facts import bounds, place_text
    from evolve.display.text import line

    line(f"{'sandbox':<10}{place_text(place)}")
    if place["sandbox"] == UNSANDBOXED:
        line(f"{'':<10}{NOT_ISOLATED[1]}", style="yellow")
    for name, text in bounds(place):
        line(f"{'':<10}{name:<24}{text}", style="dim")
