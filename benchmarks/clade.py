"""The clade policy on a large archive: how long `ask` and `tell` take, what a resumed run costs, and how many records a
second become durable.

    python benchmarks/clade.py [PROGRAMS]

Two generated trees of PROGRAMS (1,000,000) programs: each new program has a uniformly drawn parent (a random recursive
tree, as deep as the searches of this project grow), or one drawn in proportion to its children and itself (preferential
attachment, whose oldest nodes have thousands of children). Then a star, where all are children of the root. Each is
searched in a process of its own, so that the largest resident memory is that of one tree.

*policy* is the clade policy alone. At last the first tree is written to an archive as a run writes it (a million take
some five minutes), each program with keys of a function of its own, as those of runs without models have, and read
again. *search* is the whole state of a search (`SearchState`), gone through record by record, as a run is resumed where
there is no snapshot. On the way it takes the last snapshot that such a run would take, and *resumed* is what going on
from that takes, with as many records behind it as there can be at most.
"""

from __future__ import annotations

import contextlib
import itertools
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from archive.equivalence import Kind, Learned
from archive.policies.clade import Clade
from archive.store import Archive
from evaluators.screen import Screened
from evolve.core.clock import monotonic_seconds, thread_cpu_seconds
from evolve.core.config import RunConfig
from evolve.core.keys import Keys
from evolve.core.rng import generator
from evolve.core.types import Candidate, Objective, Record, Source, Status, Ticket, Verdict
from evolve.keeper import RECORDS
from evolve.past import Journal, Past
from evolve.retracing import retrace
from evolve.rules import Rules
from evolve.search import SearchState
from evolve.snapshot import Snapshots, Stand
from evolve.step import Work

PROGRAMS = 1_000_000
TREES = ("recursive", "preferential", "star")
LIVE = 5_000
BLOCK = 10_000
ONE = (Objective("cost", "minimize"),)
FAMILY = "\n".join(f"    y = y * {number}.25 + x" for number in range(8))


def main() -> None:
    """Print one block a tree, each made by a process of its own, and the archive's."""
    programs = int(sys.argv[1]) if len(sys.argv) > 1 else PROGRAMS
    if len(sys.argv) > 3:
        measure(sys.argv[2], programs, Path(sys.argv[3]))
        return
    with tempfile.TemporaryDirectory() as folder:
        for part in (*TREES, "archive", "search", "resumed"):
            subprocess.run([sys.executable, __file__, str(programs), part, f"{folder}/archive.db"], check=True)


def measure(part: str, programs: int, where: Path) -> None:
    """One block of the report. `where` is the archive that "archive" writes and the others read."""
    if part == "search":
        print(f"search: {programs:,} programs of the archive")
        measure_search(where)
    elif part == "resumed":
        print("resumed: the same from the last snapshot")
        measure_resumed(where)
    elif part == "archive":
        measure_archive(programs, where)
    else:
        parents = tree(part, programs)
        depth, degree = depths(parents), np.bincount(parents[1:]).max()
        shape = f"depth {depth.mean():.1f} (at most {depth.max()}), at most {degree:,} children"
        print(f"{part}: {programs:,} programs, {shape}")
        measure_policy(parents)
    print(f"  largest resident memory                  {peak_mib():8,.0f} MiB", flush=True)


def tree(kind: str, programs: int) -> np.ndarray:
    """The parent of each program [programs]; that of the first is -1."""
    rng = generator(1, kind)
    numbers = np.arange(programs)
    if kind == "star":
        return np.where(numbers > 0, 0, -1)
    parents = (rng.random(programs) * numbers).astype(np.int64)
    if kind == "preferential":
        # A drawn node or its parent, by even chances: in proportion to one and the number of children.
        uniform = parents.tolist()
        for number in np.flatnonzero(rng.random(programs) < 0.5)[2:].tolist():
            uniform[number] = max(uniform[uniform[number]], 0)
        parents = np.array(uniform)
    parents[0] = -1
    return parents


