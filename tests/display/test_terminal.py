"""What programs and models wrote steers no terminal."""

from __future__ import annotations

import io

import pytest
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from evolve.display.terminal import PlainConsole

HOSTILE = "a\x1b]52;c;ZXZpbA==\x07b\x1b[2Jc\x9b31md\u202ee\rf\x08g"


def table() -> Table:
    made = Table(title=Text(HOSTILE))
    made.add_column(Text(HOSTILE))
    made.add_row(Text(HOSTILE))
    return made


@pytest.mark.parametrize("shown", [HOSTILE, Text(HOSTILE), table(), Syntax(f"x = 1  # {HOSTILE}", "python")])
def test_nothing_steers_the_terminal_but_colours(shown: object) -> None:
    file = io.StringIO()
    PlainConsole(file=file, force_terminal=True, color_system="truecolor", width=200, highlight=False).print(
        shown, style="bold red"
    )
    said = file.getvalue()
    assert "\x1b[" in said  # colours
    for harm in ("\x1b]", "\x1b[2J", "\x9b", "\u202e", "\x07", "\x08", "\r"):
        assert harm not in said
    assert "52;c;ZXZpbA==" in said  # shown as the text that it is
