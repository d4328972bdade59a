"""A problem: its file, its programs and its verifier, loaded from a folder or by a shipped name."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from functools import cached_property
from hashlib import blake2b
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluators.screen import frame
from evaluators.verifier import load_verifier
from evolve.core.config import OBJECTIVES
from evolve.core.errors import Forbidden, ProblemError, UsageError
from evolve.core.types import Objective, Source, Split
from evolve.problem_file import FILE, CommandSpec, ProblemFile, SearchSpec
from evolve.problem_reading import read
from evolve.program_files import read_files
from evolve.timing_table import TIME_RATIO
from sandbox.command import RUN, Command

if TYPE_CHECKING:
    from evaluators.timed_verdicts import Timing  # and with it numpy, for problems that time programs alone

_PROFILE = "@"
# What stands there are processes, devices and sockets of this machine.
_OF_THE_KERNEL = ("/proc", "/sys", "/dev", "/run")


class Problem:
    """A loaded problem. Programs are read at once; the verifier is imported when it is first used.

    `profile` is the name of a reduced size, empty for the whole problem; `place` is what `load` takes to give the
    same problem in another process.
    """

    def __init__(self, folder: Path, file: ProblemFile, profile: str = "") -> None:
        self.folder = folder
        self.file = file
        self.profile = profile
        self.place = f"{folder}{_PROFILE}{profile}" if profile else str(folder)
        self.name = f"{file.name}{_PROFILE}{profile}" if profile else file.name
        self.title = file.title
        self.aliases = file.aliases
        self.evidence = file.evidence
        self.minimum_effect = file.minimum_effect
        self.sandbox = file.sandbox
        self.isolation = file.isolation
        self.interactive = file.interactive
        self.packages = file.packages
        self.limits = file.effective_limits().limits()
        self.command = self._command(file.command)
        self.driver = self._driver(file.driver)
        self.tuning = file.tuning
        self.search, self.parameters = self._sized(profile)
        self.objectives = tuple(Objective(o.metric, o.direction) for o in file.objectives)
        self.features = file.features
        self.hash_bits = file.hash_bits or (53 if file.evidence == "exact" else 40)
        self.seed = self._seed()
        self.baselines: Mapping[str, Source] = {name: self._baseline(path) for name, path in self._baselines().items()}
        self._check_reference()

    @cached_property
    def verifier(self) -> Any:
        """The trusted verifier module. Raises ProblemError where it can not be imported."""
        return load_verifier(self.folder, self.parameters)

    @cached_property
    def version(self) -> str:
        """BLAKE2b-128 of everything that decides a score; scores of two versions are not comparable."""
        digest = blake2b(f"{_PROFILE}{self.profile}\0".encode() if self.profile else b"", digest_size=16)
        for path in self._deciding():
            digest.update(f"{path.relative_to(self.folder)}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def to_json(self) -> dict[str, Any]:
        """What is stored with a run beside its settings, so that it can be read when these files have changed."""
        return {OBJECTIVES: [asdict(one) for one in self.objectives]}

    @cached_property
    def timing(self) -> Timing | None:
        """The reference and the plan of a problem with an objective that is a time; None for all others."""
        spec = self.file.timing
        if spec is None:
            return None
        from evaluators.timed_verdicts import Timing
        from evaluators.timing import Plan

        reference = {"seed": self.seed, **self.baselines}[spec.reference]
        effect = spec.effect(self.minimum_effect, self.is_timed)
        return Timing(
            reference,
            Plan(effect, batch_pairs=spec.batch, most_pairs=spec.pairs),
            spec.instances,
            len(self.objectives) > 1,
        )

    @property
    def is_timed(self) -> bool:
        """True where the score is a time: the first objective, which gate and final compare."""
        return self.objectives[0].metric == TIME_RATIO

    @property
    def second_effect(self) -> float:
        """The least relative difference in the second objective that counts: above 0 where that is a time."""
        return 0.0 if self.timing is None or self.is_timed else self.timing.plan.minimum_effect

    def _sized(self, profile: str) -> tuple[SearchSpec, Mapping[str, Any]]:
        """The defaults of a run and the arguments of `instances`, in the size of a profile."""
        if not profile:
            return self.file.search, {}
        known = self.file.profiles
        if profile not in known:
            hint = f"It has {', '.join(known)}." if known else f"Write [profiles.{profile}] into {FILE}."
            raise UsageError(f"{self.file.name} has no profile {profile}", hint)
        spec = known[profile]
        evaluations = self.file.search.evaluations if spec.evaluations is None else spec.evaluations
        return self.file.search.model_copy(update={"evaluations": evaluations}), spec.instances

    def _check_reference(self) -> None:
        names = ("seed", *self.baselines)
        if self.file.timing is not None and self.file.timing.reference not in names:
            message = f"{self.folder / FILE}: timing.reference: there is no baseline {self.file.timing.reference}"
            raise ProblemError(message, f"Name one of {', '.join(names)}.")

    def _deciding(self) -> Iterator[Path]:
        """Every file that decides a score, in a fixed order. The verifier may import any module of the folder."""
        modules = set(self.folder.glob("*.py"))
        command = self.file.command
        if command is not None:
            modules |= {self.folder / name for name in command.files}
        modules |= {self.folder / name for name in self._names}
        yield from (self.folder / FILE, *sorted(modules))
        for path in self._baselines().values():
            yield from self._files_of(path)

    def split_seed(self, split: Split) -> int:
        """The seed from which a split's instances are drawn."""
        return int(getattr(self.file.splits, split.value))

    @property
    def driven(self) -> bool:
        """True where a driver drives the candidate: its decisions must be shown not to look ahead.

        One that the verifier asks, in an interactive problem, knows of no future.
        """
        return self.driver is not None and not self.interactive

    def split_seeds(self) -> dict[str, int]:
        """Seeds by the name of the split."""
        return self.file.splits.model_dump()

    @property
    def repeats(self) -> int:
        """How often each instance of train is run: once, unless scores are declared stochastic."""
        return self.file.repeats if self.file.stochastic else 1

    @property
    def seed_path(self) -> Path:
        """The first file of the seed; baselines of one file have its suffix."""
        return self.folder / self._names[0]

    @property
    def _names(self) -> tuple[str, ...]:
        """The program's files as they are called in the folder."""
        return self.file.program or ("seed.py",) if self.file.command is None else self.file.command.program

    def path_of(self, name: str) -> Path:
        """The file or folder of a baseline."""
        return self._baselines()[name]

    @property
    def separated(self) -> bool:
        """False where the program reports its own score."""
        return self.file.command is None or self.file.command.separated

    def _baselines(self) -> dict[str, Path]:
        """By name: files with the suffix of the program's first, and where it has several also folders of files."""
        suffix, found = self.seed_path.suffix, dict[str, Path]()
        for path in sorted((self.folder / "baselines").glob("*")):
            is_folder = len(self._names) > 1 and path.is_dir() and not path.name.startswith((".", "__"))
            if not is_folder and not (path.suffix == suffix and path.is_file()):
                continue
            name = path.name if is_folder else path.stem
            if name in found:
                raise ProblemError(f"{found[name]} and {path} are both baseline {name}", "Rename one of them.")
            found[name] = path
        return found

    def _files_of(self, path: Path) -> list[Path]:
        """The files of a baseline."""
        if path.is_file():
            return [path]
        return sorted(one for one in path.iterdir() if not one.name.startswith((".", "__")))

    def _command(self, spec: CommandSpec | None) -> Command | None:
        if spec is None:
            return None
        where = f"{self.folder / FILE}: command"
        for key, names in (("program", spec.program), ("files", spec.files)):
            for name in names:
                if not (self.folder / name).is_file():
                    remedy = f"Write {name} beside problem.toml, or name another file."
                    raise ProblemError(f"{where}.{key}: there is no file {name} in the folder", remedy)
        for name in spec.folders:
            self._check_shown(f"{where}.folders", name)
        return Command(
            spec.program[0],
            spec.run,
            spec.build,
            {name: (self.folder / name).read_bytes() for name in spec.files},
            spec.folders,
            spec.repeats,
            self.limits.reply_bytes,
        )

    def _check_shown(self, where: str, name: str) -> None:
        """A folder that programs may read: it is there, and no place from which the verifier can be read."""
        path = Path(name)
        if not path.is_absolute() or not path.is_dir():
            raise ProblemError(f"{where}: there is no folder {name}", "Give absolute paths of folders that exist.")
        real = path.resolve()
        if any(real.is_relative_to(kernel) for kernel in _OF_THE_KERNEL):
            raise ProblemError(f"{where}: {name} is no folder of files", "Name folders that hold programs and data.")
        for secret in (self.folder.resolve(), Path(__file__).resolve().parent.parent):
            if secret.is_relative_to(real) or real.is_relative_to(secret):
                message = f"{where}: {name} would show programs the verifier or Evolve's own files"
                raise ProblemError(message, "Name a smaller folder, outside of both.")

    def _driver(self, name: str | None) -> str | None:
        if name is None:
            return None
        path = self.folder / name
        if path.parent != self.folder or not path.is_file():
            remedy = f"Write {path.name} beside problem.toml, or take the key out."
            raise ProblemError(f"{self.folder / FILE}: driver: there is no file {name} in the folder", remedy)
        return read_files(self.folder, (name,))[name]

    def _seed(self) -> Source:
        files, entry = read_files(self.folder, self._names), self.file.entry
        if self.command is not None:
            seed = Source(files, RUN, "command")
        elif not self.file.program:
            seed = Source({"program.py": files["seed.py"]}, entry)
        else:
            seed = Source(files, entry if len(files) == 1 else f"{self.seed_path.stem}.{entry}")
        if len(files) > 1:
            self._check_blocks(seed)
        return seed

    def _check_blocks(self, seed: Source) -> None:
        try:
            frame(seed)
        except Forbidden as error:
            remedy = "Put the lines around what may change, in comments of the file's language."
            raise ProblemError(f"{self.folder / FILE}: program: {error}", remedy) from None

    def _baseline(self, path: Path) -> Source:
        """A file stands in the place of the seed's first one, the files of a folder in that of those of their names."""
        if path.is_file():
            (text,) = read_files(path.parent, (path.name,)).values()
            return replace(self.seed, files={**self.seed.files, next(iter(self.seed.files)): text})
        names = [one.name for one in self._files_of(path)]
        strange = [name for name in names if name not in self._names]
        if strange or not names:
            message = f"{path / strange[0]} is no file of the program" if strange else f"{path} is empty"
            raise ProblemError(message, f"A baseline has files named as the seed's: {', '.join(self._names)}.")
        return replace(self.seed, files={**self.seed.files, **read_files(path, names)})