def depths(parents: np.ndarray) -> np.ndarray:
    """The depth of each node [N]; roots have 0."""
    depth = np.zeros(len(parents), dtype=np.int64)
    above = parents.copy()
    while (above >= 0).any():
        depth += above >= 0
        above = np.where(above >= 0, parents[above], -1)
    return depth


def records(parents: np.ndarray, texts: bool) -> Iterator[Record]:
    """A record for each program: its cost is its parent's and a random step; one in four is a success. With `texts`
    each has a source of its own, as read from an archive."""
    rng = generator(2, "records")
    steps, successes = rng.normal(0.5, 1.0, len(parents)), rng.random(len(parents)) < 0.25
    costs = np.zeros(len(parents))
    names: list[str] = []
    for number, (parent, step, success) in enumerate(zip(parents, steps, successes, strict=True)):
        names.append(f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}{number:016x}")
        cost = costs[number] = step if parent < 0 else costs[parent] + step
        above = (names[parent],) if parent >= 0 else ()
        ticket = Ticket(number, "expand", above, above, "mutate", None, number)
        yield record(ticket, names[number], float(cost), float(success), texts)


def blocks(made: Iterator[Record]) -> Iterator[list[Record]]:
    """Records in lists, so that they can be made outside of what is timed."""
    while block := list(itertools.islice(made, BLOCK)):
        yield block


def record(ticket: Ticket, name: str, cost: float, outcome: float | None, texts: bool = True) -> Record:
    """A program that was evaluated and has a score."""
    text = f"def program(x):\n    y = {cost!r}\n{FAMILY}\n    return y\n" if texts else ""
    candidate = Candidate(ticket, Source({"program.py": text}, "program"), f"idea {ticket.number}") if texts else None
    verdict = Verdict(Status.OK, cost, {"cost": cost, "operations": 8.0}, stage="train", evaluation_set="set")
    return Record(ticket.number, ticket, candidate, verdict, name, name[:16], outcome=outcome)


def measure_policy(parents: np.ndarray) -> None:
    """Replay, then ask and tell."""
    policy = Clade(ONE, elites=0.0)  # all asks are descents: draws of elites are quicker
    replay = Replay("policy replayed")
    for block in blocks(records(parents, texts=False)):
        with replay:
            for one in block:
                if one.number == 0:
                    policy.plant(one)
                    continue
                policy.pending(one.ticket)
                policy.tell(one)
    with replay:
        first = policy.ask(generator(0, "first"))
    replay.report()
    times = Times()
    rng = generator(3, "live")
    for number in range(len(parents), len(parents) + LIVE):
        with times("policy ask"):
            choice = policy.ask(generator(number, "ask"))
        ticket = Ticket(number, "expand", choice.parents, choice.inspirations, "mutate", None, 0)
        one = record(ticket, f"live{number}", float(rng.normal(100.0, 30.0)), float(rng.random() < 0.25), texts=False)
        with times("policy tell, with pending"):
            policy.pending(ticket)
            policy.tell(one)
    times.report()
    assert first.parents


AGAIN = {"retire_after": 0, "tries": 3, "takes": 0}
CONFIG = RunConfig(1, "clade", 1, "seed", 1e9, 10**9, equivalence=AGAIN)


def measure_search(where: Path) -> None:
    """The same with all that a search keeps, and reads again."""
    rules = Rules(ONE, 0.0, {"mutate": 1.0}, proven=False)
    text = Source({"program.py": ""}, "program")
    with Archive.open(where) as archive:
        run_id = archive.run("last").id
        state = SearchState(CONFIG, rules, {0: text}, again=partial(read_again, archive, run_id))
        state.equivalences.load(archive.learned(run_id))
        order = archive.order(run_id)
        replay, taken = Replay("search replayed"), Replay("snapshot taken")

        def tell(one: Record) -> None:
            state.tell(one)
            if state.told == max(1, len(order) - RECORDS):
                with taken:
                    stand = Stand("benchmark", "", state.asked, state.settled, state.told)
                    Snapshots(where.parent, run_id).save(stand, state)

        with replay:
            past = Past(order, archive.records(run_id))
            retrace(state, Journal(partial(archive.tickets, run_id)).get, past, lambda one: None, tell)
        replay.report()
        taken.report()
        measure_live(state)


