"""Writes docs/problems.md from the schema of problem.toml: `python docs/generate.py`, or `make docs`."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from evolve.problem_file import tables

PAGE = Path(__file__).with_name("problems.md")
HEAD = """# Every key of problem.toml

This page is made from the schema by `make docs`; a test fails where it is out of date. How to write a problem is told
in [authoring.md](authoring.md). A key that is not listed here is refused, with its line and the nearest valid one.

A complete file, that of the example in authoring.md:

```toml
name = "join-order"
title = "Join order: cost against the best left-deep plan"
entry = "orders"
evidence = "sampled"
sandbox = "bubblewrap"
minimum_effect = 0.01

[[objectives]]
metric = "log_cost_ratio"
direction = "minimize"

[limits]
cpu_seconds = 2
memory_mebibytes = 128

[search]
evaluations = 300
```
"""


_HEADINGS = {"objectives": "[objectives]", "profiles": "profiles.NAME"}


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(line for name, model in tables() for line in _table(name, model))]) + "\n"


def _table(name: str, model: type[BaseModel]) -> Iterator[str]:
    heading = f"[{_HEADINGS.get(name, name)}]" if name else "At the top"
    yield f"## {heading}\n"
    yield " ".join((model.__doc__ or "").split("\n\n")[0].split())
    rest = (model.__doc__ or "").split("\n\n")[1:]
    yield from (f"\n{' '.join(part.split())}" for part in rest)
    yield "\n| key | type | default | meaning |\n|---|---|---|---|"
    for key, field in model.model_fields.items():
        if not _is_table(field.annotation):
            meaning = " ".join((field.description or "").split()).replace("|", "\\|")
            yield f"| `{key}` | {_type(field)} | {_default(field)} | {meaning} |"
    yield ""


def _is_table(annotation: Any) -> bool:
    parts = (annotation, *get_args(annotation))
    return any(isinstance(part, type) and issubclass(part, BaseModel) for part in parts)


def _type(field: FieldInfo) -> str:
    annotation = field.annotation
    if get_origin(annotation) in (Union, types.UnionType):
        annotation = next(part for part in get_args(annotation) if part is not type(None))
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(annotation))
    if get_origin(annotation) is tuple:
        one = any(isinstance(part, BeforeValidator) for part in field.metadata)
        return "text or list of texts" if one else "list of texts"
    if get_origin(annotation) is Mapping:
        return "table"
    words = {str: "text", int: "whole number", float: "number", bool: "`true` or `false`"}[annotation]
    bounds = {type(bound).__name__: getattr(bound, type(bound).__name__.lower()) for bound in field.metadata
              if type(bound).__name__ in ("Ge", "Gt", "Le", "Lt")}  # fmt: skip
    signs = {"Ge": "at least", "Gt": "above", "Le": "at most", "Lt": "below"}
    return ", ".join([words, *(f"{signs[kind]} {value:,}" for kind, value in bounds.items())])


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "needed"
    if field.default in (None, "", (), {}):
        return "none"
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    return f"`{field.default}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
