"""Where the host is root, a user namespace in which the sandbox can become somebody else.

bwrap alone makes the user of a sandbox the one who started it. Of root the kernel counts no processes (setrlimit(2),
RLIMIT_NPROC), and files that are root's own stay so. So for root a namespace is made in which everybody is who they are
outside, and the fork server gives up root in it for nobody, before anything untrusted is loaded. A process with a bwrap
of its own keeps root's number, without root's rights: a dying bwrap may not kill what belongs to another user, so that
process would outlive the host, while a server ends when the host's end of its socket is closed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from threading import Lock

from evolve.core.environment import without_secrets

_EVERYBODY = "0 0 4294967295"
_HOLDER = """
import ctypes, sys
made = ctypes.CDLL(None, use_errno=True).unshare(0x10000000) == 0
print(int(made), flush=True)
sys.stdin.read()
"""


_making = Lock()


def identity() -> int | None:
    """A descriptor of such a namespace, made once; None where the host is not root or may not make one."""
    with _making:
        return _identity()


@cache
def _identity() -> int | None:
    if os.geteuid() != 0:
        return None
    command = [sys.executable, "-I", "-S", "-c", _HOLDER]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=without_secrets()
    ) as holder:
        try:
            if holder.stdout is None or holder.stdout.read(1) != b"1":
                return None
            for name in ("uid_map", "gid_map"):
                with open(f"/proc/{holder.pid}/{name}", "w", encoding="ascii") as file:
                    file.write(_EVERYBODY)
            return os.open(f"/proc/{holder.pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        finally:
            holder.communicate()
