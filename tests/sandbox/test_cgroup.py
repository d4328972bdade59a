"""Control groups: where they can be made, what they bound, and what they leave."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import cgroup, cgroup_place
from sandbox.cgroup import Group
from sandbox.cgroup_place import Place
from sandbox.limits import MEBIBYTE

ROOT = Path(__file__).resolve().parents[2]
HERE = cgroup.unavailable()
needs_groups = pytest.mark.skipif(HERE is not None, reason=f"no control group can be made: {HERE}")
FIRST_MOUNT = "30 20 0:26 / {top}/{name} rw,relatime shared:9 - cgroup {name} rw,{name}\n"
SECOND_MOUNT = "29 20 0:25 {root} {top} rw shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
SLICES = ("", "/user.slice", "/user.slice/user-7.slice", "/user.slice/user-7.slice/session 2.scope")


@pytest.fixture
def group() -> Iterator[Group]:
    made = Group.create("test")
    assert made is not None
    yield made
    made.close()
    assert not any(os.path.exists(folder) for folder in folders(made))


@pytest.fixture
def remembers_nothing() -> Iterator[None]:
    for cached in (cgroup_place.place, cgroup._sweep):
        cached.cache_clear()
    yield
    for cached in (cgroup_place.place, cgroup._sweep):
        cached.cache_clear()


def folders(group: Group) -> list[str]:
    return group._distinct()


class Waiting:
    """An interpreter that runs the text once it is told to; its output goes nowhere."""

    def __init__(self, text: str) -> None:
        command = [sys.executable, "-S", "-c", f"input()\n{text}"]
        self._popen = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.pid = self._popen.pid

    def go(self) -> None:
        assert self._popen.stdin is not None
        self._popen.stdin.write(b"\n")
        self._popen.stdin.flush()

    def end(self) -> int:
        """Waits for it and for nobody whom it has started."""
        status = self._popen.wait(20)
        self._popen.communicate()
        return status


def tree(top: Path) -> Path:
    """A hierarchy of version 2 as systemd makes it: all but the session itself hand their controllers on."""
    for slice_ in SLICES:
        folder = Path(f"{top}{slice_}")
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in (
            ("cgroup.controllers", "cpuset cpu io memory pids"),
            ("cgroup.procs", ""),
            ("cgroup.subtree_control", "" if folder.suffix == ".scope" else "memory pids"),
            ("memory.max", "max\n"),
        ):
            (folder / name).write_text(text)
    # A group with processes refuses to hand anything on; here nobody can write it.
    (folder / "cgroup.subtree_control").unlink()
    (folder / "cgroup.subtree_control").mkdir()
    return top


def found_below(top: Path, own: str = SLICES[-1], root: str = "/") -> Place:
    mount = SECOND_MOUNT.format(top=str(top).replace(" ", "\\040"), root=root.replace(" ", "\\040"))
    return cgroup_place.find(f"0::{own}\n", mount)


def test_version_1_makes_groups_below_its_own(tmp_path: Path) -> None:
    names = ("memory", "pids", "cpuacct")
    for name in names:
        (tmp_path / name / "a" / "b").mkdir(parents=True)
    mounts = "".join(FIRST_MOUNT.format(top=tmp_path, name=name) for name in names)
    own = "4:memory:/a/b\n3:pids:/\n2:cpu,cpuacct:/a\n1:name=systemd:/a\n0::/a\n"
    expected = {"memory": f"{tmp_path}/memory/a/b", "pids": f"{tmp_path}/pids", "cpuacct": f"{tmp_path}/cpuacct/a"}
    assert cgroup_place.find(own, mounts) == Place("cgroup v1", expected)
    (tmp_path / "pids").rename(tmp_path / "elsewhere")
    assert set(cgroup_place.find(own, mounts).folders) == {"memory", "cpuacct"}
    (tmp_path / "memory").rename(tmp_path / "not here")
    missing = cgroup_place.find(own, mounts)
    assert not missing.folders and "controller memory" in missing.reason


def test_version_2_takes_the_nearest_group_that_hands_controllers_on(tmp_path: Path) -> None:
    top = tree(tmp_path / "a top")
    slice_ = f"{top}{SLICES[2]}"
    assert found_below(top) == Place("cgroup v2", {"memory": slice_, "pids": slice_})
    assert found_below(Path(slice_), root=SLICES[2]).folders["pids"] == slice_
    switches = Path(slice_) / "cgroup.subtree_control"
    switches.write_text("pids")
    assert found_below(top).folders["memory"] == os.path.dirname(slice_)
    assert switches.read_text() == "+memory +pids"  # what it was asked, and no kernel is there to do


def test_version_2_escapes_no_limit(tmp_path: Path) -> None:
    top = tree(tmp_path)
    Path(f"{top}{SLICES[-1]}/memory.max").write_text("1000000\n")
    found = found_below(top)
    assert not found.folders and "limits" in found.reason


def test_version_2_without_the_controller_or_outside_of_the_mount(tmp_path: Path) -> None:
    top = tree(tmp_path)
    for slice_ in SLICES:
        Path(f"{top}{slice_}/cgroup.controllers").write_text("hugetlb")
        if slice_ != SLICES[-1]:
            Path(f"{top}{slice_}/cgroup.subtree_control").write_text("")
    assert "is off" in found_below(top).reason
    assert "outside" in found_below(top, own="/../other").reason
    assert "outside" in found_below(top, own="/user.slice", root="/user.slice/user-7.slice").reason
    assert "mounted" in cgroup_place.find("", "").reason


def test_a_user_who_may_not_is_told_so(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        found = cgroup_place.find("0::/\n", SECOND_MOUNT.format(top="/proc/self/ns", root="/"))
    else:
        found = cgroup_place.find("0::/\n", SECOND_MOUNT.format(top="/sys", root="/"))
    assert not found.folders and "may not make groups" in found.reason


@needs_groups
def test_all_processes_together_are_bounded(group: Group) -> None:
    group.limit(memory_bytes=48 * MEBIBYTE)
    assert group.out_of_memory_kills() == 0
    text = "import os, time\nfor i in range(3):\n  if not os.fork(): block = bytearray(b'x') * (30 << 20); break\n"
    process = Waiting(text + "time.sleep(60)")
    group.add(process.pid)
    process.go()
    deadline = time.monotonic() + 20
    while not group.out_of_memory_kills() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert group.out_of_memory_kills() >= 1
    peak_bytes = group.memory_peak_bytes()
    assert peak_bytes is None or 40 * MEBIBYTE < peak_bytes <= 49 * MEBIBYTE
    group.kill()
    assert process.end() < 0


@needs_groups
def test_threads_are_bounded_and_counted(group: Group) -> None:
    if "pids" not in group.controllers:
        pytest.skip("tasks are not counted here")
    group.limit(tasks=5)
    process = Waiting("import os, time\nwhile True:\n  if not os.fork(): time.sleep(60)")
    group.add(process.pid)
    assert group.tasks() == 1
    process.go()
    assert process.end() == 1  # BlockingIOError
    assert group.tasks() == 4
    group.kill()
    deadline = time.monotonic() + 10
    while group.tasks() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert group.tasks() == 0


@needs_groups
def test_limits_can_be_raised_and_lowered_again(group: Group) -> None:
    for mebibytes in (64, 256, 32, 1024):
        group.limit(memory_bytes=mebibytes * MEBIBYTE, tasks=mebibytes)
    process = Waiting("block = bytearray(b'x') * (100 << 20)")
    group.add(process.pid)
    process.go()
    assert process.end() == 0 and group.out_of_memory_kills() == 0
    with pytest.raises(OSError):
        group.limit(tasks=-5)


@needs_groups
def test_time_of_processes_that_nobody_waits_for_is_counted(group: Group) -> None:
    text = "import os, signal, time\nsignal.signal(17, signal.SIG_IGN)\n"
    text += "if os.fork(): time.sleep(1)\nwhile time.process_time() < 0.3: pass\n"
    process = Waiting(text)
    group.add(process.pid)
    before = group.cpu_seconds()
    if before is None:
        pytest.skip("processor time is not counted here")
    process.go()
    process.end()
    after = group.cpu_seconds()
    assert after is not None and 0.55 < after - before < 2.0


@needs_groups
def test_close_ends_what_is_left(group: Group) -> None:
    process = Waiting("import time; time.sleep(99)")
    group.add(process.pid)
    with pytest.raises(ProcessLookupError):
        group.add(2**22 - 1)
    group.close()
    group.close()
    assert process.end() == -9


@needs_groups
def test_what_a_killed_process_left_is_removed_by_the_next(remembers_nothing: None) -> None:
    text = """
