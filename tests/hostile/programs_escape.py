"""Out of the sandbox: by the kernel, by other processes, by devices, by the network, by the file system."""

from __future__ import annotations

from battery import CRASHED, MACHINE, MARK, OK, TIMED_OUT, Hostile

# Numbers of system calls that no program needs, as the kernel's headers have them.
CALLS = {
    "x86_64": {
        "ptrace": 101, "mount": 165, "umount2": 166, "unshare": 272, "setns": 308, "pivot_root": 155, "chroot": 161,
        "keyctl": 250, "add_key": 248, "request_key": 249, "bpf": 321, "perf_event_open": 298, "io_uring_setup": 425,
        "io_uring_enter": 426, "userfaultfd": 323, "kexec_load": 246, "kexec_file_load": 320, "init_module": 175,
        "finit_module": 313, "delete_module": 176, "process_vm_readv": 310, "process_vm_writev": 311, "mknod": 133,
        "pidfd_open": 434, "pidfd_getfd": 438, "open_by_handle_at": 304, "name_to_handle_at": 303, "clone3": 435,
        "memfd_create": 319, "seccomp": 317, "personality": 135, "fsopen": 430, "move_mount": 429, "open_tree": 428,
        "mount_setattr": 442, "iopl": 172, "ioperm": 173, "modify_ldt": 154, "quotactl": 179, "acct": 163,
        "swapon": 167, "fanotify_init": 300, "lookup_dcookie": 212, "nfsservctl": 180, "vhangup": 153,
    },
    "aarch64": {
        "ptrace": 117, "mount": 40, "umount2": 39, "unshare": 97, "setns": 268, "pivot_root": 41, "chroot": 51,
        "keyctl": 219, "add_key": 217, "request_key": 218, "bpf": 280, "perf_event_open": 241, "io_uring_setup": 425,
        "userfaultfd": 282, "kexec_load": 104, "init_module": 105, "finit_module": 273, "process_vm_readv": 270,
        "pidfd_open": 434, "pidfd_getfd": 438, "open_by_handle_at": 265, "clone3": 435, "memfd_create": 279,
        "seccomp": 277, "personality": 92, "fsopen": 430, "move_mount": 429, "open_tree": 428, "mount_setattr": 442,
    },
}.get(MACHINE, {})  # fmt: skip
CLONE = {"x86_64": 56, "aarch64": 220}.get(MACHINE, 56)
# mount, cgroup, uts, ipc, user, pid and network namespaces.
NAMESPACES = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)

