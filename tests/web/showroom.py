"""An archive with something for every page: a run of the search itself, and runs written here, record by record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from archive.equivalence import Kind, Learned
from archive.store import Archive
from evolve.core.keys import Keys
from evolve.core.types import (
    Candidate,
    Cost,
    Failure,
    ModelReply,
    Promotion,
    Question,
    Record,
    Result,
    Source,
    Status,
    Ticket,
    Verdict,
)
from web import hostile

PROBLEM, VERSION = "demo/queue", "5eed" * 8
TITLE = "Which request waits"
REAL = "function-approximation/exp2"
OBJECTIVES = [{"metric": "hit_rate", "direction": "maximize"}]
MODEL = "openai/scripted-large"
COMPARISON = "c0ffee" * 2 + "0000"
SEED = Source({"program.py": "def choose(queue):\n    return queue[0]\n"}, "choose")
FIFO = Source({"program.py": "def choose(queue):\n    # first come, first served\n    return min(queue)\n"}, "choose")
LRU = Source({"program.py": "def choose(queue):\n    return min(queue, key=lambda one: one.last)\n"}, "choose")
NO_CANDIDATE = (Status.NO_PROGRAM, Status.EDIT_FAILED, Status.UNCHANGED)
FAILED = [status for status in Status if not status.scored]


def program_id(source: Source) -> str:
    """32 hexadecimal digits, another one for another text."""
    return blake2b(repr(sorted(source.files.items())).encode("utf-8", "replace"), digest_size=16).hexdigest()


def known_event(title: str, sources: Mapping[str, Source], metrics: Mapping[str, Mapping[str, float]]) -> Any:
    """What a run says at its beginning of seed and baselines."""
    rows = [
        {
            "name": name,
            "program_id": program_id(source),
            "metrics": {key: repr(value) for key, value in metrics[name].items()},
            "files": dict(source.files),
            "entry": source.entry,
            "language": source.language,
        }
        for name, source in sources.items()
    ]
    return {"title": title, "programs": rows}


KNOWN = known_event(
    TITLE,
    {"seed": SEED, "fifo": FIFO, "lru": LRU},
    {
        "seed": {"hit_rate": 0.5, "work": 10.0},
        "fifo": {"hit_rate": 0.52, "work": 11.0},
        "lru": {"hit_rate": 0.61, "work": 40.0},
    },
)


def config(**changes: Any) -> dict[str, Any]:
    """What is stored with a run."""
    made = {
        "seed": 1,
        "policy": "clade",
        "outcome": "top-quarter",
        "window": 16,
        "start": "seed",
        "sandbox": "bubblewrap",
    }
    made |= {"evaluations": 200.0, "proposals": 4000, "usd": 5.0, "tokens": None, "patience": None, "models": None}
    return made | {"hint": "", "prompts": "", "objectives": OBJECTIVES, "equivalence": None} | changes


@dataclass
class Writer:
    """Writes a run of the problem `PROBLEM`, one record after another, each better than the last of its line."""

    archive: Archive
    run_id: str
    evil: bool = False
    scored: list[str] = field(default_factory=list)
    keys: dict[str, Keys] = field(default_factory=dict)

    def write(self, count: int) -> None:
        """So many records more; they are durable then."""
        first = len(self.archive.order(self.run_id))
        for number in range(first, first + count):
            self._write(number)
        self.archive.flush()

    def _write(self, number: int) -> None:
        parents = tuple(self.scored[-1 - number % 3 :][:1]) if number % 9 else ()
        model = MODEL if number % 2 else None
        ticket = Ticket(
            number, "expand", parents, tuple(self.scored[:2]), _operator(number, model), model, number * 7919
        )
        self.archive.journal(self.run_id, ticket)
        if model:
            self.archive.add_reply(self.run_id, self._reply(number))
        record, learned = self._record(number, ticket)
        self.archive.commit(self.run_id, record, learned)

    def _record(self, number: int, ticket: Ticket) -> tuple[Record, tuple[Learned, ...]]:
        status = FAILED[number // 3 % len(FAILED)] if number % 3 == 2 else Status.OK
        status = Status.EQUIVALENT if number % 10 == 7 and status is Status.OK and self.scored else status
        idea = self._said(f"step {number}: look at what waits longest")
        replies = (f"{number}.0",) if ticket.model else ()
        if status in NO_CANDIDATE:
            reason = self._said("the reply holds no program")
            failure = Failure(ticket, status, reason, Cost(0.0, 17, 0.002), idea, replies)
            verdict = Verdict(status, feedback=reason)
            return Record(number, ticket, None, verdict, None, outcome=0.0, failure=failure, gain=0.0), ()
        files = {"program.py": self._said(f"def choose(queue):\n    return queue[{number} % len(queue)]\n")}
        if self.evil and number % 4 == 0:
            files[f"{hostile.IMAGE}\u202e.py"] = hostile.EVERYTHING
        source = Source(files, "program.choose" if len(files) > 1 else "choose")
        candidate = Candidate(ticket, source, idea, replies, Cost(0.1, 17, 0.002))
        own, verdict = program_id(source), self._verdict(number, status)
        record = Record(number, ticket, candidate, verdict, own, own[:8], float(status.scored), gain=number % 7 / 20)
        if not status.scored:
            return record, ()
        keys = Keys(f"f{number - (status is Status.EQUIVALENT):031x}", f"e{number:031x}")
        kind = Kind.TAKEN if status is Status.EQUIVALENT else Kind.COMPUTED
        if status is Status.OK:
            self.scored.append(own)
        return self._asked(record, number), (
            Learned(kind, keys, "train set", saved=float(kind is Kind.TAKEN), seconds=2.5),
        )

    def _asked(self, record: Record, number: int) -> Record:
        """The record with the gate's answer, for every third that is scored."""
        if number % 4 or record.verdict.status is not Status.OK:
            return record
        question = Question(1 + number // 4, 24, False, 3.25 if number % 8 else 1.5, 3.0)
        reason = self._said("t = 3.25, needed 3.00")
        promotion = Promotion(bool(number % 8), record.verdict.metrics, "gate set", reason, question)
        return Record(**{name: getattr(record, name) for name in record.__slots__} | {"promotion": promotion})

    def _verdict(self, number: int, status: Status) -> Verdict:
        if status is Status.DUPLICATE:
            return Verdict(status, feedback="the same program as record 0")
        value = round(0.5 + 0.3 * (1 - 0.97**number) - 0.02 * (number % 4), 6) if status.scored else None
        results = tuple(self._result(place, status, value) for place in range(6))
        feedback = self._said("" if status.scored else "program.py, line 2: what was returned waits no more")
        metrics = {} if value is None else {"hit_rate": value, "work": 60.0 - number % 50}
        return Verdict(status, value, metrics, feedback, results, "train", "train set")

    def _result(self, place: int, status: Status, value: float | None) -> Result:
        name = f"train/{'web' if place % 2 else 'disk'}-{place}" + (hostile.STORED if self.evil else "")
        if value is None:
            return Result(name, status if place % 2 else Status.OK, None if place % 2 else 0.4, 0.25, 0.5, 1 << 25)
        return Result(name, Status.OK, value + 0.01 * (place - 2.5), 0.25 + place / 100, 0.5, 1 << 25)

    def _reply(self, number: int) -> ModelReply:
        system = {"role": "system", "content": "Improve the program. " * 40}
        messages = [system, {"role": "user", "content": self._said(f"Parent of ticket {number}.")}]
        text = self._said(f"Idea: step {number}\n```python\nreturn queue[0]\n```")
        request = {"model": MODEL, "messages": messages, "max_tokens": 900}
        return ModelReply(number, 0, MODEL, request, f"d{number}", text, "stop", 900, 80, 300, 0.004, 1.5)

    def _said(self, text: str) -> str:
        return f"{text} {hostile.EVERYTHING}" if self.evil and text else text


def _operator(number: int, model: str | None) -> str:
    return (
        ("write", "combine", "repair")[number // 2 % 3] if model else ("mutate", "crossover", "tune")[number // 2 % 3]
    )


def finals(champion: str, at: float) -> dict[str, dict[str, float]]:
    """What an opening of the final set gives."""
    rates = {champion: at, program_id(SEED): 0.49, program_id(FIFO): 0.51, program_id(LRU): 0.6, "floor": 0.93}
    return {
        name: {"hit_rate": rate, "work": 30.0, "groups": 24.0, "web/hit_rate": rate + 0.01, "web/groups": 12.0}
        | {"ahead": at - rate, "ahead_low": (at - rate) * 0.8, "ahead_high": (at - rate) * 1.2}
        for name, rate in rates.items()
    }


def write_run(
    archive: Archive,
    count: int,
    *,
    evil: bool = False,
    at: float | None = None,
    problem: str = PROBLEM,
    version: str = VERSION,
    **changes: Any,
) -> Writer:
    """A run with so many records; with `at` one that has ended, with that hit rate on final."""
    run_id = archive.begin_run(problem=problem, problem_version=version, config=config(**changes), run_seed=1)
    archive.add_event(run_id, "known", KNOWN | ({"title": hostile.EVERYTHING} if evil else {}))
    writer = Writer(archive, run_id, evil)
    writer.write(count)
    if at is not None:
        archive.open_final(run_id, version, finals(writer.scored[-1], at))
        archive.end_run(run_id, "evaluations", 61.5)
    return writer


def write_comparison(archive: Archive) -> Iterator[str]:
    """Two policies with three seeds each, as `evolve compare` leaves them; the ids of the runs."""
    for seed in range(3):
        for policy, gain in (("independent", 0.0), ("clade", 0.04)):
            changes = {"policy": policy, "seed": seed, "comparison": COMPARISON, "evaluations": 12.0}
            run_id = archive.begin_run(
                problem=PROBLEM, problem_version=VERSION, config=config(**changes), run_seed=seed
            )
            archive.add_event(run_id, "known", KNOWN)
            writer = Writer(archive, run_id)
            writer.write(12)
            course = {"spent": [1.0, 4.0, 9.0], "values": [0.5, 0.55, 0.6 + gain + seed / 100]}
            worth = {"course": course, "final": 0.6 + gain + seed / 90, "programs": writer.scored[-1:], "failure": ""}
            archive.end_run(run_id, "evaluations", 5.0)
            archive.add_event(run_id, "report", worth)
            yield run_id


@dataclass(frozen=True)
class Showroom:
    """The archive, open for reading and writing, with the ids of its runs. `live` goes on as tests write to it."""

    archive: Archive
    where: str
    real: str
    gated: str
    evil: str
    compared: tuple[str, ...]
    live: Writer


def build(place: Path) -> Showroom:
    """Make it, in some seconds. The caller closes the archive."""
    import evolve

    where = str(place / "archive.db")
    options = {"evaluations": 8, "seed": 1, "workers": 1, "start": "seed", "progress": False}
    real = evolve.run("float32-exp2", archive=where, **options).run_id
    archive = Archive.open(where)
    gated = write_run(archive, 60, at=0.66)
    evil = write_run(archive, 36, evil=True, at=0.64, problem=hostile.PROBLEM, version="bad" * 8)
    write_run(archive, 0, at=None, seed=9)
    compared = tuple(write_comparison(archive))
    live = write_run(archive, 10)
    archive.flush()
    return Showroom(archive, where, real, gated.run_id, evil.run_id, compared, live)
