"""Keys of the environment stay with the process that was given them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from evolve import run
from evolve.core.environment import is_secret_name, without_secrets
from evolve.events import Event, RecordCommitted
from evolve.problem import Problem
from sandbox import procfs

WriteProblem = Callable[..., Problem]
SECRET = "planted-4711"
LOOK = """
import os
def found(*processes):
    places = [repr(dict(os.environ))]
    for process in processes:
        with open(f"/proc/{process}/environ", errors="replace") as file:
            places.append(file.read())
    assert any("PATH=" in place for place in places)
    return sum("planted-4711" in place for place in places)
"""
SEED = f"""{LOOK}
# EVOLVE-BLOCK-START
def arrange(numbers):
    return [found("self", os.getppid()), len(numbers)]
# EVOLVE-BLOCK-END
"""
VERIFIER = f"""{LOOK}
from evolve.core.types import Instance, Score

def instances(split, seed):
    return [Instance(f"{{split}}-{{seed}}", "g", ([1, 2],))]

def score(instance, output):
    seen = output[0] + found("self", os.getppid())
    return Score(1.0, {{"right": 1.0, "seen": seen}})
"""


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("OPENAI_API_KEY", True), ("openai_api_key", True), ("HF_TOKEN", True), ("PGPASSWORD", True),
        ("AZURE_CREDENTIALS", True), ("X_SECRET", True), ("AWS_SECRET_ACCESS_KEY", True), ("API_KEY_2", True),
        ("PATH", False), ("DOCKER_HOST", False), ("KEYBOARD", False), ("TOKENIZERS_PARALLELISM", False),
    ],
)  # fmt: skip
def test_secrets_are_known_by_their_names(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret


def test_an_address_with_a_password_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "A": "postgresql://me:pass@host/evolve",
        "B": "postgresql://host/evolve?user=me&password=pass",
        "C": "http://proxy:3128",
        "D": "ssh://me@host",
        "EVOLVE_ARCHIVE": "anything",
        "EVOLVE_DATA": "/data",
        "E_KEY": "k",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    kept = without_secrets()
    assert {name for name in given if name in kept} == {"C", "D", "EVOLVE_DATA"}
    assert kept["PATH"] == os.environ["PATH"]


def _descendants() -> dict[int, tuple[bytes, bytes]]:
    """Command line and environment of all processes below this one."""
    found: dict[int, tuple[bytes, bytes]] = {}
    todo = [os.getpid()]
    while todo:
        for child in procfs.children(todo.pop()):
            found[child] = procfs.read(f"/proc/{child}/cmdline"), procfs.read(f"/proc/{child}/environ")
            todo.append(child)
    return found


@pytest.mark.parametrize("sandbox", ["none", pytest.param("bubblewrap", marks=pytest.mark.bubblewrap)])
def test_no_process_of_a_run_is_given_a_key(
    write_problem: WriteProblem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: str
) -> None:
    monkeypatch.setenv("SECRET_API_KEY", SECRET)
    monkeypatch.setenv("EVOLVE_ARCHIVE", f"postgresql://me:{SECRET}@127.0.0.1:1/evolve")
    monkeypatch.setenv("SERVICE_URL", f"https://me:{SECRET}@127.0.0.1:1/")
    seen: dict[int, tuple[bytes, bytes]] = {}

    def look(event: Event) -> None:
        if isinstance(event, RecordCommitted):
            seen.update(_descendants())

    # A sandbox shows no /proc, and its environment has no PATH.
    seed = SEED if sandbox == "none" else SEED.replace('"self", os.getppid()', "").replace("PATH=", "LANG")
    problem = write_problem("sort", verifier=VERIFIER, seed=seed)
    result = run(
        problem.folder, evaluations=3, workers=2, archive=tmp_path / "a.db", sandbox=sandbox, final_check=False,
        listener=look,
    )  # fmt: skip
    assert result.seed.metrics["seen"] == 0.0 and result.seed.metrics["right"] == 1.0
    lines = b" ".join(line for line, _ in seen.values())
    assert b"evolve.engine.service" in lines and b"evaluators.verifier_worker" in lines
    assert any(b"PATH=" in environment for _, environment in seen.values())
    assert not [line for line, environment in seen.values() if SECRET.encode() in environment]
