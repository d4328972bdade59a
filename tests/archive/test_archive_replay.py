"""Recordings: what is written comes back equal, and whatever else a file holds is an error that names its line."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive import replay
from archive.export import VERSION, Seal
from archive.replay import Replay, read_replay
from archive.store import Archive
from evolve.core.errors import UsageError
from evolve.core.types import Candidate, Cost, Failure, ModelReply, Record, Source, Status, Ticket, Verdict

ODD = "é \ud800 \x00 \u202e \u2028 ```"


def ticket(number: int) -> Ticket:
    return Ticket(number, "expand", (), (), "mutate", "m", 5, None, f"idea {ODD}", ("a: b", ODD), number)


def reply(number: int, attempt: int = 0, **more: Any) -> ModelReply:
    request = {"model": "x", "messages": [{"role": "user", "content": f"do {number} {ODD}"}], "max_tokens": 9}
    return replace(ModelReply(number, attempt, "m", request, "d1", f"Idea: {ODD}", "stop", 10, 20, 5, 0.25), **more)


def record(number: int, of: Ticket, **more: Any) -> Record:
    candidate = Candidate(of, Source({"program.py": f"x = {number}\n"}, "f"), "x: y", (), Cost(0.0, 30, None))
    verdict = Verdict(Status.OK, 1.0, {"m": 1.0}, "fine", stage="train", evaluation_set="e")
    return replace(Record(number, of, candidate, verdict, f"program-{of.number}"), **more)


def recorded(archive: Archive, replies: list[ModelReply], records: list[Record]) -> str:
    run = archive.begin_run(problem="p", problem_version="v", config={"seed": 1}, run_seed=1)
    for number in range(3):
        archive.journal(run, ticket(number))
    for one in replies:
        archive.add_reply(run, one)
    for one_record in records:
        archive.commit(run, one_record)
    archive.end_run(run, "budget", 1.0)
    return run


@pytest.fixture(scope="module")
def lines() -> Iterator[list[str]]:
    with tempfile.TemporaryDirectory() as folder, Archive.open(Path(folder) / "a.db") as archive:
        run = recorded(archive, [reply(0), reply(0, 1), reply(2)], [record(0, ticket(1)), record(1, ticket(0))])
        yield list(archive.export(run, replies=True))


@pytest.fixture(scope="module")
def whole(lines: list[str]) -> Replay:
    return read_replay(lines)


def refused(lines: list[str] | Iterator[str]) -> UsageError:
    with pytest.raises(UsageError) as caught:
        read_replay(lines)
    assert caught.value.remedy and len(caught.value.message) < 1000
    return caught.value


def sealed(lines: list[str]) -> list[str]:
    """Lines with an end that fits them: as somebody would forge them."""
    seal = Seal()
    for line in lines:
        seal.add(line)
    return [*lines, json.dumps(seal.line())]


def forged(lines: list[str], kind: str, change: Callable[[dict[str, Any]], object]) -> tuple[int, list[str]]:
    """The lines with the first of a kind changed, and its number."""
    at = next(at for at, line in enumerate(lines) if f'"type":"{kind}"' in line)
    data = json.loads(lines[at])
    change(data)
    return at + 1, sealed([*lines[:at], json.dumps(data), *lines[at + 1 : -1]])


FORGERIES: list[tuple[str, Callable[[dict[str, Any]], object]]] = [
    ("run", lambda data: data.pop("config")),
    ("run", lambda data: data.pop("problem")),
    ("run", lambda data: data.update(problem_version=3)),
    ("run", lambda data: data.pop("version")),
    ("run", lambda data: data.update(version="1")),
    ("run", lambda data: data.update(type="rum")),
    ("run", lambda data: data.update(type=["run"])),
    ("record", lambda data: data.update(ticket=3)),
    ("record", lambda data: data["ticket"].update(number="1")),
    ("record", lambda data: data["ticket"].update(number=True)),
    ("ticket", lambda data: data.pop("ticket")),
    ("ticket", lambda data: data["ticket"].pop("seed")),
    ("ticket", lambda data: data["ticket"].update(seed="5")),
    ("ticket", lambda data: data["ticket"].update(seed=1 << 63)),
    ("ticket", lambda data: data["ticket"].update(number=-1)),
    ("ticket", lambda data: data["ticket"].update(kind="guess")),
    ("ticket", lambda data: data["ticket"].update(parents="ab")),
    ("ticket", lambda data: data["ticket"].update(avoid=[1])),
    ("ticket", lambda data: data["ticket"].update(idea=0)),
    ("ticket", lambda data: data["ticket"].update(model=7)),
    ("ticket", lambda data: data["ticket"].update(operator="\x00")),
    ("ticket", lambda data: data["ticket"].update(more=1)),
    ("reply", lambda data: data.pop("text")),
    ("reply", lambda data: data.update(text=None)),
    ("reply", lambda data: data.update(prompt_tokens=1 << 63)),
    ("reply", lambda data: data.update(prompt_tokens=-1)),
    ("reply", lambda data: data.update(completion_tokens="20")),
    ("reply", lambda data: data.update(usd="nan")),
    ("reply", lambda data: data.update(usd=-1)),
    ("reply", lambda data: data.update(attempt=0.0)),
    ("reply", lambda data: data.update(request=[])),
    ("reply", lambda data: data.update(request={"messages": [{"role": "user", "content": 5}]})),
    ("reply", lambda data: data.update(request={"messages": "none"})),
    ("reply", lambda data: data.update(seconds="1")),
]


@pytest.mark.parametrize(("kind", "change"), FORGERIES)
def test_a_line_that_does_not_fit_is_named(
    lines: list[str], kind: str, change: Callable[[dict[str, Any]], object]
) -> None:
    number, changed = forged(lines, kind, change)
    assert f"line {number} of the recording" in refused(changed).message


def test_lines_that_do_not_fit_each_other(lines: list[str], whole: Replay) -> None:
    body = lines[:-1]
    kinds = [json.loads(line)["type"] for line in lines]
    assert kinds[0] == "run" and kinds[-1] == "end"
    for kind in ("ticket", "reply", "record", "run"):
        twice = body[kinds.index(kind)]
        assert f"line {len(body) + 1} of" in refused(sealed([*body, twice])).message
    for kind, stranger in (("record", {"number": 77}), ("reply", 77)):
        _, changed = forged(lines, kind, lambda data, stranger=stranger: data.update(ticket=stranger))  # type: ignore[misc]
        assert "ticket 77" in refused(changed).message
    assert "line 1 of" in refused(sealed(body[1:])).message
    assert "no run or no tickets" in refused([]).message
    assert "no run or no tickets" in refused(sealed([line for line in body if '"type":"ticket"' not in line])).message
    assert "cut off" in refused(body).message
    assert "behind the end" in refused([*lines, body[-1]]).message
    assert read_replay(f"{line}\r\n" for line in [*lines, ""]) == whole


def test_a_newer_version_says_so(lines: list[str]) -> None:
    _, changed = forged(lines, "run", lambda data: data.update(version=VERSION + 1, unheard_of=1))
    error = refused(changed)
    assert f"version {VERSION + 1}" in error.message and f"up to {VERSION}" in error.message
    assert "Upgrade" in error.remedy


def test_what_is_no_json_or_too_deep_or_too_long(
    lines: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for text in ("", "\n", "nothing", "[]", "7", "null", '{"type":"run"', "NaN", '{"a":NaN}', "1" * 9999, '"\ud800'):
        refused([text])
        if text.strip():
            assert "line 2 of" in refused([lines[0], text, *lines[1:]]).message
    for text in ("[" * 200_000, '{"a":' * 200_000, '{"type":"reply","request":' + "[" * 200_000):
        assert "line 2 of" in refused([lines[0], text]).message
    file = tmp_path / "run.jsonl"
    file.write_bytes(lines[0].encode() + b"\n\xff\xfe\n")
    with file.open(encoding="utf-8") as source:
        assert "no text in UTF-8" in refused(source).message
    monkeypatch.setattr(replay, "LONGEST", 1000)
    with Endless() as endless:
        assert "longer than 1000" in refused(endless).message
        assert endless.given <= 4096


class Endless(io.TextIOBase):
    """A file of one line without end; `given` counts the characters that were asked of it."""

    given = 0

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        assert size > 0, "a line without end was asked for whole"
        self.given += size
        return "x" * size


mutations = st.one_of(
    st.tuples(st.just("replace"), st.characters(codec=None)),
    st.tuples(st.just("insert"), st.text(st.characters(codec=None), min_size=1, max_size=3)),
    st.tuples(st.just("token"), st.sampled_from(["null", "-1", "1e999", "[]", "{}", '"', "NaN", "9" * 30, "\\ud800"])),
    st.tuples(st.just("delete"), st.integers(1, 40)),
)


@settings(max_examples=400, deadline=None)
@given(at=st.integers(0, 10**9), place=st.integers(0, 10**9), mutation=mutations, seal=st.booleans())
def test_any_mutation_gives_an_equal_recording_or_the_error(
    lines: list[str], whole: Replay, at: int, place: int, mutation: tuple[str, Any], seal: bool
) -> None:
    """Also where a forger has made the end anew: what is read is then another recording, and a valid one."""
    line = lines[at := at % len(lines)]
    place %= len(line)
    kind, what = mutation
    if kind == "delete":
        line = line[:place] + line[place + what :]
    else:
        line = line[:place] + what + line[place + (kind != "insert") * len(what) :]
    changed = [*lines[:at], line, *lines[at + 1 :]]
    read = None
    with suppress(UsageError):
        read = read_replay(sealed(changed[:-1]) if seal else changed)
    assert read is None or seal or read == whole


@settings(max_examples=60, deadline=None)
@given(order=st.permutations(range(12)), count=st.integers(0, 12))
def test_lines_that_are_moved_or_missing(lines: list[str], order: list[int], count: int) -> None:
    changed = [lines[at] for at in order[:count]]
    assert len(lines) == len(order)
    if changed != lines:
        refused(changed)


@pytest.mark.parametrize("value", [inf, -inf, 1e308])
def test_numbers_beyond_json_are_texts_and_come_back(where: str, value: float) -> None:
    usd = abs(value)
    failure = Failure(ticket(1), Status.NO_PROGRAM, ODD, Cost(value, 7, usd), ODD, ("1.0",))
    failed = Record(1, ticket(1), None, Verdict(Status.NO_PROGRAM, feedback=ODD), None, failure=failure, gain=value)
    candidate = record(0, ticket(0)).candidate
    paid = record(0, ticket(0), candidate=replace(candidate, cost=Cost(1.0, 2, usd)), gain=value)  # type: ignore[type-var]
    replies = [reply(0, usd=usd), reply(1, usd=None)]
    with Archive.open(where) as archive:
        run = recorded(archive, replies, [paid, failed])
        exported = list(archive.export(run, replies=True))
        for line in exported:
            json.loads(line, parse_constant=pytest.fail)
        assert read_replay(exported) == archive.replay(run)
        assert list(archive.records(run)) == [paid, failed]


def test_ten_million_signs_come_back(where: str) -> None:
    text = ("\x00\ud800 x\U0001f600é" * 1_500_000)[:10_000_000]
    with Archive.open(where) as archive:
        run = recorded(archive, [reply(0, text=text, completion_tokens=1 << 40)], [])
        read = read_replay(archive.export(run, replies=True))
        assert read == archive.replay(run)
        assert read.replies[0].text == text
