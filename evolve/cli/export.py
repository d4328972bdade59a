"""`evolve export`: a found program as a file that runs on its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evolve.cli.options import ArchiveOption, ProgramArgument

if TYPE_CHECKING:
    from collections.abc import Mapping

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
            help="The file to write. Default: best.py, or best with the program's suffix.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE where it exists.")] = False,
    archive: ArchiveOption = None,
) -> None:
    """Write PROGRAM as a Python file that runs alone; of another language, as it is.

    Its docstring, or the comment at its head, tells the problem, the scores, the run and how it was found.
    """
    from evolve.cli.lookup import find_program, open_archive
    from evolve.cli.output import write_atomically
    from evolve.display.text import line

    with open_archive(archive) as opened:
        found = find_program(opened, program)
        final = opened.final_results(found.row.run_id).get(found.row.program_id)
        steps = len(opened.lineage(found.row.program_id, found.row.run_id)) - 1
    text = standalone(found, final, steps)
    output = output or Path("best").with_suffix(Path(next(iter(found.row.source.files))).suffix)
    write_atomically(output, lambda path: _fill(path, text), force=force)
    hint = f"; try: python {output} 0.5" if found.problem.sandbox == "straight_line" else ""
    line(f"wrote {output}{hint}")


def _fill(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def standalone(found: Found, final: Mapping[str, float] | None, steps: int) -> str:
    """The program's text with a docstring that tells its story, and a main function for numbers."""
    source = found.row.source
    if source.language == "command":
        return _with_header(found, final, steps)
    code = _without_docstring(source.main)
    if found.problem.sandbox != "straight_line":  # its arguments are no numbers that could stand on a command line
        return f"{_docstring(found, final, steps)}\n\n{code}\n"
    return TEMPLATE.format(docstring=_docstring(found, final, steps), code=code, entry=source.entry)


def _without_docstring(code: str) -> str:
    """The text less its own docstring, which is the seed's and speaks of the seed."""
    import ast

    match ast.parse(code).body:
        case [ast.Expr(value=ast.Constant(value=str()), end_lineno=int(last)), *_]:
            return "\n".join(code.splitlines()[last:]).strip("\n")
    return code.strip("\n")


def _with_header(found: Found, final: Mapping[str, float] | None, steps: int) -> str:
    """The program as it is, after its story in comments; below the line that names its interpreter, if any."""
    from evaluators.comment_style import style_of

    ((name, text),) = found.row.source.files.items()
    style = style_of(name)
    header = "".join(f"{style.comment(line)}\n" for line in _story(found, final, steps))
    at = text.find("\n") + 1 if text.startswith("#!") else 0
    return f"{text[:at]}{header}\n{text[at:]}"


def _docstring(found: Found, final: Mapping[str, float] | None, steps: int) -> str:
    text = "\n".join(_story(found, final, steps)).replace("\\", "\\\\").replace('"', '\\"')
    return f'"""{text}\n"""'


def _story(found: Found, final: Mapping[str, float] | None, steps: int) -> list[str]:
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
    return lines
