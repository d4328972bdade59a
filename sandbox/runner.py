"""The program inside a sandbox: loads one untrusted program and calls it, frame by frame.

Started as `python runner.py CALLS REPLIES` with the numbers of two pipes. It stands alone beside `wire.py`, knows
nothing of the backend, and imports little because every session waits for it. It keeps the honest apart from the
broken; it does not guard against the hostile. The candidate shares this process and can forge whatever is said
here, which is why the host believes none of it.
"""

from __future__ import annotations

import os
import resource
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any
else:
    ModuleType = type(sys)

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import wire  # type: ignore[import-not-found, unused-ignore]  # noqa: E402

# The program sees neither of them: these names are its own.
del sys.path[0], sys.modules["wire"]

RESERVE_BYTES = 2 << 20
HEADROOM_BYTES = 4 << 20
"""`RESERVE_BYTES` is given back when memory is gone: an arena of the allocator, to say so. `HEADROOM_BYTES` must be
free when a session starts."""
OPEN_FILES = 256
MAX_TEXT = 2000
MAX_FRAMES = 8
FAILURE_BYTES = 1 << 16
OUT_OF_MEMORY = ("out_of_memory", "it ran out of memory")


class Pipes:
    """The two ends that lead to the host. Blocking; frames come one at a time."""

    def __init__(self, calls: int, replies: int) -> None:
        self.calls = calls
        self.replies = replies
        self.read, self.write, self.exit = os.read, os.write, os._exit

    def receive(self) -> tuple[bytes, bytes]:
        """Nonce and payload of the next frame; ends the process where the host is gone."""
        data = self.read(self.calls, 65536)
        while len(data) < wire.HEADER_BYTES:
            data += self._more(wire.HEADER_BYTES - len(data))
        _, length, nonce = wire.parse_header(data, sys.maxsize)
        length += wire.HEADER_BYTES
        if len(data) < length:
            whole = bytearray(data)
            while len(whole) < length:
                whole += self._more(min(length - len(whole), 1 << 20))
            data = bytes(whole)
        return nonce, data[wire.HEADER_BYTES :]

    def _more(self, size: int) -> bytes:
        data = self.read(self.calls, size)
        if not data:
            self.exit(0)
        return data

    def send(self, kind: int, nonce: bytes, payload: bytes | bytearray) -> None:
        """One whole frame."""
        data = wire.frame(kind, nonce, payload)
        sent = self.write(self.replies, data)
        while sent < len(data):
            sent += self.write(self.replies, memoryview(data)[sent : sent + (1 << 20)])


class Seeder:
    """Seeds `random` and `numpy.random` when they are first imported, so that nobody pays who does not ask."""

    def __init__(self, seed: int) -> None:
        self.seeds = {"random": seed, "numpy.random": seed % 2**32}

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        """The spec of the module itself, with its loader made to seed at the end."""
        if name not in self.seeds:
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)
        if spec is not None and spec.loader is not None:
            execute, seed = spec.loader.exec_module, self.seeds.pop(name)

            def exec_module(module: ModuleType) -> None:
                execute(module)
                module.seed(seed)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


class Sources:
    """The files of a program as modules: `program.py` is `program`, imported by that name or loaded first."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = {name.removesuffix(".py"): (name, text) for name, text in files.items()}

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        """A spec where the program has a file of that name."""
        from importlib.machinery import ModuleSpec

        return ModuleSpec(name, self) if name in self.files else None  # type: ignore[arg-type]

    def create_module(self, spec: Any) -> None:
        """The usual new module."""

    def exec_module(self, module: ModuleType) -> None:
        """Compiles and runs the file's text."""
        name, text = self.files[module.__name__]
        module.__file__ = name
        exec(compile(text, name, "exec", dont_inherit=True), module.__dict__)  # noqa: S102

    def load(self, stem: str) -> ModuleType:
        """The file of that stem as a module, in place of any other module of its name."""
        module = ModuleType(stem)
        sys.modules[stem] = module
        self.exec_module(module)
        return module


