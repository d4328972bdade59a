"""The pages that are made from the code are up to date, and links and names on the others exist."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from evolve.core import errors

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


def test_the_page_of_keys_is_what_the_schema_says() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None and spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert generate.page() == (ROOT / "docs" / "problems.md").read_text(), "type: make docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    for target in _LINK.findall(prose):
        assert (page.parent / target).exists(), target


def test_every_exception_is_on_its_page() -> None:
    text = (ROOT / "docs" / "exceptions.md").read_text()
    raised = [name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, Exception)]
    assert len(raised) >= 8
    for name in raised:
        assert f"`{name}`" in text, name


def test_every_command_is_in_the_reference_and_every_decision_has_a_number() -> None:
    from typer.main import get_command

    from evolve.cli.app import app

    text = (ROOT / "docs" / "cli.md").read_text()
    for command in app.registered_commands:
        assert f"`evolve {command.name}" in text, command.name
    commands = [get_command(app).commands[name] for name in ("run", "compare", "serve", "publish")]
    params = [one for command in commands for one in command.params]
    options = [option for one in params for option in (*one.opts, *one.secondary_opts)]
    assert [one for one in options if one.startswith("--") and f"`{one}" not in text] == [] != options
    numbers = [path.name[:4] for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    assert numbers == [f"{number:04d}" for number in range(1, len(numbers) + 1)]