PROGRAMS = [
    Hostile("system_calls", f"def solve(host): return undenied({CALLS})", quick=True),
    Hostile(
        "namespaces",
        f"""
def solve(host):
    made = []
    for kind in {NAMESPACES}:
        pid = libc.syscall({CLONE}, kind | 17, 0, 0, 0, 0)
        if pid == 0:
            os._exit(0)
        made += [kind] if pid > 0 else []
    return made
""",
        limits={"processes": 4},
        quick=True,
    ),
    Hostile(
        "becoming_root",
        """
def solve(host):
    gained = []
    for name, call in (("uid", os.setuid), ("gid", os.setgid)):
        gained += won(name, call, 0)
    gained += won("groups", os.setgroups, [0])
    gained += won("chroot", os.chroot, "/tmp")
    gained += won("node", os.mknod, "/tmp/disk", 0o60666, os.makedev(8, 0))
    return gained + [("root", os.getuid(), os.geteuid())] * (0 in (os.getuid(), os.geteuid()))
""",
        quick=True,
    ),
    Hostile(
        "set_user_id",
        """
def solve(host):
    found = []
    for folder, _, names in os.walk("/"):
        if folder.startswith(("/proc", "/sys")):
            continue
        for path in (os.path.join(folder, name) for name in names):
            try:
                marked = os.lstat(path).st_mode & 0o6000 and os.path.isfile(path)
                found += won(path, os.execv, path, [path]) if marked else []
            except OSError:
                pass
    open("/tmp/program", "w").write("#!/bin/true")
    return found + won("chmod", os.chmod, "/tmp/program", 0o6755)
""",
    ),
    Hostile(
        "memory_of_other_processes",
        """
def solve(host):
    gained = []
    for pid in {host["pid"], os.getppid(), *range(1, 200)} - {os.getpid()}:
        for name in ("mem", "environ", "maps", "root", "fd", "ns/mnt"):
            call = os.listdir if name in ("root", "fd") else lambda path: open(path, "rb").read(1)
            gained += won(f"/proc/{pid}/{name}", call, f"/proc/{pid}/{name}")
    return gained
""",
        quick=True,
    ),
    Hostile(
        "own_memory_through_proc",
        """
def solve(host):
    # Where it can be opened, it reaches no more than ctypes does: constants here, and no other process.
    text = b"unchanged" * 9
    try:
        with open("/proc/self/mem", "r+b", buffering=0) as file:
            file.seek(id(text) + bytes.__basicsize__ - 1)
            file.write(b"X")
    except OSError:
        pass
    return [name for name in ("/proc/1/root/proc", "/proc/sysrq-trigger") if won(name, lambda: open(name, "r+b"))]
""",
    ),
    Hostile(
        "links",
        f"""
def solve(host):
    gained = []
    targets = [host["file"], "/etc/shadow", "/proc/1/root" + host["file"], "/../../.." + host["file"], "/root/.ssh"]
    for number, target in enumerate(targets):
        os.symlink(target, f"/tmp/link{{number}}")
        gained += won(target, lambda: open(f"/tmp/link{{number}}").read())
        gained += won(target + " hard", os.link, target, f"/tmp/hard{{number}}")
        gained += won(target + " written", lambda: open(f"/tmp/link{{number}}", "w").write("{MARK}"))
    os.symlink("/", "/tmp/root")
    gained += won("through a folder", os.mkdir, "/tmp/root/usr/{MARK}")
    for _ in range(40):
        gained += won("by renaming", os.rename, "/tmp/root", "/usr/{MARK}")
    return gained
""",
        quick=True,
    ),
    Hostile(
        "writing_outside",
        f"""
import json

def solve(host):
    folders = ["/", "/usr", "/usr/lib", "/lib", "/bin", "/etc", "/opt", "/opt/runner", "/opt/python", "/opt/packages",
               "/home", "/root", "/run", "/sys", "/proc", os.path.dirname(json.__file__), os.path.dirname(os.__file__)]
    gained = []
    for folder in filter(os.path.isdir, folders):
        gained += won(folder, open, os.path.join(folder, "{MARK}"), "w")
        gained += won(folder, os.mkdir, os.path.join(folder, "{MARK}_folder"))
    gained += won("module", open, json.__file__, "a") + won("mode", os.chmod, json.__file__, 0o777)
    return gained + won("removed", os.unlink, os.__file__) + won("moved", os.rename, "/opt", "/opt2")
""",
        quick=True,
    ),
    Hostile(
        "devices",
        """
def solve(host):
    gained = []
    # The last two are of gVisor's kernel alone, and of no use without mounting and ioctl.
    harmless = {"null", "zero", "full", "random", "urandom", "tty", "stdin", "stdout", "stderr", "core", "ptmx"}
    harmless |= {"fuse", "tun"}
    for folder, _, names in os.walk("/dev"):
        gained += won(folder, open, os.path.join(folder, "new"), "w") if folder == "/dev" else []
        for name in names:
            if name not in harmless and "/fd" not in folder:
                gained += won(name, open, os.path.join(folder, name), "rb")
    for name in ("mem", "kmem", "port", "kmsg", "sda", "vda", "loop-control", "kvm", "uinput"):
        gained += won(name, os.open, "/dev/" + name, os.O_RDWR)
    return gained
""",
        quick=True,
    ),
    Hostile(
        "network",
        """
import socket

def solve(host):
    gained = []
    places = [("127.0.0.1", host["port"]), ("10.0.2.2", host["port"]), ("172.17.0.1", host["port"]), ("1.1.1.1", 53)]
    for place in places:
        gained += won(str(place), lambda: socket.create_connection(place, 0.2).close())
    for family in (socket.AF_NETLINK, socket.AF_PACKET, socket.AF_VSOCK, 38):
        gained += won(f"family {family}", socket.socket, family, socket.SOCK_RAW)
    return gained + won("resolver", socket.getaddrinfo, "localhost.localdomain.invalid", 80)
""",
        quick=True,
    ),
    Hostile(
        "abstract_sockets",
        """
import socket

def knock(name):
    with socket.socket(socket.AF_UNIX) as one:
        one.connect("\\0" + name)

def leave(name):
    socket.socket(socket.AF_UNIX).bind("\\0" + name)

def solve(host):
    gained = won("host", knock, host["abstract"]) + won("neighbour", knock, "hostile_mark")
    return gained + won("left", leave, "hostile_mark")
""",
        quick=True,
    ),
    Hostile(
        "terminal",
        """
import fcntl, termios

def solve(host):
    gained = []
    for number in range(64):
        gained += won(f"typed into {number}", fcntl.ioctl, number, termios.TIOCSTI, b"x")
        gained += won(f"controls {number}", fcntl.ioctl, number, termios.TIOCSCTTY, 1)
    return gained + won("opened", lambda: open("/dev/tty", "w").write("x"))
""",
    ),
    Hostile(
        "calls_of_32_bits",
        """
import mmap

def solve(host):
    # mov eax, 20 (getpid for 32 bits); int 0x80; ret
    code = b"\\xb8\\x14\\x00\\x00\\x00\\xcd\\x80\\xc3"
    place = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=7)
    place.write(code)
    at = ctypes.addressof(ctypes.c_char.from_buffer(place))
    return [ctypes.CFUNCTYPE(ctypes.c_int)(at)() > 0]
""",
        (OK, CRASHED),
        value=[False],
        machine="x86_64",
        quick=True,
    ),
    Hostile(
        "another_program_in_its_place",
        """
OTHER = '''
import os, socket
try:
    socket.socket(socket.AF_INET)
    os.fork()
    print("free")
except OSError:
    print("held")
'''

def solve(host):
    return won("another program", lambda: os.execv(sys.executable, [sys.executable, "-S", "-c", OTHER]))
""",
        (OK, CRASHED),
        after=lambda replies: not replies[-1].value and "free" not in replies[-1].output,
        quick=True,
    ),
    Hostile(
        "shell",
        """
import subprocess

def solve(host):
    return won("shell", subprocess.run, ["/bin/sh", "-c", "id"]) + [os.system("id >&2")] * (os.system("id") == 0)
""",
    ),
    Hostile(
        "core_dump",
        """
import resource

def solve(host):
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (1 << 20, 1 << 20))
    except (OSError, ValueError):
        os.abort()
""",
        CRASHED,
        says="signal",
    ),
    Hostile(
        "stopping_itself",
        """
def solve(host):
    os.kill(os.getpid(), signal.SIGSTOP)
    return []
""",
        (OK, TIMED_OUT),
        limits={"wall_seconds": 0.5},
    ),
]
