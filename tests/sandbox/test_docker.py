"""Sessions in containers: what bounds them, what the host sees of them, and what it does where it sees nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from evolve.core.errors import InfrastructureError, ProblemError, UsageError
from evolve.core.types import Source, Status
from sandbox.config import DockerConfig
from sandbox.docker import DockerSandbox
from sandbox.docker import child as docker_child
from sandbox.docker import container as docker_container
from sandbox.docker.child import ContainerChild, GVisorChild
from sandbox.docker.engine import LABEL, Engine, owner
from sandbox.limits import MEBIBYTE, Limits
from sandbox.mounts import Tools
from sandbox.session import ProcessSession

pytestmark = pytest.mark.docker

PROGRAM = """
import ctypes, errno, os, signal, socket, sys, threading, time

def facts():
    status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines())
    names = ("CapEff", "CapPrm", "CapBnd", "NoNewPrivs", "Seccomp")
    ids = [*os.getresuid(), *os.getresgid(), *os.getgroups()]
    return {name: status.get(name, "").strip() for name in names} | {"ids": ids}

def attempts(tries):
    found = {}
    for text in tries:
        try:
            eval(text)
            found[text] = 0
        except OSError as error:
            found[text] = error.errno
    return found

def shown(paths):
    return {path: (os.listdir(path) if os.path.isdir(path) else open(path, "rb").read()) for path in paths}

def environment():
    return dict(os.environ)

def call(name, *args):
    return globals()[name](*args)

def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return time.process_time()

def child(seconds):
    pid = os.fork()
    if not pid:
        burn(seconds)
        os._exit(0)
    os.waitpid(pid, 0)

def multiply():
    while True:
        try:
            os.fork()
        except OSError:
            pass

def stay(*_):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        try:
            time.sleep(99)
        except BaseException:
            pass

def shout(size):
    while True:
        os.write(2, bytes(size))

def solve(value=None):
    return value
