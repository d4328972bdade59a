"""A machine with GPUs that are not there: NVML answers from a file, CUDA is a library of ours, leases have a folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sandbox.gpu import marks as gpu_marks
from sandbox.gpu import nvml
from sandbox.limits import MEBIBYTE

HERE = Path(__file__).parent / "fake_nvml"
ROOT = Path(__file__).parents[2]


class Machine:
    """Its driver's state, to be changed at any time, also by other processes."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "nvml.json"
        self.leases = folder / "leases"
        self.write({"driver": "580.1", "devices": [device(0)]})

    def write(self, state: dict[str, Any]) -> None:
        """All of it, at once."""
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(state))
        new.rename(self.file)

    def change(self, number: int = 0, **values: Any) -> None:
        """What the driver tells of one device from now on."""
        state = json.loads(self.file.read_text())
        state["devices"][number].update(values)
        self.write(state)

    def python(self, text: str, **variables: str) -> subprocess.Popen[str]:
        """Another process of ours on this machine."""
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{HERE}", **variables}
        folder = f"gpu_marks.FOLDER = Path({str(self.leases)!r})\n"
        head = f"from pathlib import Path\nfrom sandbox.gpu import marks as gpu_marks\n{folder}"
        return subprocess.Popen(
            [sys.executable, "-c", head + text],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


def device(number: int, **values: Any) -> dict[str, Any]:
    """One that is sound and idle."""
    usual = {
        "uuid": f"GPU-{number}",
        "name": "Fake H1",
        "minor": number + 3,
        "total": 1024 * MEBIBYTE,
        "used": 10 * MEBIBYTE,
        "mig": 0,
        "uncorrected": 0,
        "processes": {},
    }
    return {**usual, **values}


def begin(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Machine:
    """Lets the test be on such a machine, without CUDA."""
    made = Machine(folder)
    monkeypatch.setenv("FAKE_NVML", str(made.file))
    monkeypatch.setattr(gpu_marks, "FOLDER", made.leases)
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.delitem(sys.modules, "pynvml", raising=False)
    nvml._initialised.cache_clear()
    return made


def end() -> None:
    """Forgets the driver that is not there."""
    sys.modules.pop("pynvml", None)
    nvml._initialised.cache_clear()


def compile_cuda(folder: Path) -> Path:
    """The folder of the library; skips where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    command = [compiler, "-shared", "-fPIC", "-o", str(folder / "libcuda.so.1"), str(HERE / "libcuda.c")]
    subprocess.run(command, check=True)
    return folder


HOLD = """
import sys
from sandbox.gpu import lease
from sandbox.limits import Limits
held = lease(Limits(gpus=1), 30.0)
with open(sys.argv[1] if len(sys.argv) > 1 else "/dev/null", "a") as file: file.write("x")
print(held.device.uuid, flush=True)
sys.stdin.read()
held.release()
"""


def hold(machine: Machine) -> subprocess.Popen[str]:
    """A process that has the lease, until its standard input ends."""
    process = machine.python(HOLD)
    assert process.stdout and process.stdout.readline() == "GPU-0\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate(timeout=240)


def let_end(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=240)
    assert process.returncode == 0


def tickets(machine: Machine) -> int:
    return len(os.listdir(machine.leases / "queue"))


def wait_for(condition: object) -> None:
    deadline = time.monotonic() + 30.0
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.01)
