"""GPUs that are not there, leased to one at a time: over processes and copies of them, forgotten, removed, killed."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fake_gpu import HOLD, Machine, device, hold, kill, let_end, tickets, wait_for

from evolve.core.errors import UnavailableError, UsageError
from sandbox import gpu
from sandbox.gpu.marks import Marks
from sandbox.limits import Limits

ONE = Limits(gpus=1)


def test_one_at_a_time_over_processes(machine: Machine) -> None:
    other = hold(machine)
    with pytest.raises(UnavailableError, match="became free"):
        gpu.lease(ONE, 0.2)
    let_end(other)
    with gpu.lease(ONE, 5.0), pytest.raises(UnavailableError):
        gpu.lease(ONE, 0.1)


def test_two_devices_for_two(machine: Machine) -> None:
    machine.write({"driver": "580.1", "devices": [device(0), device(1)]})
    with gpu.lease(ONE) as one, gpu.lease(ONE) as two:
        assert {one.device.uuid, two.device.uuid} == {"GPU-0", "GPU-1"}


def test_a_killed_holder_and_a_killed_waiter_are_no_obstacle(machine: Machine) -> None:
    other = hold(machine)
    waiter = machine.python(HOLD)
    wait_for(lambda: tickets(machine) == 1)
    for process in (waiter, other):
        kill(process)
    assert tickets(machine) == 1
    with gpu.lease(ONE, 5.0):
        assert tickets(machine) == 0


def test_who_waits_longest_is_next(machine: Machine, tmp_path: Path) -> None:
    order = tmp_path / "order"
    held = gpu.lease(ONE)
    waiters = []
    for number in range(3):
        text = HOLD.replace('"x"', f'"{number}"').replace("sys.argv[1] if len(sys.argv) > 1 else", "sys.argv[0] and")
        waiters.append(machine.python(text.replace('"/dev/null"', repr(str(order)))))
        wait_for(lambda number=number: tickets(machine) == number + 1)
    held.release()
    for number, waiter in enumerate(waiters):
        wait_for(lambda number=number: order.exists() and len(order.read_text()) == number + 1)
        let_end(waiter)
    assert order.read_text() == "012"


def test_a_folder_of_somebody_else_is_refused(machine: Machine) -> None:
    machine.leases.mkdir(mode=0o755)
    machine.leases.chmod(0o777)
    with pytest.raises(UsageError, match="not a folder of this user alone"):
        gpu.lease(ONE)


@pytest.mark.parametrize("kind", ["link", "foreign", "open", "file", "dangling"])
def test_nothing_is_made_in_a_place_that_is_refused(machine: Machine, tmp_path: Path, kind: str) -> None:
    place = tmp_path / "elsewhere"
    if kind != "dangling":
        place.mkdir(mode=0o700)
    if kind == "foreign":
        if os.getuid():
            pytest.skip("only root can give a folder away")
        os.chown(place, 1000, 1000)
    if kind == "open":
        place.chmod(0o770)
    if kind == "file":
        machine.leases.touch()
    elif kind in ("link", "dangling"):
        machine.leases.symlink_to(place)
    else:
        place = place.rename(machine.leases)
    with pytest.raises(UsageError, match="not a folder of this user alone"):
        Marks()
    assert not place.exists() or os.listdir(place) == []


def test_a_forgotten_lease_is_given_back(machine: Machine) -> None:
    held = gpu.lease(ONE)
    del held
    gc.collect()
    with gpu.lease(ONE, 0.1):
        pass


@contextmanager
def a_copy(fork: Callable[[], int]) -> Iterator[None]:
    """A copy of this process, made by a fork, that lives until the end of the block."""
    pid = fork()
    if pid == 0:
        signal.pause()
        os._exit(1)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@pytest.mark.parametrize("fork", [os.fork, ctypes.PyDLL(None).fork], ids=["by Python", "by others"])
def test_a_copy_of_the_holder_does_not_keep_the_device(machine: Machine, fork: Callable[[], int]) -> None:
    held = gpu.lease(ONE)
    with a_copy(fork):
        with pytest.raises(UnavailableError):
            gpu.lease(ONE, 0.1)
        held.release()
        with gpu.lease(ONE, 0.1):
            pass


COPIED = """
import os, signal
child = os.fork()
if child == 0:
    os.close(1)
    signal.pause()
print(child, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(
    "what", ["held = lease(Limits(gpus=1))", "place = gpu_marks.Marks().queue(); place.__enter__()"]
)
def test_a_copy_of_a_killed_process_keeps_neither_device_nor_place(machine: Machine, what: str) -> None:
    head = "import sys\nfrom sandbox.gpu import lease\nfrom sandbox.limits import Limits\n"
    other = machine.python(f"{head}{what}{COPIED}")
    assert other.stdout
    copy = int(other.stdout.readline())
    try:
        kill(other)
        os.kill(copy, 0)
        with gpu.lease(ONE, 5.0):
            assert tickets(machine) == 0
    finally:
        os.kill(copy, signal.SIGKILL)


def test_a_copy_gives_nothing_back(with_cuda: Machine) -> None:
    with gpu.lease(ONE) as held:
        before = (with_cuda.leases / "GPU-0.lease").read_text()
        pid = os.fork()
        if pid == 0:
            held.release()
            del held
            gc.collect()
            os._exit(0)
        os.waitpid(pid, 0)
        assert (with_cuda.leases / "GPU-0.lease").read_text() == before
        assert Marks().lock("GPU-0") is None


def test_a_lease_outlives_the_removal_of_its_file(machine: Machine) -> None:
    machine.write({"driver": "580.1", "devices": [device(0), device(1)]})
    with gpu.lease(ONE):
        (machine.leases / "GPU-0.lease").unlink()
        with gpu.lease(ONE, 0.1) as other:
            assert other.device.uuid == "GPU-1"
            (machine.leases / "GPU-1.lease").unlink()
            with pytest.raises(UnavailableError):
                gpu.lease(ONE, 0.1)
    with gpu.lease(ONE, 0.1):
        pass