"""


HIDDEN = ("sys", "loadavg", "version", "uptime", "cmdline")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[DockerSandbox]:
    with closing(DockerSandbox()) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def gvisor() -> Iterator[DockerSandbox]:
    with closing(DockerSandbox(config=DockerConfig(runtime="runsc"))) as sandbox:
        yield sandbox


def opened(sandbox: DockerSandbox, text: str = PROGRAM, **limits: Any) -> Any:
    given = {"wall_seconds": 20.0, **limits}
    return closing(sandbox.open(Source({"program.py": text}, "solve"), Limits(**given)))


def child(session: ProcessSession) -> ContainerChild:
    found = session._child
    assert isinstance(found, ContainerChild)
    return found


def own(engine: Engine) -> list[str]:
    """Containers of this process, running or not."""
    return [one["Id"] for one in engine.api.containers(all=True, filters={"label": f"{LABEL}={owner()}"})]


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_what_the_engine_was_asked_for(sandbox: DockerSandbox, engine: Engine) -> None:
    with opened(sandbox, memory_bytes=200 * MEBIBYTE, file_bytes=MEBIBYTE) as session:
        found = engine.api.inspect_container(child(session).number)
    asked = found["HostConfig"]
    memory = 201 * MEBIBYTE + docker_container.OWN_BYTES
    assert (asked["NetworkMode"], asked["ReadonlyRootfs"], asked["CapDrop"]) == ("none", True, ["ALL"])
    assert (asked["Memory"], asked["MemorySwap"], asked["PidsLimit"]) == (memory, memory, 257)
    assert (asked["NanoCpus"], asked["IpcMode"], asked["CgroupnsMode"]) == (10**9, "none", "private")
    assert (asked["Init"], asked["LogConfig"]["Type"], asked["Privileged"]) == (False, "none", False)
    assert asked["SecurityOpt"] == ["no-new-privileges:true"]
    assert set(asked["Tmpfs"]["/tmp"].split(",")) >= {f"size={MEBIBYTE}", "nosuid", "nodev", "noexec"}
    assert not asked["Binds"]
    assert found["Config"]["User"] == "65534:65534"
    assert found["Config"]["Labels"][LABEL] == owner()


def test_a_program_is_nobody_and_may_nothing(sandbox: DockerSandbox) -> None:
    with opened(sandbox) as session:
        found = session.call("facts").value
        refused = session.call(
            "attempts",
            [
                "open('/x', 'w')",
                "open('/opt/x', 'w')",
                "open('/dev/shm/x', 'w')",
                "open('/proc/sys/kernel/core_pattern', 'w')",
                "open('/proc/sysrq-trigger', 'w')",
                "socket.socket()",
                "os.fork()",
                "os.setuid(0)",
                "os.mkfifo('/dev/x')",
                "os.kill(-1, 0)",
            ],
        )
        assert refused.status is Status.OK, refused.error
    assert set(found.pop("ids")) == {65534}
    assert found == {"CapEff": "0" * 16, "CapPrm": "0" * 16, "CapBnd": "0" * 16, "NoNewPrivs": "1", "Seccomp": "2"}
    allowed = [text for text, number in refused.value.items() if number == 0]
    assert not allowed


def test_what_is_seen_of_this_machine(sandbox: DockerSandbox) -> None:
    os.environ["EVOLVE_SECRET_OF_THE_TEST"] = "planted"
    try:
        with opened(sandbox) as session:
            found = session.call("shown", ["/sys", *(f"/proc/{name}" for name in HIDDEN), "/opt"])
            environment = session.call("environment").value
    finally:
        del os.environ["EVOLVE_SECRET_OF_THE_TEST"]
    folders = found.value.pop("/opt")
    assert set(folders) <= {"python", "packages"}
    assert not any(found.value.values()), found
    assert "planted" not in environment.values()
    assert not any("/root" in value or "/work" in value for value in environment.values())


def test_the_hosts_clock_is_that_of_the_process_and_begins_when_it_is_opened(sandbox: DockerSandbox) -> None:
    with opened(sandbox) as session:
        assert type(child(session)) is ContainerChild
        first = session.call("solve")
        reply = session.call("burn", 0.3)
    # The interpreter's own start is in its clock, and nobody is charged for it.
    assert 0.0 < first.cpu_seconds < reply.value - reply.cpu_seconds
    assert 0.29 < reply.cpu_seconds < 0.5


def test_children_are_counted(sandbox: DockerSandbox) -> None:
    with opened(sandbox, processes=2) as session:
        assert 0.29 < session.call("child", 0.3).cpu_seconds < 0.6
        session.last_call("child", 0.2)
    assert child(session).total_cpu_seconds > 0.49


def test_the_clock_of_gvisor_is_that_of_all_of_it(gvisor: DockerSandbox) -> None:
    with opened(gvisor) as session:
        assert type(child(session)) is GVisorChild
        # To bring up that kernel takes longer.
        assert 0.0 < session.call("solve").cpu_seconds < 0.15
        assert 0.15 < session.call("burn", 0.3).cpu_seconds < 1.5
    assert gvisor.confinement(Limits()).clock == "container"


def test_processes_in_gvisor_are_counted_about(gvisor: DockerSandbox) -> None:
    with opened(gvisor, processes=3) as session:
        for _ in range(4):
            assert session.call("child", 0.01).status is Status.OK
        reply = session.call("multiply")
        # They are many, or hold much, whichever is seen first; where the machine is slow gVisor itself may end before.
        assert reply.status in (Status.FORBIDDEN, Status.OUT_OF_MEMORY) or reply.died
        assert "process" in reply.error


@pytest.mark.parametrize("name", ["sandbox", "gvisor"])
def test_who_will_not_end_is_ended_at_once(name: str, request: pytest.FixtureRequest) -> None:
    with opened(request.getfixturevalue(name), wall_seconds=0.5) as session:
        began = time.monotonic()
        reply = session.call("stay")
        took = time.monotonic() - began
        assert reply.status is Status.TIMED_OUT
        assert took < 0.5 + 0.2
        assert child(session).ended(0.0)


def test_output_that_nobody_reads_fills_no_memory(sandbox: DockerSandbox) -> None:
    with opened(sandbox, PROGRAM + "\nthreading.Thread(target=shout, args=(4096,), daemon=True).start()\n") as session:
        before = _resident_bytes()
        time.sleep(1.0)
        assert _resident_bytes() - before < 8 * MEBIBYTE
        assert session.call("stay").status is Status.OUTPUT_FLOOD


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_container_is_used_once_and_nothing_is_left(engine: Engine) -> None:
    with closing(DockerSandbox()) as sandbox:
        numbers = set()
        for _ in range(4):
            with opened(sandbox) as session:
                numbers.add(child(session).number)
        assert len(numbers) == 4
        assert within(20.0, lambda: sandbox.is_settled(Limits(wall_seconds=20.0)))
        waiting = {future.result().number for kind in sandbox._ready.pool._waiting.values() for future in kind}
        assert len(waiting) == 2
        there = set(own(engine))
        assert waiting <= there
        assert not numbers & there
    assert not (waiting | numbers) & set(own(engine))


def test_without_a_pool_nothing_waits(engine: Engine) -> None:
    before = set(own(engine))
    with closing(DockerSandbox(config=DockerConfig(pool=0))) as sandbox:
        with opened(sandbox) as session:
            assert session.call("solve", 1).value == 1
            assert set(own(engine)) - before == {child(session).number}
        assert within(20.0, lambda: not set(own(engine)) - before)


def test_a_process_that_we_may_not_kill_is_killed_by_the_engine(
    sandbox: DockerSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(pidfd: int) -> None:
        raise PermissionError

    monkeypatch.setattr(docker_child, "kill", refuse)
    with opened(sandbox, wall_seconds=0.3) as session:
        began = time.monotonic()
        assert session.call("stay").status is Status.TIMED_OUT
        assert time.monotonic() - began < 0.3 + 1.0
        assert child(session).ended(0.0)


def test_a_container_that_somebody_else_removes_is_nobodys_verdict(sandbox: DockerSandbox, engine: Engine) -> None:
    with opened(sandbox) as session:
        engine.api.remove_container(child(session).number, force=True)
        with pytest.raises(InfrastructureError):
            session.call("solve")


def test_what_is_not_there_is_refused_by_its_key() -> None:
    source = Source({"program.py": PROGRAM}, "solve")
    for key, config in (
        ("docker:image=nobody/has-this:1", DockerConfig(image="nobody/has-this:1")),
        ("docker:image=UPPER Case", DockerConfig(image="UPPER Case")),
        ("runtime=no-such-runtime", DockerConfig(runtime="no-such-runtime")),
    ):
        with closing(DockerSandbox(config=config)) as sandbox:
            for refused in (sandbox.check, lambda box=sandbox: box.open(source, Limits())):
                with pytest.raises(UsageError) as caught:
                    refused()
                assert key in caught.value.message
                assert caught.value.remedy
    with pytest.raises(ProblemError, match=r"packages in problem.toml: no-such-package"):
        DockerSandbox(("no-such-package",))
    with pytest.raises(UsageError, match="a command needs this machine's programs") as caught:
        DockerSandbox(tools=Tools())
    assert "--sandbox bubblewrap" in caught.value.remedy


def test_too_little_memory_is_refused_and_the_least_is_enough(sandbox: DockerSandbox) -> None:
    with pytest.raises(ProblemError, match=r"limits.memory_mebibytes is 4,") as caught:
        sandbox.open(Source({"program.py": PROGRAM}, "solve"), Limits(memory_bytes=4 * MEBIBYTE))
    least = sandbox.minimum_memory_bytes()
    assert f"at least {least // MEBIBYTE}" in caught.value.remedy
    with opened(sandbox, memory_bytes=least) as session:
        assert session.call("solve", 1).value == 1


def test_what_stands_in_the_record(sandbox: DockerSandbox) -> None:
    found = sandbox.confinement(Limits(processes=3)).to_json()
    assert (found["backend"], found["clock"]) == ("docker", "process")
    assert found["limits"]["processes"] == {"value": 3, "by": "count by the host"}
    assert found["details"]["image"].startswith("evolve-sandbox:")
    assert "260 tasks" not in found["details"]["container"]
    assert "259 tasks" in found["details"]["container"]
