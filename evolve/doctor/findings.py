"""What a look at a machine finds: one line for each thing, with the commands that mend it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

_SECRET_NAMES = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$")
_SHORTEST_SECRET = 6


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
    """The finding, see `clean`. No look says such a value; what a library says in an error is not ours to know."""
    figures = {key: clean(value) if isinstance(value, str) else value for key, value in finding.figures.items()}
    return replace(finding, says=clean(finding.says), remedies=tuple(map(clean, finding.remedies)), figures=figures)


def clean(text: str) -> str:
    """The text, where whatever the environment keeps under the name of a secret is replaced by that name."""
    secrets = {
        value: f"({name})"
        for name, value in os.environ.items()
        if _SECRET_NAMES.search(name.upper()) and len(value) >= _SHORTEST_SECRET
    }
    for value, name in secrets.items():
        text = text.replace(value, name)
    return text
