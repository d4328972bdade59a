"""`evolve show` and `evolve diff`: programs, where they came from, and what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evolve.cli.options import ArchiveOption, JsonOption, ShownArgument
from evolve.core.errors import UsageError

if TYPE_CHECKING:
    from archive.rows import ProgramRow
    from archive.store import Archive
    from evolve.cli.lookup import Found
    from evolve.core.types import Objective, Source

FEEDBACK_LINES = 12


def show(
    program: ShownArgument = "best",
    prompt: Annotated[
        bool, typer.Option("--prompt", help="Print the requests that made the program, and their replies.")
    ] = False,
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a program and how it came about, or a run and where its programs were run.

    Of a program: its code, scores and idea, and its line of descent with the gain of each step. Of a run: its settings,
    its sandbox, and what bounded its programs there.
    """
    from evolve.cli.lookup import find_program, open_archive
    from evolve.cli.output import print_json
    from evolve.cli.show_prompt import show_prompt
    from evolve.cli.show_run import find_run, show_run
    from evolve.sandboxing import records

    with open_archive(archive) as opened:
        try:
            found = find_program(opened, program)
        except UsageError:
            run = find_run(opened, program)
            if run is None:
                raise
            show_run(opened, run, as_json)
            return
        if prompt:
            show_prompt(opened, found.row, as_json)
            return
        places = records(found.run.config, opened.events(found.run.id))
        sandboxes = [name for name, _ in groupby(str(place["sandbox"]) for place in places if place)]
        lineage = opened.lineage(found.row.program_id, found.row.run_id)
        final = opened.final_results(found.row.run_id).get(found.row.program_id)
    if as_json:
        print_json(_program_json(found, lineage, final, sandboxes))
    else:
        _print_program(found, lineage, final, sandboxes)


def _program_json(
    found: Found, lineage: Sequence[ProgramRow], final: Mapping[str, float] | None, sandboxes: Sequence[str]
) -> dict[str, Any]:
    from evolve.display.descent import gains
    from evolve.display.program import gate_answer

    row = found.row
    return {
        "program_id": row.program_id,
        "skeleton_id": row.skeleton_id,
        "run_id": row.run_id,
        "problem": found.run.problem,
        "problem_changed": found.changed,
        "record": row.number,
        "status": row.verdict.status.value,
        "value": row.verdict.value,
        "measured": row.verdict.share,
        "metrics": dict(row.verdict.metrics),
        "final": dict(final) if final is not None else None,
        "proven": gate_answer(row),
        "question": asdict(row.promotion.question) if row.promotion and row.promotion.question else None,
        "feedback": row.verdict.feedback,
        "idea": row.idea,
        "operator": row.ticket.operator,
        "model": row.ticket.model,
        "parents": list(row.parents),
        "children": row.children,
        "entry": row.source.entry,
        "files": dict(row.source.files),
        "sandboxes": list(sandboxes),
        "lineage": [_step_json(one, gain) for one, gain in zip(lineage, gains(lineage, found.objectives), strict=True)],
    }


def _step_json(row: ProgramRow, gain: float | None) -> dict[str, Any]:
    return {
        "program_id": row.program_id,
        "record": row.number,
        "operator": row.ticket.operator,
        "status": row.verdict.status.value,
        "metrics": dict(row.verdict.metrics),
        "gain": gain,
        "idea": row.idea,
    }


def _print_program(
    found: Found, lineage: Sequence[ProgramRow], final: Mapping[str, float] | None, sandboxes: Sequence[str]
) -> None:
    from rich.syntax import Syntax

    from evolve.cli.lookup import CHANGED
    from evolve.core.config import UNSANDBOXED
    from evolve.display.facts import NOT_ISOLATED, NOT_SEPARATED
    from evolve.display.text import console, line

    row = found.row
    line(f"{row.program_id}", style="bold")
    for label, text in _facts(found, final):
        line(f"{label:<10}{text}")
    if not found.problem.separated:
        line("".join(NOT_SEPARATED))
    if found.changed:
        line(CHANGED, style="yellow")
    if UNSANDBOXED in sandboxes:
        line(": ".join(NOT_ISOLATED), style="yellow")
    if row.verdict.feedback:
        kept = row.verdict.feedback.splitlines()
        line("\n".join(kept[:FEEDBACK_LINES] + (["..."] if len(kept) > FEEDBACK_LINES else [])), style="dim")
    for name, text in row.source.files.items():
        if len(row.source.files) > 1:
            line(f"\n{name}", style="bold")
        line("")
        out = console()
        if out.is_terminal:
            language = Syntax.guess_lexer(name, text)
            out.print(Syntax(text.rstrip("\n"), language, background_color="default", word_wrap=True))
        else:
            line(text.rstrip("\n"))
    line("")
    _print_lineage(lineage, found.objectives)


