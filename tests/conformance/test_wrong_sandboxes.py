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


CONTROL = "test_nan_stays_nan"
Found = dict[str, tuple[set[str], set[str]]]


def run_suite(folder: Path, texts: dict[str, str], *options: str) -> Found:
    """For each module the tests that failed, and those that passed, by their names without parameters."""
    for name, text in texts.items():
        (folder / f"test_{name}.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rA", "--rootdir", folder, *options, folder],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parent)])},
        check=False,
    )
    lines = re.findall(r"^(PASSED|FAILED|ERROR) test_(\w+)\.py::\w+::(\w+)", done.stdout, re.MULTILINE)
    assert {module for _, module, _ in lines} == set(texts), done.stdout + done.stderr
    found: Found = {}
    for name in texts:
        failed = {test for how, module, test in lines if module == name and how != "PASSED"}
        found[name] = failed, {test for _, module, test in lines if module == name} - failed
    return found


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Found:
    texts = {name: MODULE.format(name=name, base="ProtocolConformance") for name in SCRIPTED}
    return run_suite(tmp_path_factory.mktemp("scripted"), texts)


def example() -> str:
    """What docs/security.md shows, with a backend that there is."""
    page = (ROOT / "docs" / "security.md").read_text()
    (text,) = [block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "SandboxConformance" in block]
    made = "from sandbox.bubblewrap import BubblewrapSandbox as MySandbox"
    ours, replaced = re.subn(r"from my_backend import MySandbox", made, text)
    assert replaced == 1
    assert text.count("\n") <= 16
    return ours


@pytest.fixture(scope="module")
def confined(tmp_path_factory: pytest.TempPathFactory) -> Found:
    texts = {name: MODULE.format(name=name, base="SandboxConformance") for name in BUBBLEWRAP}
    chosen = [f"test_{name} and ({' or '.join([CONTROL, *wanted])})" for name, (_, wanted) in BUBBLEWRAP.items()]
    chosen.append("test_example and (nan or random or one_process)")
    return run_suite(tmp_path_factory.mktemp("confined"), {**texts, "example": example()}, "-k", " or ".join(chosen))


@pytest.mark.parametrize("name", SCRIPTED)
def test_a_fake_that_breaks_the_contract_fails(name: str, scripted: Found) -> None:
    failed, passed = scripted[name]
    assert failed == set(SCRIPTED[name][1])
    assert "test_a_session_may_be_closed_before_any_call" in passed


@pytest.mark.bubblewrap
@pytest.mark.parametrize("name", BUBBLEWRAP)
def test_a_backend_that_breaks_the_contract_fails(name: str, confined: Found) -> None:
    failed, passed = confined[name]
    assert failed == set(BUBBLEWRAP[name][1])
    assert passed == {CONTROL}


@pytest.mark.bubblewrap
def test_the_example_for_third_parties_runs(confined: Found) -> None:
    failed, passed = confined["example"]
    assert failed == set()
    assert len(passed) == 4
