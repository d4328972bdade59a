"""What a container of ours runs first: takes the runner from the host, imports packages, and waits for an order.

Started as `python -c TEXT PATH MODULE...`. The container's standard input brings calls and its standard output takes
replies; whatever the program prints goes to standard error. The first thing to come is the size of what follows (8
bytes, little endian) and a marshalled dict of names and texts, so that any image with Python 3.11 or later will do.
When it waits for its order it says `READY` and the processor seconds that it took, as text and a line's end.
"""

from __future__ import annotations

import ctypes  # noqa: F401 (what the runner asks for only when it has its order)
import marshal
import os
import resource
import sys
from contextlib import suppress
from importlib.machinery import ModuleSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

READY = b"ready "


class Texts:
    """Our modules, each of which is found once: the program may have its own by these names."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.codes = {name: compile(text, f"{name}.py", "exec", dont_inherit=True) for name, text in texts.items()}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """A spec for one of ours."""
        return ModuleSpec(name, self) if name in self.codes else None  # type: ignore[arg-type]

    def create_module(self, spec: Any) -> None:
        """The usual new module."""

    def exec_module(self, module: ModuleType) -> None:
        """Runs its text. The last one takes this finder along."""
        name = module.__name__
        module.__file__ = f"/opt/runner/{name}.py"
        code = self.codes.pop(name)
        if not self.codes:
            sys.meta_path.remove(self)
        exec(code, module.__dict__)  # noqa: S102


def read(number: int, size: int) -> bytes:
    """So many bytes; ends the process where the host is gone."""
    data = b""
    while len(data) < size:
        part = os.read(number, size - len(data))
        if not part:
            os._exit(0)
        data += part
    return data


def main(path: list[str], modules: list[str]) -> None:
    """Never returns."""
    calls, replies, null = os.dup(0), os.dup(1), os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.close(null)
    texts = marshal.loads(read(calls, int.from_bytes(read(calls, 8), "little")))  # noqa: S302
    sys.meta_path.insert(0, Texts(texts))
    runner: Any = __import__("runner")
    del sys.modules["runner"]
    sys.path.extend(path)
    for name in modules:
        # Whoever asks for what is not there is told so; nobody else need know.
        with suppress(ImportError):
            __import__(name)
    used = resource.getrusage(resource.RUSAGE_SELF)
    os.write(replies, READY + repr(used.ru_utime + used.ru_stime).encode() + b"\n")
    runner.main(runner.Pipes(calls, replies))


if __name__ == "__main__":
    main([part for part in sys.argv[1].split(":") if part], sys.argv[2:])
