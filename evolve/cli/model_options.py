"""Options of `evolve run` that are about language models, and the question before the first paid call."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from evolve.budget import Estimate

ModelOption = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="A language model that proposes: a name that litellm knows, or a table of the settings. Repeatable.",
        show_default=False,
    ),
]
ApiBaseOption = Annotated[
    str | None, typer.Option(metavar="URL", help="Where an OpenAI-compatible server answers for --model.")
]
UsdOption = Annotated[float | None, typer.Option(metavar="X", help="Stop before models cost more than X dollars.")]
TokensOption = Annotated[int | None, typer.Option(metavar="T", help="Stop before models take more than T tokens.")]
PatienceOption = Annotated[
    float | None,
    typer.Option(metavar="P", help="Stop when the chance of an improvement in what is left is below P, as in 0.05."),
]
HintOption = Annotated[str, typer.Option(metavar="TEXT", help="Advice that every prompt carries.", show_default=False)]
PromptsOption = Annotated[
    str | None, typer.Option(metavar="DIR", help="Templates that replace the shipped ones of the same name.")
]
BanditOption = Annotated[
    str | None,
    typer.Option(metavar="RULE", help="How the next model and its move are chosen: thompson (default) or uniform."),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask before the first paid call.")]
ReplayOption = Annotated[
    str | None,
    typer.Option(metavar="RUN|FILE", help="Go through a run again with its recorded replies, without network."),
]
ReplayStrictOption = Annotated[
    bool, typer.Option("--replay-strict", help="A prompt that is not the recorded one is an error.")
]


def confirm_cost(estimate: Estimate) -> bool:
    """Show what models may cost and ask whether to go on.

    Raises UsageError where nobody can answer, because standard input is no terminal.
    """
    from evolve.core.errors import UsageError
    from evolve.display.text import line

    line(str(estimate), style="yellow", stderr=True)
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked whether that may be spent", "Add --yes; a limit is set by --usd X.")
    return typer.confirm("Go on?", default=False, err=True)
