"""The Typer application: its commands, and what happens to errors, Ctrl-C and broken pipes."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from evolve.cli import archive, baselines, check, compare, doctor, export, history, new, plot, run, sandbox, serve, show
from evolve.cli.output import print_error
from evolve.core.errors import EvolveError, UsageError
from evolve.display.text import line

INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 + SIGINT, as shells have it."""


class Commands(TyperGroup):
    """Turns errors into two lines and an exit status: 2 for wrong usage, 1 for others, 130 for Ctrl-C."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except EvolveError as error:
            print_error(error)
            raise typer.Exit(2 if isinstance(error, UsageError) else 1) from None
        except KeyboardInterrupt:
            line("stopped", style="yellow", stderr=True)
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: it needs no rich, and so starts in half the time
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Discover better algorithms: run a problem, then show, plot and export what was found.",
)
app.command("run")(run.run)
app.command("runs")(history.runs)
app.command("show")(show.show)
app.command("diff")(show.diff)
app.command("export")(export.export)
app.command("plot")(plot.plot)
app.command("baselines")(baselines.baselines)
app.command("new")(new.new)
app.command("check")(check.check)
app.command("compare")(compare.compare)
app.command("doctor")(doctor.doctor)
app.command("serve")(serve.serve)
app.command("publish")(serve.publish)
app.add_typer(archive.app, name="archive")
app.add_typer(sandbox.app, name="sandbox")
