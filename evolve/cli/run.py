"""`evolve run`: search a problem for better programs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from evolve.cli.model_options import (
    ApiBaseOption,
    BanditOption,
    HintOption,
    ModelOption,
    PatienceOption,
    PromptsOption,
    ReplayOption,
    ReplayStrictOption,
    TokensOption,
    UsdOption,
    YesOption,
    confirm_cost,
)
from evolve.cli.options import ArchiveOption, EquivalenceOption, JsonOption, SandboxOption
from evolve.core.errors import UsageError

if TYPE_CHECKING:
    from evolve.display.watch import Watch
    from evolve.problem import Problem
    from evolve.result import RunResult


def run(
    problem: Annotated[
        str | None,
        typer.Argument(metavar="PROBLEM", help="Name of a shipped problem, or its folder.", show_default=False),
    ] = None,
    evaluations: Annotated[
        float | None, typer.Option(metavar="N", help="Stop after N evaluations. Default: the problem's.")
    ] = None,
    proposals: Annotated[
        int | None, typer.Option(metavar="N", help="Stop after N proposals. Default: 20 for each evaluation.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(metavar="M", help="Stop after M minutes of search.")] = None,
    model: ModelOption = None,
    api_base: ApiBaseOption = None,
    usd: UsdOption = None,
    tokens: TokensOption = None,
    patience: PatienceOption = None,
    hint: HintOption = "",
    prompts: PromptsOption = None,
    bandit: BanditOption = None,
    yes: YesOption = False,
    seed: Annotated[int, typer.Option(metavar="S", help="Same seed and budget: same run.")] = 0,
    workers: Annotated[
        int | None, typer.Option(metavar="W", help="Processes. Default: one a core; one where times score.")
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            metavar="P",
            help="Who becomes a parent: clade (default), hill, islands, pareto, portfolio, sequential, independent; "
            "options as in hill:samples=8.",
        ),
    ] = None,
    outcome: Annotated[
        str | None,
        typer.Option(metavar="O", help="top-quarter (default), improvement or max-backed: what makes a clade."),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="START", help="seed, baselines or a program's id. Default: the problem's."),
    ] = None,
    sandbox: SandboxOption = None,
    equivalence: EquivalenceOption = None,
    outage_minutes: Annotated[
        float | None,
        typer.Option(metavar="M", help="Wait up to M minutes for a sandbox that goes away. Default: 30."),
    ] = None,
    resume: Annotated[str | None, typer.Option(metavar="RUN", help="Continue a run that stopped; 'last' too.")] = None,
    replay: ReplayOption = None,
    replay_strict: ReplayStrictOption = False,
    final: Annotated[bool, typer.Option("--final/--no-final", help="Check the winners on data never seen.")] = True,
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search PROBLEM for programs that beat its baselines.

    Everything found is in the archive at once; Ctrl-C loses nothing and exits with status 130.
    """
    from evolve.api import run as run_search
    from evolve.cli.lookup import expand_program, expand_run
    from evolve.core.config import DEFAULT_OUTAGE_MINUTES, default_archive

    place = default_archive(archive)
    resume = expand_run(place, resume) if resume else None
    loaded = _load(problem, place, resume, replay)
    if start not in (None, "seed", "baselines"):
        start = expand_program(place, start)
    with _watch(loaded, as_json) as watch, _saying_what_is_kept(watch):
        result = run_search(
            loaded.place,
            evaluations=evaluations,
            proposals=proposals,
            minutes=minutes,
            model=model or (),
            api_base=api_base,
            usd=usd,
            tokens=tokens,
            patience=patience,
            hint=hint,
            prompts=prompts,
            bandit=bandit,
            confirm=None if yes else confirm_cost,
            seed=seed,
            workers=workers,
            policy=policy,
            outcome=outcome,
            archive=place,
            start=start,
            sandbox=sandbox,
            equivalence=equivalence,
            outage_minutes=DEFAULT_OUTAGE_MINUTES if outage_minutes is None else outage_minutes,
            resume=resume,
            replay=replay,
            replay_strict=replay_strict,
            final_check=final,
            listener=watch,
            progress=False,
            handle_interrupt=True,
        )
    _report(result, as_json)


@contextmanager
def _saying_what_is_kept(watch: Watch) -> Iterator[None]:
    """A second Ctrl-C, or one in the final check, ends the command at once; what was committed stays."""
    from evolve.cli.app import INTERRUPTED

    try:
        yield
    except KeyboardInterrupt:
        _say_kept(watch.progress.started.run_id if watch.progress.started else None, "stopped")
        raise typer.Exit(INTERRUPTED) from None


def _say_kept(run_id: str | None, what: str) -> None:
    from evolve.display.text import line

    line(f"{what}: {'what was committed is kept' if run_id else 'no run was begun'}", style="yellow", stderr=True)
    if run_id:
        line(f"continue with: evolve run --resume {run_id}", style="yellow", stderr=True)


def _load(problem: str | None, place: str, resume: str | None, replay: str | None) -> Problem:
    """The problem that was named, or that of the run to resume or to replay."""
    from evolve.beginning import find_problem
    from evolve.cli.lookup import open_archive, problem_of
    from evolve.problem import load
    from evolve.recording import read_recording

    if problem is not None:
        return load(problem)
    if replay is not None:
        recording = read_recording(place, replay)
        return find_problem(recording.problem, recording.config.get("folder"))
    if resume is None:
        raise UsageError("no problem named", "Name one, as in: evolve run float32-exp2")
    with open_archive(place) as archive:
        return problem_of(archive.run(resume))


def _watch(problem: Problem, as_json: bool) -> Watch:
    from evolve.display.text import console
    from evolve.display.watch import LineWatch, LiveWatch

    if console().is_terminal and not as_json:
        return LiveWatch(problem.objectives, stderr=False)
    return LineWatch(problem.objectives, stderr=as_json)


def _report(result: RunResult, as_json: bool) -> None:
    from evolve.cli.app import INTERRUPTED
    from evolve.cli.output import print_json
    from evolve.cli.summary import print_summary, result_json

    if as_json:
        print_json(result_json(result))
    else:
        print_summary(result)
    if result.stop_reason == "interrupted":
        _say_kept(result.run_id, f"interrupted after {result.proposals:,} proposals")
        raise typer.Exit(INTERRUPTED)
