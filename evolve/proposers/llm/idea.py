"""How ideas are written: "NAME: hypothesis"."""

from __future__ import annotations

import re

_NOISE = re.compile(r"[\W_]+")


def split_idea(idea: str) -> tuple[str, str]:
    """Name and hypothesis of an idea that is written as "NAME: hypothesis"."""
    name, _, hypothesis = idea.partition(":")
    return name.strip(), hypothesis.strip()


def idea_key(name: str) -> str:
    """Names that differ in case, blanks and punctuation alone have one key."""
    return _NOISE.sub(" ", name.casefold()).strip()
