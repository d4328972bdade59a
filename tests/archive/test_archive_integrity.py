"""What a check finds: nothing in what was written as it should be, and each kind of damage where it is."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from pathlib import Path

import pytest
from conftest import build_record
from rich_archive import change, filled, write_run

from archive import moving
from archive.ancestry import Ancestry
from archive.integrity import MOST
from archive.store import Archive
from evolve.core.types import Record, Ticket


def quiet(what: str, done: int, total: int) -> None:
    """Nobody looks."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("written") / "archive.db"
    filled(path, 2)
    return path


@pytest.fixture
def archive(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(written, tmp_path / "archive.db"))


def found(where: str | Path) -> list[tuple[str, str]]:
    """Check and words of each finding."""
    return [(one.check, f"{one.where}: {one.says}") for one in moving.check(where, quiet)[1]]


def test_what_was_written_is_sound(where: str) -> None:
    filled(where)
    with Archive.open(where) as archive:
        write_run(archive, ended=False)
    held, findings = moving.check(where, quiet)
    assert findings == []
    assert (held.runs, held.records, held.programs) == (2, 24, 10)


DAMAGES = (
    {
        "DELETE FROM tickets WHERE number = 5": "references: records: .*number 5: it names a row of tickets",
        "DELETE FROM records WHERE number = 8": "numbers: records: .*11 rows are numbered from 0 to 11",
        "UPDATE results SET position = 1 WHERE number = 2": "numbers: results: .* from 1 to 1",
        "UPDATE programs SET source_digest = 'x'": "addresses: programs: .*not the one that was stored",
        "UPDATE messages SET content = '\"other\"'": "addresses: messages: .*not the one that it is named by",
        "UPDATE events SET payload = '{'": "texts: events: .* payload can not be read",
        "UPDATE runs SET config = ''": "texts: runs: .* config can not be read",
    },
    {
        "UPDATE runs SET config = '[1]', started_at = 'once'": "texts: runs: .* config can not be read .TypeError",
        "UPDATE events SET payload = '7', recorded_at = 'then'": "texts: events: .* recorded_at can not be read",
        "UPDATE final_openings SET metrics = '[]'": "texts: final_openings: .* metrics can not be read",
        "UPDATE replies SET request = '{\"messages\":7}'": "texts: replies: .* request can not be read",
        "UPDATE tickets SET parents = '\"ab\"' WHERE number = 5": "texts: tickets: .*number 5: its parents can not be",
        "UPDATE tickets SET inspirations = '[7]' WHERE number = 6": "record 6: it can not be read",
        "UPDATE records SET feedback = '[\"ab\"]' WHERE number = 7": "record 7: it can not be read",
    },
    {
        "UPDATE records SET metrics = '[]' WHERE number = 1": "record 1: it can not be read",
        "UPDATE records SET status = 'fine' WHERE number = 2": "record 2: it can not be read",
        "UPDATE records SET value = NULL WHERE number = 4": "record 4: it can not be read",
        "UPDATE records SET supersedes = 7 WHERE number = 7": "record 7: it supersedes record 7",
        "UPDATE records SET value = 9e999 WHERE number = 8": "record 8: its score is inf",
    },
    {
        "UPDATE records SET evaluations = 9 WHERE number = 4": "record 4: it is charged 9.0 evaluations where 1.3",
        "DELETE FROM edges WHERE number = 5": "record 5: its edges are not the parents",
        "UPDATE tickets SET parents = '[\"x\"]' WHERE number = 8": "record 8: program x is its parent",
        "UPDATE records SET ticket_number = 10 WHERE number = 11": "record 11: ticket 10 has an earlier record",
        "DELETE FROM messages": "texts: replies: .* names a message that is not there",
    },
)


@pytest.mark.parametrize("damages", DAMAGES)
def test_each_damage_is_told_where_it_is(archive: Path, damages: dict[str, str]) -> None:
    change(archive, *damages)
    _, findings = moving.check(archive, quiet)
    assert all(one.remedy for one in findings)
    said = [f"{one.check}: {one.where}: {one.says}" for one in findings]
    for words in damages.values():
        assert any(re.search(words, says) for says in said), (words, said)


def test_a_check_tells_the_first_of_many_and_changes_nothing(archive: Path) -> None:
    change(archive, "UPDATE records SET value = NULL WHERE status = 'ok'", "DELETE FROM messages")
    content = archive.read_bytes()
    said = [check for check, _ in found(archive)]
    assert {check: said.count(check) for check in said} == {"texts": 8, "records": MOST}
    assert archive.read_bytes() == content


def test_damage_of_the_file_itself_ends_the_check(archive: Path) -> None:
    content = bytearray(archive.read_bytes())
    reader = sqlite3.connect(archive)
    root = reader.execute("SELECT rootpage FROM sqlite_master WHERE name = 'records'").fetchone()[0]
    size = reader.execute("PRAGMA page_size").fetchone()[0]
    reader.close()
    content[(root - 1) * size : root * size] = b"\xa5" * size
    archive.write_bytes(content)
    _, findings = moving.check(archive, quiet)
    assert {one.check for one in findings} == {"file"}
    assert ".recover" in findings[0].remedy


def grown(parents: dict[str, tuple[str, ...]]) -> Ancestry:
    """Programs in the order of their records."""
    ancestry = Ancestry()
    for number, (name, above) in enumerate(parents.items()):
        ticket = Ticket(number, "expand", above, (), "mutate", None, 1)
        record = build_record(number)
        ancestry.add(Record(number, ticket, record.candidate, record.verdict, name))
    return ancestry


@pytest.mark.parametrize(
    ("parents", "cycles"),
    [
        ({"a": (), "b": ("a",), "c": ("a", "b")}, []),
        ({"a": ("a",)}, ["a < a"]),
        ({"a": ("b",), "b": ("a",)}, ["a < b < a"]),
        ({"a": ("c",), "b": ("a",), "c": ("b",), "d": ("e",), "e": ("x", "d")}, ["a < c < b < a", "d < e < d"]),
        ({"a": ("later",), "b": ("a",), "later": ()}, []),
    ],
)
def test_a_cycle_is_told_with_its_programs(parents: dict[str, tuple[str, ...]], cycles: list[str]) -> None:
    assert [says.rpartition(": ")[2] for says in grown(parents).cycles()] == cycles


def test_a_long_cycle_is_followed_without_recursion() -> None:
    names = [f"p{number}" for number in range(20_000)]
    above = {name: (before,) for name, before in zip(names, [names[-1], *names], strict=False)}
    (says,) = grown(above).cycles()
    assert says.count(" < ") == 9 and "..." in says


def test_json_of_a_finding_is_plain(archive: Path) -> None:
    change(archive, "DELETE FROM tickets WHERE number = 5")
    (one, *_) = moving.check(archive, quiet)[1]
    assert json.loads(json.dumps(one.to_json())).keys() == {"check", "where", "says", "remedy"}
