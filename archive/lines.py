"""Values out of lines of an export that others may have written. Each is checked, and none is believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from reprlib import repr as shortened
from typing import Any, TypeVar

from archive import batch
from evolve.core.types import ModelReply, Ticket

K = TypeVar("K")
V = TypeVar("V")
Data = dict[str, Any]

KINDS = frozenset({"run", "program", "record", "final", "ticket", "reply", "end"})
_INFINITE = {"inf": float("inf")}

# All functions raise ValueError, or `ArchiveError` for what no archive could have held.


def kind(data: Any) -> str:
    """What a line holds."""
    found = _mapping(data, "the line").get("type")
    if not isinstance(found, str) or found not in KINDS:
        raise ValueError(f"its type is {shortened(found)}, none of {', '.join(sorted(KINDS))}")
    return found


def run(data: Data, version: int) -> Data:
    """The run's line."""
    if type(data.get("version")) is not int or data["version"] != version:
        raise ValueError(f"its version is {shortened(data.get('version'))}, not {version}")
    for name in ("problem", "problem_version"):
        _text(data.get(name), name)
    _mapping(data.get("config"), "config")
    return data


def ticket(data: Data) -> Ticket:
    """The ticket on a line of its own."""
    given = _mapping(data.get("ticket"), "ticket")
    values = _named(Ticket, given, ("mends", "idea", "avoid", "told"))
    values |= {name: _texts(values[name], name) for name in ("parents", "inspirations", "avoid") if name in values}
    if values["kind"] not in ("expand", "measure"):
        raise ValueError(f"kind is {shortened(values['kind'])}, neither expand nor measure")
    _text(values.get("idea", ""), "idea")
    made = Ticket(**values)
    batch.of_ticket("of the recording", made)
    return made


def reply(data: Data) -> ModelReply:
    """The reply on a line."""
    given = {name: value for name, value in data.items() if name != "type"}
    values = _named(ModelReply, given, ("seconds",))
    request = _mapping(values["request"], "request")
    messages = request.get("messages")
    if not isinstance(messages, list):
        raise ValueError(f"messages is {shortened(messages)}, not a list")
    for message in messages:
        _text(_mapping(message, "a message").get("content"), "content")
    if isinstance(values["usd"], str):
        values["usd"] = _INFINITE.get(values["usd"], values["usd"])
    if isinstance(values["usd"], str):
        raise ValueError(f"usd is {shortened(values['usd'])}, not a number")
    made = ModelReply(**values)
    batch.of_reply("of the recording", made)
    return made


def record_ticket(data: Data) -> int:
    """The number of the ticket that a record ended."""
    number = _mapping(data.get("ticket"), "ticket").get("number")
    if type(number) is not int:
        raise ValueError(f"number is {shortened(number)}, not a whole number")
    return number


def add(held: dict[K, V], key: K, value: V, what: str) -> None:
    """Put a value where there is none."""
    if key in held:
        raise ValueError(f"{what} {key} is there twice")
    held[key] = value


def _named(made: type[Any], given: Data, optional: tuple[str, ...]) -> Data:
    """The fields of a dataclass: none missing but `optional`, none unknown."""
    known = {field.name for field in fields(made)}
    if unknown := given.keys() - known:
        raise ValueError(f"{shortened(min(unknown))} is unknown")
    if missing := known - given.keys() - set(optional):
        raise ValueError(f"{min(missing)} is missing")
    return dict(given)


def _mapping(value: Any, name: str) -> Data:
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} is {shortened(value)}, not an object")
    return dict(value)


def _text(value: Any, name: str) -> None:
    if not isinstance(value, str):
        raise ValueError(f"{name} is {shortened(value)}, not a text")


def _texts(value: Any, name: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{name} is {shortened(value)}, not a list of texts")
    for one in value:
        _text(one, name)
    return tuple(value)
