"""Programs of a command that hide memory and threads, or leave a message for the next run; and library programs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hostile import run as run_library

from evolve.core.types import Source, Status
from sandbox import cgroup, seccomp
from sandbox.base import Reply
from sandbox.bubblewrap import BubblewrapSandbox
from sandbox.command import BUILD, PREPARE, RUN, Command, wrap
from sandbox.limits import MEBIBYTE, Limits
from sandbox.mounts import DEVICES, Tools

pytestmark = [pytest.mark.bubblewrap, pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")]

BUILDER = BubblewrapSandbox(tools=Tools(handles_children=True, builds=True))
RUNNER = BubblewrapSandbox(tools=Tools(handles_children=True))
LIMITS = Limits(10.0, 5.0, 512 * MEBIBYTE, processes=32, file_bytes=16 * MEBIBYTE)
CC = "cc -O1 -pthread -o a a.c"
HEAD = """
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utime.h>
#define MIB (1L << 20)
"""
# Memory that a thread holds after the first thread of its process has ended.
LEADERLESS = f"""{HEAD}
static void *hold(void *mebibytes) {{
    char *block = mmap(0, (long)mebibytes * MIB, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) _exit(9);
    memset(block, 1, (long)mebibytes * MIB);
    usleep(2000000);
    _exit(0);
}}
static void begin(long mebibytes) {{
    pthread_t thread;
    pthread_create(&thread, 0, hold, (void *)mebibytes);
    syscall(SYS_exit, 0);
}}
"""
# Prints what worked, and what failed otherwise than by being refused.
ATTEMPTS = f"""{HEAD}
#define TRY(name, expression) do {{ errno = 0; long got = (long)(expression); \\
    if (got != -1 && got != EPERM) printf("%s\\n", name); \\
    else if (got == -1 && errno != EPERM) printf("%s:%d\\n", name, errno); }} while (0)
