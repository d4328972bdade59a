"""`evolve export`: a found program as a file that runs on its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evolve.cli.options import ArchiveOption, ProgramArgument

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evolve.cli.lookup import Found

TEMPLATE = """{docstring}

{code}


def _main() -> None:
    import inspect
    import sys

    names = list(inspect.signature({entry}).parameters)
    try:
        if len(sys.argv) - 1 != len(names):
            raise ValueError
        values = [float(text) for text in sys.argv[1:]]
    except ValueError:
        sys.exit(f"usage: python {{sys.argv[0]}} {{' '.join(names)}}    (numbers)")
    print({entry}(*values))


if __name__ == "__main__":
    _main()
"""


def export(
    program: ProgramArgument = "best",
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="The file to write, or the folder for a program of several files. Default: best.py, or best with the "
            "program's suffix, if any.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE where it exists.")] = False,
    replies: Annotated[
        bool, typer.Option("--replies", help="Write a whole run with its models' replies, for evolve run --replay.")
    ] = False,
    archive: ArchiveOption = None,
) -> None:
    """Write PROGRAM as a Python file that runs alone; of another language, as it is; of several files, as a folder.

    Its docstring, or the comment at its head, tells the problem, the scores, the run and how it was found. With
    --replies PROGRAM is a run (its id, or 'last'), and FILE gets one line of JSON for each record, ticket and reply.
    """
    from evolve.cli.lookup import find_program, open_archive
    from evolve.cli.output import write_atomically
    from evolve.display.text import line

    if replies:
        _export_run(program, output, force, archive)
        return
    with open_archive(archive) as opened:
        found = find_program(opened, program)
        _check_own(found)
        final = opened.final_results(found.row.run_id).get(found.row.program_id)
        steps = len(opened.lineage(found.row.program_id, found.row.run_id)) - 1
    texts = standalone(found, final, steps)
    if len(texts) > 1:
        _write_folder(output or Path("best"), texts)
        return
    ((name, text),) = texts.items()
    output = output or Path("best").with_suffix(Path(name).suffix)
    write_atomically(output, lambda path: _fill(path, text), force=force)
    hint = f"; try: python {output} 0.5" if found.problem.sandbox == "straight_line" else ""
    line(f"wrote {output}{hint}")


def _check_own(found: Found) -> None:
    """Raises UsageError for a program that is another one once more: it may have that one's score, which nobody saw."""
    from evolve.core.errors import UsageError
    from evolve.core.types import Status

    if found.row.verdict.status is Status.EQUIVALENT:
        raise UsageError(
            f"program {found.row.program_id[:10]} is nothing new: it {found.row.verdict.feedback}",
            f"Export that one, or evaluate this one: evolve run {found.run.problem} --from {found.row.program_id[:10]}",
        )


def _write_folder(output: Path, texts: Mapping[str, str]) -> None:
    """Raises UsageError where something stands there already: no folder of other files is thrown away."""
    import os

    from evolve.core.errors import UsageError
    from evolve.display.text import line
    from evolve.scaffold import write

    if os.path.lexists(output):
        raise UsageError(f"{output} exists already", "Give another name with -o, or remove it first.")
    write(output, texts)
    line(f"wrote {output}: {', '.join(texts)}")


def _fill(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _export_run(name: str, output: Path | None, force: bool, archive: str | None) -> None:
    from evolve.cli.lookup import BEST, open_archive
    from evolve.cli.output import write_atomically
    from evolve.display.text import line

    with open_archive(archive) as opened:
        run = opened.run("last" if name == BEST else name)
        text = "".join(f"{row}\n" for row in opened.export(run.id, replies=True))
    output = output or Path(f"{run.id}.jsonl")
    write_atomically(output, lambda path: _fill(path, text), force=force)
    line(f"{output}: run {run.id}; go through it again with: evolve run --replay {output}")


def standalone(found: Found, final: Mapping[str, float] | None, steps: int) -> dict[str, str]:
    """The program's files by name, the one that is called with a docstring that tells the program's story.

    What is arithmetic gets a main function for numbers.
    """
    source, story = found.row.source, _story(found, final, steps)
    command = found.problem.command
    name = source.entry_file if command is None else command.program
    text = source.files[name]
    if command is not None:
        text = _with_header(name, text, story)
    elif found.problem.sandbox != "straight_line":  # its arguments are no numbers that could stand on a command line
        text = f"{_docstring(story)}\n\n{_without_docstring(text)}\n"
    else:
        code = _without_docstring(text)
        text = TEMPLATE.format(docstring=_docstring(story), code=code, entry=source.entry)
    return {**source.files, name: text}


def _without_docstring(code: str) -> str:
    """The text less its own docstring, which is the seed's and speaks of the seed."""
    import ast

    match ast.parse(code).body:
        case [ast.Expr(value=ast.Constant(value=str()), end_lineno=int(last)), *_]:
            return "\n".join(code.splitlines()[last:]).strip("\n")
    return code.strip("\n")


def _with_header(name: str, text: str, story: Sequence[str]) -> str:
    """The file as it is, after the story in comments; below the line that names its interpreter, if any."""
    from evaluators.comment_style import style_of

    style = style_of(name)
    header = "".join(f"{style.comment(line)}\n" for line in story)
    at = text.find("\n") + 1 if text.startswith("#!") else 0
    return f"{text[:at]}{header}\n{text[at:]}"


def _docstring(story: Sequence[str]) -> str:
    text = "\n".join(story).replace("\\", "\\\\").replace('"', '\\"')
    return f'"""{text}\n"""'


def _story(found: Found, final: Mapping[str, float] | None, steps: int) -> list[str]:
    from evolve.cli.lookup import CHANGED
    from evolve.display.facts import NOT_SEPARATED

    row = found.row
    lines = [f"{found.problem.title}: a program found by Evolve.", ""]
    lines.append(f"Problem     {found.run.problem} (version {found.run.problem_version})")
    lines += [f"Score       {metric} = {value!r}" for metric, value in row.verdict.metrics.items()]
    lines += [f"Final check {metric} = {value!r}" for metric, value in (final or {}).items()]
    if final is None:
        lines.append("Final check not made")
    lines.append(f"Run         {found.run.id}, seed {found.run.run_seed}, started {found.run.started_at}")
    lines.append(f"Program     {row.program_id}")
    how = f"record {row.number}, operator {row.ticket.operator}, {steps} steps from the start of the run"
    lines.append(f"Found       {how}")
    if row.idea:
        lines.append(f"Idea        {' '.join(row.idea.split())}")
    if not found.problem.separated:
        lines.append("".join(NOT_SEPARATED))
    if found.changed:
        lines.append(f"Mind that {CHANGED}.")
    return lines
