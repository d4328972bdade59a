"""What a finished run shows: the ladder, the reason it ended, and what to type next; or the same as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evolve.cli.final_table import final_sentence, final_tables
from evolve.cli.ladder import Rung, climb, shown_objective
from evolve.cli.output import SHORT_ID, duration, line, metric_text, number, show
from evolve.cli.tables import beaten_text, ladder_table
from evolve.core.types import Objective
from evolve.events import ScoredProgram

if TYPE_CHECKING:
    from evolve.api import RunResult


def print_summary(result: RunResult, objectives: Sequence[Objective]) -> None:
    """The end of `evolve run` for people."""
    split = " on train" if len(objectives) == 1 else ""
    title = f"{result.problem}: found against the baselines{split}"
    line("")
    show(ladder_table(objectives, result.seed, result.baselines, result.front, finals=result.final, title=title))
    for final in final_tables(objectives[0], result):
        show(final)
    for text in _sentences(result, objectives):
        line(text)
    line("")
    line("Next:", style="bold")
    for command in _next_commands(result):
        line(f"  {command}")


def _sentences(result: RunResult, objectives: Sequence[Objective]) -> list[str]:
    everything = [result.seed, *result.baselines, *result.front]
    metric = shown_objective(objectives, everything).metric
    rungs = climb(objectives, result.seed, result.baselines, result.front)
    lines = [f"seed      {_scores(result.seed, metric, objectives)}"]
    if beaten := beaten_text(rungs):
        lines.append(f"beaten    {beaten}")
    elif result.baselines:
        lines.append("beaten    no baseline yet; a longer run may")
    if final := final_sentence(objectives[0], result):
        lines.append(final)
    if result.final_failure:
        lines.append(f"final     the program found has no score there: {result.final_failure}")
    lines.append(f"stopped   {result.stop_reason}, after {duration(result.seconds)}" + _final_words(result))
    lines.append(f"spent     {result.evaluations:,.0f} evaluations, {result.proposals:,} proposals")
    lines.append(f"run       {result.run_id} in {result.archive}")
    return lines


def _scores(program: ScoredProgram, metric: str, objectives: Sequence[Objective]) -> str:
    text = f"{metric} {metric_text(metric, program.metrics[metric])}"
    if len(objectives) == 2:
        text += f", {objectives[1].metric} {number(program.metrics[objectives[1].metric])}"
    return text


def _final_words(result: RunResult) -> str:
    return f", final check {duration(result.final_seconds)}" if result.final else ", no final check"


def _next_commands(result: RunResult) -> list[str]:
    short = result.run_id[:SHORT_ID]
    return [
        *(["evolve show best", "evolve export best -o best.py"] if result.front else []),
        f"evolve plot {short} -o front.svg",
        f"evolve run --resume {short}",
    ]


def result_json(result: RunResult, objectives: Sequence[Objective]) -> dict[str, Any]:
    """The end of `evolve run --json`; its keys are documented in docs/cli.md."""
    rungs = climb(objectives, result.seed, result.baselines, result.front)
    shown = shown_objective(objectives, [result.seed, *result.baselines, *result.front])
    return {
        "run_id": result.run_id,
        "problem": result.problem,
        "archive": result.archive,
        "stop_reason": result.stop_reason,
        "evaluations": result.evaluations,
        "proposals": result.proposals,
        "seconds": result.seconds,
        "final_seconds": result.final_seconds,
        "final_failure": result.final_failure or None,
        "final": {key: dict(row) for key, row in result.final.items()},
        "objectives": [{"metric": one.metric, "direction": one.direction} for one in objectives],
        "shown_metric": shown.metric,
        "seed": scored_json(result.seed),
        "baselines": [scored_json(one) for one in result.baselines],
        "found": [_found_json(rung, rung.found, result.final) for rung in rungs if rung.found is not None],
    }


def scored_json(program: ScoredProgram) -> dict[str, Any]:
    """Name, id and metrics."""
    return {"name": program.name, "program_id": program.program_id, "metrics": dict(program.metrics)}


def _found_json(rung: Rung, found: ScoredProgram, finals: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    final = finals.get(found.program_id)
    return {
        "program_id": found.program_id,
        "metrics": dict(found.metrics),
        "final": dict(final) if final is not None else None,
        "best_known": rung.known.name if rung.known else None,
        "gain": rung.gain,
        "dominates": list(rung.dominated),
    }
