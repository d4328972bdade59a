"""How long pages over a large archive take: the first request of a new process, and later ones.

    python benchmarks/web.py [PROGRAMS [ARCHIVE]]

An archive of one run of PROGRAMS (100,000) generated programs, which has objectives, baselines and a final set, is
written (a million take some ten minutes) or, where ARCHIVE exists, taken from there. Each page is then asked of the
application as a server asks it, without a network between. *cold* is the time in a new process, from the opening of the
archive to the answer, imports left out; *warm* are 20 requests after it: half of them and 95 % take no longer.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from clade import records, tree
from fastapi.testclient import TestClient

from archive.store import Archive
from evolve.core.clock import monotonic_seconds
from evolve.core.config import OBJECTIVES
from evolve.known import KNOWN_EVENT
from evolve.web.app import create_app

PROGRAMS = 100_000
REQUESTS = 20
VERSION = "ab" * 16
PAGES = {
    "first page": "/",
    "leaderboard": "/problems/generated",
    "board.json": f"/problems/generated/{VERSION}/board.json",
    "front": f"/problems/generated/{VERSION}/pareto.json",
    "runs": "/runs",
    "run": "/runs/{run}",
    "curve.json": "/runs/{run}/curve.json",
    "program": "/programs/{program}",
    "lineage": "/runs/{run}/lineage",
    "lineage.json": "/runs/{run}/lineage.json",
}


def main() -> None:
    """Write the archive where it is missing, then ask for each page in a process of its own."""
    if len(sys.argv) > 3:
        measure(Path(sys.argv[2]), sys.argv[3])
        return
    programs = int(sys.argv[1]) if len(sys.argv) > 1 else PROGRAMS
    with tempfile.TemporaryDirectory() as folder:
        where = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(folder) / "archive.db"
        if not where.exists():
            write(programs, where)
        print(f"{programs:,} programs, milliseconds: cold, half of the warm ones, 95 % of them; size of the answer")
        for name in PAGES:
            subprocess.run([sys.executable, __file__, str(programs), str(where), name], check=True)


def write(programs: int, where: Path) -> None:
    """The archive of one run that has ended, with its best program on final."""
    config = {OBJECTIVES: [{"metric": "cost", "direction": "minimize"}]}
    with Archive.open(where) as archive:
        run_id = archive.begin_run(problem="generated", problem_version=VERSION, config=config, run_seed=1)
        known = [
            {"name": name, "program_id": 16 * digit, "metrics": {"cost": "1.0"}, "files": {"p.py": "x = 1"}}
            | {"entry": "f", "language": "python"}
            for name, digit in (("seed", "5e"), ("baseline", "ba"))
        ]
        archive.add_event(run_id, KNOWN_EVENT, {"title": "Generated programs", "programs": known})
        for one in records(tree("recursive", programs), texts=True):
            archive.journal(run_id, one.ticket)
            archive.commit(run_id, one)
            if one.number % 10_000 == 0:
                archive.flush()  # what waits for the writer is kept in memory
        archive.flush()
        best = archive.improvements(run_id)[-1].program_id
        ahead = {"cost": 0.0, "groups": 20.0, "ahead": 1.0, "ahead_low": 0.5, "ahead_high": 1.5}
        own = dict.fromkeys(ahead, 0.0) | {"groups": 20.0, "cost": -1.0}
        archive.open_final(run_id, VERSION, {best: own, "ba" * 16: ahead, "5e" * 16: ahead})
        archive.end_run(run_id, "evaluations", 1.0)


def measure(where: Path, name: str) -> None:
    """One line of the report."""
    began = monotonic_seconds()
    with (
        Archive.open(where, create=False) as archive,
        TestClient(create_app(archive), base_url="http://localhost") as client,
    ):
        opened = monotonic_seconds() - began
        run = archive.run("last").id
        address = PAGES[name].format(run=run, program=archive.improvements(run)[-1].program_id)
        times = []
        for _ in range(REQUESTS + 1):
            began = monotonic_seconds()
            answer = client.get(address)
            times.append(monotonic_seconds() - began)
            assert answer.status_code == 200, (address, answer.status_code)
    cold, half, most = (1e3 * one for one in (opened + times[0], *np.quantile(times[1:], (0.5, 0.95))))
    print(f"  {name:14} {cold:10,.0f} {half:8,.1f} {most:8,.1f}   {len(answer.content) / 1024:8,.0f} KiB", flush=True)


if __name__ == "__main__":
    main()