import os, signal, subprocess
from sandbox.cgroup import Group
group = Group.create("left")
child = subprocess.Popen(["sleep", "99"], stdout=subprocess.DEVNULL)
group.add(child.pid)
print(child.pid, *group._distinct(), sep="\\n", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.run([sys.executable, "-c", text], env=environment, stdout=subprocess.PIPE, check=False)
    pid, *left = process.stdout.decode().split()
    mine = Group.create("mine")
    assert mine is not None
    try:
        assert process.returncode == -9 and left
        assert not any(os.path.exists(folder) for folder in left)
        assert all(os.path.exists(folder) for folder in folders(mine))
        stat = Path(f"/proc/{pid}/stat")
        assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"
    finally:
        mine.close()


@needs_groups
def test_groups_of_the_living_and_of_others_are_let_be(remembers_nothing: None) -> None:
    mine = Group.create("mine")
    assert mine is not None
    parent = os.path.dirname(folders(mine)[0])
    foreign = [f"{parent}/somebody", f"{parent}/1-{os.getpid()}-1-x0"]  # another name, another namespace
    try:
        for folder in foreign:
            os.mkdir(folder)
        cgroup._sweep.cache_clear()
        other = Group.create("other")
        assert other is not None
        other.close()
        assert all(os.path.exists(folder) for folder in [*foreign, *folders(mine)])
    finally:
        for folder in foreign:
            os.rmdir(folder)
        mine.close()


def test_nothing_can_be_made_where_there_is_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroup, "place", lambda: Place("cgroup v2", reason="nobody may"))
    assert Group.create() is None
    assert cgroup.unavailable() == "nobody may"
    monkeypatch.setattr(cgroup, "place", lambda: Place("cgroup v1", {"memory": "/proc/1"}))
    assert Group.create() is None
    assert "/proc/1" in str(cgroup.unavailable())


