"""Whose containers are whose where an engine is shared, and what a copy of the process may do to its maker's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from evolve.core.types import Source
from sandbox.config import DockerConfig
from sandbox.docker import DockerSandbox
from sandbox.docker.engine import LABEL, Engine, owner
from sandbox.docker.owners import is_orphan
from sandbox.limits import Limits

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Source({"program.py": "def solve(value):\n    return value\n"}, "solve")


def test_another_machine_of_the_same_name_keeps_what_may_be_in_use() -> None:
    machine, _, pid, started = owner().split(" ")
    other = f"{machine} another-boot {pid} {started}"
    assert not is_orphan(other, is_forgotten=False)
    assert is_orphan(other, is_forgotten=True)


def test_the_living_are_told_from_the_dead() -> None:
    machine, boot, pid, started = owner().split(" ")
    assert not is_orphan(owner(), is_forgotten=True)
    assert is_orphan(f"{machine} {boot} {pid} {int(started) - 1}", is_forgotten=False)
    assert is_orphan(f"{machine} {boot} {2**80} 1", is_forgotten=False)


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root, to hide processes")
def test_who_does_not_see_the_owner_takes_it_for_alive() -> None:
    text = (
        "import os, sys\nfrom sandbox.docker.owners import is_orphan\nos.setgid(65534), os.setuid(65534)\n"
        "print(os.path.exists(f'/proc/{sys.argv[2]}/stat'), is_orphan(sys.argv[1], True))\n"
    )
    hide = 'mount -t proc -o hidepid=2 proc /proc && exec "$@"'
    command = ["unshare", "-m", "sh", "-c", hide, "sh", sys.executable, "-c", text, owner(), str(os.getpid())]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if "mount" in done.stderr or "unshare" in done.stderr:
        pytest.skip("processes can not be hidden here")
    assert done.stdout == "False False\n", done


@pytest.mark.docker
def test_what_runs_is_left_to_another_boot(engine: Engine, image: str) -> None:
    machine, _, pid, started = owner().split(" ")
    with closing(DockerSandbox(config=DockerConfig(pool=0))) as sandbox, closing(sandbox.open(PROGRAM, Limits())):
        (mine,) = engine.api.containers(all=True, filters={"label": f"{LABEL}={owner()}"})
        label = f"{machine} another-boot {pid} {started}"
        assert not is_orphan(label, engine.is_at_rest(mine))
    number = engine.api.create_container(image, "true", labels={LABEL: label}, network_disabled=True)["Id"]
    try:
        (made,) = engine.api.containers(all=True, filters={"id": number})
        assert engine.is_at_rest(made)
        engine.where = "tcp://elsewhere:2375"
        assert not engine.is_at_rest(made)
        assert engine.is_at_rest({**made, "Created": made["Created"] - 7200})
    finally:
        engine.where = "unix:///var/run/docker.sock"
        engine.remove(number)


@pytest.mark.docker
@pytest.mark.parametrize("opens", [False, True])
def test_a_copy_of_the_process_leaves_what_waits_alone_and_starts_afresh(opens: bool) -> None:
    text = f"""
import os, signal, sys, time
from contextlib import closing
from evolve.core.types import Source
from sandbox.config import DockerConfig
from sandbox.docker import DockerSandbox
from sandbox.limits import Limits
program = Source({{"program.py": "def solve(value): return value"}}, "solve")
sandbox = DockerSandbox(config=DockerConfig(pool=1))
with closing(sandbox.open(program, Limits())) as session:
    assert session.call("solve", 1).value == 1
while not sandbox.is_settled(Limits()):
    time.sleep(0.05)
waiting = [one.result() for kind in sandbox._ready.pool._waiting.values() for one in kind]
assert waiting
pid = os.fork()
if pid == 0:
    signal.alarm(60)
    if {opens}:
        with closing(sandbox.open(program, Limits())) as session:
            assert session.call("solve", 2).value == 2
        assert sandbox._ready.pid == os.getpid()
        sandbox.close()
    sys.exit(0)
assert os.waitpid(pid, 0)[1] == 0
assert not any(one.ended(0.5) for one in waiting)
with closing(sandbox.open(program, Limits())) as session:
    assert session.call("solve", 3).value == 3
    assert session._child in waiting
sandbox.close()
print("good")
"""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.stdout == "good\n", done.stderr
