"""The battery itself: that it is one, that it would find the secret, and that it notices what is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import programs_clock
import programs_secrets
import pytest
from battery import OK, PRELUDE, Hostile
from field import CASES, CATEGORIES
from watch import Watch, planted

from sandbox.base import Reply


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
