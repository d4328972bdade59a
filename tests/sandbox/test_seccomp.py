"""The filter of system calls, run instruction by instruction, and its numbers against the kernel's headers."""

from __future__ import annotations

import errno
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from evolve.core.errors import UsageError
from sandbox import seccomp

ALLOW, KILL, ERROR = 0x7FFF0000, 0x80000000, 0x00050000
EPERM, ENOSYS = ERROR | errno.EPERM, ERROR | errno.ENOSYS
HEADERS = {
    "x86_64": ["/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"],
    "aarch64": ["/usr/include/asm-generic/unistd.h"],
}
GENERIC_NAMES = {"newfstatat": "fstatat"}
MACHINES = sorted(seccomp.ARCHITECTURES)
DENIED = frozenset(
    """
    socket socketpair connect bind listen accept accept4 sendto sendmsg recvfrom ptrace process_vm_readv
    process_vm_writev process_madvise io_uring_setup io_uring_enter io_uring_register bpf userfaultfd keyctl add_key
    request_key mount umount2 move_mount open_tree fsopen pivot_root chroot unshare setns memfd_create perf_event_open
    kexec_load init_module finit_module reboot swapon settimeofday clock_settime sethostname setuid setgid setreuid
    setresuid capset seccomp execveat mknodat name_to_handle_at open_by_handle_at quotactl acct syslog pidfd_open
    pidfd_getfd pidfd_send_signal landlock_create_ruleset mlock shmget msgget semget mq_open inotify_init1
    fanotify_init timer_create epoll_create1 eventfd2 kcmp lookup_dcookie personality vhangup sched_setaffinity
    """.split()  # noqa: SIM905
)


def decide(code: bytes, number: int, *arguments: int, architecture: int) -> int:
    """What the kernel would do: a classic BPF machine with the operations that the filter uses."""
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<IIQ6Q", number, architecture, 0, *padded)
    program = list(struct.iter_unpack("=HBBI", code))
    at, accumulator = 0, 0
    while True:
        operation, if_true, if_false, operand = program[at]
        at += 1
        if operation == 0x06:
            return int(operand)
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, operand)
            continue
        taken = {0x15: accumulator == operand, 0x35: accumulator >= operand, 0x45: bool(accumulator & operand)}
        at += if_true if taken[operation] else if_false


def header_numbers(machine: str) -> Iterator[tuple[str, int]]:
    paths = [Path(path) for path in HEADERS[machine] if Path(path).exists()]
    if not paths:
        pytest.skip(f"the kernel's headers for {machine} are not installed")
    for name, number in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", paths[0].read_text()):
        yield name, int(number)


@pytest.fixture(params=MACHINES)
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_numbers_are_the_kernels(machine: str) -> None:
    known = dict(header_numbers(machine))
    for name, number in seccomp.allowed_numbers(machine).items():
        header_name = GENERIC_NAMES.get(name, name) if machine == "aarch64" else name
        assert known[header_name] == number, name


def test_what_is_listed_is_allowed_and_nothing_else(machine: str) -> None:
    listed = seccomp.allowed_numbers(machine)
    special = {listed[name] for name in ("clone", "clone3", "prctl", "fcntl", "ioctl")}
    forks = {listed[name] for name in ("fork", "vfork", "execve", "pipe", "pipe2") if name in listed}
    architecture = seccomp.ARCHITECTURES[machine]
    for processes in (False, True):
        code = seccomp.program(processes, machine)
        for number in set(range(600)) - special:
            expected = ALLOW if number in listed.values() and (processes or number not in forks) else EPERM
            assert decide(code, number, architecture=architecture) == expected, number


def test_dangerous_calls_are_denied(machine: str) -> None:
    known = dict(header_numbers(machine))
    found = [known[name] for name in DENIED if name in known]
    assert len(found) > 60
    for number in found:
        decision = decide(seccomp.program(True, machine), number, architecture=seccomp.ARCHITECTURES[machine])
        assert decision == EPERM


def test_another_architecture_kills(machine: str) -> None:
    code = seccomp.program(False, machine)
    for architecture in (0x40000003, 0xC000003E, 0xC00000B7, 0x40000028, 0):
        if architecture != seccomp.ARCHITECTURES[machine]:
            assert decide(code, 0, architecture=architecture) == KILL


def test_x32_kills() -> None:
    code = seccomp.program(True, "x86_64")
    for number in (0x40000000, 0x40000001, 0x40000000 + 520, 0xFFFFFFFF):
        assert decide(code, number, architecture=0xC000003E) == KILL


PTHREAD = 0x003D0F00
FORK = 0x01200011
VFORK = 0x00004111
NAMESPACES = [0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000]


