"""Programs with a GPU that is not there, in real sandboxes: what they see, what stops them, and whose fault it is."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import fake_gpu
import pytest
from fake_gpu import Machine

from evolve.core.errors import InfrastructureError, UsageError
from evolve.core.types import Source, Status
from evolve.problem_file import LimitsSpec
from sandbox import seccomp, wire
from sandbox.bubblewrap import BubblewrapSandbox
from sandbox.gpu import view as gpu_view
from sandbox.gpu.marks import Marks
from sandbox.limits import MEBIBYTE, Limits
from sandbox.process import readable
from sandbox.session import ProcessSession
from sandbox.unsandboxed import UnsandboxedSandbox

LIMITS = Limits(wall_seconds=20.0, gpus=1, memory_bytes=256 * MEBIBYTE, gpu_memory_bytes=64 * MEBIBYTE)


@pytest.fixture
def sandbox() -> Iterator[BubblewrapSandbox]:
    made = BubblewrapSandbox()
    yield made
    made.close()


def opened(sandbox: BubblewrapSandbox, text: str, limits: Limits = LIMITS) -> ProcessSession:
    return sandbox.open(Source({"program.py": text}, "solve"), limits)


def during(session: ProcessSession, act: Callable[[int], None]) -> Callable[[], None]:
    """Lets `act` happen to the process of the session in a moment."""

    def later() -> None:
        time.sleep(0.2)
        act(session._child.pid)

    thread = threading.Thread(target=later)
    thread.start()
    return thread.join


SEES = """
import os, socket, threading

def attempt(action):
    try:
        return str(action())
    except OSError as error:
        return error.strerror

def others():
    # What in /proc and /sys is not of this process.
    for top in ("/proc", "/sys"):
        for folder, folders, files in os.walk(top):
            if folder == "/proc":
                folders[:] = [name for name in folders if not name.isdigit() and name not in ("self", "thread-self")]
            yield from (os.path.join(folder, name) for name in files)

def solve():
    with open(f"/proc/self/task/{threading.get_native_id()}/comm", "w") as file:
        file.write("named")
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind("\\0cuda-uvmfd-1")
    listening.listen(1)
    other = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    return {
        "visible": os.environ["CUDA_VISIBLE_DEVICES"],
        "pids": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
        "file": os.memfd_create("x") > 0,
        "connect": attempt(lambda: other.connect("\\0cuda-uvmfd-1")),
        "internet": attempt(lambda: socket.socket(socket.AF_INET)),
        "writable": [path for path in others() if attempt(lambda: os.close(os.open(path, os.O_WRONLY))) == "None"],
        "empty": all(not os.listdir(f"/proc/{name}") for name in ("irq", "fs") if os.path.exists(f"/proc/{name}")),
        "addresses": open("/proc/sys/vm/mmap_min_addr").read() != "",
        "devices": sorted(os.listdir("/dev")),
    }
