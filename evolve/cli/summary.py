"""What a finished run shows: the ladder, the reason it ended, and what to type next; or the same as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from evolve.display.facts import facts, table_title
from evolve.display.final_table import final_grids
from evolve.display.grid import rich_table
from evolve.display.ladder import Rung, climb, shown_objective
from evolve.display.tables import ladder_grid
from evolve.display.text import SHORT_ID, line, show
from evolve.events import ScoredProgram
from evolve.foresight import foresight_json

if TYPE_CHECKING:
    from evolve.result import RunResult


def print_summary(result: RunResult) -> None:
    """The end of `evolve run` for people."""
    line("")
    title = f"{result.problem}: {table_title(result)}"
    grid = ladder_grid(result.objectives, result.seed, result.baselines, result.front, finals=result.final, title=title)
    for one in (grid, *final_grids(result)):
        show(rich_table(one))
    for label, text in facts(result):
        line(f"{label:<10}{text}")
    line("")
    line("Next:", style="bold")
    for command in _next_commands(result):
        line(f"  {command}")


def _next_commands(result: RunResult) -> list[str]:
    short = result.run_id[:SHORT_ID]
    return [
        *(["evolve show best", "evolve export best"] if result.front else []),
        f"evolve plot {short} -o front.svg",
        f"evolve run --resume {short}",
    ]


def result_json(result: RunResult) -> dict[str, Any]:
    """The end of `evolve run --json`; its keys are documented in docs/cli.md."""
    objectives = result.objectives
    rungs = climb(objectives, result.seed, result.baselines, result.front)
    shown = shown_objective(objectives, [result.seed, *result.baselines, *result.front])
    return {
        "run_id": result.run_id,
        "problem": result.problem,
        "archive": result.archive,
        "stop_reason": result.stop_reason,
        "note": result.note or None,
        "evaluations": result.evaluations,
        "proposals": result.proposals,
        "seconds": result.seconds,
        "final_seconds": result.final_seconds,
        "final_failure": result.final_failure or None,
        "spending": _spending_json(result),
        "gate": asdict(result.gate) if result.gate else None,
        "counts": dict(result.counts),
        "equivalence": result.savings.to_json() if result.savings else None,
        **foresight_json(result.prospect, result.luck),
        "verifier_separated": result.verifier_separated,
        "sandbox": result.sandbox or None,
        "final": {key: dict(row) for key, row in result.final.items()},
        "objectives": [{"metric": one.metric, "direction": one.direction} for one in objectives],
        "shown_metric": shown.metric,
        "seed": scored_json(result.seed),
        "baselines": [scored_json(one) for one in result.baselines],
        "found": [_found_json(rung, rung.found, result.final) for rung in rungs if rung.found is not None],
    }


def _spending_json(result: RunResult) -> dict[str, Any] | None:
    spent = result.spending
    if spent is None:
        return None
    return {"replies": spent.replies, "tokens": spent.tokens, "usd": spent.usd, "unpriced": spent.unpriced}


def scored_json(program: ScoredProgram) -> dict[str, Any]:
    """Name, id and metrics."""
    return {"name": program.name, "program_id": program.program_id, "metrics": dict(program.metrics)}


def _found_json(rung: Rung, found: ScoredProgram, finals: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    final = finals.get(found.program_id)
    return {
        "program_id": found.program_id,
        "idea": found.idea or None,
        "metrics": dict(found.metrics),
        "final": dict(final) if final is not None else None,
        "best_known": rung.known.name if rung.known else None,
        "gain": rung.gain,
        "dominates": list(rung.dominated),
    }
