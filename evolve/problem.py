"""A problem: its file, its programs and its verifier, loaded from a folder or by a shipped name."""

from __future__ import annotations

import difflib
import importlib.util
import sys
import tomllib
from collections.abc import Mapping
from functools import cached_property
from hashlib import blake2b
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evolve.core.errors import ProblemError, UsageError
from evolve.core.types import Direction, Objective, Source, Split

FILE = "problem.toml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ObjectiveSpec(_Strict):
    """A metric of the verdict and the direction in which it is better."""

    metric: str
    direction: Direction


class TuningSpec(_Strict):
    """How constants are fitted: `least_squares` where residuals are smooth, `cma` otherwise, or `none`.

    `points` is the number of sample points in the global phase of least squares.
    """

    method: Literal["least_squares", "cma", "none"] = "none"
    points: int = Field(default=14, ge=4, le=4096)


class SearchSpec(_Strict):
    """Defaults of a run: its budget, where it starts, and the largest program that the straight-line moves write."""

    evaluations: float = Field(default=10_000, gt=0, strict=False)
    max_operations: int = Field(default=16, ge=1, le=64)
    start: Literal["seed", "baselines"] = "seed"


class SplitSeeds(_Strict):
    """The seed of each split. Never the run's seed: a problem's instances are the same for every run."""

    probe: int = 1
    train: int = 2
    gate: int = 3
    report: int = 4
    final: int = 5


class ProblemFile(_Strict):
    """Everything that may stand in problem.toml."""

    name: str
    title: str
    entry: str
    aliases: tuple[str, ...] = Field(default=(), strict=False)
    evidence: Literal["exact"]
    minimum_effect: float = Field(default=1e-3, ge=0, lt=1)
    sandbox: Literal["straight_line"] = "straight_line"
    objectives: tuple[ObjectiveSpec, ...] = Field(min_length=1, max_length=2, strict=False)
    tuning: TuningSpec = TuningSpec()
    search: SearchSpec = SearchSpec()
    splits: SplitSeeds = SplitSeeds()


class Problem:
    """A loaded problem. Programs are read at once; the verifier is imported when it is first used."""

    def __init__(self, folder: Path, file: ProblemFile) -> None:
        self.folder = folder
        self.file = file
        self.name = file.name
        self.title = file.title
        self.aliases = file.aliases
        self.evidence = file.evidence
        self.minimum_effect = file.minimum_effect
        self.sandbox = file.sandbox
        self.tuning = file.tuning
        self.search = file.search
        self.objectives = tuple(Objective(o.metric, o.direction) for o in file.objectives)
        self.seed = self._program(folder / "seed.py")
        self.baselines: Mapping[str, Source] = {
            path.stem: self._program(path) for path in sorted((folder / "baselines").glob("*.py"))
        }

    @cached_property
    def verifier(self) -> ModuleType:
        """The trusted verifier module. Raises ProblemError where it can not be imported."""
        path = self.folder / "verifier.py"
        module_name = f"evolve_verifier_{self.version[:12]}"
        spec = importlib.util.spec_from_file_location(module_name, path)
        if spec is None or spec.loader is None or not path.exists():
            raise ProblemError(f"{path} does not exist", "A problem needs verifier.py with instances() and score().")
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            raise ProblemError(f"{path} fails on import: {type(error).__name__}: {error}", "Mend the file.") from error
        return module

    @cached_property
    def version(self) -> str:
        """BLAKE2b-128 of everything that decides a score; scores of two versions are not comparable."""
        digest = blake2b(digest_size=16)
        names = [FILE, "verifier.py", "driver.py", "seed.py"]
        paths = [self.folder / name for name in names] + sorted((self.folder / "baselines").glob("*.py"))
        for path in paths:
            if path.exists():
                digest.update(f"{path.relative_to(self.folder)}\0{path.stat().st_size}\0".encode())
                digest.update(path.read_bytes())
        return digest.hexdigest()

    def split_seed(self, split: Split) -> int:
        """The seed from which a split's instances are drawn."""
        return int(getattr(self.file.splits, split.value))

    def _program(self, path: Path) -> Source:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ProblemError(
                f"{path} can not be read: {error}", "A problem needs a readable UTF-8 program here."
            ) from None
        return Source({"program.py": text}, self.file.entry)


def shipped_folder() -> Path:
    """Where the shipped problems are: inside the installed package, or beside it in a checkout."""
    installed = Path(str(resources.files("evolve"))) / "_data" / "problems"
    return installed if installed.is_dir() else Path(__file__).resolve().parent.parent / "problems"


def shipped() -> dict[str, Path]:
    """Names and aliases of the shipped problems, each with its folder."""
    names: dict[str, Path] = {}
    root = shipped_folder()
    for path in sorted(root.rglob(FILE)):
        names[path.parent.relative_to(root).as_posix()] = path.parent
        for alias in tomllib.loads(path.read_text(encoding="utf-8")).get("aliases", []):
            names[alias] = path.parent
    return names


def load(name_or_folder: str | Path) -> Problem:
    """The problem of that shipped name, alias or folder.

    Raises:
        UsageError: no such name or folder; the nearest shipped name is suggested.
        ProblemError: the folder's problem.toml is missing or wrong; says the key, and the nearest valid one.
    """
    known = shipped()
    folder = known.get(str(name_or_folder), Path(name_or_folder))
    if not folder.is_dir():
        near = difflib.get_close_matches(str(name_or_folder), known, n=1, cutoff=0.4)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(
            f"there is no problem or folder called {name_or_folder}", f"{hint}Shipped problems: {', '.join(known)}."
        )
    return Problem(folder.resolve(), _read_file(folder / FILE))


def _read_file(path: Path) -> ProblemFile:
    try:
        return ProblemFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ProblemError(f"{path} does not exist", "A problem folder needs a problem.toml.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProblemError(f"{path} is not TOML: {error}", "Mend the file at that line.") from None
    except ValidationError as error:
        raise ProblemError(f"{path}: {_explain(error)}", "Mend these keys.") from None


def _explain(error: ValidationError) -> str:
    return "; ".join(_explain_one(item) for item in error.errors()[:5])


def _explain_one(item: Any) -> str:
    place = ".".join(str(part) for part in item["loc"])
    if item["type"] != "extra_forbidden":
        return f"{place}: {item['msg']}"
    model: type[BaseModel] = ProblemFile
    for part in item["loc"][:-1]:
        field = model.model_fields.get(str(part))
        if field and isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            model = field.annotation
        elif str(part) == "objectives":
            model = ObjectiveSpec
    near = difflib.get_close_matches(str(item["loc"][-1]), model.model_fields, n=1, cutoff=0.0)
    return f"{place}: unknown key; the nearest valid one is {near[0]}"
