"""More than its share: memory of every kind, files, processes, threads, descriptors, output, patience."""

from __future__ import annotations

from battery import CRASHED, FORBIDDEN, INVALID, OK, OUT_OF_MEMORY, OUTPUT_FLOOD, TIMED_OUT, Hostile

from sandbox.limits import MEBIBYTE

FILE_BYTES = 2 * MEBIBYTE
MEMORY_BYTES = 256 * MEBIBYTE

PROGRAMS = [
    Hostile(
        "fork_bomb",
        """
import multiprocessing, subprocess

def solve(host):
    gained = []
    for _ in range(100):
        gained += won("fork", os.fork)
    gained += won("spawn", os.posix_spawn, sys.executable, ["x"], {}) + won("pty", os.forkpty)
    gained += won("run", subprocess.run, [sys.executable, "-c", "1"])
    gained += won("worker", lambda: multiprocessing.get_context("fork").Process(target=print).start())
    return gained + ["libc"] * (libc.fork() != -1)
""",
        quick=True,
    ),
    Hostile(
        "fork_bomb_with_children_allowed",
        "def solve(host):\n    while True: won('', os.fork)\n",
        (FORBIDDEN, OUT_OF_MEMORY),
        says="processes",
        limits={"processes": 3},
        quick=True,
    ),
    Hostile(
        "grandchildren_in_sessions_of_their_own",
        """
def solve(host):
    for number in range(1, 65):
        won("", signal.signal, number, signal.SIG_IGN) if number not in (9, 19, 32, 33) else None
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            if os.fork():
                os._exit(0)
            while True:
                time.sleep(0.01)
    time.sleep(0.05)
    return []
""",
        limits={"processes": 8},
        quick=True,
    ),
    Hostile(
        "zombies",
        """
def solve(host):
    for _ in range(5):
        if os.fork() == 0:
            os._exit(0)
    time.sleep(0.1)
    return []
""",
        limits={"processes": 8},
    ),
    Hostile(
        "thread_bomb",
        """
threading.stack_size(32768)

def solve(host):
    while True:
        threading.Thread(target=time.sleep, args=(99,), daemon=True).start()
""",
        (FORBIDDEN, CRASHED),
        says="thread",
        quick=False,
    ),
    Hostile(
        "sparse_file",
        """
def solve(host):
    gained = []
    with open("/tmp/sparse", "wb") as file:
        gained += won("truncated", file.truncate, 100 << 30)
        gained += won("written far out", os.pwrite, file.fileno(), b"x", 100 << 30)
        gained += won("allocated", os.posix_fallocate, file.fileno(), 0, 100 << 30)
    return gained
""",
        quick=True,
    ),
    Hostile(
        "filling_tmp",
        """
def solve(host):
    total = 0
    for number in range(100):
        try:
            with open(f"/tmp/{number}", "wb", buffering=0) as file:
                for _ in range(100):
                    total += file.write(bytes(100_000))
        except OSError:
            break
    return total
""",
        holds=lambda total: 0 < total <= FILE_BYTES,
        limits={"file_bytes": FILE_BYTES},
        quick=True,
    ),
    Hostile(
        "filling_other_places",
        """
def solve(host):
    total = 0
    for folder in ("/dev/shm", "/dev/mqueue", "/dev", "/var/tmp", "/run", "/run/lock", "/run/user", "/"):
        try:
            for number in range(100):
                with open(f"{folder}/{number}", "wb", buffering=0) as file:
                    for _ in range(100):
                        total += file.write(bytes(100_000))
        except OSError:
            continue
    return total
""",
        holds=lambda total: total <= FILE_BYTES,
        limits={"file_bytes": FILE_BYTES},
        quick=True,
    ),
    Hostile(
        "a_flood_of_empty_files",
        """
def solve(host):
    for number in range(10**9):
        try:
            os.close(os.open(f"/tmp/{number}", os.O_CREAT))
        except OSError:
            return number
""",
        # gVisor counts no files: there they are memory of the container's, and take their time.
        (FORBIDDEN, OK, OUT_OF_MEMORY, TIMED_OUT),
        holds=lambda number: 0 < number <= 20_000,
        after=lambda replies: replies[-1].status is not FORBIDDEN or "files" in replies[-1].error,
    ),
    Hostile(
        "descriptors",
        """
def solve(host):
    count = 0
    while won("", lambda: os.dup(0)):
        count += 1
    return count
""",
        holds=lambda count: 0 < count <= 256,
    ),
    Hostile(
        "memory_in_pipes",
        """
import fcntl

def solve(host):
    total, pipes, room = 0, [], b"x" * 65536
    try:
        while True:
            pipes.append(os.pipe())
            os.set_blocking(pipes[-1][1], False)
            won("", fcntl.fcntl, pipes[-1][1], 1031, 1 << 20)
            try:
                while True:
                    total += os.write(pipes[-1][1], room)
            except BlockingIOError:
                pass
    except OSError:
        return total
""",
        holds=lambda total: total <= 16 * MEBIBYTE,
    ),
    Hostile(
        "memory_by_mmap",
        """
import mmap

def solve(host):
    total, maps = 0, []
    try:
        while True:
            maps.append(mmap.mmap(-1, 1 << 22, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
            for at in range(0, 1 << 22, 4096):
                maps[-1][at] = 1
            total += 1 << 22
    except OSError:
        maps.clear()
        return total
""",
        (OK, OUT_OF_MEMORY),
        holds=lambda total: 0 < total <= MEMORY_BYTES,
        quick=True,
    ),
    Hostile(
        "memory_that_is_shared",
        """
import mmap
from multiprocessing import shared_memory

def solve(host):
    gained = won("segment", lambda: shared_memory.SharedMemory(create=True, size=1 << 30).buf.__setitem__(0, 1))
    gained += won("file", os.memfd_create, "x") + won("anonymous", mmap.mmap, -1, 4096)
    segment = libc.shmget(0, 1 << 20, 0o1600)
    return gained + ["system five"] * (segment != -1)
""",
        quick=True,
    ),
    Hostile(
        "memory_on_the_heap",
        "def solve(host):\n    x = []\n    while True: x.append(bytearray(1 << 20))\n",
        OUT_OF_MEMORY,
        quick=True,
    ),
    Hostile(
        "memory_of_an_array",
        "import numpy\ndef solve(host): return numpy.ones((1 << 15, 1 << 15))\n",
        OUT_OF_MEMORY,
    ),
    Hostile("memory_by_text", "def solve(host):\n    x = 'ab'\n    while True: x += x\n", OUT_OF_MEMORY),
    Hostile(
        "recursion_without_a_limit",
        "sys.setrecursionlimit(10**9)\ndef solve(host): return [solve(host)]\n",
        (CRASHED, OUT_OF_MEMORY, TIMED_OUT),
        limits={"cpu_seconds": 1.0},
    ),
    Hostile(
        "a_number_that_never_ends",
        "def solve(host): return len(str(9 ** 9 ** 8))\n",
        (TIMED_OUT, OUT_OF_MEMORY),
        limits={"cpu_seconds": 0.5},
    ),
    Hostile(
        "an_expression_that_never_matches",
        "def solve(host): return re.match(r'(a+)+$', 'a' * 64 + 'b')\n",
        TIMED_OUT,
        limits={"cpu_seconds": 0.4},
    ),
    Hostile(
        "text_that_is_hard_to_compile",
        "def solve(host): return eval('(' * 10**6 + ')' * 10**6)\n",
        (CRASHED, OUT_OF_MEMORY),
    ),
    Hostile("never_loaded", "while True: pass\n", TIMED_OUT, limits={"cpu_seconds": 0.3}, quick=True),
    Hostile(
        "output",
        "def solve(host):\n    while True: os.write(1, b'x' * 4096)\n",
        OUTPUT_FLOOD,
        after=lambda replies: len(replies[-1].output) == 10_000,
        limits={"output_bytes": 10_000},
        quick=True,
    ),
    Hostile(
        "errors_in_full_length",
        "def solve(host): raise ValueError('x' * 10**7)\n",
        CRASHED,
        after=lambda replies: len(replies[-1].error) < 5000,
    ),
    Hostile(
        "millions_of_small_items",
        "def solve(host): return [[] for _ in range(5_000_000)]\n",
        (INVALID, OUT_OF_MEMORY),
        limits={"memory_bytes": 768 * MEBIBYTE},
    ),
]