def shipped_folder() -> Path:
    """Where the shipped problems are: inside the installed package, or beside it in a checkout."""
    installed = Path(str(resources.files("evolve"))) / "_data" / "problems"
    return installed if installed.is_dir() else Path(__file__).resolve().parent.parent / "problems"


def shipped() -> dict[str, Path]:
    """Names and aliases of the shipped problems, each with its folder."""
    names: dict[str, Path] = {}
    root = shipped_folder()
    for path in sorted(root.rglob(FILE)):
        if any(part.startswith("_") for part in path.relative_to(root).parts):
            continue  # templates for new problems
        names[path.parent.relative_to(root).as_posix()] = path.parent
        for alias in tomllib.loads(path.read_text(encoding="utf-8")).get("aliases", []):
            names[alias] = path.parent
    return names


def load(name_or_folder: str | Path) -> Problem:
    """The problem of that shipped name, alias or folder; NAME@PROFILE is a reduced size of it.

    Raises:
        UsageError: no such name or folder; the nearest shipped name is suggested.
        ProblemError: the folder's problem.toml is missing or wrong; says the key, and the nearest valid one.
    """
    known = shipped()
    folder, profile = known.get(str(name_or_folder), Path(name_or_folder)), ""
    if not folder.is_dir() and _PROFILE in str(name_or_folder):
        name_or_folder, _, profile = str(name_or_folder).rpartition(_PROFILE)
        folder = known.get(name_or_folder, Path(name_or_folder))
    if not folder.is_dir():
        near = difflib.get_close_matches(str(name_or_folder), known, n=1, cutoff=0.4)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(
            f"there is no problem or folder called {name_or_folder}", f"{hint}Shipped problems: {', '.join(known)}."
        )
    return Problem(folder.resolve(), read(folder / FILE), profile)
