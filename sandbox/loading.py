"""How a program becomes modules of the process that runs it, with random state that the host chose.

Stands alone beside `runner.py`, and imports little because every session waits for it.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any
else:
    ModuleType = type(sys)

MAX_TEXT = 2000
MAX_FRAMES = 5


class Seeder:
    """Seeds `random` and `numpy.random` when they are first imported, so that nobody pays who does not ask."""

    def __init__(self, seed: int) -> None:
        self.seeds = {"random": seed, "numpy.random": seed % 2**32}

    def begin(self) -> None:
        """Seeds what is imported already: after a fork every process has the same state. The others wait."""
        for name in tuple(self.seeds):
            if name in sys.modules:
                sys.modules[name].seed(self.seeds.pop(name))
        sys.meta_path.insert(0, self)

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
    """The files of a program as modules: `program.py` is `program`, imported by that name or loaded first.

    Any file can be read as data, as beside any module: `pkgutil.get_data("program", "kernel.cu")`.
    """

    def __init__(self, files: dict[str, str]) -> None:
        self.texts = files
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

    def get_data(self, path: str) -> bytes:
        """The text of the file of that name. Raises OSError where there is none."""
        if path not in self.texts:
            raise OSError(f"the program has no file {path}")
        return self.texts[path].encode("utf-8", "surrogatepass")

    def load(self, stem: str) -> ModuleType:
        """The file of that stem as a module, in place of any other module of its name."""
        module = ModuleType(stem)
        module.__loader__ = self  # type: ignore[assignment]
        module.__spec__ = type(sys.__spec__)(stem, self)  # type: ignore[arg-type]
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
        files = self.order["files"]
        module, _, entry = self.order["entry"].rpartition(".")
        sources = Sources(files)
        sys.meta_path.append(sources)
        main = "program.py" if "program.py" in files else next(iter(files))
        main = f"{module}.py" if module else main
        self.module = sources.load(main.removesuffix(".py"))
        if not hasattr(self.module, entry):
            raise NameError(f"{main} defines no {entry}")
        self.candidate = getattr(self.module, entry)

    def function(self, entry: str) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """What to call, and the arguments that go before the host's."""
        module, before = (self.module, ()) if self.driver is None else (self.driver, (self.candidate,))
        entry = entry.rpartition(".")[2]
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
            shown, own = places[-MAX_FRAMES:], [one for one in places if one[0].co_filename in self.order["files"]]
            if own and own[-1] not in shown:
                shown[:-1] = own[-1:]  # the program's own line is what can be mended, however deep the driver went on
            lines = [self._line(code, number) for code, number in shown]
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
