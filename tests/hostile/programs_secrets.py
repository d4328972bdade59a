"""Reading what is not theirs. Each returns the planted secrets that it has found; unconfined, those of `FINDING` do."""

from __future__ import annotations

from battery import OK, Hostile

FINDING = ("environment", "home", "memory_of_the_parent", "every_process")
"""Programs that find the secret where nothing confines them: what proves that they would."""

PROGRAMS = [
    Hostile(
        "environment",
        """
def solve(host):
    found = secrets_in(repr(dict(os.environb)))
    # What the interpreter was given, as the C library holds it, whatever Python has made of it since.
    given = ctypes.POINTER(ctypes.c_char_p).in_dll(libc, "environ")
    at = 0
    while given and given[at] is not None:
        found += secrets_in(given[at])
        at += 1
    for name in ("self", "1", str(os.getppid())):
        try:
            found += secrets_in(open(f"/proc/{name}/environ", "rb").read())
        except OSError:
            pass
    return found
""",
        quick=True,
    ),
    Hostile(
        "home",
        """
def solve(host):
    found = []
    for folder in (os.path.dirname(host["file"]), os.path.expanduser("~"), "/root", "/home", "/etc", "/mnt", "/host",
                   f"/proc/{host['pid']}/root{os.path.dirname(host['file'])}", os.getcwd()):
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            try:
                found += secrets_in(open(os.path.join(folder, name), "rb").read(1 << 20))
            except OSError:
                pass
    return found
""",
        quick=True,
    ),
    Hostile(
        "memory_of_the_parent",
        """
def solve(host):
    found = []
    for pid in {host["pid"], os.getppid()} - {os.getpid(), 0}:
        try:
            with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
                for line in maps:
                    start, end = (int(part, 16) for part in line.split()[0].split("-"))
                    if " rw" in line and end - start < 1 << 27:
                        try:
                            memory.seek(start)
                            found += secrets_in(memory.read(end - start))
                        except (OSError, ValueError, OverflowError):
                            pass
        except OSError:
            pass
    return sorted(set(found))
""",
        limits={"memory_bytes": 1 << 30},
        quick=True,
    ),
    Hostile(
        "memory_of_its_own",
        """
def solve(host):
    # The kernel reads for us: where there is no page, writing it to a file is an error and not the end.
    found, number = [], os.open("/tmp/page", os.O_RDWR | os.O_CREAT)
    libc.write.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
    heap, stack = id(object()), ctypes.addressof(ctypes.c_int())
    given = ctypes.c_void_p.in_dll(libc, "environ").value or stack
    for middle in {heap >> 12, stack >> 12, given >> 12, id(os) >> 12, id(sys.path) >> 12}:
        for page in range(middle - 2048, middle + 2048):
            os.lseek(number, 0, os.SEEK_SET)
            if page > 0 and libc.write(number, page << 12, 4096) > 0:
                found += secrets_in(os.pread(number, 4096, 0))
    return found
""",
        quick=True,
    ),
    Hostile(
        "objects_of_the_interpreter",
        """
import gc

def solve(host):
    # From the modules to whatever can be reached, as the collector need not list what was there before a fork.
    found, todo, seen = [], [sys.modules, sys._getframe(), *gc.get_objects()], set()
    while todo and len(seen) < 100_000:
        one = todo.pop()
        if id(one) not in seen:
            seen.add(id(one))
            if type(one) in (str, bytes):
                found += secrets_in(one if type(one) is bytes else one.encode("utf-8", "replace"))
            todo += gc.get_referents(one)
    return found if len(seen) > 10_000 else ["nothing was looked at"]
""",
    ),
    Hostile(
        "every_process",
        """
import stat

def solve(host):
    found = []
    for name in os.listdir("/proc") if os.path.isdir("/proc") else []:
        for file in ("environ", "cmdline", "fd/0", "fd/3", "fd/4", "fd/5", "fd/6", "fd/7"):
            if name.isdigit() and int(name) != os.getpid():
                try:
                    number = os.open(f"/proc/{name}/{file}", os.O_RDONLY | os.O_NONBLOCK)
                    # What is read from a pipe is gone for its owner, which is any process where there is no sandbox.
                    is_file = stat.S_ISREG(os.fstat(number).st_mode)
                    found += secrets_in(os.read(number, 1 << 20)) if is_file else [f"opened {name}/{file}"]
                    os.close(number)
                except OSError:
                    pass
    return found
""",
        quick=True,
    ),
    Hostile(
        "descriptors_that_were_inherited",
        """
import stat

def solve(host):
    others = []
    for number in range(3, 1024):
        try:
            mode = os.fstat(number).st_mode
        except OSError:
            continue
        # Its two pipes are all that it needs.
        others += [] if stat.S_ISFIFO(mode) else [(number, oct(mode))]
    return others[:9] + ["more than its pipes"] * (sum(bool(won("", os.fstat, n)) for n in range(3, 1024)) > 2)
""",
        quick=True,
    ),
    Hostile(
        "the_verifier_on_disk",
        """
def solve(host):
    found = []
    for folder, folders, names in os.walk("/"):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in ("/proc", "/sys")]
        names += folders
        for name in names:
            if name in ("problem.toml", "verifier.py", "evaluators", "evolve", ".git", ".ssh", ".aws", ".evolve"):
                found.append(f"{folder}/{name}")
    return found
""",
        quick=True,
    ),
    Hostile(
        "modules_of_the_project",
        """
import importlib.util

def solve(host):
    # `wire` and its like are loaded under names that a program can not import.
    names = "evolve evaluators sandbox archive wire loading runner confine fork_server pytest docker pip".split()
    return [name for name in names if importlib.util.find_spec(name)]
""",
    ),
    Hostile(
        "what_the_kernel_tells",
        """
def solve(host):
    found = []
    for path in ("/proc/kcore", "/proc/kallsyms", "/proc/keys", "/proc/timer_list", "/proc/sched_debug", "/proc/kmsg",
                 "/dev/mem", "/sys/kernel/debug", "/sys/firmware/efi/efivars"):
        try:
            data = open(path, "rb").read(1 << 16)
        except OSError:
            continue
        # Addresses of the kernel that read as zeros are none.
        if data and not (path == "/proc/kallsyms" and data.startswith(b"0" * 16)):
            found.append(path)
    return found
""",
    ),
    Hostile(
        "the_drivers_frames",
        """
import gc

class Lookout:
    hidden = []

def names(mapping):
    kinds = (str, bytes, list, dict)
    return [f"{name} {value!r:.999}" for name, value in list(mapping.items()) if type(value) in kinds]

def watch(frame, event, argument):
    if len(Lookout.hidden) < 10_000:
        Lookout.hidden += names(frame.f_locals)
    return watch

sys.settrace(watch)
threading.settrace(watch)

def solve(host):
    # What the driver holds can be seen, being in this process; what the verifier keeps never was.
    at = sys._getframe()
    while at is not None:
        Lookout.hidden += names(at.f_locals) + names(at.f_globals)
        at = at.f_back
    found = [one for text in Lookout.hidden for one in secrets_in(text.encode("utf-8", "replace"))]
    seen = any("rows-of-the-driver" in text for text in Lookout.hidden)
    return found if seen else ["nothing was looked at"]
""",
        driver="def drive(candidate, host):\n    rows = 'rows-of-the-driver'\n    return candidate(host)\n",
        calls=("drive",),
        verdicts=OK,
        quick=True,
    ),
    Hostile(
        "the_next_question",
        """
import gc

def solve(host):
    # Questions come one at a time: behind the one that is asked there is none to read ahead.
    found = []
    for number in range(3, 256):
        try:
            os.set_blocking(number, False)
            found += [os.read(number, 1 << 16)]
        except OSError:
            pass
        finally:
            won("", os.set_blocking, number, True)
    return [data for data in found if data]
""",
        quick=True,
    ),
]