def measure_resumed(where: Path) -> None:
    """All that a run does to go on: the order of the records, the snapshot, the records behind it, the first ticket."""
    with Archive.open(where) as archive:
        run_id, replay = archive.run("last").id, Replay("snapshot read, the rest replayed")
        with replay:
            order = archive.order(run_id)
            (found,) = filter(None, [Snapshots(where.parent, run_id).load(lambda stand: stand.settled <= len(order))])
            state: SearchState = found[1]
            state.go_on(CONFIG, partial(read_again, archive, run_id))
            state.equivalences.load(archive.learned(run_id, state.told))
            told = state.told
            past = Past(order, archive.records(run_id, state.told))
            retrace(state, Journal(partial(archive.tickets, run_id)).get, past, lambda one: None, state.tell)
            state.ask()
        print(f"  {state.told - told:,} records behind the snapshot, {told:,} in it")
        replay.report()


def read_again(archive: Archive, run_id: str, number: int) -> Record:
    """A record of the run."""
    (one,) = filter(None, [archive.record(run_id, number)])
    return one


def measure_live(state: SearchState) -> None:
    """Tickets and records after those of the archive."""
    times = Times()
    rng = generator(3, "live")
    for number in range(state.told, state.told + LIVE):
        with times("search ask"):
            ticket, _ = state.ask()
        one = record(ticket, f"live{number}", float(rng.normal(100.0, 30.0)), None)
        work = Work(ticket, one.candidate, one.verdict, Screened(None, f"live{number}", f"live{number}"))
        with times("search settle"):
            settled = state.settle(work)
        with times("search tell"):
            state.tell(settled)
    times.report()


def measure_archive(programs: int, where: Path) -> None:
    """Records that are made durable one by one, in the writer's groups."""
    with Archive.open(where) as archive:
        run_id = archive.begin_run(problem="p", problem_version="v", config={}, run_seed=1)
        seconds = []
        for block in blocks(records(tree("recursive", programs), texts=True)):
            began = monotonic_seconds()
            for one in block:
                archive.journal(run_id, one.ticket)
                key = f"{one.number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032x}"
                last = archive.commit(run_id, one, (Learned(Kind.COMPUTED, Keys(key, key[::-1]), "set"),))
            last.result()
            seconds.append(monotonic_seconds() - began)
        rates = BLOCK / np.array(seconds[: programs // BLOCK] or [np.nan])
        print(
            f"archive: {programs / sum(seconds):,.0f} records a second durable, of {programs:,}, each after its "
            f"ticket; the median block {np.median(rates):,.0f}, the last {rates[-1]:,.0f}"
        )


class Replay:
    """How long something takes that is done piece by piece."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._wall = self._cpu = 0.0

    def __enter__(self) -> None:
        self._wall -= monotonic_seconds()
        self._cpu -= thread_cpu_seconds()

    def __exit__(self, *error: object) -> None:
        self._cpu += thread_cpu_seconds()
        self._wall += monotonic_seconds()

    def report(self) -> None:
        """Print the times of all blocks together."""
        print(f"  {self._what:40} {self._cpu:.1f} / {self._wall:.1f} s (processor / wall)")


class Times:
    """Wall and processor time of each call, by what is called."""

    def __init__(self) -> None:
        self._found: dict[str, list[tuple[float, float]]] = {}

    @contextlib.contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        wall, cpu = monotonic_seconds(), thread_cpu_seconds()
        yield
        # The processor's clock is read last and first: it is the slower one.
        self._found.setdefault(what, []).append((thread_cpu_seconds() - cpu, monotonic_seconds() - wall))

    def report(self) -> None:
        """Print one line a call. On a busy machine the processor's time says what the wall clock's hides."""
        for what, pairs in self._found.items():
            cpu, wall = 1e3 * np.array(pairs).T
            shown = "  ".join(
                f"{np.quantile(cpu, part):.3f} / {np.quantile(wall, part):.3f}" for part in (0.5, 0.99, 1)
            )
            print(f"  {what:40} {shown} ms (half, 99 %, all are below; processor / wall)")


def peak_mib() -> float:
    """The largest resident memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