def test_numbers_of_version_2_are_read_from_its_files(tmp_path: Path) -> None:
    for name, text in (
        ("memory.peak", "1234\n"),
        ("memory.events", "low 0\nhigh 0\nmax 9\noom 2\noom_kill 3\noom_group_kill 0\n"),
        ("cpu.stat", "usage_usec 1500000\nuser_usec 1\nsystem_usec 2\n"),
        ("pids.current", "7\n"),
        ("pids.max", "max"),
        ("memory.max", "max"),
        ("memory.swap.max", "max"),
    ):
        (tmp_path / name).write_text(text)
    group = Group("cgroup v2", {"memory": str(tmp_path), "pids": str(tmp_path)})
    assert (group.memory_peak_bytes(), group.out_of_memory_kills()) == (1234, 3)
    assert (group.cpu_seconds(), group.tasks()) == (1.5, 7)
    group.limit(memory_bytes=99, tasks=4)
    assert [(tmp_path / name).read_text()[:2] for name in ("memory.max", "pids.max")] == ["99", "4a"]
    assert (tmp_path / "memory.swap.max").read_text()[0] == "0"
    # The machine was short of memory, not the group.
    (tmp_path / "memory.events").write_text("oom 0\noom_kill 1\n")
    assert group.out_of_memory_kills() == 0
