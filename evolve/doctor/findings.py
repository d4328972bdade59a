"""What a look at a machine finds: one line for each thing, with the commands that mend it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from evolve.core.environment import without_keys


class State(StrEnum):
    """`OK`; `MISSING`: not installed, not running, not set; `FORBIDDEN`: there, and not allowed; `DEGRADED`: works, but
    slower or weaker; `UNKNOWN`: can not be told."""

    OK = "ok"
    MISSING = "missing"
    FORBIDDEN = "forbidden"
    DEGRADED = "degraded"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing: its state, what was seen, and what to type or change, in the order of preference.

    `required` marks what must be mended before a run can start. `figures` are for machines.
    """

    name: str
    state: State
    says: str
    remedies: tuple[str, ...] = ()
    required: bool = False
    figures: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain data; keys are documented in docs/cli.md."""
        return {
            "name": self.name,
            "state": self.state.value,
            "says": self.says,
            "remedies": list(self.remedies),
            "required": self.required,
            "figures": dict(self.figures),
        }


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All findings, in order; the sandboxes that work here; whether a run can start. `seconds` is what looking took.

    `sandbox` is the one that a run takes where nobody chooses, with its options; None where that can not be told.
    """

    findings: tuple[Finding, ...]
    sandboxes: tuple[str, ...]
    seconds: float
    sandbox: str | None = None

    @property
    def ready(self) -> bool:
        """Whether nothing that is required has to be mended first."""
        return not any(finding.required for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Plain data; keys are documented in docs/cli.md."""
        return {
            "ready": self.ready,
            "sandbox": self.sandbox,
            "sandboxes": list(self.sandboxes),
            "seconds": self.seconds,
            "checks": [finding.to_json() for finding in self.findings],
        }


def without_secrets(finding: Finding) -> Finding:
    """The finding with no secret in it. No look says such a value; what a library says in an error is not ours."""
    figures = {key: without_keys(one) if isinstance(one, str) else one for key, one in finding.figures.items()}
    remedies = tuple(map(without_keys, finding.remedies))
    return replace(finding, says=without_keys(finding.says), remedies=remedies, figures=figures)
