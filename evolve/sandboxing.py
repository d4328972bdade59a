"""Where the programs of a run were run, as it stands in the run's record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evolve.core.config import UNSANDBOXED
from sandbox.base import Confinement

if TYPE_CHECKING:
    from archive.rows import RunRow
    from archive.store import Archive

SANDBOX, CONFINEMENT = "sandbox", "confinement"
"""Keys of a run's configuration, and of the payload of its events of these kinds: it went on in another sandbox, or in
the same one with other bounds, as on another host."""


@dataclass(frozen=True, slots=True)
class Sandboxing:
    """The sandbox of a run as `sandbox.backends.read` takes it, and what it enforces; neither where none is needed."""

    sandbox: str = ""
    confinement: Confinement | None = None

    @property
    def warning(self) -> str:
        """What must be said before anything runs; empty where programs are isolated."""
        if self.sandbox != UNSANDBOXED:
            return ""
        from sandbox.unsandboxed import WARNING

        return WARNING

    def to_json(self) -> dict[str, Any]:
        """Plain data for the archive; empty where programs run in place."""
        if self.confinement is None:
            return {}
        return {SANDBOX: self.sandbox, CONFINEMENT: self.confinement.to_json()}

    def note_change(self, archive: Archive, before: RunRow) -> None:
        """Write down that a run goes on in another sandbox than it was in last, or kept in in another way."""
        now, last = self.to_json(), records(before.config, archive.events(before.id))[-1]
        if now and now != last:
            archive.add_event(before.id, CONFINEMENT if now[SANDBOX] == last.get(SANDBOX) else SANDBOX, now)


def last_sandbox(archive: Archive, run: RunRow) -> str | None:
    """The sandbox that a run was in last; None where it needs none, or was begun before this was stored."""
    return records(run.config, archive.events(run.id))[-1].get(SANDBOX)


def records(config: Mapping[str, Any], events: list[tuple[str, dict[str, Any]]]) -> list[Mapping[str, Any]]:
    """Where a run was run, in order, one at least: mappings with `sandbox` and `confinement`, where these are known."""
    first = {key: config[key] for key in (SANDBOX, CONFINEMENT) if key in config}
    return [first, *(payload for kind, payload in events if kind in (SANDBOX, CONFINEMENT))]
