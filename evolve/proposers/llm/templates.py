"""The Jinja2 templates of requests: which file counts, how they are rendered, and what is wrong with one's own.

A template is its owner's, who may run anything here anyway. What is caught are mistakes: names that replace nothing,
errors of any kind, and loops that do not end in sensible time or write more than any prompt may hold.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import SandboxedEnvironment

from evolve.core.errors import UsageError
from evolve.proposers.llm.fence import tidied

MAX_CHARACTERS = 4_000_000
MAX_STEPS = 100_000
"""Rounds of loops and calls of one rendering, all together."""


class _Environment(SandboxedEnvironment):
    """A sandbox whose renderings end: rounds of loops and calls are counted, and products are of numbers alone."""

    intercepted_binops = frozenset(["*", "**"])

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.steps = 0
        self.filters["counted"] = self._counted

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for loop in list(tree.find_all(nodes.For)):
            loop.iter = nodes.Filter(loop.iter, "counted", [], [], None, None, lineno=loop.lineno)
        return tree

    def _counted(self, items: Any) -> Iterator[Any]:
        for item in items:
            self._step()
            yield item

    def _step(self) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise SecurityError(f"more than {MAX_STEPS:,} rounds of loops and calls")

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 as in Jinja2
        __self._step()
        return super().call(__context, __obj, *args, **kwargs)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """A product of numbers. Raises SecurityError for powers and repeated texts, which grow without an end."""
        if operator == "**" or not all(isinstance(one, int | float) for one in (left, right)):
            raise SecurityError(f"{operator} is for numbers alone, and powers are not computed")
        return left * right


class Templates:
    """Renders the templates of the folder `own`, and the shipped ones where it has none of that name.

    Raises UsageError where `own` is no folder or holds a name that is none of the shipped ones.
    """

    def __init__(self, own: Path | None, filters: Mapping[str, Callable[..., str]]) -> None:
        shipped = shipped_prompts()
        folders = [shipped]
        if own is not None:
            check_folder(own)
            _check_names(own, shipped)
            folders.insert(0, own)
        self._environment = _Environment(
            loader=ChoiceLoader([FileSystemLoader(str(one)) for one in folders]),
            undefined=StrictUndefined,
            trim_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,
        )
        self._environment.filters |= filters

    def render(self, name: str, **values: Any) -> str:
        """A template's text. Raises UsageError, which names template and line, for whatever goes wrong in it."""
        self._environment.steps = 0
        parts: list[str] = []
        size = 0
        try:
            for part in self._environment.get_template(f"{name}.j2").generate(**values):
                parts.append(part)
                size += len(part)
                if size > MAX_CHARACTERS:
                    raise SecurityError(f"more than {MAX_CHARACTERS:,} characters")
        except Exception as error:  # anything: expressions of a template raise what Python raises
            message = f"the template {_place(error, name)}: {_said(error)}"
            raise UsageError(message, "Mend the template; docs/prompts.md says what it may use.") from None
        return tidied("".join(parts))


def _place(error: Exception, name: str) -> str:
    """The template in which an error arose, and its line where that is known."""
    if isinstance(error, TemplateSyntaxError):
        return f"{error.filename or error.name}, line {error.lineno}"
    place, trace = f"{name}.j2", error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.endswith(".j2"):
            place = f"{file}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _said(error: Exception) -> str:
    words = " ".join(str(getattr(error, "message", None) or error).split())[:500]
    return words if type(error).__module__.startswith("jinja2") and words else f"{type(error).__name__}: {words}"


def shipped_prompts() -> Path:
    """Where the templates are: inside the installed package, or beside it in a checkout."""
    installed = Path(str(resources.files("evolve"))) / "_data" / "prompts"
    return installed if installed.is_dir() else Path(__file__).resolve().parents[3] / "prompts"


def check_folder(folder: Path) -> None:
    """Raises UsageError where there is no such folder of templates."""
    if not folder.is_dir():
        raise UsageError(f"--prompts {folder}: there is no such folder", f"Copy {shipped_prompts()} and change it.")


def digest_of(folder: Path) -> str:
    """BLAKE2b-128 of the templates in a folder, by name. Raises UsageError where there is no such folder."""
    check_folder(folder)
    content = blake2b(digest_size=16)
    for path in sorted(folder.rglob("*.j2")):
        content.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return content.hexdigest()


def _check_names(folder: Path, shipped: Path) -> None:
    known = {path.relative_to(shipped).as_posix() for path in shipped.rglob("*.j2")}
    for path in sorted(folder.rglob("*.j2")):
        name = path.relative_to(folder).as_posix()
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
            raise UsageError(f"--prompts: {path} replaces nothing", f"The nearest template is {near}.")
