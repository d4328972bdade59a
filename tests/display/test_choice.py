"""Which display a run gets, and that its own listener hears everything besides."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from evolve.api import run
from evolve.display.choice import chosen
from evolve.display.watch import LineWatch, LiveWatch
from evolve.events import Event, RecordCommitted, RunEnded, RunStarted

from .conftest import ERROR

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
from evolve import run

if __name__ == "__main__":
    told = []
    result = run("float32-exp2", evaluations=150, workers=1, final_check=False, archive="a.db", listener=told.append)
    print(type(told[-1]).__name__, result.stop_reason)
"""


def test_by_what_is_wanted_and_where_it_would_go(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(chosen((ERROR,), None), nullcontext)
    assert isinstance(chosen((ERROR,), False), nullcontext)
    lines = chosen((ERROR,), True)
    assert isinstance(lines, LineWatch) and lines.stderr
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    for wanted in (None, True):
        live = chosen((ERROR,), wanted)
        assert isinstance(live, LiveWatch) and live.console.stderr
    assert isinstance(chosen((ERROR,), False), nullcontext)


def test_lines_and_the_listener(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    told: list[Event] = []
    result = run(
        "float32-exp2", evaluations=150, workers=1, start="seed", final_check=False, archive=tmp_path / "a.db",
        progress=True, listener=told.append,
    )  # fmt: skip
    out, said = capsys.readouterr()
    assert out == ""
    assert said.splitlines()[-1].startswith("end: evaluations")
    assert f"run {result.run_id}" in said
    kinds = [type(event) for event in told]
    assert kinds.count(RunStarted) == kinds.count(RunEnded) == 1 and kinds.count(RecordCommitted) >= result.proposals


def test_a_script_on_a_terminal_shows_the_display_and_its_output_stays_clean(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen(
        [sys.executable, "script.py"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=theirs, text=True
    ) as process:
        os.close(theirs)
        screen = b""
        try:
            while part := os.read(ours, 65536):
                screen += part
        except OSError:
            pass  # the other end of a pseudo-terminal is closed
        finally:
            os.close(ours)
        assert process.stdout is not None
        assert process.stdout.read() == "RunEnded evaluations\n"
    assert process.returncode == 0
    assert "of 150 evaluations" in screen.decode() and "best known" in screen.decode()
