"""What it takes to go through a run again without its models: its tickets, their order, and the replies."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from archive import export, lines
from evolve.core.errors import ArchiveError, UsageError
from evolve.core.types import ModelReply, Ticket

if TYPE_CHECKING:
    from archive.store import Archive

LONGEST = 1 << 26
"""Characters of a line: a reply of ten million has room, whatever it is made of."""


@dataclass(frozen=True, slots=True)
class Replay:
    """A recorded run. `order` holds the tickets' numbers in the order of their records."""

    problem: str
    problem_version: str
    config: Mapping[str, Any]
    tickets: tuple[Ticket, ...]
    order: tuple[int, ...]
    replies: tuple[ModelReply, ...]


def of_run(archive: Archive, run_id: str) -> Replay:
    """The recording that an archive holds."""
    run = archive.run(run_id)
    # A run that goes on adds while this reads: what names tickets is read before them.
    order = tuple(archive.order(run.id))
    replies = tuple(archive.replies(run.id))
    return Replay(run.problem, run.problem_version, run.config, tuple(archive.tickets(run.id)), order, replies)


def read_replay(source: Iterable[str]) -> Replay:
    """The recording in the lines of an export with replies: a text file that is open, or any lines.

    A line longer than `LONGEST` is not read to its end where `source` is a file. Raises `UsageError` that names the
    line that is wrong and what mends it: whatever the lines hold, it is that or the recording as it was written.
    """
    reader = _Reader()
    try:
        for text in _lines(source):
            reader.take(text)
    except UnicodeDecodeError:
        _refuse(f"what follows line {reader.number} of the recording is no text in UTF-8")
    except RecursionError:
        _refuse(f"line {reader.number} of the recording is nested too deeply")
    except (ValueError, ArchiveError) as error:
        _refuse(f"line {reader.number} of the recording can not be read: {str(error).splitlines()[0]}")
    return reader.replay()


def _lines(source: Iterable[str]) -> Iterator[str]:
    if not isinstance(source, io.TextIOBase):
        yield from source
        return
    while text := source.readline(LONGEST + 1):
        yield text


def _refuse(message: str) -> NoReturn:
    raise UsageError(message, "Write it anew: evolve export RUN --replies -o FILE") from None


class _Reader:
    """What the lines so far have said. `take` raises ValueError or `ArchiveError` for a line that does not fit."""

    def __init__(self) -> None:
        self.run: dict[str, Any] = {}
        self.tickets: dict[int, Ticket] = {}
        self.replies: dict[tuple[int, int], ModelReply] = {}
        self.order: dict[int, None] = {}
        self.seal = export.Seal()
        self.ended = False
        self.number = 0

    def take(self, line: str) -> None:
        """Read one line. Empty ones are passed over."""
        self.number += 1
        if len(line) > LONGEST:
            raise ValueError(f"it is longer than {LONGEST} characters")
        if not (text := line.rstrip("\r\n")):
            return
        if self.ended:
            raise ValueError("it stands behind the end")
        data = json.loads(text, parse_constant=_constant)
        kind = lines.kind(data)
        if (kind == "run") != (not self.run):
            raise ValueError("a recording begins with its run, and has one")
        if kind == "run":
            self._take_run(data)
        elif kind == "ticket":
            lines.add(self.tickets, (ticket := lines.ticket(data)).number, ticket, "ticket")
        elif kind == "reply":
            lines.add(self.replies, ((reply := lines.reply(data)).ticket, reply.attempt), reply, "reply")
        elif kind == "record":
            lines.add(self.order, lines.record_ticket(data), None, "record of ticket")
        elif kind == "end":
            self._take_end(data)
        self.seal.add(text)

    def _take_run(self, data: dict[str, Any]) -> None:
        version = data.get("version")
        if type(version) is int and version > export.VERSION:
            raise UsageError(
                f"the recording has version {version}; this program reads versions up to {export.VERSION}",
                "Upgrade Evolve, or write the recording with this version: evolve export RUN --replies -o FILE",
            )
        self.run = lines.run(data, export.VERSION)

    def _take_end(self, data: dict[str, Any]) -> None:
        if data != self.seal.line():
            raise ValueError("what stands before it is not what was written")
        self.ended = True

    def replay(self) -> Replay:
        """The whole. Raises `UsageError` where lines are missing or name tickets that are not there."""
        if not self.run or not self.tickets:
            _refuse("the recording has no run or no tickets")
        if not self.ended:
            _refuse("the recording is cut off: its last line is missing")
        named = [*self.order, *(ticket for ticket, _ in self.replies)]
        if strangers := [number for number in named if number not in self.tickets]:
            _refuse(f"the recording has records or replies of ticket {strangers[0]}, and no such ticket")
        run = self.run
        whole = tuple(self.tickets.values()), tuple(self.order), tuple(self.replies.values())
        return Replay(run["problem"], run["problem_version"], run["config"], *whole)


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