int main(void) {{
    int null = open("/dev/null", O_RDWR), own = open("a.c", O_RDWR);
    long page = sysconf(_SC_PAGESIZE);
    struct timespec times[2] = {{{{1700000000, 1}}, {{1700000000, 1}}}};
    struct rlimit limit = {{0, 0}};
    char *block = mmap(0, page, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char seen;
    TRY("chmod", chmod("/dev/null", 0600));
    TRY("fchmod", fchmod(null, 0600));
    TRY("fchmodat", fchmodat(AT_FDCWD, "/dev/null", 0600, 0));
    TRY("chmod own", fchmod(own, 0600));
    TRY("utimensat", utimensat(AT_FDCWD, "/dev/null", times, 0));
    TRY("touch", utimensat(AT_FDCWD, "/dev/null", 0, 0));
    TRY("futimens", futimens(null, times));
    TRY("utime", utime("/dev/null", 0));
    TRY("flock", flock(open("/usr/bin/env", O_RDONLY), LOCK_SH | LOCK_NB));
    TRY("fadvise", posix_fadvise(own, 0, 0, POSIX_FADV_DONTNEED));
    TRY("mincore", mincore(block, page, &seen));
    TRY("cold", madvise(block, page, 20));
    TRY("pageout", madvise(block, page, 21));
    TRY("dontneed", madvise(block, page, MADV_DONTNEED));
    TRY("shared", mmap(0, page, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    TRY("shared, validated", mmap(0, page, 3, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0));
    TRY("shared file", mmap(0, page, 3, MAP_SHARED, own, 0));
    TRY("limit of 1", prlimit(1, RLIMIT_CORE, &limit, 0));
    TRY("limit of parent", prlimit(getppid(), RLIMIT_CORE, 0, &limit));
    TRY("own limit", prlimit(0, RLIMIT_CORE, &limit, 0));
    TRY("zero", open("/dev/zero", O_RDWR));
    return 0;
}}
"""
# What the kernel holds for many processes, none of which holds much itself: its limits bound each of them alone.
CROWD = f"""{HEAD}
#include <sys/epoll.h>
#include <sys/wait.h>
static char block[65536];
static void regions(void) {{
    long page = sysconf(_SC_PAGESIZE), count = 10000;
    char *room = mmap(0, count * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    for (long i = 0; i < count; i += 2) mprotect(room + i * page, page, PROT_READ);
}}
static void pipes(void) {{
    int ends[2];
    while (!pipe2(ends, O_NONBLOCK)) while (write(ends[1], block, sizeof block) > 0);
}}
static void watches(void) {{
    int ends[2], made[200], count = 0;
    if (pipe(ends)) return;
    while (count < 100 && (made[count] = epoll_create1(0)) >= 0) count++;
    for (int watched = ends[0]; watched >= 0; watched = dup(ends[0]))
        for (int i = 0; i < count; i++) epoll_ctl(made[i], EPOLL_CTL_ADD, watched, &(struct epoll_event){{EPOLLIN}});
}}
int main(void) {{
    for (int i = 0; i < COUNT; i++) if (!fork()) {{ HOARD(); usleep(9000000); _exit(0); }}
    while (wait(0) > 0);
    return 0;
}}
"""
IN_RUNS = ["dontneed", "shared file", "own limit", "zero:2"]
IN_BUILDS = [
    *("chmod", "fchmod", "fchmodat", "chmod own", "utimensat", "touch", "futimens", "utime", "flock", "fadvise"),
    *IN_RUNS,
]


def built(text: str, command: str = CC, **files: bytes) -> Reply:
    order = Command("a.c", "./a", command, files)
    session = BUILDER.open(wrap(order, Source({"a.c": text}, RUN, "command")), LIMITS)
    try:
        return session.call(BUILD)
    finally:
        session.close()


def run(text: str, limits: Limits = LIMITS, build: str = CC, how: str = "./a") -> Reply:
    products = built(text, build)
    assert products.status is Status.OK, products.error
    session = RUNNER.open(wrap(Command("a.c", how, build), Source({"a.c": text}, RUN, "command")), limits)
    prepared = session.call(PREPARE, products.value)
    assert prepared.status is Status.OK, prepared.error
    return session.last_call(RUN)


def nodes() -> list[tuple[int, ...]]:
    """Mode and times of the machine's own devices."""
    found = [os.stat(device) for device in DEVICES]
    return [(one.st_mode, one.st_atime_ns, one.st_mtime_ns, one.st_ctime_ns) for one in found]


def test_memory_is_seen_where_the_first_thread_has_ended() -> None:
    reply = run(LEADERLESS + "int main(void) { begin(150); }")
    assert reply.status is Status.OK, reply.error
    assert 150 * MEBIBYTE < reply.peak_bytes < 200 * MEBIBYTE


def test_processes_whose_first_threads_have_ended_hold_no_more_than_one_may() -> None:
    text = "int main(void) { for (int i = 0; i < 4; i++) if (!fork()) begin(100); sleep(8); }"
    reply = run(LEADERLESS + text, Limits(10.0, 5.0, 256 * MEBIBYTE, processes=32))
    assert reply.status is Status.OUT_OF_MEMORY, reply


def test_a_library_program_without_its_first_thread_is_seen_too() -> None:
    text = """
import ctypes, threading, time

def hold():
    block = bytearray(b"x") * (60 << 20)
    time.sleep(5)

def solve():
    threading.Thread(target=hold).start()
    ctypes.CDLL(None).syscall(NUMBER, 0)
"""
    number = seccomp.allowed_numbers(os.uname().machine)["exit"]
    reply = run_library(text.replace("NUMBER", str(number)), wall_seconds=0.5)
    assert reply.status is Status.TIMED_OUT and reply.peak_bytes > 60 * MEBIBYTE


def test_files_in_memory_are_in_the_peak_once_and_preparing_is_not() -> None:
    filled = "yes | head -c 15000000"
    least = run("int main(void) { return 0; }").peak_bytes
    assert 5 * MEBIBYTE < least < 25 * MEBIBYTE
    kept = run("int main(void) { return 0; }", build=f"{filled} > big; {CC}", how="sleep 1").peak_bytes
    made = run("int main(void) { return 0; }", how=f"{filled} > big; sleep 1").peak_bytes
    for peak_bytes in (kept, made):
        assert least + 5 * MEBIBYTE < peak_bytes < least + 20 * MEBIBYTE, (least, kept, made)
    text = """
int main(void) {
    int file = open("big", O_RDWR | O_CREAT, 0600);
    ftruncate(file, 12 * MIB);
    memset(mmap(0, 12 * MIB, 3, MAP_SHARED, file, 0), 1, 12 * MIB);
    usleep(600000);
}
"""
    mapped = run(HEAD + text).peak_bytes
    assert least + 6 * MEBIBYTE < mapped < least + 20 * MEBIBYTE


def test_threads_of_all_processes_are_counted_together() -> None:
    text = """
static void *nap(void *nothing) { usleep(2000000); return nothing; }
int main(void) {
    pthread_attr_t small; pthread_t thread;
    pthread_attr_init(&small); pthread_attr_setstacksize(&small, 16384);
    for (int i = 0; i < 5; i++) if (!fork()) {
        for (int k = 0; k < 60; k++) pthread_create(&thread, &small, nap, 0);
        usleep(2000000); _exit(0);
    }
    usleep(2000000);
}
"""
    reply = run(HEAD + text)
    assert (reply.status, reply.error) == (Status.FORBIDDEN, "it started more than 256 threads")


@pytest.mark.skipif(cgroup.unavailable() is not None, reason=f"no control group: {cgroup.unavailable()}")
@pytest.mark.parametrize("hoard", ["regions", "pipes", "watches"])
def test_what_the_kernel_holds_for_a_crowd_is_bounded_too(hoard: str) -> None:
    limits = Limits(20.0, 15.0, 64 * MEBIBYTE, processes=64, file_bytes=MEBIBYTE)
    reply = run(CROWD, limits, f"{CC} -DHOARD={hoard} -DCOUNT=60")
    assert reply.status is Status.OUT_OF_MEMORY, (reply.status, reply.error)
    assert reply.peak_bytes < 100 * MEBIBYTE


@pytest.mark.skipif(cgroup.unavailable() is not None, reason=f"no control group: {cgroup.unavailable()}")
def test_groups_are_gone_with_their_sessions() -> None:
    session = RUNNER.open(wrap(Command("a.sh", "true"), Source({"a.sh": ""}, RUN, "command")), LIMITS)
    group = session._child.group
    assert group is not None and group.tasks() >= 1
    folders = [Path(folder) for folder in group._distinct()]
    assert all(str(session._child.pid) in (folder / "cgroup.procs").read_text().split() for folder in folders)
    session.close()
    assert not any(folder.exists() for folder in folders)


def test_a_run_can_leave_no_message_and_hide_no_memory() -> None:
    before = nodes()
    reply = run(ATTEMPTS)
    assert reply.status is Status.OK and reply.value.splitlines() == IN_RUNS
    assert nodes() == before


def test_a_build_sets_modes_and_times_of_its_own_files_alone() -> None:
    before = nodes()
    reply = run(ATTEMPTS, build=f"{CC} && ./a > found", how="cat found")
    assert reply.status is Status.OK and reply.value.splitlines() == IN_BUILDS
    assert nodes() == before


def test_a_library_program_can_leave_no_message_either() -> None:
    text = """
import mmap, os, resource

def solve(names):
    with open("/tmp/own", "w") as file:
        file.write("x")
    number = os.open("/tmp/own", os.O_RDWR)
    attempts = {
        "chmod": lambda: os.chmod("/dev/null", 0o600), "touch": lambda: os.utime("/dev/null"),
        "chmod own": lambda: os.fchmod(number, 0o600), "times of own": lambda: os.utime(number, (1, 1)),
        "fadvise": lambda: os.posix_fadvise(number, 0, 0, 4), "shared": lambda: mmap.mmap(-1, 4096),
        "cold": lambda: mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).madvise(20),
        "zero": lambda: open("/dev/zero"),
    }
    found = []
    for name, attempt in attempts.items():
        try:
            attempt()
        except OSError as error:
            if error.errno != 1:
                found.append((name, error.errno))
        else:
            found.append((name, 0))
    return found
"""
    before = nodes()
    assert run_library(text, []).value == [("zero", 2)]
    assert nodes() == before


def test_builds_do_without_devices() -> None:
    makefile = b"a: a.o\n\tcc -o a a.o 2>/dev/null\na.o: a.c\n\tcc -c a.c >/dev/null\n"
    steps = "make >/dev/null 2>&1 && install -m 751 a b && touch -d @1600000000 a && cp -p b c"
    steps += " && echo x >&2 2>/dev/null && cc -E -x c - </dev/null >/dev/null && [ ! -e /dev/urandom ]"
    reply = built("int main(void) { return 0; }", steps, Makefile=makefile)
    assert reply.status is Status.OK, reply.error
    assert {name: mode & 0o777 for name, (mode, _) in reply.value.items() if name in "bc"} == {"b": 0o751, "c": 0o751}


def test_files_of_a_build_come_with_their_modes() -> None:
    text = "int main(void) { return 0; }"
    build = "echo x > a; chmod 751 a; umask 077; echo y > b; echo z > c; chmod 444 c"
    assert run(text, build=build, how="stat -c %a a b c").value.split() == ["751", "600", "444"]
