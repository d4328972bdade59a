"""The memory of a GPU between two programs: overwritten, by a trusted process of its own (see `scrub`)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.gpu.nvml import Device
from sandbox.limits import MEBIBYTE

SCRUB_SECONDS = 120.0
COMPLETE = 0.9
"""Share of the device's memory that must have been overwritten: the driver keeps some, and so does the process."""

_SCRUBBER = Path(__file__).with_name("scrub.py")
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class Scrub:
    """What became of the device's memory, in words. `fault` where the device does not do what it is told."""

    words: str
    clean: bool
    fault: bool = False


def scrub(device: Device) -> Scrub:
    """Overwrites all memory of the device that is free, by a process of its own."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment |= {"CUDA_VISIBLE_DEVICES": device.uuid, "CUDA_CACHE_DISABLE": "1"}
    command = [sys.executable, "-I", "-S", "-B", str(_SCRUBBER)]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, timeout=SCRUB_SECONDS, check=False, text=True
        )
        said: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return Scrub(f"its memory could not be overwritten within {SCRUB_SECONDS:g} s", False, fault=True)
    except ValueError:
        return Scrub(f"what overwrites its memory ended with exit status {done.returncode}", False, fault=True)
    if "impossible" in said:
        return Scrub(f"not overwritten between programs: {said['impossible']}", False)
    if "failed" in said:
        return Scrub(f"its memory could not be overwritten: {said['failed']}", False, fault=True)
    done_bytes, total_bytes = int(said["overwritten_bytes"]), int(said["total_bytes"])
    amount = f"{done_bytes // MEBIBYTE} of {total_bytes // MEBIBYTE} MiB"
    if done_bytes < COMPLETE * total_bytes:
        return Scrub(f"overwritten between programs but for what others hold: {amount}", False)
    return Scrub(f"overwritten and read back after each program: {amount}", True)
