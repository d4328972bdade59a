"""A table as data: what a terminal shows with rich and a notebook as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.table import Table

Style = Literal["", "dim", "green", "bold"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading. On a terminal its cells are cut at `width` characters, or wrapped where `wrap` is set."""

    name: str
    right: bool = True
    wrap: bool = False
    width: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One cell for each column, and how the row is set off."""

    cells: tuple[str, ...]
    style: Style = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """Title (or none), columns and rows."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]


def blank_table(title: str = "") -> Table:
    """An empty table in the house style: no frame, a rule under the header, the title at the left."""
    from rich import box
    from rich.table import Table

    return Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )


def rich_table(grid: Grid) -> Table:
    """The grid for a terminal. Its texts are shown as they are: square brackets in them are no markup."""
    from rich.text import Text

    table = blank_table()
    table.title = Text(grid.title, "bold") if grid.title else None
    for column in grid.columns:
        table.add_column(
            Text(column.name),
            justify="right" if column.right else "left",
            no_wrap=not column.wrap,
            overflow="ellipsis",
            max_width=column.width,
        )
    for row in grid.rows:
        table.add_row(*map(Text, row.cells), style=row.style)
    return table
