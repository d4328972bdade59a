"""What a fork server gives: isolated programs per second, their latency and processor time, and that nothing grows.

python benchmarks/fork_server.py [PROGRAMS]
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import statistics
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from evolve.core.clock import cpu_seconds, monotonic_seconds
from evolve.core.types import Source, Status
from sandbox.bubblewrap import BubblewrapSandbox, Start, available
from sandbox.limits import Limits

SERVERS, PROGRAMS, KILLS = 2, 2_000, 20
PROGRAM = "import numpy\n\ndef solve(n):\n    return float(numpy.arange(n).sum())\n"
STUBBORN = """
import os, signal

def solve():
    for number in range(1, 65):
        if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33):
            signal.signal(number, signal.SIG_IGN)
    for _ in range(8):
        if os.fork() == 0:
            os.setsid()
            os.fork()
            break
    while True:
        pass
"""


def main() -> None:
    """Print one line a figure."""
    reason = available()
    if reason is not None:
        print(f"no figures: {reason}")
        return
    programs = int(sys.argv[1]) if len(sys.argv) > 1 else PROGRAMS
    for start in ("process", "pool", "fork"):
        report(start, programs if start == "fork" else 100)
    kills = sorted(kill_milliseconds() for _ in range(KILLS))
    print(f"kill of a stubborn tree: median {statistics.median(kills):.0f} ms, {kills[0]:.0f} to {kills[-1]:.0f} ms")


def report(start: Start, programs: int) -> None:
    """Let two workers run programs at once and print rate, latency, processor time and growth."""
    context = multiprocessing.get_context("spawn")
    pipes = [context.Pipe() for _ in range(SERVERS)]
    workers = [context.Process(target=work, args=(pipe[1], start, programs // SERVERS)) for pipe in pipes]
    for worker in workers:
        worker.start()
    for pipe, _ in pipes:
        pipe.recv()
    began = monotonic_seconds()
    for pipe, _ in pipes:
        pipe.send("go")
    found = [pipe.recv() for pipe, _ in pipes]
    seconds = monotonic_seconds() - began
    for worker in workers:
        worker.join()
    latencies = sorted(latency for latencies, _, _, _ in found for latency in latencies)
    cpu = sum(cpu for _, cpu, _, _ in found) / len(latencies)
    at = [latencies[int(share * (len(latencies) - 1))] for share in (0.5, 0.99)]
    print(
        f"{start:8s} {len(latencies) / seconds:6.0f} programs/s, p50 {1e3 * at[0]:5.1f} ms, p99 {1e3 * at[1]:5.1f} ms, "
        f"{1e3 * cpu:5.1f} ms of CPU each",
        flush=True,
    )
    for _, _, before, after in found:
        print(f"         {len(latencies) // SERVERS} programs: " + ", ".join(map(grown, NAMES, before, after)))


NAMES = ("server's MiB", "host's MiB", "processes", "descriptors")


def grown(name: str, before: float, after: float) -> str:
    """One figure of before and after."""
    return f"{name} {before:.1f} to {after:.1f}"


def work(pipe: Connection, start: Start, programs: int) -> None:
    """Run programs one after the other; send latencies, CPU seconds in all, and sizes before and after."""
    sandbox = BubblewrapSandbox(("numpy",), start=start)
    source = Source({"program.py": PROGRAM}, "solve")
    for _ in range(20):
        once(sandbox, source)
    pipe.send("ready")
    pipe.recv()
    before, latencies, total = sizes(sandbox), [], 0.0
    host, servers = cpu_seconds(), server_cpu(sandbox)
    for _ in range(programs):
        began = monotonic_seconds()
        total += once(sandbox, source)
        latencies.append(monotonic_seconds() - began)
    total += cpu_seconds() - host + server_cpu(sandbox) - servers
    pipe.send((latencies, total, before, sizes(sandbox)))
    sandbox.close()


def once(sandbox: BubblewrapSandbox, source: Source) -> float:
    """One program from opening to the end of its process; processor seconds of the latter."""
    session = sandbox.open(source, Limits())
    try:
        reply = session.call("solve", 100)
    finally:
        session.close()
    assert reply.value == 4950.0, reply
    return session.total_cpu_seconds


def server_cpu(sandbox: BubblewrapSandbox) -> float:
    """Processor seconds of the servers so far."""
    from evolve.core.clock import process_cpu_seconds

    return sum(process_cpu_seconds(pid) for pid in sandbox.server_pids())


def sizes(sandbox: BubblewrapSandbox) -> tuple[float, float, float, float]:
    """MiB of servers and of this process, processes below it, its descriptors."""
    page = resource.getpagesize() / 2**20
    servers = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in sandbox.server_pids()) * page
    own = int(Path("/proc/self/statm").read_text().split()[1]) * page
    return servers, own, descendants(os.getpid()), len(os.listdir("/proc/self/fd"))


def descendants(pid: int) -> int:
    """How many processes are below this one."""
    found = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split():
            found += 1 + descendants(int(child))
    return found


def kill_milliseconds() -> float:
    """How long after its time-out a call of a tree returns that ignores every signal and has many children."""
    sandbox = BubblewrapSandbox(start="fork")
    wall_seconds = 0.3
    session = sandbox.open(Source({"program.py": STUBBORN}, "solve"), Limits(wall_seconds=wall_seconds, processes=64))
    began = monotonic_seconds()
    reply = session.call("solve")
    seconds = monotonic_seconds() - began
    session.close()
    assert reply.status is Status.TIMED_OUT, reply
    sandbox.close()
    return 1e3 * (seconds - wall_seconds)


if __name__ == "__main__":
    sys.exit(main())
