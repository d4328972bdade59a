"""A program in any language that a command runs, made into one that the runner loads.

The result is a Python program with three functions. `build()` writes the program into a folder, runs the build
command there and returns the files that it left. `prepare(products)` writes these into another folder, in another
session. `run(stdin, arguments)` runs the command there and returns what it printed. They are two calls so that
neither the start of the sandbox nor the way of the files is in the time of the second.

The wrapper runs beside the program, as its parent, and is believed no more than the program itself: the host measures
the time of calls, and reads an output as bytes that somebody sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from evolve.core.types import Source

BUILD, PREPARE, RUN = "build", "prepare", "run"
"""Functions of a wrapped program, in the order of their calls."""

OUTPUT_BYTES = 64 << 20


@dataclass(frozen=True)
class Command:
    """What runs a program, and how.

    `program` is the name of the program's first file, which may be executed; `run` and `build` are given to `sh -c` in
    the folder that holds it. `files` are those in that folder that are no part of the program, by name. `folders` of
    this machine may be read. `repeats` is how often an instance is run. More than `output_bytes` on standard output
    are an error.
    """

    program: str
    run: str
    build: str | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    repeats: int = 1
    output_bytes: int = OUTPUT_BYTES


def wrap(command: Command, source: Source) -> Source:
    """The Python program that builds and runs `source` in a folder with all of its files, and the command's others."""
    own = {name: text.encode("utf-8", "surrogatepass") for name, text in source.files.items()}
    files = {**command.files, **own}
    settings = {
        "_FILES": dict(sorted(files.items())),
        "_PROGRAM": command.program,
        "_BUILD": command.build,
        "_RUN": command.run,
        "_OUTPUT_BYTES": command.output_bytes,
    }
    head = "".join(f"{name} = {value!r}\n" for name, value in settings.items())
    return Source({"program.py": f"{_wrapper()}\n\n{head}"}, RUN)


@cache
def _wrapper() -> str:
    return Path(__file__).with_name("command_program.py").read_text(encoding="utf-8")
