"""What of several runs counts, and a machine that can start no process for a moment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from evaluators.command_runs import of_repeats
from evolve.core.types import Status
from sandbox.base import Reply
from sandbox.limits import MEBIBYTE

ROOT = Path(__file__).resolve().parents[2]
# As the kernel counts it, this user has too many processes; root alone is never refused.
CROWDED = """
import os, resource, sys
from pathlib import Path
from evaluators.verifier_process import VerifierProcess, VerifierSettings
from evolve.core.errors import EvolveError
from evolve.core.types import Split
from sandbox import bubblewrap_check, mounts

bubblewrap_check.bwrap(), mounts.view()
resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
if os.geteuid() == 0:
    os.setuid(65534)
verifier = VerifierProcess(VerifierSettings(Path("/"), "0", {}))
for ask in (bubblewrap_check.check, bubblewrap_check.available, lambda: verifier.instances(Split.TRAIN)):
    try:
        ask()
    except EvolveError as error:
        print(type(error).__name__, error)
"""


def replies(*figures: tuple[float, float, int]) -> list[Reply]:
    return [Reply(Status.OK, "x", "", False, cpu, wall, peak * MEBIBYTE) for cpu, wall, peak in figures]


def figures(reply: Reply) -> tuple[float, float, int]:
    return reply.cpu_seconds, reply.wall_seconds, reply.peak_bytes // MEBIBYTE


def test_the_least_seconds_and_the_largest_peak_of_the_repeats_count() -> None:
    assert figures(of_repeats(replies((0.3, 0.5, 20), (0.2, 0.6, 90), (0.25, 0.4, 10)))) == (0.2, 0.4, 90)
    assert figures(of_repeats(replies((0.3, 0.5, 20)))) == (0.3, 0.5, 20)


def test_who_is_much_quicker_than_the_first_time_is_measured_by_the_first() -> None:
    assert figures(of_repeats(replies((0.3, 0.5, 20), (0.14, 0.1, 10)))) == (0.3, 0.5, 20)
    assert figures(of_repeats(replies((0.3, 0.5, 20), (0.29, 0.4, 20), (0.01, 0.1, 10)))) == (0.3, 0.5, 20)
    # A few milliseconds are noise of the machine.
    assert figures(of_repeats(replies((0.008, 0.5, 20), (0.0035, 0.1, 10)))) == (0.0035, 0.1, 20)
    # Who is slow the second time has lost nothing by it.
    assert figures(of_repeats(replies((0.1, 0.2, 20), (0.9, 0.9, 10)))) == (0.1, 0.2, 20)


@pytest.mark.bubblewrap
def test_no_process_to_be_had_is_no_fault_of_anybody() -> None:
    done = subprocess.run([sys.executable, "-c", CROWDED], cwd=ROOT, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if "could not be started" in line]
    assert [line.split()[0] for line in lines] == ["UnavailableError"] * 3, (done.stdout, done.stderr)
