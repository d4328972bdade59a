"""What a session in a container is bounded by, in words for the record of a run."""

from __future__ import annotations

from sandbox.base import Confinement
from sandbox.config import DockerConfig
from sandbox.docker.child import ContainerChild
from sandbox.docker.container import Plan, host_config
from sandbox.docker.engine import Engine
from sandbox.limits import Limits

_CLOCKS = {
    "process": "the kernel's clock of the process, read by the host",
    "container": "the kernel's account of the container, gVisor's own work included, read by the host",
    "wall": "the host's clock: the process can not be seen",
}


def describe(child: ContainerChild, plan: Plan, limits: Limits, engine: Engine, config: DockerConfig) -> Confinement:
    """What was asked of the engine and of the process itself, and how much of it the host sees."""
    asked = host_config(engine, plan)
    processes = "filter of system calls" if limits.processes == 1 else "count by the host"
    if child.clock != "process" and limits.processes > 1:
        processes = "estimate by the host, and the engine's limit of tasks"
    bounds: dict[str, tuple[float, str]] = {
        "wall_seconds": (limits.wall_seconds, "the host's clock"),
        "cpu_seconds": (limits.cpu_seconds, _CLOCKS[child.clock]),
        "memory_bytes": (limits.memory_bytes, "address space of each process"),
        "file_bytes": (limits.file_bytes, "size of the private /tmp"),
        "processes": (limits.processes, processes),
        "output_bytes": (limits.output_bytes, "count by the host"),
        "reply_bytes": (limits.reply_bytes, "count by the host"),
    }
    details = {
        "image": plan.image,
        "runtime": plan.runtime or str(engine.info.get("DefaultRuntime", "")),
        "container": f"{asked['Memory']} bytes without swap, {asked['PidsLimit']} tasks, "
        f"{asked['NanoCpus'] / 1e9:g} processors, by the engine's control group",
        "engine": str(engine.info.get("ServerVersion", "")),
        "kernel": str(engine.info.get("KernelVersion", "")),
    }
    start = f"containers started ahead, {config.pool} at a time" if config.pool else "one container at a time"
    return Confinement("docker", start, child.clock, bounds, details)
