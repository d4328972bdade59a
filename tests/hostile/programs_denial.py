"""Denial of service of the host: its processes, its processors, its clocks, its locks, its patience."""

from __future__ import annotations

from battery import CRASHED, OK, TIMED_OUT, Hostile
from forging import FORGE

CLASS = "def solve(host):\n    class E(Exception):\n        {}\n    raise E('a')\n"

PROGRAMS = [
    Hostile(
        "killing_whatever_can_be_killed",
        """
def solve(host):
    for pid in (host["pid"], -1, os.getppid(), 0):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
            won("", os.kill, pid, number)
    won("", os.killpg, host["pid"], signal.SIGKILL)
    won("", os.kill, host["pid"], signal.SIGKILL)
    won("", os.kill, -1, signal.SIGKILL)
    return []
""",
        (OK, CRASHED),
        quick=True,
    ),
    Hostile(
        "going_first",
        """
def solve(host):
    gained = won("nice", os.nice, -10)
    gained += won("fifo", os.sched_setscheduler, 0, os.SCHED_FIFO, os.sched_param(50))
    gained += won("processors", os.sched_setaffinity, host["pid"], {0})
    gained += won("priority", os.setpriority, os.PRIO_PROCESS, 0, -20)
    return gained + ["locked memory"] * (libc.mlockall(3) == 0)
""",
        quick=True,
    ),
    Hostile(
        "the_machine_itself",
        """
import socket

def solve(host):
    gained = won("name", socket.sethostname, "hostile_mark")
    gained += won("clock", time.clock_settime, time.CLOCK_REALTIME, 0.0)
    for name, call in (("reboot", lambda: libc.reboot(0x01234567)), ("swap", lambda: libc.swapoff(b"/dev/vda")),
                       ("log", lambda: libc.klogctl(5, 0, 0)), ("account", lambda: libc.acct(b"/tmp/x")),
                       ("adjust", lambda: libc.adjtimex(ctypes.create_string_buffer(b"\\xff" * 4, 512)))):
        gained += [name] * (call() != -1)
    for name in ("/proc/sysrq-trigger", "/proc/sys/kernel/panic", "/sys/power/state", "/sys/fs/cgroup/cgroup.procs"):
        gained += won(name, open, name, "w")
    return gained
""",
        quick=True,
    ),
    Hostile(
        "looser_limits",
        """
import resource

def refused(function, *args):
    try:
        function(*args)
    except (ValueError, OSError):
        return []
    return [args]

def solve(host):
    gained = []
    for name in ("AS", "CPU", "FSIZE", "NOFILE", "CORE"):
        kind = getattr(resource, "RLIMIT_" + name)
        for wish in (resource.getrlimit(kind)[1] + 1, resource.RLIM_INFINITY):
            gained += refused(resource.setrlimit, kind, (wish, wish))
            gained += refused(resource.prlimit, os.getpid(), kind, (wish, wish))
    return gained
""",
        quick=True,
    ),
    Hostile(
        "the_tie_to_its_parent",
        """
def solve(host):
    # PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER, PR_SET_TIMERSLACK
    return [number for number in (1, 4, 36, 29) if libc.prctl(number, 0, 0, 0, 0) == 0]
""",
        quick=True,
    ),
    Hostile(
        "locks",
        """
import fcntl

def solve(host):
    with open("/tmp/locked", "w") as file:
        gained = won("flock", fcntl.flock, file, fcntl.LOCK_EX) + won("lockf", fcntl.lockf, file, fcntl.LOCK_EX)
    with open(os.__file__) as file:
        return gained + won("lease", fcntl.fcntl, file, 1024, 0)
""",
    ),
    Hostile(
        "a_loop_that_ignores_signals",
        """
def solve(host):
    for number in range(1, 65):
        if number not in (9, 19, 32, 33):
            signal.signal(number, signal.SIG_IGN)
    while True:
        pass
""",
        TIMED_OUT,
        limits={"cpu_seconds": 0.3},
        quick=True,
    ),
    Hostile(
        "a_tree_that_ignores_signals",
        """
def solve(host):
    for number in (1, 2, 3, 13, 15, 24):
        signal.signal(number, signal.SIG_IGN)
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
    while True:
        pass
""",
        TIMED_OUT,
        limits={"processes": 16, "cpu_seconds": 0.3},
        quick=True,
    ),
    Hostile(
        "catching_whatever_would_end_it",
        """
def solve(host):
    while True:
        try:
            time.sleep(99)
            raise KeyboardInterrupt
        except (KeyboardInterrupt, SystemExit, BaseException):
            continue
""",
        TIMED_OUT,
        limits={"wall_seconds": 0.4},
        quick=True,
    ),
    Hostile(
        "leaving_by_an_exception",
        "def solve(host): raise SystemExit(0)\ndef then(host): raise KeyboardInterrupt\n",
        CRASHED,
        says="KeyboardInterrupt",
        calls=("solve", "then"),
        after=lambda replies: "SystemExit" in replies[0].error and not replies[0].died,
    ),
    Hostile(
        "an_exception_that_never_ends_its_sentence",
        CLASS.format("def __str__(self):\n            while True: pass"),
        TIMED_OUT,
        limits={"cpu_seconds": 0.3},
    ),
    Hostile("an_exception_about_itself", CLASS.format("def __str__(self): raise self"), CRASHED, says="E"),
    Hostile(
        "an_exception_without_a_past", CLASS.format("__traceback__ = property(lambda self: 1 / 0)"), CRASHED, says="E"
    ),
    Hostile(
        "not_listening",
        f"""{FORGE}
def solve(host):
    pipe, nonce = steal()
    send(pipe, frame(nonce, b"N"))
    # PyDLL keeps the interpreter's lock while it sleeps.
    ctypes.PyDLL(None).usleep(9_000_000)
""",
        TIMED_OUT,
        calls=("solve", "then"),
        limits={"wall_seconds": 0.5},
        after=lambda replies: replies[0].value is None,
    ),
    Hostile("the_stack_of_c", "def solve(host): ctypes.string_at(0)\n", CRASHED, says="signal 11"),
]
