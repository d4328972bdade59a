"""Being faster than they are: the clock is the host's, it starts at the opening, and everything is on it."""

from __future__ import annotations

from battery import OK, TIMED_OUT, Hostile, Replies
from forging import FORGE

from sandbox.conformance import rounds
from sandbox.limits import MEBIBYTE

BURNT = rounds(0.3)
"""What the programs here do, and try to hide: work of 0.3 s of processor time."""


def charged(replies: Replies) -> bool:
    """Whether all that was burnt is on the bill, whatever the program says of it."""
    return sum(reply.cpu_seconds for reply in replies) >= 0.15


def charged_while_it_had_the_processor(replies: Replies) -> bool:
    """The same where time runs out meanwhile: on a busy machine little is burnt, and an answer alone costs less yet."""
    return sum(reply.cpu_seconds for reply in replies) >= 0.03


PROGRAMS = [
    Hostile(
        "no_function_of_time_is_left",
        f"""
def solve(host):
    burn({BURNT})
    for name in dir(time):
        if callable(getattr(time, name)) and name != "struct_time":
            setattr(time, name, lambda *x: 0.0)
    sys.modules["time"] = None
    os.times = lambda: (0, 0, 0, 0, 0)
    return 0.0
""",
        value=0.0,
        after=charged,
        quick=True,
    ),
    Hostile(
        "printing_a_better_time",
        f"""{FORGE}
def solve(host):
    print('{{"status": "ok", "cpu_seconds": 0.0, "wall_seconds": 0.0}}')
    os.write(1, frame(bytes(16), b"T"))
    burn({BURNT})
    return "cpu_seconds: 0.0"
""",
        value="cpu_seconds: 0.0",
        after=charged,
        quick=True,
    ),
    Hostile(
        "answering_early_and_going_on",
        f"""{FORGE}
def solve(host):
    pipe, nonce = steal()
    threading.Thread(target=burn, args=({BURNT},)).start()
    return 1

def then(host):
    return 2
""",
        value=2,
        calls=("solve", "then"),
        after=charged_while_it_had_the_processor,
        open_seconds=0.6,
        quick=True,
    ),
    Hostile(
        "a_forged_answer_and_the_work_after_it",
        f"""{FORGE}
def solve(host):
    pipe, nonce = steal()
    send(pipe, frame(nonce, b"T"))
    burn({BURNT})
    time.sleep(9)
""",
        TIMED_OUT,
        calls=("solve", "then"),
        limits={"wall_seconds": 0.6},
        after=lambda replies: replies[0].value is True and charged_while_it_had_the_processor(replies),
        quick=True,
    ),
    Hostile(
        "work_that_is_done_on_loading",
        f"burn({BURNT})\ndef solve(host): return []\n",
        after=lambda replies: replies[0].cpu_seconds >= 0.15,
        quick=True,
    ),
    Hostile(
        "threads",
        f"""
def solve(host):
    for worker in [threading.Thread(target=burn, args=({BURNT},)) for _ in range(4)]:
        worker.start()
    worker.join()
    return []
""",
        after=charged,
        limits={"memory_bytes": 512 * MEBIBYTE},
        quick=True,
    ),
    Hostile(
        "threads_without_end",
        """
def solve(host):
    for _ in range(4):
        threading.Thread(target=burn, args=(10**12,), daemon=True).start()
    time.sleep(99)
""",
        TIMED_OUT,
        says="processor time",
        limits={"cpu_seconds": 0.4, "wall_seconds": 8.0, "memory_bytes": 512 * MEBIBYTE},
    ),
    Hostile(
        "children",
        f"""
def solve(host):
    for _ in range(2):
        pid = os.fork()
        if pid == 0:
            burn({BURNT})
            os._exit(0)
        os.waitpid(pid, 0)
    return []
""",
        after=charged,
        limits={"processes": 4},
        quick=True,
    ),
    Hostile(
        "children_that_nobody_waits_for",
        """
def solve(host):
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            burn(10**12)
    time.sleep(99)
""",
        TIMED_OUT,
        says="processor time",
        limits={"processes": 6, "cpu_seconds": 0.4, "wall_seconds": 8.0},
    ),
    Hostile(
        "sleeping_past_the_limit",
        """
def solve(host):
    while True:
        try:
            time.sleep(99)
        except BaseException:
            pass
""",
        TIMED_OUT,
        limits={"wall_seconds": 0.4},
        after=lambda replies: 0.4 <= replies[-1].wall_seconds < 3,
        quick=True,
    ),
    Hostile(
        "sleeping_below_the_interpreter",
        "def solve(host): ctypes.PyDLL(None).usleep(9_000_000)\n",
        TIMED_OUT,
        limits={"wall_seconds": 0.4},
    ),
    Hostile(
        "waiting_for_a_lock_that_it_holds",
        "def solve(host):\n    lock = threading.Lock()\n    lock.acquire(); lock.acquire()\n",
        TIMED_OUT,
        limits={"wall_seconds": 0.4},
    ),
    Hostile(
        "another_time_for_everybody",
        """
def solve(host):
    gained = won("set", time.clock_settime, time.CLOCK_REALTIME, 0.0)
    gained += won("limit", __import__("resource").setrlimit, 0, (1, 1))[1:]
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    return gained
""",
        verdicts=OK,
    ),
]
