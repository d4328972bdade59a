"""`publish`: the pages as a folder of files that any web space can serve, under any address."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from pathlib import Path
from typing import TYPE_CHECKING

from evolve.core.errors import UsageError
from evolve.event_loop import in_event_loop
from evolve.web.asking import Answer, ask
from evolve.web.assets import address as asset_address
from evolve.web.assets import assets
from evolve.web.linking import PAGE, addresses, file_of, relinked, without_absent

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from archive.store import Archive

MARK = "evolve-site.txt"
"""The file by which a folder shows that `publish` made it, and may replace it."""
MOST_PROGRAMS, MOST_DIFFERENCES = 1000, 3
_PROGRAM = re.compile(r"/programs/([0-9a-f]+)(/.*)?")
_LISTED = re.compile(r"(/runs/[^/]+/programs/|/compare/runs/).+")
_RANKS = (re.compile(r"/problems/[^/]+/[^/]+"), re.compile(r"/runs/[^/]+/lineage"), re.compile(r".*/pareto"))
_EVER = len(_RANKS)
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Published:
    """What was written: files and their bytes, the programs among them, how many were left out, and what could not be
    shown, by address."""

    files: int
    bytes: int
    programs: int
    left_out: int
    broken: tuple[str, ...]


def publish(
    archive: Archive,
    folder: Path,
    *,
    force: bool = False,
    programs: int = MOST_PROGRAMS,
    progress: Progress = lambda what, done, total: None,
) -> Published:
    """Write the pages of an archive to `folder`, which appears whole or not at all.

    The pages of at most so many `programs` are among them: those of leaderboards come first, then those on the way to
    champions, those of fronts, and others; each with at most three pages of differences. Raises UsageError where
    `folder` holds something that `publish` did not make, and `force` is not set, or where it can not be written.
    """
    from evolve.web.app import create_app

    if programs < 1:
        raise UsageError(f"--programs {programs} leaves nothing to show", "Give a number from 1 on.")
    target = Path(os.path.realpath(folder))
    _check(target, archive.where, force)
    app = create_app(archive, published=True)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        room = Path(tempfile.mkdtemp(prefix=".evolve-site-", dir=target.parent))
    except OSError as error:
        raise UsageError(f"can not write beside {target}: {error.strerror}", "Give another folder.") from None
    try:
        crawl = _Crawl(app, room, programs, progress)
        in_event_loop(crawl.all)
        crawl.relink()
        (room / MARK).write_text("Made by evolve publish, which replaces this folder when it is called again.\n")
        done = crawl.summary()
        _put(room, target)
        return done
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _check(target: Path, archive: str, force: bool) -> None:
    """Raises UsageError where the folder is not one to be replaced."""
    holds = [Path.cwd(), *([] if "://" in archive else [Path(os.path.realpath(archive))])]
    if any(target == one or target in one.parents for one in holds):
        raise UsageError(f"{target} holds the archive or the working directory", "Give a folder of its own.")
    if not os.path.lexists(target):
        return
    if not target.is_dir():
        raise UsageError(f"{target} is a file", "Give the name of a folder.")
    if not force and any(target.iterdir()) and not (target / MARK).is_file():
        raise UsageError(f"{target} was not made by evolve publish", "Give another folder, or --force to replace it.")


def _put(room: Path, target: Path) -> None:
    """Give the folder its name; what had it before goes away only then."""
    mask = os.umask(0)
    os.umask(mask)
    room.chmod(0o777 & ~mask)
    try:
        if not target.exists():
            room.rename(target)
            return
        old = Path(tempfile.mkdtemp(prefix=".evolve-old-", dir=target.parent))
        target.rename(old / "site")
        try:
            room.rename(target)
        except OSError:
            (old / "site").rename(target)
            raise
        finally:
            shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise UsageError(f"can not write {target}: {error.strerror}", "Give another folder.") from None


@dataclass
class _Crawl:
    """Follows links from the first page on, page by page, into the folder `room`. `files` are by address."""

    app: ASGIApp
    room: Path
    most: int
    progress: Progress
    files: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    _pages: dict[str, str] = field(default_factory=dict)
    _data: set[str] = field(default_factory=set)
    _seen: set[str] = field(default_factory=set)
    _waiting: list[tuple[int, int, str]] = field(default_factory=list)
    _programs: set[str] = field(default_factory=set)
    _left_out: set[str] = field(default_factory=set)
    _differences: Counter[str] = field(default_factory=Counter)
    _lists: int = 0

    async def all(self) -> None:
        """Everything that can be reached, within bounds."""
        for name in assets():
            self._write(asset_address(name), Answer(200, "", "", assets()[name].content))
        self._meet("/", -1)
        while self._waiting:
            address = heappop(self._waiting)[2]
            if self._is_wanted(address):
                await self._fetch(address)
                self.progress("pages", len(self.files), len(self.files) + len(self._waiting))

    def _meet(self, address: str, rank: int) -> None:
        if address not in self._seen:
            self._seen.add(address)
            heappush(self._waiting, (rank, len(self._seen), address))

    def _is_wanted(self, address: str) -> bool:
        """Whether the bounds allow it. Pages of one program count once; those of two need both."""
        if _LISTED.fullmatch(address):
            self._lists += 1
            return self._lists <= self.most
        found = _PROGRAM.fullmatch(address)
        if found is None:
            return True
        program, rest = found[1], found[2] or ""
        if program not in self._programs:
            if rest or len(self._programs) >= self.most:
                self._left_out |= {program} if not rest else set()
                return False
            self._programs.add(program)
        if rest.startswith("/diff/"):
            self._differences[program] += rest.removeprefix("/diff/") in self._programs
            return rest.removeprefix("/diff/") in self._programs and self._differences[program] <= MOST_DIFFERENCES
        return True

    async def _fetch(self, address: str) -> None:
        answer = await ask(self.app, address)
        for _ in range(3):
            if answer.status in (303, 307) and answer.location.startswith("/"):
                answer = await ask(self.app, answer.location)
        if answer.status != 200:
            self.broken.append(address)
            return
        self._write(address, answer)
        if answer.media_type == PAGE:
            for found in addresses(answer.content.decode()):
                self._meet(found, self._rank(address, found))

    def _rank(self, page: str, address: str) -> int:
        """Who comes first: all that is no program's, then programs by where they were met, then their differences."""
        if not address.startswith("/programs/"):
            return 3 * _EVER + 3 if _LISTED.fullmatch(address) else -1
        if "/diff/" in address:
            return 3 * _EVER + 4
        found = _PROGRAM.fullmatch(address)
        if found and found[2]:
            return 0  # what belongs to a page that is there
        return next((place for place, one in enumerate(_RANKS) if one.fullmatch(page)), _EVER)

    def _write(self, address: str, answer: Answer) -> None:
        name = file_of(address, answer.media_type)
        place = self.room / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(answer.content)
        self.files[address] = name
        if answer.media_type == PAGE:
            self._pages[address] = name
        elif answer.media_type == "application/json":
            self._data.add(name)

    def relink(self) -> None:
        """Make links lead from file to file."""
        for done, name in enumerate(self._pages.values()):
            place = self.room / name
            place.write_text(relinked(place.read_text(encoding="utf-8"), name, self.files), encoding="utf-8")
            self.progress("links", done + 1, len(self._pages))
        for name in self._data:
            place = self.room / name
            place.write_bytes(without_absent(place.read_bytes(), self.files.__contains__))

    def summary(self) -> Published:
        """What was written."""
        names = set(self.files.values())
        size = sum(one.stat().st_size for one in self.room.rglob("*") if one.is_file())
        left_out = len(self._left_out - self._programs)
        return Published(len(names), size, len(self._programs), left_out, tuple(self.broken))
