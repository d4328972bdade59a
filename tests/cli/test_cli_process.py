"""The command as a process of its own: plain lines, Ctrl-C and resuming, broken pipes."""

from __future__ import annotations

import json
import re
import signal
from typing import Any

from .conftest import PROBLEM, Cli

Finished = tuple[Cli, Any]


def test_a_piped_run_prints_lines_and_says_what_is_next(empty: Cli) -> None:
    # From the seed: the final check then has few programs, each of which takes a second.
    process = empty.process("run", PROBLEM, "--evaluations", "100", "--workers", "1", "--from", "seed")
    said, complaints = process.communicate(timeout=240)
    assert (process.returncode, complaints) == (0, "")
    assert "\x1b" not in said
    lines = said.splitlines()
    assert lines[0].startswith("run ")
    assert "at most 100 evaluations" in lines[0]
    run_id = lines[0].split()[1].rstrip(":")
    for command in ("evolve show best", "evolve export best", f"evolve plot {run_id}", f"evolve run --resume {run_id}"):
        assert f"\n  {command}" in said
    assert "\nseed " in said
    assert "\nfinal check" in said and ": 100%" in said
    assert re.search(r"gain +beats +ULP +program", said)
    final = empty.json("show", "best")["final"]
    assert final["max_ulp"] > 0


def test_ctrl_c_keeps_what_was_found_and_resuming_goes_on(empty: Cli) -> None:
    common = ("--workers", "1", "--no-final", "--json")
    process = empty.process("run", PROBLEM, "--evaluations", "100000", *common)
    assert process.stderr is not None
    first = process.stderr.readline()
    while "better" not in (news := process.stderr.readline()):
        assert news, first
    process.send_signal(signal.SIGINT)
    said, complaints = process.communicate(timeout=240)
    assert process.returncode == 130, complaints
    assert "Traceback" not in complaints
    report = json.loads(said)
    assert report["stop_reason"] == "interrupted"
    assert report["proposals"] > 0
    assert f"evolve run --resume {report['run_id']}" in complaints
    more = str(int(report["evaluations"]) + 50)
    resumed = empty.json("run", "--resume", "last", "--evaluations", more, *common[:-1])
    assert resumed["run_id"] == report["run_id"]
    assert resumed["stop_reason"] == "evaluations"
    assert resumed["proposals"] > report["proposals"]
    (row,) = empty.json("runs")
    assert (row["status"], row["proposals"]) == ("ended", resumed["proposals"])


def test_a_reader_that_goes_away_is_no_error(finished: Finished) -> None:
    process = finished[0].process("show", "best", "--json")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    complaints = process.stderr.read()
    process.wait(timeout=240)
    process.stderr.close()
    assert "Traceback" not in complaints
    assert "Exception" not in complaints
