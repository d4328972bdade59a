"""A run's configuration as a flat list."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from archive.rows import RunRow

OWN_MACHINE = ("folder", "prompts_folder", "api_base", "api_key_env")
"""What says where somebody keeps their things. Pages for everybody leave it out."""
ELSEWHERE = ("confinement",)
MOST = 300
LETTERS = 400


@dataclass(frozen=True, slots=True)
class Setting:
    """A key, with a dot between the levels, and its value as JSON."""

    name: str
    value: str


def settings_of(run: RunRow, published: bool) -> list[Setting]:
    """All settings that have a value, in order of their names; of many, the first."""
    config = {name: value for name, value in run.config.items() if name not in ELSEWHERE}
    rows = sorted(_flat("", config), key=lambda one: one.name)
    kept = [row for row in rows if not (published and row.name.rpartition(".")[2] in OWN_MACHINE)]
    return kept[:MOST]


def _flat(prefix: str, value: Any) -> Iterator[Setting]:
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _flat(f"{prefix}.{name}" if prefix else str(name), inner)
    elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        for place, one in enumerate(value, 1):
            yield from _flat(f"{prefix}.{place}", one)
    elif value is not None and value not in ("", [], {}):
        text = value if isinstance(value, str) else json.dumps(value)
        yield Setting(prefix, text[:LETTERS])
