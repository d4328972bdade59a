"""The contract of `sandbox.base` as tests, sentence by sentence, for whoever writes a backend. Needs pytest.

Subclass `SandboxConformance` in a test module, give that a fixture `sandbox`, and run pytest::

    @pytest.fixture(scope="module")
    def sandbox():
        sandbox = MySandbox()
        yield sandbox
        sandbox.close()

    class TestMine(SandboxConformance):
        with_numpy = True

A fake that starts no process passes `ProtocolConformance` alone.
"""

from __future__ import annotations

import json
import math
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from evolve.core.errors import ProblemError
from evolve.core.types import Source, Status
from sandbox.base import Reply, Sandbox
from sandbox.conformance_protocol import DRIVER, PROGRAM, ProtocolConformance, opened
from sandbox.limits import MEBIBYTE, Limits

__all__ = ["ProtocolConformance", "SandboxConformance"]

SETTLE_SECONDS = 5.0
SOURCE = Source({"program.py": PROGRAM}, "solve")
LOOP = "def burn(rounds):\n    for _ in range(rounds):\n        pass\n"
BURN = f"""
import os, threading

{LOOP}
def thread(rounds):
    worker = threading.Thread(target=burn, args=(rounds,))
    worker.start()
    worker.join()

def child(rounds):
    pid = os.fork()
    if pid == 0:
        burn(rounds)
        os._exit(0)
    os.waitpid(pid, 0)

def leave(rounds):
    threading.Thread(target=burn, args=(rounds,), daemon=True).start()

def solve():
    return 1
"""
FILES = """
def solve():
    total = 0
    try:
        for number in range(64):
            with open(f"/tmp/{number}", "wb", buffering=0) as file:
                for _ in range(64):
                    total += file.write(bytes(65536))
    except OSError:
        return total
"""
RANDOM = "import random\ndef solve():\n    return random.random(), hash('text'), list({'a', 'b', 'c', 'd'})\n"
NUMPY_RANDOM = "import numpy\ndef solve():\n    return numpy.random.rand(4)\n"
HOLD = "def solve():\n    big = bytearray(64 << 20)\n    big[::4096] = b'x' * len(big[::4096])\n    return len(big)\n"
PRINT = "import sys\ndef solve():\n    print('one')\n    sys.stderr.write('two\\n')\n"
FLOOD = "def solve():\n    while True: print('x' * 99)\n"
FORK = "import os\ndef solve():\n    try: os.fork()\n    except OSError: return 'refused'\n    return 'forked'\n"
FORK_BOMB = "import os\ndef solve():\n    while True:\n        try: os.fork()\n        except OSError: pass\n"
EXCEEDING: dict[str, tuple[str, dict[str, Any], *tuple[Status, ...]]] = {
    "processor time": ("def solve():\n    while True: pass", {"cpu_seconds": 0.3}, Status.TIMED_OUT),
    "wall time": ("import time\ndef solve(): time.sleep(99)", {"wall_seconds": 0.3}, Status.TIMED_OUT),
    "time while it loads": ("while True: pass\n", {"cpu_seconds": 0.3}, Status.TIMED_OUT),
    "memory": ("def solve():\n    x = []\n    while True: x.append(bytearray(1 << 20))", {}, Status.OUT_OF_MEMORY),
    "memory while it loads": ("x = [0] * 10**10\ndef solve(): pass", {}, Status.OUT_OF_MEMORY),
    "processes": (FORK_BOMB, {"processes": 3}, Status.FORBIDDEN, Status.OUT_OF_MEMORY),
    "output": (FLOOD, {"output_bytes": 5000}, Status.OUTPUT_FLOOD),
    "one reply": ("def solve(): return b'x' * 200_000", {"reply_bytes": 100_000}, Status.INVALID),
}


@cache
def rounds(seconds: float) -> int:
    """How many rounds of `LOOP` take so many processor seconds here: a sandbox's own clocks may be anything."""
    names: dict[str, Any] = {}
    exec(LOOP, names)  # noqa: S102
    quickest = math.inf
    for _ in range(5):
        began = time.process_time()
        names["burn"](1_000_000)
        quickest = min(quickest, time.process_time() - began)
    return int(seconds * 1_000_000 / quickest)


def call(sandbox: Sandbox, text: str, *args: Any, seed: int = 3, **limits: Any) -> Reply:
    """One call of `solve` in a session of its own."""
    with opened(sandbox, text, seed=seed, **limits) as session:
        return session.call("solve", *args)


