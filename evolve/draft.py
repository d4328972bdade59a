"""The draft of a wrapped problem: what its files say."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from evolve.core.types import Direction
from evolve.problem import shipped_folder
from evolve.problem_file import MEASURED

TIMED_EFFECT, PRINTED_EFFECT, TIMED_REPEATS = 0.05, 0.01, 3


@dataclass
class Draft:
    """The problem while it is made. `notes` are told to the author; `failure` says why its program gives no score.

    `text` is that of the file `program`, `beside` holds the program's other files, `extra` what is no part of it.
    """

    name: str
    program: str
    run: str
    build: str | None
    seeded: bool
    metric: str
    direction: Direction
    text: str
    extra: Mapping[str, bytes]
    beside: Mapping[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    expected: dict[str, str] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    failure: str = ""

    @property
    def timed(self) -> bool:
        """True where the host measures the objective."""
        return self.metric in MEASURED

    def files(self) -> dict[str, str | bytes]:
        """The folder's files by name."""
        kind = "timed" if self.timed else "printed"
        folder = shipped_folder() / "_templates" / "_wrapped" / kind
        words = {"NAME": self.name, "PROGRAM": self.program, "RUN": self.run, "METRIC": self.metric}
        words["DIRECTION"] = "less" if self.direction == "minimize" else "more"
        readme = (folder / "README.md").read_text(encoding="utf-8")
        readme = re.sub(r"\b(NAME|PROGRAM|RUN|METRIC|DIRECTION)\b", lambda found: words[found[0]], readme)
        verifier = (folder / "verifier.py").read_text(encoding="utf-8")
        verifier = verifier.replace('METRIC = "score"', f"METRIC = {_quoted(self.metric)}", 1)
        verifier = verifier.replace("SEEDED = False", f"SEEDED = {self.seeded}", 1)
        files: dict[str, str | bytes] = {"problem.toml": self._toml(), self.program: self.text, **self.beside}
        files |= self.extra
        files |= {"verifier.py": verifier, "README.md": readme}
        if self.timed:
            files["expected.json"] = json.dumps(self.expected, indent=0, ensure_ascii=False, sort_keys=True) + "\n"
        return files

    def _toml(self) -> str:
        limit = max(4, round(10 * max(self.cpu_seconds, self.wall_seconds)))
        lines = [
            f"name = {_quoted(self.name)}",
            f"title = {_quoted(f'{self.name}: {self.metric} of {self.program}')}",
            'evidence = "sampled"',
            'sandbox = "bubblewrap"',
            f"minimum_effect = {TIMED_EFFECT if self.timed else PRINTED_EFFECT}",
            "",
            "[[objectives]]",
            f"metric = {_quoted(self.metric)}",
            f"direction = {_quoted(self.direction)}",
            "",
            "[command]",
            f"program = {_quoted([self.program, *sorted(self.beside)] if self.beside else self.program)}",
            *([f"build = {_quoted(self.build)}"] if self.build else []),
            f"run = {_quoted(self.run)}",
            *([f"files = {_quoted(sorted(self.extra))}"] if self.extra else []),
            *([f"folders = {_quoted(list(self.folders))}"] if self.folders else []),
            *([f"repeats = {TIMED_REPEATS}"] if self.timed else []),
            *([] if self.timed else ["separated = false"]),
            "",
            "# Ten times what the program took when it was wrapped, at least four seconds; wall time twice that.",
            "[limits]",
            f"wall_seconds = {2 * limit}",
            f"cpu_seconds = {limit}",
            "",
            "[search]",
            f"evaluations = {self._evaluations()}",
        ]
        return "\n".join(lines) + "\n"

    def _evaluations(self) -> int:
        """As many as take some three minutes on two cores, by what one run took; a round number."""
        runs = (4 if self.seeded else 1) * (TIMED_REPEATS if self.timed else 1)
        wanted = 2 * 180.0 / max(0.05, runs * (self.wall_seconds + 0.05))
        return int(float(f"{min(2000.0, max(40.0, wanted)):.1g}"))


def _quoted(value: str | list[str]) -> str:
    """As TOML. JSON is that too, but for surrogate pairs and DEL, which TOML takes only escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
