"""One container: what the engine is asked for, and how the runner comes into it."""

from __future__ import annotations

import marshal
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from evolve.core.errors import InfrastructureError, UsageError
from sandbox import container, procfs
from sandbox.docker.child import ContainerChild, GVisorChild, HiddenChild
from sandbox.docker.engine import LABEL, Engine, owner, said
from sandbox.docker.meter import Meter
from sandbox.docker.stream import Relay
from sandbox.gpu.view import device_request
from sandbox.launch import StartError
from sandbox.limits import MEBIBYTE
from sandbox.monitor import MAX_FILES, MAX_THREADS
from sandbox.process import readable

START_SECONDS = 60.0
NOBODY = "65534:65534"
OWN_BYTES = 32 * MEBIBYTE
"""What the kernel keeps for a container beside the program's own memory and files: tables, stacks, pipes."""
GVISOR_BYTES, GVISOR_TASKS = 192 * MEBIBYTE, 512
"""What gVisor's own kernel needs beside that, which is counted with the program's."""
_MODULES = ("runner", "wire", "loading", "confine")
# What says more of this machine than a program needs, beyond what engines mask by themselves.
_MASKED = (
    "acpi asound bus cgroups cmdline consoles crypto devices diskstats dma driver dynamic_debug execdomains fb "
    "filesystems fs interrupts iomem ioports irq kallsyms kcore key-users keys kmsg kpagecgroup kpagecount kpageflags "
    "latency_stats loadavg locks mdstat misc modules mtrr partitions pressure sched_debug schedstat scsi slabinfo "
    "softirqs stat swaps sys sysrq-trigger sysvipc timer_list timer_stats tty uptime version vmallocinfo vmstat "
    "zoneinfo"
)

# CUDA reads these, see `gpu_view`; the engine shows them read-only.
_READ_WITH_GPU = ("/sys", "/proc/devices", "/proc/driver", "/proc/modules", "/proc/sys")


# What a shell would say too: it may not be executed, it is not there.
_EXIT_CODES_OF_A_MISSING_PROGRAM = (126, 127)
_END_SECONDS = 1.0


class ImageError(UsageError):
    """The engine has no such image (any more), or nothing of ours can be started in it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A kind of container; those of one kind are exchangeable.

    `path` are folders where packages are, `modules` what is imported ahead, `folders` are shown read-only.
    `devices` names GPUs by their identifiers.
    """

    image: str
    python: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    path: tuple[str, ...]
    modules: tuple[str, ...]
    runtime: str | None
    memory_bytes: int
    file_bytes: int
    processes: int
    folders: tuple[str, ...] = ()
    executable_files: bool = False
    devices: tuple[str, ...] = ()

    @property
    def needs_python(self) -> bool:
        """Whether the interpreter is the image's own, which is then somebody else's, and found by its name."""
        return not self.python[0].startswith("/")

    @property
    def is_gvisor(self) -> bool:
        """Whether the process that the host sees is a kernel, with the program in it."""
        return self.runtime is not None and self.runtime.startswith("runsc")


def start(engine: Engine, plan: Plan) -> ContainerChild:
    """The process of a container that waits for its order.

    Raises StartError where it does not come up or the engine refuses it, ImageError where there is no such image or it
    has no interpreter of use, InfrastructureError where the engine fails.
    """
    number = _create(engine, plan)
    relay = None
    try:
        with engine.asking("start a container"):
            relay = Relay(engine.attach(number), lambda: not engine.answers())
            _start(engine, plan, number)
        try:
            seconds = _introduce(relay)
        except StartError as error:
            if relay.has_ended(_END_SECONDS):
                with engine.asking("say how a container ended"):
                    engine.api.wait(number, timeout=START_SECONDS)
                _require_python(engine, plan, number, str(error))
            raise
        return _child(engine, plan, number, relay, seconds)
    except BaseException:
        if relay is not None:
            relay.close()
        engine.remove(number)
        raise


def _create(engine: Engine, plan: Plan) -> str:
    from docker.errors import ImageNotFound

    try:
        with engine.asking("create a container"):
            try:
                made = engine.api.create_container_from_config(_config(engine, plan))
            except ImageNotFound:
                raise ImageError(
                    f"image: the Docker engine has no image {plan.image}",
                    f"Type: docker pull {plan.image}, or leave the image to Evolve (--sandbox docker).",
                ) from None
    except InfrastructureError as error:
        raise (StartError(error.message) if engine.answers() else error) from None
    return str(made["Id"])


def _start(engine: Engine, plan: Plan, number: str) -> None:
    """Raises ImageError, StartError where the engine refuses, and what the client raises where it fails."""
    from docker.errors import APIError

    try:
        engine.api.start(number)
    except APIError as error:
        _require_python(engine, plan, number, said(error))
        if error.is_client_error():
            raise StartError(f"the Docker engine refuses to start a container: {said(error)}") from None
        raise


def _require_python(engine: Engine, plan: Plan, number: str, reason: str) -> None:
    """Raises ImageError where a container did not come up because of what is in its image, as far as one can tell.

    The engine says by the exit code that there is no such program; one that fails by itself is no interpreter of use.
    What was killed, e.g. for want of memory, or found its input closed says nothing of the image.
    """
    if not plan.needs_python:
        return
    with engine.asking("say how a container ended"):
        state = engine.api.inspect_container(number)["State"]
    code = int(state["ExitCode"])
    failed = state["Status"] == "exited" and 0 < code < 128 and not state["OOMKilled"]
    if failed or code in _EXIT_CODES_OF_A_MISSING_PROGRAM:
        raise ImageError(
            f"docker:image={plan.image}: python3 does not run in it (exit code {code}): {reason}",
            "The image needs python3 of 3.11 or later; see what it has: "
            f"docker run --rm --entrypoint python3 {plan.image} --version",
        )


