"""Revoked programs and the counts of their ancestors, against a count from scratch."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.elites import Elites
from archive.policies.clade import Clade
from archive.policies.hill import Hill
from evolve.core.rng import generator
from evolve.core.types import Objective, Record, Status, Ticket, Verdict

OBJECTIVES = (Objective("error", "minimize"), Objective("size", "minimize"))
# What happens, to which of those it may happen to, how good it is.
Step = tuple[str, int, int]
KINDS = ["start", "ask", "ask", "scored", "scored", "scored", "failed", "nothing", "confirm", "revoke"]
STEPS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 1000), st.integers(0, 11)), max_size=80)


class Log:
    """Plays steps to a policy and keeps everything that was ever told, so that all can be counted again."""

    def __init__(self, policy: Clade, probation: bool) -> None:
        self.policy, self.probation = policy, probation
        self.number = 0
        self.flying: list[Ticket] = []
        self.told: dict[str, Record] = {}  # records that brought in a program
        self.trials: dict[int, tuple[str, float]] = {}
        self.confirmed: list[str] = []
        self.revoked: set[str] = set()
        self.step(("start", 0, 5))

    def record(self, ticket: Ticket, quality: int, program: str | None = None) -> Record:
        metrics = {"error": 1.0 + quality // 3, "size": float(quality % 3)}
        verdict = Verdict(Status.OK, metrics["error"], metrics, stage="train")
        return Record(ticket.number, ticket, None, verdict, program or f"p{ticket.number}", outcome=quality % 4 / 2)

    def step(self, step: Step) -> None:
        kind, pick, quality = step
        number, self.number = self.number, self.number + 1
        if kind == "start":
            record = self.record(Ticket(number, "expand", (), (), "start", None, 0), quality)
            self.policy.plant(record)
            self.take(record, trusted=True)
        elif kind == "ask":
            alive = [name for name in self.told if name not in self.revoked]
            if alive:  # any program that may be chosen, not only what the policy likes best
                self.flying.append(Ticket(number, "expand", (alive[pick % len(alive)],), (), "mutate", None, 0))
                self.policy.pending(self.flying[-1])
        elif kind in ("confirm", "revoke"):
            self.measure(number, kind, list(self.told)[pick % len(self.told)])
        elif self.flying:
            self.settle(kind, self.flying.pop(pick % len(self.flying)), quality)

    def settle(self, kind: str, ticket: Ticket, quality: int) -> None:
        record = self.record(ticket, quality)
        if kind == "failed":
            verdict = Verdict(Status.CRASHED, stage="train")
            record = Record(ticket.number, ticket, None, verdict, record.program_id, outcome=0.0)
        elif kind == "nothing":
            record = Record(ticket.number, ticket, None, Verdict(Status.NO_PROGRAM), None)
        self.policy.tell(record)
        if record.outcome is not None:
            self.trials[ticket.number] = ticket.parents[0], record.outcome
        if kind == "scored":
            self.take(record, trusted=not self.probation)

    def take(self, record: Record, trusted: bool) -> None:
        self.told[str(record.program_id)] = record
        if trusted:
            self.confirmed.append(str(record.program_id))

    def measure(self, number: int, kind: str, name: str) -> None:
        original = self.told[name]
        ticket = Ticket(number, "measure", (name,), (), "check", None, 0)
        self.policy.pending(ticket)
        if kind == "confirm":
            self.policy.tell(Record(number, ticket, None, original.verdict, name))
            if name not in self.confirmed:
                self.confirmed.append(name)
        else:
            verdict = Verdict(Status.INVALID, stage="check")
            self.policy.tell(Record(number, ticket, None, verdict, name, supersedes=original.number))
            self.revoked.add(name)
            self.trials.pop(original.number, None)

    def parent(self, name: str) -> str | None:
        return next(iter(self.told[name].ticket.parents), None)

    def line(self, name: str | None) -> list[str]:
        """A program and all its ancestors, revoked ones included."""
        return [] if name is None else [name, *self.line(self.parent(name))]


def _check_counts(log: Log) -> None:
    tree, nodes = log.policy._tree, log.policy._nodes
    pending = [(ticket.parents[0], 0.0) for ticket in log.flying]
    trials = [*pending, *log.trials.values()]
    for name in log.told:
        own = [success for parent, success in trials if parent == name]
        assert (tree.own_trials[nodes[name]], tree.own_successes[nodes[name]]) == (len(own), sum(own))
        if tree.peaks:
            assert tree.own_peaks[nodes[name]] == max(own, default=0.0)
        if name not in log.revoked:
            clade = [success for parent, success in trials if name in log.line(parent)]
            assert (tree.clade_trials[nodes[name]], tree.clade_successes[nodes[name]]) == (len(clade), sum(clade))
            if tree.peaks:
                assert tree.clade_peaks[nodes[name]] == max(clade, default=0.0)
    assert Counter(parent for parent, _ in trials) == log.policy._elites._expansions


def _check_tree(log: Log) -> None:
    """Each program that is left is a child of its nearest ancestor that is left, in order; or a root."""
    tree, nodes = log.policy._tree, log.policy._nodes
    below: dict[int | None, list[int]] = {None: [], **{nodes[name]: [] for name in log.told}}
    for name in sorted(log.told, key=lambda name: nodes[name]):
        if name not in log.revoked:
            heirs = [nodes[one] for one in log.line(log.parent(name)) if one not in log.revoked]
            below[heirs[0] if heirs else None].append(nodes[name])
    assert tree.roots.tolist() == below.pop(None)
    assert {node: tree.children(node).tolist() for node in range(len(tree))} == below


def _check_elites(log: Log) -> None:
    fresh = Elites(OBJECTIVES)
    for name in log.confirmed:
        if name not in log.revoked:
            fresh.add(log.told[name])
    elites = log.policy._elites
    assert (elites._cells, elites._seen) == (fresh._cells, fresh._seen)
    assert (elites._programs, elites._entered) == (fresh._programs, fresh._entered)


@settings(max_examples=300, deadline=None)
@given(STEPS, st.booleans(), st.sampled_from(["top-quarter", "max-backed"]))
def test_the_state_is_as_if_revoked_records_had_no_outcome(steps: list[Step], probation: bool, outcome: str) -> None:
    log = Log(Clade(OBJECTIVES, probation, outcome=outcome), probation)
    for step in steps:
        log.step(step)
    _check_counts(log)
    _check_tree(log)
    _check_elites(log)


@pytest.mark.parametrize("probation", [False, True])
def test_a_long_run_with_many_revocations(probation: bool) -> None:
    rng = generator(3, "steps")
    log = Log(Clade(OBJECTIVES, probation), probation)
    for _ in range(8):
        for _ in range(200):
            kind = ["ask", "scored", *KINDS[1:]][int(rng.integers(11))]
            log.step((kind, int(rng.integers(1000)), int(rng.integers(12))))
        _check_counts(log)
        _check_tree(log)
        _check_elites(log)
    late = [name for name in log.told if log.parent(name) in log.revoked]
    assert len(log.revoked) > 80 and len(log.told) > 250 and len(late) > 40


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 11), st.booleans()), min_size=1, max_size=40), st.booleans())
def test_the_front_is_as_if_revoked_programs_had_never_been(told: list[tuple[int, bool]], probation: bool) -> None:
    hill, honest = Hill(OBJECTIVES, probation), Hill(OBJECTIVES, probation)
    log = Log(Clade(OBJECTIVES), probation)  # for its records alone
    cheats = []
    for number, (quality, cheats_now) in enumerate(told):
        record = log.record(Ticket(number, "expand", ("s",), (), "mutate", None, 0), quality)
        measure = Ticket(100 + number, "measure", (f"p{number}",), (), "check", None, 0)
        for policy in (hill,) if cheats_now else (hill, honest):
            policy.tell(record)
            if probation:
                assert record.program_id not in policy._front
                policy.tell(Record(100 + number, measure, None, record.verdict, record.program_id))
        if cheats_now:
            verdict = Verdict(Status.FORBIDDEN, stage="check")
            cheats.append(Record(200 + number, measure, None, verdict, record.program_id, supersedes=number))
    for record in cheats:
        hill.tell(record)
    assert list(hill._front.items()) == list(honest._front.items())
