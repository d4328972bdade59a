"""A problem: its file, its programs and its verifier, loaded from a folder or by a shipped name."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from functools import cached_property
from hashlib import blake2b
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from evaluators.verifier import load_verifier
from evolve.core.errors import ProblemError, UsageError
from evolve.core.types import Direction, Objective, Source, Split
from sandbox.limits import MEBIBYTE, Limits

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


class LimitsSpec(_Strict):
    """What one call of a sandboxed program may use; see `sandbox.limits.Limits` for the meaning of each."""

    wall_seconds: float = Field(default=60.0, gt=0, strict=False)
    cpu_seconds: float = Field(default=20.0, gt=0, strict=False)
    memory_mebibytes: int = Field(default=512, ge=1)
    processes: int = Field(default=1, ge=1, le=1024)
    output_kibibytes: int = Field(default=1024, ge=1)
    file_mebibytes: int = Field(default=16, ge=1)
    reply_mebibytes: int = Field(default=64, ge=1, le=1024)

    def limits(self) -> Limits:
        """The same in the units of the sandbox."""
        return Limits(
            wall_seconds=self.wall_seconds,
            cpu_seconds=self.cpu_seconds,
            memory_bytes=self.memory_mebibytes * MEBIBYTE,
            processes=self.processes,
            output_bytes=self.output_kibibytes * 1024,
            file_bytes=self.file_mebibytes * MEBIBYTE,
            reply_bytes=self.reply_mebibytes * MEBIBYTE,
        )


class VerifierSpec(_Strict):
    """What the verifier's own process may use for one call (scoring one output, or playing one instance)."""

    wall_seconds: float = Field(default=300.0, gt=0, strict=False)
    memory_mebibytes: int = Field(default=4096, ge=64)


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
    evidence: Literal["exact", "sampled"]
    minimum_effect: float = Field(default=1e-3, ge=0, lt=1)
    sandbox: Literal["straight_line", "bubblewrap"] = "straight_line"
    isolation: Literal["instance", "stage"] = "instance"
    driver: str | None = None
    packages: tuple[str, ...] = Field(default=(), strict=False)
    limits: LimitsSpec = LimitsSpec()
    verifier: VerifierSpec = VerifierSpec()
    objectives: tuple[ObjectiveSpec, ...] = Field(min_length=1, max_length=2, strict=False)
    tuning: TuningSpec = TuningSpec()
    search: SearchSpec = SearchSpec()
    splits: SplitSeeds = SplitSeeds()

    @model_validator(mode="after")
    def _fits_together(self) -> ProblemFile:
        if self.sandbox == "straight_line":
            given = {"driver", "packages", "isolation", "limits"} & self.model_fields_set
            if given:
                raise ValueError(f"{min(given)} has no meaning with sandbox = 'straight_line': take it out")
            if self.evidence != "exact":
                raise ValueError("evidence must be 'exact' with sandbox = 'straight_line'")
        elif self.evidence != "sampled":
            raise ValueError(f"evidence must be 'sampled' with sandbox = '{self.sandbox}'")
        elif self.tuning.method == "least_squares":
            raise ValueError(f"tuning.method 'least_squares' has no meaning with sandbox = '{self.sandbox}'")
        return self


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
        self.isolation = file.isolation
        self.packages = file.packages
        self.limits = file.limits.limits()
        self.driver = self._driver(file.driver)
        self.tuning = file.tuning
        self.search = file.search
        self.objectives = tuple(Objective(o.metric, o.direction) for o in file.objectives)
        self.seed = self._program(folder / "seed.py")
        self.baselines: Mapping[str, Source] = {
            path.stem: self._program(path) for path in sorted((folder / "baselines").glob("*.py"))
        }

    @cached_property
    def verifier(self) -> Any:
        """The trusted verifier module. Raises ProblemError where it can not be imported."""
        return load_verifier(self.folder)

    @cached_property
    def version(self) -> str:
        """BLAKE2b-128 of everything that decides a score; scores of two versions are not comparable."""
        digest = blake2b(digest_size=16)
        modules = sorted(self.folder.glob("*.py"))  # the verifier may import any of them
        for path in [self.folder / FILE, *modules, *sorted((self.folder / "baselines").glob("*.py"))]:
            digest.update(f"{path.relative_to(self.folder)}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def split_seed(self, split: Split) -> int:
        """The seed from which a split's instances are drawn."""
        return int(getattr(self.file.splits, split.value))

    @property
    def driven(self) -> bool:
        """True where a driver sits beside the candidate: its decisions must be shown not to look ahead."""
        return self.driver is not None

    def split_seeds(self) -> dict[str, int]:
        """Seeds by the name of the split."""
        return self.file.splits.model_dump()

    def _driver(self, name: str | None) -> str | None:
        if name is None:
            return None
        path = self.folder / name
        if path.parent != self.folder or not path.is_file():
            remedy = f"Write {path.name} beside problem.toml, or take the key out."
            raise ProblemError(f"{self.folder / FILE}: driver: there is no file {name} in the folder", remedy)
        return self._program(path).main

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
        words = item["msg"].removeprefix("Value error, ")
        return f"{place}: {words}" if place else words
    model: type[BaseModel] = ProblemFile
    for part in item["loc"][:-1]:
        field = model.model_fields.get(str(part))
        if field and isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            model = field.annotation
        elif str(part) == "objectives":
            model = ObjectiveSpec
    near = difflib.get_close_matches(str(item["loc"][-1]), model.model_fields, n=1, cutoff=0.0)
    return f"{place}: unknown key; the nearest valid one is {near[0]}"