def _config(engine: Engine, plan: Plan) -> dict[str, Any]:
    """What the engine is asked for: see "Create a container" in the Docker Engine API."""
    return {
        "Image": plan.image,
        "Entrypoint": list(plan.python),
        "Cmd": ["-c", _text("container"), ":".join(plan.path), *plan.modules],
        "Env": [f"{name}={value}" for name, value in plan.environment],
        "User": NOBODY,
        "WorkingDir": "/tmp",  # noqa: S108
        "Hostname": "sandbox",
        "Labels": {LABEL: owner()},
        "NetworkDisabled": True,
        "OpenStdin": True,
        "StdinOnce": True,
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "HostConfig": host_config(engine, plan),
    }


def host_config(engine: Engine, plan: Plan) -> dict[str, Any]:
    """What bounds a container: see "HostConfig" in the Docker Engine API. Bytes, and billionths of processors."""
    memory_bytes = plan.memory_bytes + plan.file_bytes + OWN_BYTES
    tasks = plan.processes + MAX_THREADS
    if plan.is_gvisor:
        memory_bytes, tasks = memory_bytes + GVISOR_BYTES, tasks + GVISOR_TASKS
    tmpfs = f"size={max(plan.file_bytes, 4096)},mode=1777,nosuid,nodev"
    config: dict[str, Any] = {
        "NetworkMode": "none",
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"],
        "PidsLimit": tasks,
        "Memory": memory_bytes,
        # Memory and swap together: none of the latter.
        "MemorySwap": memory_bytes,
        "NanoCpus": min(plan.processes, engine.processors) * 10**9,
        "Tmpfs": {"/tmp": tmpfs if plan.executable_files else f"{tmpfs},noexec"},  # noqa: S108
        "LogConfig": {"Type": "none"},
        "Init": False,
        # A namespace of its own and no /dev/shm, which would be room for files that no limit is about.
        "IpcMode": "none",
        "CgroupnsMode": "private",
        "Ulimits": [{"Name": name, "Soft": most, "Hard": most} for name, most in (("core", 0), ("nofile", 1024))],
        "MaskedPaths": _masked(plan),
        "Binds": [f"{folder}:{folder}:ro" for folder in plan.folders],
        "OomScoreAdj": 900,
    }
    if not plan.is_gvisor:
        config["Tmpfs"]["/tmp"] += f",nr_inodes={MAX_FILES + 16}"  # noqa: S108
    if plan.runtime is not None:
        config["Runtime"] = plan.runtime
    if plan.devices:
        config["DeviceRequests"] = [device_request(*plan.devices)]
    return config


def _masked(plan: Plan) -> list[str]:
    paths = ["/sys", *(f"/proc/{name}" for name in _MASKED.split())]
    return [path for path in paths if path not in _READ_WITH_GPU] if plan.devices else paths


def _introduce(relay: Relay) -> float:
    """Sends the runner's text, waits until it waits for its order, and returns its processor seconds until then.

    Raises StartError.
    """
    data = marshal.dumps({name: _text(name) for name in _MODULES}, 4)
    relay.send(len(data).to_bytes(8, "little") + data, START_SECONDS)
    if not readable(relay.reply_fd, START_SECONDS):
        raise StartError(f"a container did not come up within {START_SECONDS:g} s: {relay.said()}")
    # It comes in one piece: nothing else was written to these pipes.
    mark, _, seconds = os.read(relay.reply_fd, 100).partition(b" ")
    if not container.READY.startswith(mark + b" ") or not seconds.endswith(b"\n"):
        raise StartError(f"a container ended before it was asked anything: {relay.said()}")
    relay.unanswered = False
    return float(seconds)


def _child(engine: Engine, plan: Plan, number: str, relay: Relay, seconds: float) -> ContainerChild:
    """As much as the host sees of the container's first process. Raises StartError where it is gone by now."""
    with engine.asking("say which process a container is"):
        pid = int(engine.api.inspect_container(number)["State"]["Pid"])
    pidfd = take_hold(pid, number)
    meter = Meter.of(pid, number) if pidfd >= 0 else None
    try:
        if pidfd >= 0 and not plan.is_gvisor:
            return ContainerChild(engine, number, relay, seconds, pid, pidfd, meter)
        if meter is not None:
            child = GVisorChild(engine, number, relay, seconds, pid, pidfd, meter)
            child.most_processes = plan.processes
            return child
    except OSError as error:
        os.close(pidfd)
        if meter is not None:
            meter.close()
        raise StartError(f"a container's process is gone: {error}") from None
    if pidfd >= 0:
        os.close(pidfd)
    return HiddenChild(engine, number, relay, seconds)


def take_hold(pid: int, container: str) -> int:
    """A descriptor of the process where it is one of this machine and in that container, else -1."""
    try:
        pidfd = os.pidfd_open(pid)
    except (AttributeError, OSError):  # there is no such call but on Linux
        return -1
    # Looked at after it is held, so that it can not be another's by now.
    if container.encode() in procfs.read(f"/proc/{pid}/cgroup"):
        return pidfd
    os.close(pidfd)
    return -1


@cache
def _text(name: str) -> str:
    return Path(container.__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
