"""What runs a command inside the sandbox: the text of a wrapped program, but for its settings (`sandbox.command`).

It stands alone, imports little, and runs where nothing of the project is. `_FILES`, `_PROGRAM`, `_BUILD`, `_RUN` and
`_OUTPUT_BYTES` are written below it.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import stat
import subprocess
from contextlib import suppress

_FILES: dict[str, bytes] = {}
_PROGRAM = ""
_BUILD: str | None = None
_RUN = ""
_OUTPUT_BYTES = 0

_FOLDER = "/tmp/work"  # noqa: S108
_PATH = ("/opt/python/bin", "/usr/local/bin", "/usr/bin", "/bin")
_SAID_BYTES, _SAID_LINES = 1500, 12
_NOT_FOUND = 127
_CHUNK_BYTES = 1 << 16
_LOOK_MILLISECONDS = 50

# The first process of a namespace gets only the signals that it has a handler for, and this one is Python's own.
signal.signal(signal.SIGINT, signal.SIG_DFL)


def build() -> dict[str, tuple[int, bytes]]:
    """All regular files and symbolic links after the build: mode bits, and content or what the link names."""
    _write({name: (0o755 if name == _PROGRAM else 0o644, data) for name, data in _FILES.items()})
    if _BUILD is not None:
        with subprocess.Popen(
            ["/bin/sh", "-c", _BUILD],
            cwd=_FOLDER,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            _, said = _converse(process, b"")
        _check(process.returncode, said)
    return _products()


def prepare(products: dict[str, tuple[int, bytes]]) -> None:
    """Write what a build left into a fresh folder, and give back the memory that it came in."""
    _write(products)
    size = sum(len(data) for _, data in products.values())
    products.clear()
    if size > _CHUNK_BYTES:
        # The C library keeps freed memory for itself, several times the size: it would be in the peak of every run.
        import ctypes

        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def run(stdin: str = "", arguments: list[str] | tuple[str, ...] = ()) -> str:
    """Run the command on a text and return what it printed. Raises RuntimeError where it failed."""
    with subprocess.Popen(
        ["/bin/sh", "-c", _RUN, "sh", *map(str, arguments)],
        cwd=_FOLDER,
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        printed, said = _converse(process, stdin.encode())
    _check(process.returncode, said)
    return printed.decode("utf-8", "replace")


def _environment() -> dict[str, str]:
    folders = [folder for folder in _PATH if os.path.isdir(folder)]
    return {"PATH": ":".join(folders), "HOME": "/tmp", "LANG": "C.UTF-8"}  # noqa: S108


def _write(files: dict[str, tuple[int, bytes]]) -> None:
    os.mkdir(_FOLDER)
    for name, (mode, data) in files.items():
        path = os.path.join(_FOLDER, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if stat.S_ISLNK(mode):
            os.symlink(os.fsdecode(data), path)
            continue
        with open(_created(path, stat.S_IMODE(mode)), "wb") as file:
            file.write(data)


def _created(path: str, mode: int) -> int:
    """A descriptor of a file that has its mode from the start: where commands are run, modes can not be changed."""
    before = os.umask(0)
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    finally:
        os.umask(before)


def _products() -> dict[str, tuple[int, bytes]]:
    """Raises RuntimeError where they are larger than all files may be: a file with holes takes no room on disk."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    found: dict[str, tuple[int, bytes]] = {}
    total = 0
    for folder, folders, names in os.walk(_FOLDER):
        for name in sorted(names + folders):
            path = os.path.join(folder, name)
            about = os.lstat(path)
            total += about.st_size if stat.S_ISREG(about.st_mode) else 0
            if total > limit:
                raise RuntimeError(f"the build leaves more than {limit} bytes")
            if stat.S_ISLNK(about.st_mode):
                found[os.path.relpath(path, _FOLDER)] = (about.st_mode, os.fsencode(os.readlink(path)))
            elif stat.S_ISREG(about.st_mode):
                os.chmod(path, 0o700)
                with open(path, "rb") as file:
                    found[os.path.relpath(path, _FOLDER)] = (about.st_mode, file.read())
    return found


def _converse(process: subprocess.Popen[bytes], given: bytes) -> tuple[bytes, bytes]:
    """Feed it and read it until it has ended, then end all that it started: output, and the end of what it said."""
    printed, said = bytearray(), bytearray()
    files = {file.fileno(): file for file in (process.stdin, process.stdout, process.stderr) if file is not None}
    poller = select.poll()
    for number, file in files.items():
        os.set_blocking(number, False)
        poller.register(number, select.POLLOUT if file is process.stdin else select.POLLIN)
    rest = memoryview(given)
    try:
        while any(file is not process.stdin for file in files.values()):
            ready = poller.poll(_LOOK_MILLISECONDS)
            if not ready and process.poll() is not None:
                break  # what it left behind holds its pipes
            for number, _ in ready:
                file = files[number]
                if file is process.stdin:
                    rest = part = _feed(number, rest)
                else:
                    part = memoryview(os.read(number, _CHUNK_BYTES))
                    (said if file is process.stderr else printed).extend(part)
                if not part:
                    poller.unregister(number)
                    files.pop(number).close()
            _bound(printed, said, process.stderr is None)
        process.wait()
    finally:
        _end_the_others()
    return bytes(printed), bytes(printed if process.stderr is None else said)


def _bound(printed: bytearray, said: bytearray, is_build: bool) -> None:
    """Keeps the end of what is said, which is all that a build prints. Raises RuntimeError for too much output."""
    del said[:-_SAID_BYTES]
    if is_build:
        del printed[:-_SAID_BYTES]
    elif len(printed) > _OUTPUT_BYTES:
        raise RuntimeError(f"more than {_OUTPUT_BYTES} bytes on standard output")


def _feed(number: int, rest: memoryview) -> memoryview:
    """Write what the pipe takes; nothing is left where nobody reads."""
    try:
        return rest[os.write(number, rest) :] if rest else rest
    except BlockingIOError:
        return rest
    except BrokenPipeError:
        return rest[:0]


def _end_the_others() -> None:
    """Kill and await every other process: the host counts the time of those that were waited for."""
    try:
        while True:
            with suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
            os.waitpid(-1, 0)
    except ChildProcessError:
        return


def _check(code: int, said: bytes) -> None:
    """Raises RuntimeError with the last lines that it said where it failed."""
    if code == 0:
        return
    how = f"killed by signal {-code}" if code < 0 else f"exit status {code}"
    if code == _NOT_FOUND:
        how += " (a program that is not there)"
    lines = said.decode("utf-8", "replace").strip().splitlines()[-_SAID_LINES:]
    raise RuntimeError(f"{how}: " + "\n".join(lines) if lines else how)