"""


@pytest.mark.bubblewrap
def test_what_a_program_with_a_gpu_sees(machine: Machine, sandbox: BubblewrapSandbox) -> None:
    session = opened(sandbox, SEES)
    reply = session.call("solve")
    session.close()
    assert reply.status is Status.OK, reply.error
    assert reply.value == {
        "visible": "GPU-0",
        "pids": [1],
        "file": True,
        "connect": "Operation not permitted",
        "internet": "Operation not permitted",
        "writable": [],
        "empty": True,
        "addresses": True,
        "devices": ["null", "urandom"],
    }


@pytest.mark.bubblewrap
def test_without_a_gpu_none_of_this_is_there(machine: Machine, sandbox: BubblewrapSandbox) -> None:
    text = "import os\ndef solve(): return os.path.exists('/proc/self'), 'CUDA_VISIBLE_DEVICES' in os.environ"
    session = opened(sandbox, text, Limits())
    assert session.call("solve").value == (False, False)
    session.close()
    assert not machine.leases.exists()


@pytest.mark.bubblewrap
def test_the_device_is_the_sessions_until_it_is_closed(machine: Machine, sandbox: BubblewrapSandbox) -> None:
    session = opened(sandbox, "def solve(): return 1")
    assert Marks().lock("GPU-0") is None
    assert session.call("solve").value == 1
    session.close()
    session.close()
    lock = Marks().lock("GPU-0")
    assert lock is not None
    lock.close()
    reply = opened(sandbox, "def solve(): return 2").last_call("solve")
    assert reply.value == 2
    assert opened(sandbox, "def solve(): return 3").last_call("solve").value == 3


@pytest.mark.bubblewrap
def test_a_forgotten_session_ends_its_program_and_then_gives_the_device_back(
    machine: Machine, sandbox: BubblewrapSandbox
) -> None:
    session = opened(sandbox, "def solve(): return 1")
    pidfd = os.pidfd_open(session._child.pid)
    del session
    gc.collect()
    ended = readable(pidfd, 0.0)
    os.close(pidfd)
    lock = Marks().lock("GPU-0")
    assert ended and lock is not None and not lock.clean
    lock.close()


@pytest.mark.bubblewrap
def test_a_session_that_does_not_open_gives_the_device_back(machine: Machine, sandbox: BubblewrapSandbox) -> None:
    for _ in range(2):
        with pytest.raises(Exception, match=r"driver\.py"):
            sandbox.open(Source({"program.py": ""}, "solve"), LIMITS, driver="1/0")


@pytest.mark.bubblewrap
@pytest.mark.parametrize("grouped", [True, False])
def test_addresses_are_not_limited_and_resident_memory_is(
    machine: Machine, sandbox: BubblewrapSandbox, monkeypatch: pytest.MonkeyPatch, grouped: bool
) -> None:
    if not grouped:
        monkeypatch.setattr("sandbox.launch.Group.create", lambda: None)
    text = """
