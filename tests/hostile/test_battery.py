"""Every hostile program gets what it deserves in every sandbox, leaves nothing, and has seen no secret."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
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
from battery import MACHINE, OK, PRELUDE, Hostile, honest, neighbour
from every_backend import BY_NAME, Backend, containers, made
from watch import Watch, held, planted, settled

from sandbox.base import Reply, Sandbox, Session

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
BACKENDS = [BY_NAME[name] for name in ("bubblewrap-fork", "bubblewrap-process", "docker", "docker-runsc")]
# Every start takes a second under gVisor: there a part of the battery is run.
PAIRS = [
    pytest.param(backend, *case.values, id=f"{backend.name}-{case.id}", marks=backend.param().marks)
    for backend in BACKENDS
    for case in CASES
    if (backend.name != "docker-runsc" or case.values[0].quick) and case.values[0].machine in ("", MACHINE)
]


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


@pytest.fixture(scope="module")
def ground(request: pytest.FixtureRequest) -> Iterator[Ground]:
    watch = Watch(Path.home())
    with planted(watch), made(request.param) as sandbox:
        honest(sandbox)
        sandbox.close()
        start = held()
        seen = honest(sandbox)
        with neighbour(sandbox, watch.token) as session:
            ground = Ground(request.param, sandbox, watch, session, seen, {})
            ground.before = ground.held()
            yield ground
        sandbox.close()
        assert settled(start, held) == start
        assert settled([], containers) == []


@pytest.mark.parametrize(("ground", "program"), PAIRS, indirect=["ground"])
def test_a_hostile_program_gets_what_it_deserves_and_leaves_nothing(ground: Ground, program: Hostile) -> None:
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


def test_the_battery_is_a_battery() -> None:
    names = [case.id for case in CASES]
    assert len(set(names)) == len(names)
    assert len(names) >= 55
    assert min(map(len, CATEGORIES.values())) >= 5
    assert sum(case.values[0].quick for case in CASES) >= 30


UNCONFINED = "import json, sys\nhost = json.loads(sys.argv[1])\nprint(json.dumps(solve(host)))\n"


@pytest.mark.parametrize("name", programs_secrets.FINDING)
def test_without_a_sandbox_the_secret_is_found(name: str) -> None:
    (program,) = [one for one in programs_secrets.PROGRAMS if one.name == name]
    watch = Watch(Path.home())
    with planted(watch):
        text = PRELUDE + program.text + UNCONFINED
        command = [sys.executable, "-c", text, json.dumps({**watch.known, "pid": os.getppid()})]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found = json.loads(done.stdout)
        assert watch.token in found
        with pytest.raises(AssertionError):
            watch.assert_unseen([Reply(OK, found)])


def test_a_wrong_verdict_and_a_number_for_a_failure_are_noticed() -> None:
    program = Hostile("x", "", says="y", value=7)
    with pytest.raises(AssertionError):
        program.judge([Reply(OK, 8)])
    with pytest.raises(AssertionError):
        program.judge([Reply(programs_clock.TIMED_OUT, 0.0), Reply(OK, 7)])
    with pytest.raises(AssertionError):
        program.judge([Reply(programs_clock.TIMED_OUT)])
    program.judge([Reply(OK, 7)])
