"""GPUs that are not there: found, leased to one at a time, overwritten in between, given up when they are faulty."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

import pytest
from fake_gpu import HOLD, Machine, device, hold, kill

from evolve.core.errors import InfrastructureError, ProblemError, UsageError
from sandbox import gpu
from sandbox.base import Confinement
from sandbox.gpu import leases, nvml
from sandbox.gpu.marks import Marks
from sandbox.limits import MEBIBYTE, Limits

ONE = Limits(gpus=1)
BARE = Confinement(
    "test", "test", "process", {"memory_bytes": (1, "address space of each process, cgroup v2")}, {"tools": "none"}
)


def test_devices_as_the_driver_tells_of_them(machine: Machine) -> None:
    machine.write({"driver": "580.1", "devices": [device(0), device(1, mig=None, uncorrected=None), device(2, mig=1)]})
    found = gpu.devices()
    assert [(one.index, one.minor, one.uuid, one.name, one.total_bytes) for one in found] == [
        (number, number + 3, f"GPU-{number}", "Fake H1", 1024 * MEBIBYTE) for number in range(3)
    ]
    assert [one.partitioned for one in found] == [False, False, True]
    assert found[0].path == "/dev/nvidia3" and found[0].driver == "580.1"
    assert gpu.unavailable() is None


@pytest.mark.parametrize(
    "error", ["LibraryNotFound", "DriverNotLoaded", "NoPermission", "LibRmVersionMismatch", "Unknown"]
)
def test_no_driver_is_one_line_with_its_remedy(machine: Machine, error: str) -> None:
    machine.write({"driver": "580.1", "devices": [], "error": error})
    assert gpu.devices() == ()
    reason = gpu.unavailable()
    assert isinstance(reason, UsageError) and "driver" in reason.message and reason.remedy
    assert "\n" not in reason.message + reason.remedy
    with pytest.raises(UsageError, match="driver"):
        gpu.lease(ONE)


def test_no_device(machine: Machine) -> None:
    machine.write({"driver": "580.1", "devices": []})
    with pytest.raises(UsageError, match="finds no device"):
        gpu.lease(ONE)
    assert gpu.devices() == ()


def test_no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    nvml._initialised.cache_clear()
    reason = gpu.unavailable()
    nvml._initialised.cache_clear()
    assert reason is not None and "nvidia-ml-py" in reason.message and "pip install" in reason.remedy


def test_a_device_that_does_not_answer_is_listed_and_not_leased(machine: Machine) -> None:
    machine.write({"driver": "580.1", "devices": [device(0, error="GpuIsLost"), device(1)]})
    assert [bool(one.fault) for one in gpu.devices()] == [True, False]
    with gpu.lease(ONE) as held:
        assert held.device.uuid == "GPU-1"
    machine.change(1, mig=1)
    with pytest.raises(InfrastructureError, match=re.escape("fallen off the bus; GPU 1 (Fake H1): it is split by MIG")):
        gpu.lease(ONE)
    machine.change(0, error=None, mig=1)
    with pytest.raises(UsageError, match="can be leased as a whole"):
        gpu.lease(ONE)


def test_names_are_those_of_the_package() -> None:
    real = pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")
    named = re.findall(r"nvml\.(\w+)", Path(nvml.__file__).read_text())
    errors = [f"NVMLError_{name}" for name in [*nvml._MESSAGES, *nvml._FAULTS]]
    assert len(named) > 10
    missing = [name for name in [*named, *errors] if not hasattr(real, name) and "nvml" in name.lower()]
    assert missing == []
    assert real.NVML_DEVICE_MIG_ENABLE == 1 and real.NVML_MEMORY_ERROR_TYPE_UNCORRECTED == 1


def test_too_much_memory_names_the_key(machine: Machine) -> None:
    with pytest.raises(ProblemError, match="gpu_memory_bytes") as caught:
        gpu.lease(Limits(gpus=1, gpu_memory_bytes=2048 * MEBIBYTE))
    assert "gpu_memory_mebibytes" in caught.value.remedy and "1024" in caught.value.remedy


def test_memory_is_overwritten_before_the_next(with_cuda: Machine) -> None:
    with gpu.lease(ONE) as held:
        assert re.fullmatch("overwritten and read back after each program: 6[0-3] of 64 MiB", held.scrubbed)
    lock = Marks().lock("GPU-0")
    assert lock is not None and lock.clean
    lock.close()


def test_what_a_killed_holder_left_is_overwritten_by_the_next(with_cuda: Machine) -> None:
    other = hold(with_cuda)
    kill(other)
    lock = Marks().lock("GPU-0")
    assert lock is not None and not lock.clean
    lock.close()
    with gpu.lease(ONE) as held:
        assert "overwritten and read back" in held.scrubbed


@pytest.mark.parametrize(
    ("wrong", "said"), [("deaf", "does not hold what was written"), ("lost", "cuMemsetD8_v2 fails with error 700")]
)
def test_memory_that_can_not_be_overwritten_is_a_fault(
    with_cuda: Machine, monkeypatch: pytest.MonkeyPatch, wrong: str, said: str
) -> None:
    held = gpu.lease(ONE)
    monkeypatch.setenv("FAKE_CUDA", wrong)
    held.release()
    with pytest.raises(InfrastructureError, match=said) as caught:
        gpu.lease(ONE)
    assert "evolve doctor" in caught.value.remedy
    assert said in str(gpu.recheck(gpu.devices()[0]))
    monkeypatch.delenv("FAKE_CUDA")
    assert gpu.recheck(gpu.devices()[0]) is None
    with gpu.lease(ONE):
        pass


def test_what_could_not_be_overwritten_is_said(with_cuda: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_CUDA", "none")
    with gpu.lease(ONE) as held:
        assert "not overwritten between programs: cuInit finds no device" in held.scrubbed
    monkeypatch.setenv("FAKE_CUDA", "busy")
    found = gpu.recorded(BARE, ONE)
    assert found.details == {
        "tools": "none",
        "gpu": "GPU 0 (Fake H1), driver 580.1",
        "gpu memory": "overwritten between programs but for what others hold: 32 of 64 MiB",
    }
    assert found.limits["gpu_memory_bytes"] == (1024 * MEBIBYTE, "the device's own size")
    assert found.limits["memory_bytes"] == (ONE.memory_bytes, "resident memory as seen, cgroup v2")


def test_without_cuda_nothing_is_overwritten_and_the_record_says_so(machine: Machine) -> None:
    found = gpu.recorded(BARE, Limits(gpus=1, gpu_memory_bytes=MEBIBYTE))
    assert "not overwritten between programs: libcuda.so.1 can not be loaded" in found.details["gpu memory"]
    assert found.limits["gpu_memory_bytes"] == (MEBIBYTE, "count by the host, as the driver tells it")


def test_held_memory_is_that_of_the_programs_processes(machine: Machine) -> None:
    machine.change(processes={"1": 500})
    with gpu.lease(ONE) as held:
        machine.change(processes={"1": 500, "77": 40, str(os.getpid()): 8})
        assert held.held_bytes([77]) == 40
        # The answer of a moment ago.
        machine.change(processes={"1": 500, "77": 41})
        assert held.held_bytes([77]) == 40
        time.sleep(0.1)
        assert held.held_bytes([77]) == 41
        time.sleep(0.1)
        # Numbers of another pid namespace: not there when the lease began, nobody here.
        machine.change(processes={"1": 500, "99999999": 7})
        assert held.held_bytes([77]) == 7
        time.sleep(0.1)
        machine.change(processes={"1": 500, "77": None}, used=30 * MEBIBYTE)
        assert held.held_bytes([77]) == 20 * MEBIBYTE
        machine.change(processes={})


def test_memory_that_outlives_its_process_is_a_fault(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "GONE_SECONDS", 0.2)
    held = gpu.lease(ONE)
    machine.change(processes={"77": 40})
    held.held_bytes([77])
    held.release()
    with pytest.raises(InfrastructureError, match="process 77 is gone and still holds memory"):
        gpu.lease(ONE)


def test_memory_that_a_killed_holders_program_holds_is_a_fault(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "GONE_SECONDS", 0.2)
    other = machine.python(HOLD.replace("print(", "held._weigh(frozenset([77]))\nprint("))
    machine.change(processes={"77": 40})
    assert other.stdout and other.stdout.readline() == "GPU-0\n"
    kill(other)
    with pytest.raises(InfrastructureError, match="process 77 is gone and still holds memory"):
        gpu.lease(ONE)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"error": "GpuIsLost"}, "fallen off the bus"),
        ({"error": "Unknown"}, "unknown reason"),
        ({"uncorrected": 2}, "2 errors of its memory"),
    ],
)
def test_a_fault_that_outlives_the_program_marks_the_device(
    machine: Machine, change: dict[str, object], said: str
) -> None:
    machine.write({"driver": "580.1", "devices": [device(0), device(1)]})
    with gpu.lease(ONE) as held:
        machine.change(0, **change)
        with pytest.raises(InfrastructureError, match=f"GPU 0 .* failed while a program ran on it: .*{said}"):
            held.verify()
    machine.change(0, error=None)
    assert said in str(Marks().unhealthy("GPU-0"))
    with gpu.lease(ONE) as held:
        assert held.device.uuid == "GPU-1"
    machine.write({"driver": "580.1", "devices": [device(0)]})
    with pytest.raises(InfrastructureError, match=f"no GPU is fit to be used: .*{said}"):
        gpu.lease(ONE)
    assert gpu.recheck(gpu.devices()[0]) is None
    with gpu.lease(ONE) as held:
        assert held.device.uuid == "GPU-0"


def test_a_fault_that_passes_with_the_program_marks_nothing(machine: Machine) -> None:
    with gpu.lease(ONE) as held:
        machine.change(0, error="Timeout")
        with pytest.raises(InfrastructureError):
            held.verify()
        machine.change(0, error=None)
    assert Marks().unhealthy("GPU-0") is None


def test_the_doctor_tells_of_a_marked_device_and_lets_one_that_is_sound_be_used(machine: Machine) -> None:
    from evolve.doctor import services

    Marks().mark_unhealthy("GPU-0", "it smells")
    machine.change(processes={"1": 1}, error="GpuIsLost")
    assert "fallen off the bus" in services.gpu().says
    assert Marks().unhealthy("GPU-0") == "it smells"
    machine.change(error=None)
    assert "fault" not in services.gpu().says and "Fake H1" in services.gpu().says
    assert Marks().unhealthy("GPU-0") is None


def test_a_driver_that_stops_answering_is_no_fault_of_the_user(machine: Machine) -> None:
    assert gpu.devices()
    machine.write({"devices": [], "gone": True})
    with pytest.raises(InfrastructureError, match="does not answer"):
        gpu.lease(ONE)
    assert gpu.devices() == () and "does not answer" in str(gpu.unavailable())


def test_marks_are_of_this_boot(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    Marks().mark_unhealthy("GPU-0", "it smells")
    assert Marks().unhealthy("GPU-0") == "it smells"
    monkeypatch.setattr("sandbox.gpu.marks._boot", lambda: "another")
    assert Marks().unhealthy("GPU-0") is None


def test_a_device_in_use_is_not_rechecked(machine: Machine) -> None:
    with gpu.lease(ONE) as held:
        assert gpu.recheck(held.device) == "a program runs on it"
