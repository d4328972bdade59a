"""`evolve archive`: what it prints, and its exit status."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

from .conftest import Cli

Finished = tuple[Cli, Any]


def test_from_a_run_to_a_file_to_another_archive(finished: Finished, tmp_path: Path) -> None:
    """Ids of programs are computed anew on the way."""
    cli, report = finished
    there, file = Cli(tmp_path / "there.db"), tmp_path / "all.gz"
    assert "whole and sound" in cli.call("archive", "check")
    wrote = cli.json("archive", "export", file)
    assert (wrote["runs"], wrote["file"], wrote["bytes"]) == (1, str(file), file.stat().st_size)
    came = there.json("archive", "import", file)
    assert (came["runs"], came["known"], came["records"]) == ([report["run_id"]], [], wrote["records"])
    assert came["archive"] == str(there.archive)
    checked = there.json("archive", "check")
    assert checked["ok"] and checked["findings"] == [] and checked["programs"] == wrote["programs"]
    assert there.json("show", "best") == cli.json("show", "best")
    said = there.call("archive", "merge", cli.archive)
    assert "0 runs, 0 records, 0 programs came; 1 runs were there already" in said
    copied = there.json("archive", "copy", tmp_path / "copy.db")
    assert copied["runs"] == [report["run_id"]]


def test_a_finding_is_told_with_its_remedy(finished: Finished, tmp_path: Path) -> None:
    cli = Cli(Path(shutil.copy(finished[0].archive, tmp_path / "archive.db")))
    with sqlite3.connect(cli.archive) as writer:
        writer.execute("DELETE FROM tickets WHERE number = 9")
    writer.close()
    said = cli.call("archive", "check", "--trust-ids", status=1).splitlines()
    assert said[0].startswith("references: ") and "it names a row of tickets that is not there" in said[0]
    assert "Restore a backup" in said[-2] and "finding" in said[-1]


def test_what_can_not_be_done_is_an_error_of_two_lines(finished: Finished, empty: Cli, tmp_path: Path) -> None:
    cli, _ = finished
    message, remedy = cli.fail("archive", "import", tmp_path / "nowhere.gz", status=1)
    assert "there is no file" in message and "evolve archive export" in remedy
    assert "both source and target" in cli.fail("archive", "merge", cli.archive, status=2)[0]
    assert "holds runs already" in cli.fail("archive", "copy", shutil.copy(cli.archive, tmp_path / "a.db"), status=2)[0]
    assert "there is no archive" in empty.fail("archive", "check", status=1)[0]
    (tmp_path / "all.gz").write_text("mine")
    assert "exists already" in cli.fail("archive", "export", tmp_path / "all.gz", status=2)[0]
    assert (tmp_path / "all.gz").read_text() == "mine"
