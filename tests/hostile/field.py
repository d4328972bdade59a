"""The ground that hostile programs are let loose on, and what must hold after each; files of tests share it."""

from __future__ import annotations

import copy
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import programs_clock
import programs_denial
import programs_escape
import programs_exhaustion
import programs_forgery
import programs_persistence
import programs_secrets
import programs_tampering
import pytest
from battery import MACHINE, Hostile, honest
from every_backend import Backend, containers
from watch import Watch, held, settled

from sandbox.base import Sandbox, Session

CATEGORIES = {
    "escape": programs_escape.PROGRAMS,
    "exhaustion": programs_exhaustion.PROGRAMS,
    "forgery": programs_forgery.PROGRAMS,
    "persistence": programs_persistence.PROGRAMS,
    "denial": programs_denial.PROGRAMS,
    "secrets": programs_secrets.PROGRAMS,
    "tampering": programs_tampering.PROGRAMS,
    "clock": programs_clock.PROGRAMS,
}
CASES = [
    pytest.param(program, id=f"{category}-{program.name}")
    for category, programs in CATEGORIES.items()
    for program in programs
]

WHOLE = os.environ.get("EVOLVE_BATTERY") == "whole"
PART = {"docker": 2, "bubblewrap-process": 3, "docker-runsc": 1}
"""How many of the quick programs of a category meet a sandbox in which each has a start of its own, which takes up to a
second under gVisor and on a busy machine several; the fork server, which is the usual one, meets all programs."""


def programs(name: str) -> list[Any]:
    """The programs that this sandbox meets, as far as they are meant for this machine.

    Where every program has a start of its own a part of the battery is run, unless EVOLVE_BATTERY asks for the whole.
    """
    return [case for case in _chosen(name) if case.values[0].machine in ("", MACHINE)]


def _chosen(name: str) -> list[Any]:
    if WHOLE or name not in PART:
        return CASES
    quick = {category: [one for one in programs if one.quick] for category, programs in CATEGORIES.items()}
    kept = {id(one) for programs in quick.values() for one in programs[: PART[name]]}
    return [case for case in CASES if id(case.values[0]) in kept]


@dataclass
class Ground:
    """A sandbox, the watch over this machine, and what stood there before the first hostile program.

    `neighbour` is a session that was there before them all, `counted` how often it was asked.
    """

    backend: Backend
    sandbox: Sandbox
    watch: Watch
    neighbour: Session
    seen: Any
    before: dict[str, Any]
    counted: int = 0

    def held(self) -> dict[str, Any]:
        return held(pooled=self.backend.mark == "docker")


def let_loose(ground: Ground, program: Hostile) -> None:
    """Runs it, and asserts that it gets what it deserves, leaves nothing, and has seen no secret."""
    known = ground.watch.known
    given = copy.deepcopy(known)
    replies, container = program.run(ground.sandbox, given)
    program.judge(replies)
    ground.watch.assert_unseen(replies)
    assert given == known
    assert ground.watch.knocked() == 0
    assert ground.watch.file.read_text() == ground.watch.token
    assert np.sum(np.arange(5)) == 10
    ground.counted += 1
    assert ground.neighbour.call("count").value == ground.counted
    assert honest(ground.sandbox) == ground.seen
    assert settled(ground.before, ground.held) == ground.before
    assert not container or settled(False, lambda: container in containers()) is False
