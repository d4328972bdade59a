"""Numbers, JSON, and files that appear whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evolve.cli.output import print_json, write_atomically
from evolve.core.errors import UsageError
from evolve.display.text import clock, duration, metric_text, number


def test_numbers() -> None:
    assert [number(value) for value in (None, 3.0, 12345, 0.00012345, float("inf"))] == [
        "-", "3", "12,345", "0.0001234", "inf",
    ]  # fmt: skip
    assert metric_text("digits", 5.0) == "5.00"
    assert [duration(seconds) for seconds in (4.21, 59.99, 185, 7500)] == [
        "4.2 s",
        "60.0 s",
        "3 min 05 s",
        "2 h 05 min",
    ]


def test_narrow_durations() -> None:
    assert [clock(seconds) for seconds in (13.3, 7510)] == ["0:13", "2:05:10"]


def test_json_has_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": float("nan"), "b": [float("inf"), 1.5], "c": (True, None, "é")})
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": [None, 1.5], "c": [True, None, "é"]}


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        path.write_text("half")
        raise RuntimeError("disk")

    with pytest.raises(RuntimeError):
        write_atomically(tmp_path / "a.txt", fail, force=False)
    assert list(tmp_path.iterdir()) == []


def test_existing_files_are_kept_unless_forced(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(UsageError, match="exists already"):
        write_atomically(target, lambda path: None, force=False)
    assert target.read_text() == "old"

    def fill(path: Path) -> None:
        path.write_text("new")

    write_atomically(target, fill, force=True)
    assert target.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_file_made_meanwhile_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"

    def race(path: Path) -> None:
        path.write_text("ours")
        target.write_text("theirs")

    with pytest.raises(UsageError, match="exists already"):
        write_atomically(target, race, force=False)
    assert target.read_text() == "theirs"


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can not write"):
        write_atomically(tmp_path / "none" / "a.txt", lambda path: None, force=False)
    with pytest.raises(UsageError):
        write_atomically(tmp_path, lambda path: None, force=True)