def test_threads_always_processes_only_where_allowed_namespaces_never(machine: str) -> None:
    clone, architecture = seccomp.allowed_numbers(machine)["clone"], seccomp.ARCHITECTURES[machine]
    for processes in (False, True):
        code = seccomp.program(processes, machine)
        other = ALLOW if processes else EPERM
        for flags, expected in ((PTHREAD, ALLOW), (FORK, other), (VFORK, other), (17, other), (0, other)):
            assert decide(code, clone, flags, architecture=architecture) == expected
            # The kernel reads the low half alone.
            assert decide(code, clone, flags | 0xFFFFFFFF << 32, architecture=architecture) == expected
            for namespace in NAMESPACES:
                assert decide(code, clone, flags | namespace, architecture=architecture) == EPERM


def test_clone3_is_not_there(machine: str) -> None:
    architecture = seccomp.ARCHITECTURES[machine]
    assert decide(seccomp.program(True, machine), 435, architecture=architecture) == ENOSYS


@pytest.mark.parametrize(
    ("name", "argument", "allowed", "denied"),
    [
        ("prctl", 0, [15, 16], [1, 4, 8, 22, 23, 24, 28, 36, 38, 47, 0x59616D61]),
        ("fcntl", 1, [0, 1, 2, 3, 4, 1030], [5, 6, 7, 8, 10, 37, 38, 1024, 1026, 1031, 1033]),
        ("ioctl", 1, [0x5401, 0x541B, 0x5451], [0x5412, 0x540E, 0x5428, 0xAE00, 0x40086602]),
        ("prlimit64", 0, [0], [1, 2, 77, 0xFFFFFFFF]),
        ("mmap", 3, [0x01, 0x02, 0x03, 0x22, 0x4022, 0x20022], [0x21, 0x23, 0x31, 0x4021, 0x40021]),
        ("madvise", 2, [0, 1, 3, 4, 8, 14, 15, 22], [20, 21]),
    ],
)
def test_one_argument_decides(machine: str, name: str, argument: int, allowed: list[int], denied: list[int]) -> None:
    number, architecture = seccomp.allowed_numbers(machine)[name], seccomp.ARCHITECTURES[machine]
    code = seccomp.program(True, machine)
    for command in allowed + denied:
        arguments = [*[0] * argument, command]
        assert decide(code, number, *arguments, architecture=architecture) == (ALLOW if command in allowed else EPERM)


def test_another_machine_is_refused() -> None:
    with pytest.raises(UsageError, match="riscv64"):
        seccomp.program(False, "riscv64")


def test_what_runs_a_command_may_do_a_little_more(machine: str) -> None:
    known, listed = dict(header_numbers(machine)), seccomp.allowed_numbers(machine, tools=True)
    architecture = seccomp.ARCHITECTURES[machine]
    for name, number in listed.items():
        header_name = GENERIC_NAMES.get(name, name) if machine == "aarch64" else name
        assert known[header_name] == number, name
    wider = {"socketpair", "recvfrom", "epoll_create1", "eventfd2", "setuid", "setgid", "setreuid", "setresuid"}
    code = seccomp.program(True, machine, tools=True)
    for name in DENIED - wider:
        if name in known:
            assert decide(code, known[name], 5, architecture=architecture) == EPERM, name
    unix, internet = 1, 2
    assert decide(code, listed["socketpair"], unix, architecture=architecture) == ALLOW
    assert decide(code, listed["socketpair"], internet, architecture=architecture) == EPERM
    assert decide(code, listed["sched_setaffinity"], 0, architecture=architecture) == ALLOW


def test_builds_alone_set_modes_and_times_and_advise_on_the_page_cache(machine: str) -> None:
    known, architecture = dict(header_numbers(machine)), seccomp.ARCHITECTURES[machine]
    others, every = seccomp.allowed_numbers(machine), seccomp.allowed_numbers(machine, builds=True)
    more = {name: number for name, number in every.items() if name not in others}
    assert {"fchmodat", "fchmod", "utimensat", "flock", "fadvise64"} <= set(more)
    codes = [seccomp.program(True, machine, tools=True, builds=builds) for builds in (True, False)]
    for name, number in more.items():
        assert known[name] == number, name
        decisions = [decide(code, number, architecture=architecture) for code in codes]
        assert decisions == [ERROR | errno.EOPNOTSUPP if name.endswith("setxattr") else ALLOW, EPERM]
    assert all(decide(code, known["mincore"], architecture=architecture) == EPERM for code in codes)


def test_what_is_measured_can_not_ignore_its_children(machine: str) -> None:
    number, architecture = seccomp.allowed_numbers(machine)["rt_sigaction"], seccomp.ARCHITECTURES[machine]
    code = seccomp.program(True, machine, tools=True, handles_children=False)
    child, other = 17, 2
    for action in (1, 1 << 32, 0x7FFF12345678):
        assert decide(code, number, child, action, architecture=architecture) == EPERM
        assert decide(code, number, child | 1 << 32, action, architecture=architecture) == EPERM
        assert decide(code, number, other, action, architecture=architecture) == ALLOW
    assert decide(code, number, child, 0, architecture=architecture) == ALLOW
    free = seccomp.program(True, machine, tools=True)
    assert decide(free, number, child, 1, architecture=architecture) == ALLOW
