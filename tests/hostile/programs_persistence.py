"""Messages to the next candidate: in files, modules, memory, segments, sockets, the environment and processes."""

from __future__ import annotations

from battery import CRASHED, MARK, OK, Hostile
from forging import FORGE

PROGRAMS = [
    Hostile(
        "files",
        f"""
def solve(host):
    kept = 0
    for folder in ("/tmp", "/dev/shm", "/dev/mqueue", "/var/tmp", "/run", "/home", os.path.expanduser("~"), "/"):
        kept += len(won(folder, lambda: open(f"{{folder}}/{MARK}", "w").write("x")))
        kept += len(won(folder, os.mkfifo, f"{{folder}}/{MARK}_pipe"))
    return []
""",
        quick=True,
    ),
    Hostile(
        "modules",
        f"""
import builtins, ctypes, json, random
import numpy

def solve(host):
    for module in (builtins, ctypes, json, os, random, sys, threading, time, numpy):
        module.{MARK} = 1
    sys.modules["{MARK}"] = json
    sys.path.insert(0, "/tmp")
    return []
""",
        quick=True,
    ),
    Hostile(
        "numpy_with_another_sum",
        """
import numpy

def solve(host):
    numpy.sum = numpy.add.reduce = numpy.arange = lambda *_, **__: 99.0
    numpy.core = None
    return []
""",
    ),
    Hostile(
        "constants_of_the_interpreter",
        """
def solve(host):
    # Small ints are made once for the whole interpreter; their digits follow the header of an object of variable size.
    ctypes.c_uint32.from_address(id(7) + tuple.__basicsize__).value = 9
    return []
""",
        # The interpreter may need a seven on the way to the answer.
        (OK, CRASHED),
        quick=True,
    ),
    Hostile(
        "random_state",
        "import random\nimport numpy\ndef solve(host):\n    random.seed(1); numpy.random.seed(1)\n    return []\n",
    ),
    Hostile(
        "environment",
        f"def solve(host):\n    os.environ['{MARK}'] = os.environ['HOME'] = '1'\n    os.umask(0)\n    return []\n",
    ),
    Hostile(
        "segments",
        """
def solve(host):
    # Shared memory, semaphores and queues of system five outlive the process in their namespace.
    libc.shmget(0x4D41524B, 4096, 0o1666), libc.semget(0x4D41524B, 1, 0o1666), libc.msgget(0x4D41524B, 0o1666)
    libc.mq_open(b"/hostile_mark", 0o102, 0o666, None) if hasattr(libc, "mq_open") else None
    return []
""",
        quick=True,
    ),
    Hostile(
        "a_daemon",
        f"""
def solve(host):
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        for number in range(3, 256):
            won("", os.close, number)
        while True:
            won("", lambda: open("/tmp/{MARK}", "w").write("here"))
            time.sleep(0.01)
    os.wait()
    return []
""",
        limits={"processes": 8},
        quick=True,
    ),
    Hostile(
        "what_the_runner_is_made_of",
        f"""
import json

def solve(host):
    # A compiled file beside a module, a file that the interpreter reads when it starts, the runner's own text.
    gained = []
    folder = os.path.dirname(json.__file__)
    for path in (f"{{folder}}/__pycache__/{MARK}.pyc", f"{{folder}}/../sitecustomize.py", f"{{folder}}/{MARK}.pth",
                 "/opt/runner/runner.pyc", "/opt/runner/wire.pyc", "/opt/packages/{MARK}.py", "/etc/ld.so.preload",
                 "/usr/lib/{MARK}.so"):
        gained += won(path, open, path, "ab")
    return gained
""",
        quick=True,
    ),
    Hostile(
        "handlers_for_the_end",
        f"""
import atexit

class Last:
    def __del__(self): open("/dev/shm/{MARK}", "w").write("x")

def solve(host):
    atexit.register(lambda: open("/tmp/{MARK}", "w").write("x"))
    sys.kept = Last()
    signal.signal(signal.SIGTERM, lambda *_: open("/tmp/{MARK}", "w"))
    return []
""",
    ),
    Hostile(
        "a_frame_left_in_the_pipe",
        FORGE
        + """
def late(pipe, nonce):
    time.sleep(0.02)
    os.write(pipe, frame(nonce, b"T"))

def solve(host):
    threading.Thread(target=late, args=steal()).start()
    return []
""",
    ),
    Hostile(
        "the_clock_of_the_page_cache",
        """
def solve(host):
    # What is dropped from memory would be slow for the next one to read.
    with open(os.__file__, "rb") as file:
        gained = won("dropped", os.posix_fadvise, file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return gained + won("touched", os.utime, os.__file__)
""",
    ),
]
