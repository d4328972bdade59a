"""A world in which programs are two numbers: what they answer on the probe, and what they score on train.

No sandbox and no other process: searches of it take milliseconds.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from archive.store import Archive
from evaluators.functional_hash import Hashing
from evaluators.judged import Judged
from evaluators.screen import Screened, screen_program
from evolve.budget import Budget
from evolve.core.config import Equivalence, RunConfig
from evolve.core.rng import generator
from evolve.core.types import (
    Candidate,
    Cost,
    Failure,
    Measurement,
    Objective,
    Record,
    Result,
    Source,
    Status,
    Ticket,
    Verdict,
)
from evolve.engine.base import Task
from evolve.flight import Flight
from evolve.loop import run_loop
from evolve.past import Journal, Past
from evolve.proposers.base import Context
from evolve.rules import Rules
from evolve.search import SearchState
from evolve.step import Step
from evolve.takeover import Shelf, Takeover

FORM = "# EVOLVE-BLOCK-START\ndef f():\n    return {probe}, {train}, {nonce}\n# EVOLVE-BLOCK-END\n"
OBJECTIVES = (Objective("score", "maximize"),)
SET = "set"
Draw = Callable[[Ticket, Context, Any], tuple[float, float]]


def program(probe: float, train: float, nonce: int = 0) -> Source:
    return Source({"program.py": FORM.format(probe=float(probe), train=float(train), nonce=nonce)}, "f")


def numbers(source: Source) -> tuple[float, float]:
    """What a program answers on the probe, and what it scores."""
    found = re.search(r"return (\S+), (\S+), ", source.main)
    assert found
    return float(found.group(1)), float(found.group(2))


class World:
    """An engine and a proposer in one; `draw` gives both numbers of a new program. Counts what was run on train."""

    def __init__(self, draw: Draw, workers: int = 1, tuned: bool = False, dearest: int = 0) -> None:
        self.draw, self.tuned, self.dearest = draw, tuned, dearest
        self.trained: list[Source] = []
        self.known: dict[str, list[int]] = defaultdict(list)
        self._hashing = Hashing(53, "here")
        self._places = asyncio.Semaphore(workers)

    async def propose(self, ticket: Ticket, context: Context) -> Candidate | Failure:
        rng = generator(ticket.seed, "world")
        probe, train = self.draw(ticket, context, rng)
        batches = (Measurement("s", "constants", 1, 0.25, 1.0),) if self.tuned else ()
        made = program(probe, train, int(rng.integers(10**9)))
        cost = Cost(float(rng.integers(self.dearest + 1)))
        return Candidate(ticket, made, "drawn", (), cost, batches)

    async def run(self, task: Task) -> Any:
        async with self._places:
            for _ in range(int(generator(task.priority, task.name).integers(5))):
                await asyncio.sleep(0)  # others overtake
            if task.name == "evaluate":
                return self._verdict(task.args[0])
            assert task.name == "judge"
            screened, _, horizon = task.args
            keys = self._hashing.keys([numbers(screened.program)[0]])
            assert keys
            known = horizon is not None and any(number <= horizon for number in self.known[keys.function])
            return Judged(None if known else self._verdict(screened), keys)

    def share(self, entry: tuple[str, int]) -> None:
        self.known[entry[0]].append(entry[1])

    def capacity(self) -> int:
        return 1

    def close(self) -> None: ...

    def _verdict(self, screened: Screened[Source]) -> Verdict:
        self.trained.append(screened.program)
        score = numbers(screened.program)[1]
        if score < -100.0:
            return Verdict(Status.CRASHED, feedback="it failed on train", stage="train", evaluation_set=SET)
        results = (Result("train-0", Status.OK, score, 0.5, 1.0, 1),)
        return Verdict(Status.OK, score, {"score": score}, f"scored {score}", results, "train", SET)


class Play:
    """One run in an archive: its records, what was evaluated, and what it exports."""

    def __init__(self, where: Path | str, draw: Draw, scope: str = "archive", **more: Any) -> None:
        self.where = str(where)
        self.draw, self.scope = draw, scope
        self.evaluations = float(more.pop("evaluations", 45))
        self.workers, self.tuned = more.pop("workers", 1), more.pop("tuned", False)
        self.driven, self.dearest = more.pop("driven", False), more.pop("dearest", 0)
        options = Equivalence(scope, more.pop("retire_after", 0), more.pop("tries", 0))
        self.config = RunConfig(
            more.pop("seed", 1), "clade", 4, "seed", self.evaluations, 2000, equivalence=options.course
        )
        assert not more

    def go(self, resume: str | None = None) -> Play:
        with Archive.open(self.where) as archive:
            if resume is None:
                stored = {**self.config.to_json(), "cache": self.scope}
                self.run_id = archive.begin_run(problem="p", problem_version="v", config=stored, run_seed=1)
            else:
                self.run_id = archive.resume_run(resume).id
            asyncio.run(self._search(archive))
            archive.end_run(self.run_id, "evaluations", 1.0)
            self.records: list[Record] = list(archive.records(self.run_id))
            self.export = list(archive.export(self.run_id))
            self.savings = archive.savings(self.run_id)
            self.learned = dict(archive.learned(self.run_id))
        return self

    async def _search(self, archive: Archive) -> None:
        self.world = World(self.draw, self.workers, self.tuned, self.dearest)
        seed, starts = program(0, 0), {0: program(0, 0)}
        rules, durable = Rules(OBJECTIVES, 0.001, {"draw": 1.0}, proven=False), partial(archive.record, self.run_id)
        self.state = SearchState(self.config, rules, starts, again=durable)
        takeover = self._takeover(archive, seed) if self.config.equivalence else None
        tries = (self.config.equivalence or {}).get("tries", 0)
        step = Step(self.world, self.world, "bubblewrap", seed, starts, self.state.known, takeover, tries)
        past = Past(archive.order(self.run_id), archive.records(self.run_id))
        journal = Journal(partial(archive.tickets, self.run_id))
        flight = Flight(self.run_id, archive, self.state, step, self.world)
        await run_loop(self.state, flight, Budget(self.evaluations, 2000), journal.get, past, lambda record: None)

    def _takeover(self, archive: Archive, seed: Source) -> Takeover:
        self.state.equivalences.load(archive.learned(self.run_id))
        shelf = Shelf(archive, SET, archive.computed(SET, self.run_id)) if self.scope == "archive" else None
        screen = partial(screen_program, "bubblewrap", seed=None)
        return Takeover(self.world, self.state.equivalences, archive.equivalence_secret(), screen, shelf)

    def having(self, status: Status) -> list[Record]:
        return [record for record in self.records if record.verdict.status is status and record.supersedes is None]

    @property
    def used(self) -> set[str]:
        """Programs that were parents or inspirations of a proposal."""
        asked = [one.ticket for one in self.records if one.ticket.kind == "expand"]
        return {name for ticket in asked for name in (*ticket.parents, *ticket.inspirations)}
