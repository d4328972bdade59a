"""What a run found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from evolve.core.errors import UsageError
from evolve.core.types import Objective
from evolve.display.text import duration
from evolve.events import ScoredProgram, Spending

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

    from archive.equivalence import Savings
    from archive.store import Archive
    from evaluators.posterior import Curse
    from evolve.gating import GateCount
    from evolve.prospect import Prospect


@dataclass(frozen=True, kw_only=True, repr=False)
class RunResult:
    """What a run found. `front` is one program, or several where there are two objectives, best first.

    `seed`, `baselines` and `front` carry their metrics on train, `final` maps program ids to those of the final
    check. `archive` says where the run is kept, without a password; `code` and `plot` read it there.
    """

    run_id: str
    problem: str
    title: str
    objectives: tuple[Objective, ...]
    archive: str
    stop_reason: str
    seed: ScoredProgram
    baselines: tuple[ScoredProgram, ...]
    front: tuple[ScoredProgram, ...]
    final: Mapping[str, Mapping[str, float]]
    evaluations: float
    proposals: int
    seconds: float
    final_seconds: float
    final_failure: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Candidates by status, such as {"ok": 391, "crashed": 4}; empty where that was not counted."""
    problem_version: str = ""
    """Scores of two results are comparable where that is the same; empty where they come from outside."""
    verifier_separated: bool = True
    """False where programs report their own scores, which then prove nothing."""
    sandbox: str = ""
    """Where programs were run, such as "bubblewrap" or "none"; empty where they are run in place, or by the caller."""
    spending: Spending | None = None
    """What models have cost; None where none was asked."""
    note: str = ""
    """Why it stopped in a sentence, where `stop_reason` alone does not say it."""
    gate: GateCount | None = None
    """What the gate was asked; None for exact problems, and where scores come from outside."""
    savings: Savings | None = None
    """What was saved because programs compute what others did; None where nobody looked."""
    prospect: Prospect | None = None
    """What as many evaluations again would bring and cost; None where nothing is left to be tried."""
    luck: Curse | None = None
    """By how much the program found is expected to be worse on new instances than on train, in the first objective.

    None where evidence is exact, and where too little was measured to tell.
    """
    location: str = field(default="", compare=False)
    """The archive's URL with its password, where it was named by one."""

    @property
    def best(self) -> ScoredProgram | None:
        """The best program that was found: with two objectives, the front's best in the first one.

        A program that the run started from is the answer only where nothing else is on the front.
        """
        return next(iter(self._found()), None) or next(iter(self.front), None)

    @property
    def code(self) -> str:
        """The text of the best program, from the archive.

        Raises:
            UsageError: the run has found no program, or one of several files: see `files`.
            ArchiveError: the archive can not be read.
        """
        files = self.files
        if len(files) > 1:
            raise UsageError(f"the program has several files: {', '.join(files)}", "Take result.files instead.")
        return next(iter(files.values()))

    @property
    def files(self) -> Mapping[str, str]:
        """The files of the best program by name, from the archive. Raises as `code`."""
        best = self.best
        if best is None:
            raise UsageError(f"run {self.run_id} has found no program yet", "Go on with run(None, resume=...).")
        with self._opened() as archive:
            return archive.program(best.program_id, self.run_id).source.files

    def to_dataframe(self) -> pandas.DataFrame:
        """One row for each program: `name`, `kind` (seed, baseline or found), `program_id`, `idea`, and its metrics.

        Metrics of the final check are in columns whose names begin with `final_`; what is not known is NaN.

        Raises:
            UsageError: pandas is not installed.
        """
        try:
            import pandas
        except ModuleNotFoundError:
            raise UsageError("a data frame needs pandas, which is not installed", "pip install pandas") from None
        rows = [self._row("seed", self.seed)]
        rows += [self._row("baseline", one) for one in self.baselines]
        rows += [self._row("found", one) for one in self._found()]
        return pandas.DataFrame(rows)

    def plot(self, path: str | Path | None = None) -> Figure:
        """The picture of `evolve plot`, drawn from the archive; in a notebook it shows itself.

        With `path` (.svg, .png or .pdf) it is written there too, over what was there.

        Raises:
            UsageError: another suffix, or the file can not be written. ArchiveError: the archive can not be read.
        """
        from evolve.picture import run_picture
        from evolve.plot import draw, file_format

        kind = file_format(Path(path)) if path is not None else ""
        with self._opened() as archive:
            picture = run_picture(archive, self.run_id, self.title, self.objectives, self.seed, self.baselines)
        figure = draw(picture)
        if path is not None:
            try:
                figure.save(path, kind)
            except OSError as error:
                raise UsageError(f"can not write {path}: {error.strerror}", "Give another file name.") from None
        return figure

    def _found(self) -> list[ScoredProgram]:
        given = {one.program_id for one in (self.seed, *self.baselines)}
        return [one for one in self.front if one.program_id not in given]

    def _row(self, kind: str, program: ScoredProgram) -> dict[str, object]:
        final = {f"final_{name}": value for name, value in self.final.get(program.program_id, {}).items()}
        named = {"name": program.name, "kind": kind, "program_id": program.program_id, "idea": program.idea}
        return {**named, **program.metrics, **final}

    @contextmanager
    def _opened(self) -> Iterator[Archive]:
        from archive.store import Archive

        with Archive.open(self.location or self.archive, create=False) as archive:
            yield archive

    def __repr__(self) -> str:
        count = f"{len(self._found())} found" if self._found() else "nothing found"
        stopped = f"{self.stop_reason} after {duration(self.seconds)}"
        return f"<RunResult {self.run_id}: {self.problem}, {count}, {stopped}>"

    def __str__(self) -> str:
        from evolve.display.report import report

        return report(self)

    def _repr_html_(self) -> str:
        from evolve.display.page import report

        return report(self)
