"""What one bwrap is told: the view of the system, the environment, the files of ours inside, and what it starts.

An interpreter that runs one of the modules of this package which stand alone (`runner`, `fork_server`).
"""

from __future__ import annotations

import importlib.util
import marshal
import os
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sandbox import mounts, userns
from sandbox.bubblewrap_check import bwrap, namespaces
from sandbox.gpu import view as gpu_view
from sandbox.launch import StartError, Starting, begin

ENVIRONMENT = {
    "HOME": "/tmp",  # noqa: S108
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONUTF8": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
_PYTHON_FLAGS = ("-s", "-S", "-B", "-P", "-u")
SERVER = "fork_server"
_RUNNER = ("runner", "wire", "loading", "confine")
_LEAST_FILE_BYTES = 4096
_SHOWING = ("--ro-bind", "--ro-bind-try", "--dev-bind", "--dev-bind-try", "--bind", "--symlink")


@dataclass(frozen=True)
class Box:
    """A kind of sandbox: packages and tools that are seen in it. Starts processes that have nothing to do yet."""

    paths: tuple[Path, ...]
    tools: mounts.Tools | None = None
    gpu: gpu_view.View | None = None

    def run(
        self,
        module: str,
        arguments: Sequence[str],
        seed: int,
        file_bytes: int,
        passed: Sequence[int] = (),
    ) -> Starting:
        """Starts `module` with the numbers of its two pipes, then `arguments`, in a bwrap of its own.

        `passed` are descriptors that it inherits. Raises StartError.
        """
        texts = {name: _compiled(name) for name in {*_RUNNER, module}}
        # None where it can not be made, or must not: see there.
        identity = userns.identity() if module == SERVER else None
        with _in_memory(texts) as files, _in_memory(self._contents()) as others:

            def command(calls: int, replies: int, info: int) -> list[str]:
                pipes = () if module == SERVER else (str(calls), str(replies))
                start = [self._view.executable, *_PYTHON_FLAGS, f"{mounts.RUNNER}/{module}.pyc", *pipes, *arguments]
                return [*self._options(files, others, seed, file_bytes, identity), "--info-fd", str(info), "--", *start]

            spaces = () if identity is None else (identity,)
            return begin(command, [*files.values(), *others.values(), *passed, *spaces])

    @property
    def _view(self) -> mounts.View:
        return mounts.view(self.paths, self.tools)

    def _contents(self) -> dict[str, bytes]:
        """What bwrap reads from descriptors, beside our modules; it closes them, they never reach the sandbox."""
        contents = {"script": self._view.script.encode()} if self._view.script else {}
        if self.tools and self.tools.builds:
            contents["null"] = b""
        return contents

    def _options(
        self, files: dict[str, int], others: dict[str, int], seed: int, file_bytes: int, identity: int | None
    ) -> list[str]:
        view = self._view
        shown = (*view.options, *(self.gpu.options if self.gpu else ()))
        options = [bwrap(), *namespaces(identity), *_roads((*shown, *view.folders)), *shown]
        options += ["--size", str(max(file_bytes, _LEAST_FILE_BYTES)), "--tmpfs", "/tmp"]  # noqa: S108
        for name, number in files.items():
            options += ["--file", str(number), f"{mounts.RUNNER}/{name}.pyc"]
        if "script" in others:
            options += ["--perms", "0755", "--file", str(others["script"]), f"{mounts.PYTHON}/bin/python3"]
        if "null" in others:
            options += ["--perms", "0666", "--bind-data", str(others["null"]), os.devnull]
        options += [*view.folders, "--remount-ro", "/", "--chdir", "/tmp", "--clearenv"]  # noqa: S108
        for name, value in self._environment(seed).items():
            options += ["--setenv", name, value]
        return options

    def _environment(self, seed: int) -> dict[str, str]:
        environment = {**ENVIRONMENT, "PYTHONHASHSEED": str(hash_seed(seed))}
        libraries = [self._view.library] if sysconfig.get_config_var("Py_ENABLE_SHARED") else []
        if self.gpu is not None:
            environment |= self.gpu.environment
            libraries.append(self.gpu.libraries)
        return {**environment, "LD_LIBRARY_PATH": ":".join(libraries)} if libraries else environment


def hash_seed(seed: int) -> int:
    """What Python takes as PYTHONHASHSEED."""
    return seed % 2**32


@cache
def _roads(options: tuple[str, ...]) -> list[str]:
    """Options that make the folders above what is shown: those that bwrap makes itself only their owner may enter."""
    targets = [Path(options[at + 2]) for at, option in enumerate(options) if option in _SHOWING]
    folders = {parent for target in [*targets, Path(mounts.RUNNER, "file")] for parent in target.parents}
    roads = [["--perms", "0755", "--dir", str(folder)] for folder in sorted(folders) if folder != Path("/")]
    return [word for road in roads for word in road]


@cache
def _compiled(name: str) -> bytes:
    """A module of this package as the file that an interpreter of this version runs without compiling."""
    path = Path(__file__).with_name(f"{name}.py")
    code = compile(path.read_bytes(), f"{name}.py", "exec", dont_inherit=True)
    return importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(code)


@contextmanager
def _in_memory(texts: dict[str, bytes]) -> Iterator[dict[str, int]]:
    """Descriptors from which each text can be read once. A pipe could be too small. Raises StartError."""
    numbers: dict[str, int] = {}
    try:
        for name, text in texts.items():
            numbers[name] = os.memfd_create("sandbox")
            os.write(numbers[name], text)
            os.lseek(numbers[name], 0, os.SEEK_SET)
        yield numbers
    except OSError as error:
        raise StartError(str(error)) from None
    finally:
        for number in numbers.values():
            os.close(number)