import mmap
def solve(): return len(mmap.mmap(-1, 1 << 34, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
def fill():
    data = bytearray(b"x") * (1 << 29)
    while True: pass
"""
    session = opened(sandbox, text)
    assert session.call("solve").value == 1 << 34
    reply = session.call("fill")
    assert reply.status is Status.OUT_OF_MEMORY, reply.error
    session.close()


@pytest.mark.bubblewrap
def test_memory_of_the_device_is_limited(machine: Machine, sandbox: BubblewrapSandbox) -> None:
    session = opened(sandbox, "def quick(): return 1\ndef solve():\n    while True: pass")
    machine.change(processes={str(session._child.pid): 63 * MEBIBYTE})
    assert session.call("quick").value == 1
    join = during(session, lambda pid: machine.change(processes={str(pid): 65 * MEBIBYTE}))
    reply = session.call("solve")
    join()
    assert reply.status is Status.OUT_OF_MEMORY and "GPU" in reply.error
    assert reply.wall_seconds < 10.0
    machine.change(processes={})
    session.close()
    assert Marks().unhealthy("GPU-0") is None


@pytest.mark.bubblewrap
@pytest.mark.parametrize(
    ("change", "said"), [({"error": "GpuIsLost"}, "fallen off"), ({"uncorrected": 1}, "1 errors of its memory")]
)
@pytest.mark.parametrize("body", ["time.sleep(0.6); return 1", "time.sleep(0.6); os._exit(1)", "time.sleep(99)"])
def test_a_device_that_fails_in_the_middle_gives_no_verdict(
    machine: Machine, sandbox: BubblewrapSandbox, body: str, change: dict[str, object], said: str
) -> None:
    limits = Limits(wall_seconds=2.0, gpus=1, gpu_memory_bytes=MEBIBYTE)
    session = opened(sandbox, f"import os, time\ndef solve(): {body}", limits)
    join = during(session, lambda pid: machine.change(**change))
    with pytest.raises(InfrastructureError, match=said):
        session.call("solve")
    join()
    # The process is gone and the device given back already.
    assert said in str(Marks().unhealthy("GPU-0"))
    session.close()
    with pytest.raises(InfrastructureError, match="no GPU is fit"):
        opened(sandbox, "def solve(): return 1")


@pytest.mark.bubblewrap
def test_the_record_says_what_bounds_a_program_with_a_gpu(machine: Machine, sandbox: BubblewrapSandbox) -> None:
    found = sandbox.confinement(LIMITS)
    assert found.limits["gpus"] == (1, "lease of a whole device")
    assert found.limits["gpu_memory_bytes"] == (64 * MEBIBYTE, "count by the host, as the driver tells it")
    assert found.limits["memory_bytes"][1].startswith("resident memory as seen")
    assert "not overwritten" in found.details["gpu memory"] and found.start == "one process at a time"


def test_without_a_sandbox_there_is_no_gpu() -> None:
    with pytest.raises(UsageError, match="lend GPUs"):
        UnsandboxedSandbox().open(Source({"program.py": ""}, "solve"), LIMITS)


FILTERED = """
import ctypes, errno, os, sys
from sandbox import confine, seccomp
confine.install_filter(seccomp.program(False, gpu=sys.argv[1] == "gpu"))
libc = ctypes.CDLL(None, use_errno=True)
null = os.open("/dev/null", os.O_RDWR)
for command in sys.argv[2:]:
    # No device here knows them: what the filter lets through is refused by the kernel as no terminal's.
    refused = libc.ioctl(null, ctypes.c_ulong(int(command, 16)), 0) and errno.errorcode[ctypes.get_errno()]
    print(refused)
"""
CARD_INFO, RESOURCE, WRONG_NUMBER, WRONG_TYPE = 0xC90046C8, 0xC020462A, 0xC00046FF, 0xC90047C8
INITIALIZE, REGISTER, READ_PROCESS_MEMORY, RUN_TEST, INSERT = 0x30000001, 37, 62, 9, 0x5412
ALLOWED = [CARD_INFO, RESOURCE, CARD_INFO & 0xFFFF, INITIALIZE, REGISTER, 0x5401]
DENIED = [WRONG_NUMBER, WRONG_TYPE, READ_PROCESS_MEMORY, RUN_TEST, INSERT, 0x30000003]


@pytest.mark.parametrize("flavour", ["gpu", "none"])
def test_the_driver_is_asked_only_what_computing_needs(flavour: str) -> None:
    """By the kernel itself: an installed filter, and commands for a device that knows none."""
    command = [sys.executable, "-c", FILTERED, flavour, *map(hex, ALLOWED + DENIED)]
    environment = {"PYTHONPATH": str(fake_gpu.ROOT), "PATH": os.environ["PATH"]}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    through = ["ENOTTY"] * len(ALLOWED) if flavour == "gpu" else ["EPERM"] * (len(ALLOWED) - 1) + ["ENOTTY"]
    assert done.stdout.split() == [*through, *["EPERM"] * len(DENIED)]


@pytest.mark.parametrize("machine_name", sorted(seccomp.ARCHITECTURES))
def test_the_filter_with_a_gpu_is_within_what_the_kernel_takes(machine_name: str) -> None:
    usual, with_gpu = (seccomp.program(False, machine_name, gpu=gpu) for gpu in (False, True))
    assert len(usual) < len(with_gpu) < 4096 * 8


class Meta(type):
    @property
    def __module__(cls) -> str:  # type: ignore[override]
        raise AssertionError("the program's own code was run")


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("cupy", "a value of type ndarray of cupy: return cupy.asnumpy(value)"),
        ("cupy._core.core", "a value of type ndarray of cupy: return cupy.asnumpy(value)"),
        ("torch", "a value of type ndarray of torch: return value.cpu().numpy()"),
        ("elsewhere", "a value of type ndarray"),
        (7, "a value of type ndarray"),
    ],
)
def test_an_array_on_a_device_is_refused_with_what_to_write(module: object, said: str) -> None:
    kind = type("ndarray", (), {"__module__": module})
    with pytest.raises(wire.WireError) as caught:
        wire.encode({"answer": kind()})
    assert (caught.value.message, caught.value.where) == (said, "['answer']")
    with pytest.raises(wire.WireError, match=r"a value of type hostile$"):
        wire.encode(Meta("hostile", (), {})())


@pytest.mark.bubblewrap
def test_a_program_that_returns_such_an_array_is_told(sandbox: BubblewrapSandbox) -> None:
    text = "class ndarray: __module__ = 'cupy'\ndef solve(): return [ndarray()]"
    session = opened(sandbox, text, Limits())
    reply = session.call("solve")
    session.close()
    assert reply.status is Status.INVALID and reply.error.endswith(
        "[0]: a value of type ndarray of cupy: return cupy.asnumpy(value)"
    )


def test_limits_in_the_problem_file() -> None:
    assert LimitsSpec(gpus=1, gpu_memory_mebibytes=5).limits().gpu_memory_bytes == 5 * MEBIBYTE
    with pytest.raises(ValueError, match="set gpus = 1"):
        LimitsSpec(gpu_memory_mebibytes=5)
    for wrong in ({"gpus": 2}, {"gpus": -1}, {"gpus": 1, "gpu_memory_mebibytes": -1}):
        with pytest.raises(ValueError):
            LimitsSpec(**wrong)


def test_the_view_of_a_device(machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from sandbox import gpu

    library = tmp_path / "libcuda.so.999.1"
    library.touch()
    (tmp_path / "libcuda.so.1").symlink_to(library.name)
    for name in ("libnvidia-ptxjitcompiler.so.1", "libnvidia-nvvm.so.4", "libcudart.so.12", "libnvidia-ml.so.1"):
        (tmp_path / name).touch()
    monkeypatch.setattr(gpu_view, "_FOLDERS", (str(tmp_path),))
    (device,) = gpu.devices()
    view = gpu_view.view(device, LIMITS)
    triples = [tuple(view.options[at : at + 3]) for at in range(0, len(view.options) - 2, 3)]
    for node in ("/dev/nvidia3", "/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools"):
        assert ("--dev-bind-try", node, node) in triples
    assert not any("/dev/nvidia0" in part or "caps" in part for part in view.options)
    assert ("--ro-bind", str(library), "/opt/driver/libcuda.so.1") in triples
    shown = {Path(target).name for kind, _, target in triples if target.startswith("/opt/driver/")}
    assert shown == {"libcuda.so.1", "libcuda.so.999.1", "libnvidia-ptxjitcompiler.so.1", "libnvidia-nvvm.so.4"}
    assert "--proc" in view.options
    assert "CUDA_MPS_PINNED_DEVICE_MEM_LIMIT" not in view.environment
    (tmp_path / "control").touch()
    monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", str(tmp_path))
    assert gpu_view.environment(device, LIMITS)["CUDA_MPS_PINNED_DEVICE_MEM_LIMIT"] == "0=64M"
    assert "CUDA_MPS_PINNED_DEVICE_MEM_LIMIT" not in gpu_view.environment(device, Limits(gpus=1))


def test_what_makes_a_context_is_not_imported_before_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.packages.modules", lambda names: ["cupy", "numpy", "torch"])
    assert BubblewrapSandbox()._ahead == ("numpy",)


def test_a_container_gets_the_device_by_its_identifier(machine: Machine) -> None:
    from sandbox import gpu
    from sandbox.docker.container import Plan
    from sandbox.docker.gpu import with_device

    (device,) = gpu.devices()
    request = gpu.device_request(device.uuid)
    assert (request.device_ids, request.capabilities) == (["GPU-0"], [["gpu", "compute"]])
    plan = with_device(Plan("image", (), (("HOME", "/tmp"),), (), (), None, 1, 1, 1), device, LIMITS)
    assert plan.devices == ("GPU-0",)
    assert dict(plan.environment)["CUDA_VISIBLE_DEVICES"] == "GPU-0" and ("HOME", "/tmp") in plan.environment


@pytest.mark.docker
def test_an_engine_without_nvidias_toolkit_says_so(machine: Machine) -> None:
    from sandbox.docker import DockerSandbox

    if Path("/usr/bin/nvidia-container-runtime-hook").exists():
        pytest.skip("the toolkit is installed")
    sandbox = DockerSandbox()
    with pytest.raises(UsageError, match="can not pass GPUs") as caught:
        sandbox.open(Source({"program.py": "def solve(): return 1"}, "solve"), LIMITS)
    assert "nvidia-container-toolkit" in caught.value.remedy
    sandbox.close()
    lock = Marks().lock("GPU-0")
    assert lock is not None
    lock.close()


@pytest.mark.docker
def test_gvisor_gets_no_gpu(machine: Machine) -> None:
    from sandbox.config import DockerConfig
    from sandbox.docker import DockerSandbox, available

    if available("runsc"):
        pytest.skip("the engine has no gVisor")
    sandbox = DockerSandbox(config=DockerConfig(runtime="runsc"))
    with pytest.raises(UsageError, match="gVisor"):
        sandbox.open(Source({"program.py": "def solve(): return 1"}, "solve"), LIMITS)
    sandbox.close()
