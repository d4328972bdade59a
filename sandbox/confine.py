"""How a process in a sandbox gives up what it may do, for good, before anything untrusted is loaded into it.

Stands alone beside `runner.py`. Numbers: linux/prctl.h, linux/seccomp.h, linux/capability.h.
"""

from __future__ import annotations

import ctypes
import os

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, PR_CAP_AMBIENT = 38, 22, 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
PR_SET_DUMPABLE = 4
NOBODY = 65534
SECCOMP_MODE_FILTER = 2
CAPABILITY_VERSION_3 = 0x20080522
INSTRUCTION_BYTES = 8

# PyDLL keeps the interpreter's lock: there is one thread, and a lock would have to be taken anew after a raw clone.
libc = ctypes.PyDLL(None, use_errno=True)


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def check(result: int, what: str) -> int:
    """The result of a call of the C library. Raises OSError where it failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def give_up_root() -> None:
    """Of the namespace's root makes its nobody, without any capability. Others are as they are. Raises OSError.

    The kernel lets nobody look at who has changed its user, the host aside; the files of its own in /proc are needed.
    """
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        check(libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), "dumpable")


def drop_capabilities() -> None:
    """Gives up every capability. Raises OSError.

    What a program that is started may get back is left as it is: to `forbid_new_privileges` nothing may get any back,
    and each of the forty would cost as much as all of this.
    """
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    check(libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")


def install_filter(program: bytes) -> None:
    """Lets the kernel check every further system call by `program`, an array of `sock_filter`. Raises OSError."""
    forbid_new_privileges()
    code = _Filter(len(program) // INSTRUCTION_BYTES, program)
    check(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(code), 0, 0), "seccomp")


def forbid_new_privileges() -> None:
    """Set-user-id bits and file capabilities have no effect from now on. Raises OSError."""
    check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
