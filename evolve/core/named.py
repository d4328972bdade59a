"""What people choose by a name with options, such as a sandbox or a policy: `NAME` or `NAME:KEY=VALUE,KEY=VALUE`.

Each kind of thing has one strict pydantic model per name, and an entry-point group for what other distributions bring.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from evolve.core.errors import UsageError

Model = TypeVar("Model", bound=BaseModel)


def split(noun: str, whole: str) -> tuple[str, dict[str, str]]:
    """Name and options of a text; `noun` is what is chosen. Raises UsageError where it can not be read."""
    name, colon, rest = whole.partition(":")
    found: dict[str, str] = {}
    for part in rest.split(",") if colon else ():
        key, equals, value = part.partition("=")
        key = key.strip()
        if not (key and equals) or key in found:
            raise UsageError(
                f"the options of the {noun} {whole!r} can not be read",
                "Write NAME:KEY=VALUE,KEY=VALUE, each key once.",
            )
        found[key] = value.strip()
    return name.strip(), found


def joined(name: str, options: Mapping[str, object]) -> str:
    """The text that `split` takes apart."""
    return f"{name}:{','.join(f'{key}={value}' for key, value in options.items())}" if options else name


def without_commas(noun: str, name: str, options: Mapping[str, object]) -> None:
    """Raises UsageError for options that no text can hold."""
    if any("," in str(value) for value in options.values()):
        raise UsageError(f"the {noun} {name}: an option has a comma in it", "Leave the comma out.")


def validated(noun: str, name: str, model: type[Model], options: Mapping[str, object]) -> Model:
    """The options as the model of their name. Raises UsageError for a wrong one: the nearest, or what it means."""
    known = [key for key in model.model_fields if key != "type"]
    if unknown := [key for key in options if key not in known]:
        raise UsageError(f"the {noun} {name} has no option {unknown[0]!r}", suggestion(unknown[0], known))
    try:
        return model(**options)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        words = first["msg"].removeprefix("Value error, ")
        raise UsageError(f"the {noun} {name}: {key}: {words}", _meaning(model, key)) from None


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """The nearest of the names that there are, and all of them."""
    names = list(known)
    if not names:
        return "It has no options."
    near = difflib.get_close_matches(wrong, names, n=1, cutoff=0.5)
    return (f"Did you mean {near[0]}? " if near else "") + f"There are: {', '.join(names)}."


def brought(group: str) -> dict[str, EntryPoint]:
    """What other distributions bring by an entry-point group, by name. Nothing of it is imported."""
    return {point.name: point for point in entry_points(group=group)}


def load(noun: str, point: EntryPoint) -> Any:
    """What an entry point names, imported. Raises UsageError that says whose fault it is where that fails."""
    try:
        return point.load()
    except Exception as error:
        owner = point.dist.name if point.dist else "its distribution"
        raise UsageError(
            f"the {noun} {point.name} can not be loaded: {type(error).__name__}: {error}",
            f"Mend or reinstall {owner}, or choose another {noun}.",
        ) from error


def _meaning(model: type[BaseModel], key: str) -> str:
    field = model.model_fields.get(key)
    return f"{key}: {field.description}" if field and field.description else "Leave the option out."
