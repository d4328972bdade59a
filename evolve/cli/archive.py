"""`evolve archive check`, `export`, `import`, `merge` and `copy`: whole archives."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evolve.cli.options import ArchiveOption, JsonOption
from evolve.cli.progress import progress_line

if TYPE_CHECKING:
    from archive.contents import Address
    from archive.merging import Merged
    from archive.moving import Held

FAILED = 1
app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Check whole archives, write and read them as one file, and put them together.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


TrustOption = Annotated[
    bool, typer.Option("--trust-ids", help="Do not compute the ids of programs anew, which takes most of the time.")
]


@app.command("check")
def check(
    trust_ids: TrustOption = False,
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look whether the archive is whole and sound.

    References, numbers, digests, program ids, and that no program is its own ancestor. Nothing is mended. The exit
    status is 1 where something is found.
    """
    from archive import moving
    from evolve.cli.output import print_json
    from evolve.display.text import duration, line

    with progress_line() as (progress, seconds):
        held, found = moving.check(_place(archive), progress, _address(trust_ids))
    if as_json:
        print_json(
            {**held.to_json(), "ok": not found, "seconds": seconds(), "findings": [one.to_json() for one in found]}
        )
    else:
        for one in found:
            line(f"{one.check}: {one.where}: {one.says}", style="bold red")
        for remedy in dict.fromkeys(one.remedy for one in found):
            line(remedy, style="dim")
        verdict = f"{len(found)} finding{'s' * (len(found) > 1)}" if found else "whole and sound"
        line(f"{_counts(held)}: {verdict} ({duration(seconds())})", style="" if found else "green")
    if found:
        raise typer.Exit(FAILED)


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write, such as archive.jsonl.gz.")],
    force: Annotated[bool, typer.Option("--force", help="Replace FILE where it exists.")] = False,
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the whole archive to one file, which `evolve archive import` reads elsewhere.

    It is sealed: a file that was cut off or changed is known for it. A run that is going on is written as far as it is.
    """
    from archive import moving
    from evolve.cli.output import print_json, write_atomically
    from evolve.display.text import duration, line

    found: list[Held] = []
    with progress_line() as (progress, seconds):
        write_atomically(file, lambda path: found.append(moving.export(_place(archive), path, progress)), force=force)
    size = file.stat().st_size
    if as_json:
        print_json({**found[0].to_json(), "file": str(file), "bytes": size, "seconds": seconds()})
        return
    line(f"wrote {file}: {_counts(found[0])}, {size / 1e6:,.1f} MB ({duration(seconds())})")
    line(f"read it elsewhere with: evolve archive import {file.name}", style="dim")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `evolve archive export` wrote.")],
    trust_ids: TrustOption = False,
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put the runs of FILE into the archive, which is made if it is missing.

    All of them or none: a file that is not whole, or that holds a run in another state, changes nothing.
    """
    from archive import moving

    with progress_line() as (progress, seconds):
        merged = moving.bring_in(file, _place(archive), progress, _address(trust_ids))
    _tell(merged, _place(archive), seconds(), as_json)


@app.command("merge")
def merge(
    other: Annotated[str, typer.Argument(metavar="OTHER", help="Path or URL of the archive whose runs are wanted.")],
    trust_ids: TrustOption = False,
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put the runs of archive OTHER into the archive; OTHER stays as it is.

    Programs are shared. A run that is in both must be the same in both, or nothing changes.
    """
    from archive import moving

    with progress_line() as (progress, seconds):
        merged = moving.merge(other, _place(archive), progress, _address(trust_ids))
    _tell(merged, _place(archive), seconds(), as_json)


@app.command("copy")
def copy(
    target: Annotated[
        str,
        typer.Argument(metavar="TARGET", help="Path or URL of a database without runs: postgresql://USER@HOST/NAME."),
    ],
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy the archive to another database, which then holds the same runs in the same order."""
    from archive import moving

    with progress_line() as (progress, seconds):
        merged = moving.copy(_place(archive), target, progress)
    _tell(merged, target, seconds(), as_json)


def _place(archive: str | None) -> str:
    from evolve.core.config import default_archive

    return default_archive(archive)


def _address(trusted: bool) -> Address | None:
    from evaluators.addresses import addresses

    return None if trusted else addresses


def _counts(held: Held) -> str:
    return f"{held.runs:,} runs, {held.records:,} records, {held.programs:,} programs"


def _tell(merged: Merged, where: str, seconds: float, as_json: bool) -> None:
    from archive.connect import shown
    from evolve.cli.output import print_json
    from evolve.display.text import duration, line

    added, place = merged.added, shown(where)
    if as_json:
        counts = {name: added.get(name, 0) for name in ("records", "programs")}
        print_json({"archive": place, "runs": merged.new, "known": merged.known, **counts, "seconds": seconds})
        return
    new = f"{len(merged.new):,} runs, {added.get('records', 0):,} records, {added.get('programs', 0):,} programs"
    known = f"; {len(merged.known):,} runs were there already" if merged.known else ""
    line(f"{place}: {new} came{known} ({duration(seconds)})")
