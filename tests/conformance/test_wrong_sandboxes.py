"""The suite notices a sandbox that breaks the contract; and what docs/security.md shows of it works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from wrong_sandboxes import BUBBLEWRAP, SCRIPTED

ROOT = Path(__file__).resolve().parents[2]
MODULE = """
import pytest
from sandbox.conformance import ProtocolConformance, SandboxConformance
from wrong_sandboxes import BUBBLEWRAP, SCRIPTED, Played

ALL = {{**BUBBLEWRAP, **SCRIPTED, "played": (Played, [])}}

@pytest.fixture
def sandbox():
    return ALL[{name!r}][0]()

class TestOne({base}):
    pass
"""


def run_suite(folder: Path, text: str, *options: str) -> tuple[set[str], set[str]]:
    """The tests of a module that failed, and those that passed, by their names without parameters."""
    (folder / "test_one.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rA", "--rootdir", folder, *options, folder],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parent)])},
        check=False,
    )
    found = re.findall(r"^(PASSED|FAILED|ERROR) \S*::(\w+)", done.stdout, re.MULTILINE)
    assert found, done.stdout + done.stderr
    failed = {name for how, name in found if how != "PASSED"}
    return failed, {name for _, name in found} - failed


@pytest.mark.parametrize("name", SCRIPTED)
def test_a_fake_that_breaks_the_contract_fails(name: str, tmp_path: Path) -> None:
    failed, passed = run_suite(tmp_path, MODULE.format(name=name, base="ProtocolConformance"))
    assert failed == set(SCRIPTED[name][1])
    assert "test_a_session_may_be_closed_before_any_call" in passed


@pytest.mark.bubblewrap
@pytest.mark.parametrize("name", BUBBLEWRAP)
def test_a_backend_that_breaks_the_contract_fails(name: str, tmp_path: Path) -> None:
    wanted = BUBBLEWRAP[name][1]
    control = "test_nan_stays_nan"
    text = MODULE.format(name=name, base="SandboxConformance")
    failed, passed = run_suite(tmp_path, text, "-k", " or ".join([control, *wanted]))
    assert failed == set(wanted)
    assert passed == {control}


@pytest.mark.bubblewrap
def test_the_example_for_third_parties_runs(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "security.md").read_text()
    (text,) = [block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "SandboxConformance" in block]
    made = "from sandbox.bubblewrap import BubblewrapSandbox as MySandbox"
    ours, replaced = re.subn(r"from my_backend import MySandbox", made, text)
    assert replaced == 1
    assert text.count("\n") <= 16
    failed, passed = run_suite(tmp_path, ours, "-k", "nan or random or one_process")
    assert failed == set()
    assert len(passed) == 4