class Program:
    """What the open frame asked for, loaded in two steps: the driver, which is ours, and then the candidate."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.order = order
        self.limit = order["reply_bytes"]
        self.shown = {*order["files"], "driver.py"}
        self.driver: ModuleType | None = None
        self.module = ModuleType("none")
        self.candidate: Any = None

    def load_driver(self) -> None:
        """Before the candidate, so that it meets a process which nobody has touched."""
        if self.order["driver"] is not None:
            self.driver = Sources({"driver.py": self.order["driver"]}).load("driver")

    def load(self) -> None:
        """Raises whatever the program raises."""
        files, entry = self.order["files"], self.order["entry"]
        sources = Sources(files)
        sys.meta_path.append(sources)
        main = "program.py" if "program.py" in files else next(iter(files))
        self.module = sources.load(main.removesuffix(".py"))
        if not hasattr(self.module, entry):
            raise NameError(f"{main} defines no {entry}")
        self.candidate = getattr(self.module, entry)

    def function(self, entry: str) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """What to call, and the arguments that go before the host's."""
        module, before = (self.module, ()) if self.driver is None else (self.driver, (self.candidate,))
        if not hasattr(module, entry):
            raise NameError(f"{getattr(module, '__file__', 'the program')} defines no {entry}")
        return getattr(module, entry), before

    def describe(self, error: BaseException) -> str:
        """The last lines of the traceback that lie in the program's own files, and the error. Bounded."""
        lines: list[str] = []
        try:
            places = []
            at = error.__traceback__
            while at is not None:
                if at.tb_frame.f_code.co_filename in self.shown:
                    places.append((at.tb_frame.f_code, at.tb_lineno))
                at = at.tb_next
            lines = [self._line(code, number) for code, number in places[-MAX_FRAMES:]]
            if type(error) in (SyntaxError, IndentationError, TabError):
                lines.append(f"    {error.text.strip()[:200]}")  # type: ignore[attr-defined]
        except BaseException:
            lines.append("  ...")
        try:
            message = f"{str(error)[:MAX_TEXT]}"
        except BaseException:
            message = "(its message can not be read)"
        last = type.__dict__["__name__"].__get__(type(error))[:200] + (f": {message}" if message else "")
        return "\n".join([*lines, last]).encode("utf-8", "backslashreplace").decode()

    def _line(self, code: Any, number: int) -> str:
        name = code.co_filename
        lines = self.order["files"].get(name, self.order["driver"] or "").splitlines()
        text = f"\n    {lines[number - 1].strip()[:200]}" if 0 < number <= len(lines) else ""
        return f"  {name}, line {number}, in {code.co_name[:100]}{text}"


def set_limits(order: dict[str, Any]) -> bytearray | None:
    """Sets the hard limits and returns the reserve, None where memory would not do for the interpreter."""
    hard = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_FSIZE: order["file_bytes"],
        resource.RLIMIT_CPU: order["total_cpu_seconds"],
    }
    if order["tasks"]:
        hard[resource.RLIMIT_NPROC] = order["tasks"]
    for kind, value in hard.items():
        value = _at_most(value, resource.getrlimit(kind)[1])
        resource.setrlimit(kind, (value, value))
    before = resource.getrlimit(resource.RLIMIT_AS)
    memory = _at_most(order["memory_bytes"], before[1])
    resource.setrlimit(resource.RLIMIT_AS, (memory, before[1]))
    try:
        bytearray(HEADROOM_BYTES)
        reserve = bytearray(RESERVE_BYTES)
    except MemoryError:
        resource.setrlimit(resource.RLIMIT_AS, before)
        return None
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    return reserve


def _at_most(value: int, hard: int) -> int:
    """What is asked for, within what the host itself was given."""
    return int(value) if hard == resource.RLIM_INFINITY else min(int(value), hard)


def fail(pipes: Pipes, nonce: bytes, status: str, text: str) -> None:
    """Says what the program did instead of answering."""
    pipes.send(wire.FAILURE, nonce, wire.encode((status, text), FAILURE_BYTES))


def serve(pipes: Pipes, program: Program, reserve: bytearray) -> None:
    """Answers calls for ever."""
    send, receive, encode, decode = pipes.send, pipes.receive, wire.encode, wire.decode
    refused, limit, value_kind = wire.WireError, program.limit - wire.HEADER_BYTES, wire.VALUE
    while True:
        nonce, payload = receive()
        try:
            entry, args = decode(payload)
            del payload
            function, before = program.function(entry)
            value = function(*before, *args)
            del args
            try:
                reply = encode(value, limit)
            except refused as error:
                fail(pipes, nonce, "invalid", f"output{error.where}: {error.message}")
            else:
                send(value_kind, nonce, reply)
                del reply
            del value
        except MemoryError:
            reserve.clear()
            fail(pipes, nonce, *OUT_OF_MEMORY)
        except BaseException as error:
            fail(pipes, nonce, "crashed", program.describe(error))


def main() -> None:
    """Opens the session and serves it; a driver that fails is refused before the candidate is touched."""
    pipes = Pipes(int(sys.argv[1]), int(sys.argv[2]))
    nonce, payload = pipes.receive()
    order = wire.decode(payload)
    sys.argv[:] = [""]
    sys.path.extend(order["path"])
    os.set_inheritable(pipes.calls, False)
    os.set_inheritable(pipes.replies, False)
    sys.meta_path.insert(0, Seeder(order["seed"]))
    program = Program(order)
    reserve = set_limits(order)
    if reserve is None:
        return fail_to_start(pipes, nonce, "memory", "")
    try:
        program.load_driver()
    except BaseException as error:
        return fail_to_start(pipes, nonce, "driver", program.describe(error))
    pipes.send(wire.READY, nonce, wire.encode(None, FAILURE_BYTES))
    try:
        program.load()
    except MemoryError:
        reserve.clear()
        fail(pipes, nonce, *OUT_OF_MEMORY)
    except BaseException as error:
        fail(pipes, nonce, "crashed", program.describe(error))
    else:
        pipes.send(wire.LOADED, nonce, wire.encode(None, FAILURE_BYTES))
        serve(pipes, program, reserve)


def fail_to_start(pipes: Pipes, nonce: bytes, what: str, text: str) -> None:
    """Says what stands in the way before the candidate is touched: `memory` or `driver`."""
    pipes.send(wire.REFUSED, nonce, wire.encode((what, text), FAILURE_BYTES))


if __name__ == "__main__":
    main()