class SandboxConformance(ProtocolConformance):
    """All of the contract, for a backend that runs programs.

    `with_numpy` says that programs may import numpy. `kill_seconds` is how much later than its limit a call may return
    when time is up; the best of three counts, as machines hesitate.
    """

    with_numpy = False
    kill_seconds = 0.2

    def left(self) -> Any:
        """What this machine holds for us, to be compared before and after: descriptors and child processes.

        A backend whose programs run elsewhere (containers, virtual machines) adds those.
        """
        children: list[str] = []
        for task in Path("/proc/self/task").glob("*/children"):
            with suppress(FileNotFoundError):
                children += task.read_text().split()
        descriptors = Path("/proc/self/fd")
        return len(os.listdir(descriptors)) if descriptors.exists() else 0, sorted(children)

    def settled(self, before: Any) -> Any:
        """`left` once it is as before, or what it is after a while."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while self.left() != before and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.left()

    def test_arguments_that_are_not_plain_data_are_the_callers_fault(self, sandbox: Sandbox) -> None:
        with opened(sandbox) as session:
            with pytest.raises(ProblemError):
                session.call("solve", {"a": {1}})
            assert session.call("solve", 2).value == 2

    def test_a_driver_that_fails_is_the_problems_fault(self, sandbox: Sandbox) -> None:
        with pytest.raises(ProblemError, match=r"driver\.py"):
            sandbox.open(SOURCE, Limits(), driver="x = 1\nimport nonsense\n")

    def test_with_a_driver_calls_name_its_functions(self, sandbox: Sandbox) -> None:
        with opened(sandbox, driver=DRIVER) as session:
            reply = session.call("add", 1)
            assert (reply.status, reply.value) == (Status.CRASHED, None)
            assert "add" in reply.error

    def test_too_little_memory_for_the_interpreter_is_the_problems_fault(self, sandbox: Sandbox) -> None:
        with pytest.raises(ProblemError, match="memory_mebibytes"):
            sandbox.open(SOURCE, Limits(memory_bytes=4 * MEBIBYTE))

    @pytest.mark.parametrize("what", EXCEEDING)
    def test_who_exceeds_a_limit_is_stopped_and_stays_so(self, sandbox: Sandbox, what: str) -> None:
        text, limits, *statuses = EXCEEDING[what]
        with opened(sandbox, text, **{"wall_seconds": 20.0, "memory_bytes": 256 * MEBIBYTE, **limits}) as session:
            reply = session.call("solve")
            assert reply.status in statuses
            assert reply.value is None
            assert reply.error
            assert session.call("solve") == reply

    def test_the_error_says_which_limit(self, sandbox: Sandbox) -> None:
        assert "0.25 s" in call(sandbox, "import time\ndef solve(): time.sleep(99)", wall_seconds=0.25).error
        assert "0.25 s" in call(sandbox, "def solve():\n    while True: pass", cpu_seconds=0.25).error
        assert "4321 bytes" in call(sandbox, FLOOD, output_bytes=4321).error

    def test_a_time_out_returns_at_once(self, sandbox: Sandbox) -> None:
        late = []
        for _ in range(3):
            with opened(sandbox, "def solve():\n    while True: pass", wall_seconds=0.5, cpu_seconds=9.0) as session:
                started = time.monotonic()
                assert session.call("solve").status is Status.TIMED_OUT
                late.append(time.monotonic() - started - 0.5)
        assert 0 <= min(late) < self.kill_seconds

    def test_with_one_process_there_is_no_other(self, sandbox: Sandbox) -> None:
        assert call(sandbox, FORK).value == "refused"

    def test_files_are_limited(self, sandbox: Sandbox) -> None:
        assert 1 * MEBIBYTE < call(sandbox, FILES, file_bytes=2 * MEBIBYTE).value <= 2 * MEBIBYTE

    def test_output_is_kept_and_cut_at_the_limit(self, sandbox: Sandbox) -> None:
        with opened(sandbox, PRINT) as session:
            outputs = [session.call("solve").output]
            # It may travel by other ways than the reply, and then comes soon after it.
            deadline = time.monotonic() + SETTLE_SECONDS
            while outputs[-1] != "one\ntwo\n" and time.monotonic() < deadline:
                outputs.append(session.call("nothing").output)
        assert outputs[-1] == "one\ntwo\n"
        flooded = call(sandbox, FLOOD, output_bytes=5000)
        assert len(flooded.output) == 5000

    def test_a_process_that_ends_without_an_answer_has_died(self, sandbox: Sandbox) -> None:
        with opened(sandbox, "import os\ndef solve(): os._exit(0)") as session:
            reply = session.call("solve")
            assert (reply.status, reply.value, reply.died) == (Status.CRASHED, None, True)
            assert session.call("solve") == reply

    @pytest.mark.parametrize("raised", ["SystemExit(0)", "KeyboardInterrupt()", "ValueError(object())"])
    def test_an_exception_of_any_kind_is_the_programs(self, sandbox: Sandbox, raised: str) -> None:
        with opened(sandbox, PROGRAM.replace("ValueError(text)", raised)) as session:
            reply = session.call("fail", "")
            assert (reply.status, reply.died) == (Status.CRASHED, False)
            assert raised.partition("(")[0] in reply.error
            assert "0x" not in reply.error
            assert session.call("solve", 5).value == 5

    def test_a_seed_fixes_random_and_hash(self, sandbox: Sandbox) -> None:
        one, two, three = (call(sandbox, RANDOM, seed=seed).value for seed in (5, 5, 6))
        assert one == two
        assert one[0] != three[0]

    def test_a_seed_fixes_numpys_random(self, sandbox: Sandbox) -> None:
        if not self.with_numpy:
            pytest.skip("programs of this sandbox have no numpy")
        one, two, three = (call(sandbox, NUMPY_RANDOM, seed=seed).value.tolist() for seed in (1, 1, 2**40 + 2))
        assert one == two
        assert one != three

    def test_arrays_cross(self, sandbox: Sandbox) -> None:
        if not self.with_numpy:
            pytest.skip("programs of this sandbox have no numpy")
        import numpy

        numbers = numpy.arange(500_000, dtype="f8")
        reply = call(sandbox, "def solve(x):\n    return x[::2] * 2\n", numbers)
        assert reply.value.dtype == numbers.dtype
        assert numpy.array_equal(reply.value, numbers[::2] * 2)

    def test_processor_time_is_charged_from_the_opening(self, sandbox: Sandbox) -> None:
        text = BURN + f"\nburn({rounds(0.4)})\n"
        with opened(sandbox, text) as session:
            first, second = session.call("solve"), session.call("solve")
        assert first.cpu_seconds >= 0.1
        assert second.cpu_seconds < 0.1

    @pytest.mark.parametrize(("entry", "processes"), [("burn", 1), ("thread", 1), ("child", 3)])
    def test_processor_time_of_threads_and_children_counts(self, sandbox: Sandbox, entry: str, processes: int) -> None:
        with opened(sandbox, BURN, processes=processes) as session:
            session.call("solve")
            reply = session.call(entry, rounds(0.4))
        assert reply.status is Status.OK
        # A core may be several times as fast now as when the rounds were counted.
        assert reply.cpu_seconds >= 0.1
        assert reply.wall_seconds >= 0.1

    def test_processor_time_between_calls_is_charged_to_the_next(self, sandbox: Sandbox) -> None:
        with opened(sandbox, BURN) as session:
            session.call("leave", rounds(0.4))
            time.sleep(0.6)
            reply = session.call("solve")
        assert reply.status is Status.OK
        assert reply.cpu_seconds > max(0.05, reply.wall_seconds)

    def test_the_peak_of_memory_is_seen(self, sandbox: Sandbox) -> None:
        reply = call(sandbox, HOLD)
        assert reply.value == 64 * MEBIBYTE
        assert reply.peak_bytes > 64 * MEBIBYTE

    def test_sessions_work_from_several_threads(self, sandbox: Sandbox) -> None:
        def play(number: int) -> list[Any]:
            with opened(sandbox) as session:
                return [session.call("add", number).value for _ in range(20)]

        with ThreadPoolExecutor(4) as pool:
            for number, values in enumerate(pool.map(play, range(8))):
                assert values == [number * (i + 1) for i in range(20)]

    def test_it_says_how_it_confines(self, sandbox: Sandbox) -> None:
        limits = Limits(memory_bytes=300 * MEBIBYTE, cpu_seconds=7.0)
        found = sandbox.confinement(limits)
        assert found.backend and found.start
        assert found.clock in ("process", "container", "wall")
        asked = limits.to_json()
        assert {"wall_seconds", "cpu_seconds", "memory_bytes", "processes"} <= set(found.limits)
        for name, (value, by) in found.limits.items():
            assert value <= asked[name]
            assert by
        assert json.loads(json.dumps(found.to_json()))["clock"] == found.clock

    def test_a_closed_sandbox_leaves_nothing(self, sandbox: Sandbox) -> None:
        call(sandbox, PROGRAM, 1)
        sandbox.close()
        before = self.left()
        texts = [PROGRAM, "1 /", "import os\ndef solve(x): os._exit(1)", "def solve(x): print('x' * 99)"]
        for text in texts:
            call(sandbox, text, 1, output_bytes=50)
        sandbox.close()
        assert self.settled(before) == before

    def test_threads_that_have_ended_leave_nothing(self, sandbox: Sandbox) -> None:
        sandbox.close()
        before = self.left()
        with ThreadPoolExecutor(2) as pool:
            replies = list(pool.map(lambda number: call(sandbox, PROGRAM, number), range(6)))
        assert [reply.value for reply in replies] == list(range(6))
        sandbox.close()
        assert self.settled(before) == before
