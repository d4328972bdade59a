"""The trusted interpreter inside a sandbox that forks a process for each program, with the packages imported already.

Started by bwrap as `python fork_server.py CONTROL PROC`: a socket to the host, and the folder /proc of the host, which
is visible nowhere else. It never runs a program and never hears of one: the host passes it the pipes of a session, it
answers with a descriptor of the new process, and the program goes through the pipes. Each process has user, pid,
mount and ipc namespaces of its own, a /tmp of its own, no capabilities and no descriptor but its pipes; it has the
network namespace of the server, which is empty, as the filter of system calls denies sockets.

A raw clone3 skips what the C library and Python do after a fork, so there is one thread here and nothing holds a lock.
A process that has ended is waited for only when the host says so: until then its clocks can be read, and its number is
nobody else's.
"""

from __future__ import annotations

import array
import ctypes
import gc
import importlib
import os
import socket
import sys
from contextlib import suppress

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import runner  # type: ignore[import-not-found, unused-ignore]

# Programs do not see it: the name is theirs.
del sys.path[0], sys.modules["runner"]

confine, wire = runner.ours("confine"), runner.wire
libc = confine.libc

CLONE3, CLOSE_RANGE = 435, 436
CLONE_ARGUMENTS = ("flags", "pidfd", "child_tid", "parent_tid", "exit_signal", "stack", "stack_size", "tls")
NAMESPACES = 0x00020000 | 0x08000000 | 0x10000000 | 0x20000000  # mount, ipc, user, pid
CLONE_PIDFD, CLONE_CHILD_CLEARTID, CLONE_CHILD_SETTID = 0x00001000, 0x00200000, 0x01000000
PR_GET_TID_ADDRESS = 40
SIGCHLD = 17
MS_NOSUID, MS_NODEV = 2, 4
LAST_DESCRIPTOR = 2**32 - 1
MESSAGE_BYTES = 1 << 16
JOB_DESCRIPTORS = 3
IDENTITY = f"{confine.NOBODY} {confine.NOBODY} 1"


class _CloneArguments(ctypes.Structure):
    """struct clone_args of linux/sched.h."""

    _fields_ = tuple((name, ctypes.c_uint64) for name in CLONE_ARGUMENTS)


class Server:
    """Answers the host, one message at a time."""

    def __init__(self, control: socket.socket, proc: int) -> None:
        self.control = control
        self.proc = proc
        self.thread_id = _thread_id_address()
        self.pids: dict[int, int] = {}

    def serve(self) -> None:
        """Until the host is gone."""
        while self._serve_one():
            pass

    def _serve_one(self) -> bool:
        """A call for each message: a program finds the frames that it was forked in, and the last one's variables."""
        data, descriptors = self._receive()
        if not data:
            return False
        kind, number, *more = wire.decode(data)
        try:
            if kind == "start":
                self._start(number, descriptors, *more)
            else:
                self._reap(number)
        except OSError as error:
            self.answer(("failed", number, str(error)))
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        return True

    def _start(self, number: int, descriptors: list[int], file_bytes: int, files: int) -> None:
        pid, pidfd = self._fork()
        if pid == 0:
            # A program that walks up the stack is not to know how many there were before it.
            self.pids.clear()
            os._exit(become(self.proc, descriptors, file_bytes, files))
        self.pids[number] = pid
        try:
            self.answer(("started", number), pidfd)
        finally:
            os.close(pidfd)

    def _reap(self, number: int) -> None:
        """Exit code as shells count, and processor seconds of the process and of all that it waited for."""
        _, status, usage = os.wait4(self.pids.pop(number), 0)
        code = os.waitstatus_to_exitcode(status)
        self.answer(("ended", number, code if code >= 0 else 128 - code, usage.ru_utime + usage.ru_stime))

    def _fork(self) -> tuple[int, int]:
        """Identifier and descriptor of a new process, 0 and -1 in that process itself. Raises OSError."""
        pidfd = ctypes.c_int(-1)
        arguments = _CloneArguments(
            flags=NAMESPACES | CLONE_PIDFD, pidfd=ctypes.addressof(pidfd), exit_signal=SIGCHLD, child_tid=self.thread_id
        )
        if self.thread_id:
            arguments.flags |= CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID
        pid = libc.syscall(CLONE3, ctypes.byref(arguments), ctypes.sizeof(arguments))
        return confine.check(pid, "clone3"), pidfd.value

    def _receive(self) -> tuple[bytes, list[int]]:
        room = socket.CMSG_SPACE(JOB_DESCRIPTORS * array.array("i").itemsize)
        data, ancillary, _, _ = self.control.recvmsg(MESSAGE_BYTES, room)
        descriptors = array.array("i")
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                descriptors.frombytes(content)
        return data, list(descriptors)

    def answer(self, said: tuple[object, ...], *descriptors: int) -> None:
        """Says so to the host."""
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        self.control.sendmsg([wire.encode(said)], rights)


