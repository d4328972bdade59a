"""What can not be stored is refused alone: whatever a model's server or a caller says, later writes go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from archive.bounds import LONGEST, MOST_TOKENS
from archive.store import Archive
from evolve.core.errors import ArchiveError, CallOrderError
from evolve.core.types import Cost, Failure, ModelReply, Record, Status, Verdict

MakeRecord = Callable[..., Record]
NAN = float("nan")


def nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


def reply(ticket: int, attempt: int = 0, **more: Any) -> ModelReply:
    request = {"model": "x", "messages": [{"role": "user", "content": "do"}]}
    return replace(ModelReply(ticket, attempt, "m", request, "d", "text", "stop", 1, 2, 0, 0.5, 1.5), **more)


def begin(archive: Archive) -> str:
    return archive.begin_run(problem="p", problem_version="v", config={}, run_seed=1)


BAD_REPLIES = {
    "beyond 64 bits": {"prompt_tokens": 1 << 63},
    "beyond belief": {"completion_tokens": MOST_TOKENS + 1},
    "negative": {"cached_tokens": -1},
    "not whole": {"prompt_tokens": 1.5},
    "a bool": {"prompt_tokens": True},
    "a text": {"completion_tokens": "7"},
    "price": {"usd": NAN},
    "negative price": {"usd": -0.1},
    "price as a text": {"usd": "1"},
    "price beyond a double": {"usd": 10**400},
    "time": {"seconds": NAN},
    "attempt": {"attempt": -1},
    "attempt beyond 32 bits": {"attempt": 1 << 31},
    "no text": {"text": None},
    "a NUL": {"finish": "st\x00op"},
    "a lone surrogate": {"finish": "\ud800"},
    "a long word": {"finish": "x" * (LONGEST + 1)},
    "no message": {"request": {"messages": [{"role": "user"}]}},
    "no mapping": {"request": None},
    "no JSON": {"request": {"messages": [], "stop": object()}},
    "no JSON number": {"request": {"messages": [], "temperature": NAN}},
    "deep": {"request": {"messages": [], "stop": nested(100_000)}},
}


def test_a_bad_reply_is_refused_alone(where: str, make_record: MakeRecord) -> None:
    record = make_record(0)
    with Archive.open(where) as archive:
        run_id = begin(archive)
        archive.journal(run_id, record.ticket)
        for name, bad in BAD_REPLIES.items():
            with pytest.raises(ArchiveError, match="reply 0") as caught:
                archive.add_reply(run_id, reply(0, **bad))
            assert "goes on" in caught.value.remedy, name
            assert len(caught.value.message) < 500
        good = reply(0, prompt_tokens=MOST_TOKENS, text="\x00\ud800" * 9, usd=float("inf"))
        assert archive.add_reply(run_id, good).result(5) == good
        archive.commit(run_id, record).result(5)
        archive.end_run(run_id, "budget", 1.0)
        assert archive.replies(run_id) == [good]
        assert archive.runs()[0].tokens == MOST_TOKENS + 2


def test_tokens_of_many_replies_still_have_a_sum(where: str, make_record: MakeRecord) -> None:
    with Archive.open(where) as archive:
        run_id = begin(archive)
        archive.journal(run_id, make_record(0).ticket)
        most = {"prompt_tokens": MOST_TOKENS, "completion_tokens": MOST_TOKENS}
        for attempt in range(8):
            archive.add_reply(run_id, reply(0, attempt, **most))
        archive.flush()
        assert archive.runs()[0].tokens == 16 * MOST_TOKENS


def test_an_attempt_has_one_reply(where: str, make_record: MakeRecord) -> None:
    with Archive.open(where) as archive:
        run_id = begin(archive)
        archive.journal(run_id, make_record(0).ticket)
        archive.add_reply(run_id, reply(0))
        with pytest.raises(CallOrderError, match=r"0\.0 was added before"):
            archive.add_reply(run_id, reply(0, text="another"))
        archive.add_reply(run_id, reply(0, 1)).result(5)
    with Archive.open(where) as archive:
        archive.resume_run(run_id)
        with pytest.raises(CallOrderError, match=r"0\.1 was added before"):
            archive.add_reply(run_id, reply(0, 1))
        archive.add_reply(run_id, reply(0, 2)).result(5)
        assert [one.attempt for one in archive.replies(run_id)] == [0, 1, 2]


def test_other_bad_items_are_refused_alone(where: str, make_record: MakeRecord) -> None:
    record = make_record(0)
    ticket = record.ticket
    (result,) = record.verdict.results
    with Archive.open(where) as archive:
        for bad_run in ({"run_seed": 1 << 63}, {"problem": "\ud800"}, {"problem_version": "\x00"}):
            with pytest.raises(ArchiveError, match="can not be stored"):
                archive.begin_run(**({"problem": "p", "problem_version": "v", "config": {}, "run_seed": 1} | bad_run))
        run_id = begin(archive)
        tickets: list[dict[str, Any]] = [
            {"seed": 1 << 63}, {"operator": "\x00"}, {"parents": (1,)}, {"parents": "ab"}, {"idea": 7}, {"told": -1}
        ]  # fmt: skip
        for bad in tickets:
            with pytest.raises(ArchiveError, match="ticket 0 can not be stored"):
                archive.journal(run_id, replace(ticket, **bad))
        archive.journal(run_id, ticket).result(5)
        for bad_result in (
            replace(result, peak_bytes=-1),
            replace(result, score=NAN),
            replace(result, instance_id="\0"),
        ):
            with pytest.raises(ArchiveError, match="record 0"):
                archive.commit(run_id, replace(record, verdict=replace(record.verdict, results=(bad_result,))))
        with pytest.raises(ArchiveError, match="event of kind 'x'"):
            archive.add_event(run_id, "x", {"nan": NAN})
        with pytest.raises(ArchiveError, match="final results"):
            archive.open_final(run_id, "v", {"p": {"m": object()}})  # type: ignore[dict-item]
        archive.commit(run_id, record).result(5)
        with pytest.raises(ArchiveError, match="end of run"):
            archive.end_run(run_id, "budget", NAN)
        archive.end_run(run_id, "budget", 1.0)
        assert list(archive.records(run_id)) == [record]


def test_a_failure_fits_its_record_or_is_refused_alone(where: str, make_record: MakeRecord) -> None:
    plain = make_record(0)
    failure = Failure(plain.ticket, Status.EDIT_FAILED, "no such line", Cost(0.0, 7, None), "x", ("0.0",))
    verdict = Verdict(Status.EDIT_FAILED, feedback="no such line")
    good = Record(0, plain.ticket, None, verdict, None, failure=failure)
    wrong: list[tuple[Record, str]] = [
        (replace(good, candidate=plain.candidate), "a candidate and a failure"),
        (replace(good, failure=replace(failure, ticket=replace(plain.ticket, number=9))), "failure of ticket 9"),
        (replace(good, failure=replace(failure, status=Status.CRASHED)), "failure of status crashed"),
        (replace(good, verdict=replace(verdict, status=Status.NO_PROGRAM)), "another status or reason"),
        (replace(good, verdict=replace(verdict, feedback="else")), "another status or reason"),
        (replace(good, verdict=plain.verdict), "another status or reason"),
    ]
    with Archive.open(where) as archive:
        run_id = begin(archive)
        archive.journal(run_id, plain.ticket)
        for bad, words in wrong:
            with pytest.raises((ArchiveError, CallOrderError), match=words) as caught:
                archive.commit(run_id, bad)
            assert caught.value.remedy
        archive.commit(run_id, good).result(5)
        assert list(archive.records(run_id)) == [good]