def _facts(found: Found, final: Mapping[str, float] | None) -> list[tuple[str, str]]:
    from evolve.display.program import is_own, proof_words, proposer
    from evolve.display.text import metric_text

    row, proof = found.row, proof_words(found.row.promotion)
    facts = [
        ("problem", found.run.problem),
        ("found", f"run {row.run_id}, record {row.number}, by {proposer(row)}"),
    ]
    facts.append(("status", row.verdict.status.value + (f", {proof}" if proof else "")))
    if row.verdict.status.scored and not row.verdict.whole:
        facts.append(("measured", f"on {row.verdict.share:.0%} of train alone"))
    scores = [f"{metric_text(metric, value)} {metric}" for metric, value in row.verdict.metrics.items()]
    finals = [f"{metric_text(name, value)} {name}" for name, value in (final or {}).items() if is_own(name)]
    facts += [("" if index else "score", text) for index, text in enumerate(scores)]
    facts += [("" if index else "final", text) for index, text in enumerate(finals)]
    if row.idea:
        facts.append(("idea", row.idea))
    facts.append(("parents", ", ".join(one[:10] for one in row.parents) or "none"))
    facts.append(("children", str(row.children)))
    return facts


def _print_lineage(lineage: Sequence[ProgramRow], objectives: Sequence[Objective]) -> None:
    from evolve.display.descent import gains, shown_along, step_words
    from evolve.display.grid import blank_table
    from evolve.display.tables import gain_text
    from evolve.display.text import SHORT_ID, metric_text
    from evolve.display.text import show as print_table

    shown = shown_along(lineage, objectives)
    table = blank_table("Line of descent")
    table.expand = True
    table.add_column("record", justify="right", no_wrap=True)
    table.add_column("program", no_wrap=True)
    if len(objectives) == 2:
        table.add_column(objectives[1].metric, justify="right", no_wrap=True, max_width=12)
    table.add_column(shown.metric, justify="right", no_wrap=True)
    table.add_column("gain", justify="right", no_wrap=True)
    table.add_column("how", overflow="ellipsis", no_wrap=True, ratio=1)
    for row, gain in zip(lineage, gains(lineage, objectives), strict=True):
        metrics = row.verdict.metrics
        cells = [str(row.number), row.program_id[:SHORT_ID]]
        if len(objectives) == 2:
            cells.append(metric_text("", metrics.get(objectives[1].metric)))
        cells += [metric_text(shown.metric, metrics.get(shown.metric)), gain_text(shown.metric, gain)]
        table.add_row(*cells, step_words(row))
    print_table(table)


def diff(
    first: Annotated[str, typer.Argument(metavar="A", help="Id or prefix, 'best', 'seed', or a baseline's name.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The same.")] = "best",
    archive: ArchiveOption = None,
) -> None:
    """Show what changed from program A to B.

    The output is a unified diff; it is empty where both have the same text.
    """
    import difflib

    from evolve.cli.lookup import open_archive

    with open_archive(archive) as opened:
        before, after = _source(opened, first), _source(opened, second)
    for name in sorted({*before.files, *after.files}):
        old, new = before.files.get(name, ""), after.files.get(name, "")
        where = f" {name}" if len({*before.files, *after.files}) > 1 else ""
        names = f"{first}{where}", f"{second}{where}"
        _print_diff(difflib.unified_diff(old.splitlines(), new.splitlines(), *names, lineterm=""))


def _source(archive: Archive, name: str) -> Source:
    """A program of the archive, or the seed or a baseline of the last run's problem."""
    from evolve.cli.lookup import find_program, problem_now, problem_of

    last = archive.run("last")
    if name != "best":
        problem = problem_now(last)
        known = {**problem.baselines, "seed": problem.seed}
        if name in known:
            problem_of(last)  # raises where the files are not those of then
            return known[name]
    return find_program(archive, name).row.source


def _print_diff(lines: Any) -> None:
    from evolve.display.text import line

    styles = {"+": "green", "-": "red", "@": "cyan"}
    for text in lines:
        header = text.startswith(("+++", "---"))
        line(text, style="bold" if header else styles.get(text[:1], ""))