def become(proc: int, descriptors: list[int], file_bytes: int, files: int) -> int:
    """Makes the new process the runner of a session, from which there is no way back; the exit status at its end."""
    calls, replies, output = descriptors
    try:
        # What is open in several processes has flags and a position that all of them see.
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.setsid()
        for name, text in (("setgroups", "deny"), ("uid_map", IDENTITY), ("gid_map", IDENTITY)):
            _write(proc, f"self/{name}", text)
        options = f"size={file_bytes},nr_inodes={files},mode=0755".encode()
        confine.check(libc.mount(b"tmpfs", b"/tmp", b"tmpfs", MS_NOSUID | MS_NODEV, options), "a private /tmp")
        os.chdir("/tmp")  # noqa: S108
        _close_all_but(calls, replies)
        confine.drop_capabilities()
        confine.forbid_new_privileges()
        runner.main(runner.Pipes(calls, replies))
    except OSError as error:
        os.write(2, f"the fork server could not confine a process: {error}\n".encode())
        return 1
    return 0


def _write(folder: int, name: str, text: str) -> None:
    number = os.open(name, os.O_WRONLY, dir_fd=folder)
    try:
        os.write(number, text.encode())
    finally:
        os.close(number)


def _close_all_but(one: int, two: int) -> None:
    """Of all from 3 on: what a process inherits from here is the host's and other programs'."""
    low, high = sorted((one, two))
    for first, last in ((3, low - 1), (low + 1, high - 1), (high + 1, LAST_DESCRIPTOR)):
        if first <= last:
            confine.check(libc.syscall(CLOSE_RANGE, ctypes.c_uint(first), ctypes.c_uint(last), 0), "close_range")


def _thread_id_address() -> int:
    """Where the C library keeps the number of this thread, which a raw clone must renew; 0 where that is not told."""
    address = ctypes.c_void_p()
    told = libc.prctl(PR_GET_TID_ADDRESS, ctypes.byref(address), 0, 0, 0)
    return (address.value or 0) if told == 0 else 0


def _threads(proc: int) -> int:
    folder = os.open("self/task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=proc)
    try:
        return len(os.listdir(folder))
    finally:
        os.close(folder)


def main() -> None:
    """Imports what the first message names, says that it is ready, and serves."""
    confine.give_up_root()
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    proc = int(sys.argv[2])
    os.set_inheritable(proc, False)
    sys.argv[:] = [""]
    server = Server(control, proc)
    _, number, path, modules = wire.decode(control.recv(MESSAGE_BYTES))
    sys.path.extend(path)
    for module in modules:
        # A program that imports what is broken meets the same error; one that does not is none the worse.
        with suppress(Exception):
            importlib.import_module(module)
    # What is here now stays: the collector would only touch, and so copy, the pages of every process to come.
    gc.collect()
    gc.freeze()
    if _threads(proc) > 1:
        return server.answer(("threads", number))
    server.answer(("ready", number))
    return server.serve()


if __name__ == "__main__":
    main()
