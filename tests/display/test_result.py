"""What a result shows of itself, and what it reads from the archive."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from evolve.core.errors import ArchiveError, UsageError
from evolve.core.types import Objective
from evolve.result import RunResult

from .conftest import ERROR, program, result
from .test_notebook_watch import HOSTILE, Words

AHEAD = {"groups": 24.0, "ahead": 0.1, "ahead_low": 0.05, "ahead_high": 0.15}


def test_one_line_and_a_page_of_text() -> None:
    one = result(program("f1", 0.25, 2), program("f2", 0.75, 1))
    assert repr(one) == "<RunResult a1b2c3d4: family/member, 2 found, evaluations after 12.3 s>"
    lines = str(one).splitlines()
    assert lines[0] == "family/member: found against the baselines"
    assert any("+0.25" in line and "id-f1" in line for line in lines)
    assert "stopped   evaluations, after 12.3 s, no final check" in lines
    assert max(map(len, lines)) <= 80 and "\x1b" not in str(one)
    assert "nothing found" in repr(result(program("old", 0.5, 2)))


def test_the_page_has_tables_gains_and_a_picture() -> None:
    one = result(program("f1", 0.25, 2), final={"id-f1": {"max_ulp": 3.5}})
    page = Words(one._repr_html_())
    for text in ("a problem", "+0.25", "ULP", "3.50", "evaluations, after 12.3 s", "100 evaluations, 120 proposals"):
        assert text in page.text
    assert {"table", "svg", "circle"} <= page.tags


def test_the_final_table_has_intervals() -> None:
    rows = {name: {"max_error": 0.5, **AHEAD} for name in ("id-f1", "id-old", "id-seed", "floor")}
    one = result(program("f1", 0.25), objectives=(ERROR,), final=rows)
    page = Words(one._repr_html_())
    assert "24 groups that the search never saw" in page.text and "+0.0500 to +0.1500" in page.text
    assert "beyond doubt better than old" in page.text
    assert "found against the baselines on train" in page.text


@pytest.mark.parametrize("objectives", [(ERROR,), (ERROR, Objective("size", "minimize"))])
def test_nothing_found_and_odd_figures(objectives: tuple[Objective, ...]) -> None:
    assert "no baseline yet" in Words(result(objectives=objectives)._repr_html_()).text
    odd = result(program("f", math.nan, 2, extra=None), program("g", math.inf, 3), objectives=objectives)
    Words(odd._repr_html_())
    str(odd)
    alone = result(objectives=objectives, baselines=())
    Words(alone._repr_html_())
    str(alone)


def test_nothing_is_taken_for_markup() -> None:
    one = result(
        program("f", 0.1, 2), title=HOSTILE, problem=HOSTILE, archive=HOSTILE, stop_reason=HOSTILE,
        baselines=(program(HOSTILE, 0.5, 2),), final_failure=HOSTILE,
    )  # fmt: skip
    for objectives in (one.objectives, (ERROR,)):
        page = Words(replace(one, objectives=objectives)._repr_html_())
        assert "img" not in page.tags and page.text.count(HOSTILE) >= 6
    assert "[bold]x" in str(replace(one, baselines=(program("[bold]x", 0.5, 2),)))


def test_a_data_frame_has_one_row_for_each_program() -> None:
    both = program("old", 0.5, 2), program("f1", 0.25, 2, extra=7.0)
    frame = result(*both, final={"id-f1": {"max_ulp": 3.5}, "floor": {"max_ulp": 0.5}}).to_dataframe()
    assert list(frame["name"]) == ["seed", "old", "older", "f1"]
    assert list(frame["kind"]) == ["seed", "baseline", "baseline", "found"]
    assert list(frame.columns) == ["name", "kind", "program_id", "idea", "max_error", "size", "extra", "final_max_ulp"]
    assert frame.loc[3, "final_max_ulp"] == 3.5 and math.isnan(frame.loc[0, "final_max_ulp"])
    assert list(frame["max_error"]) == [1.0, 0.5, 0.6, 0.25]


def test_without_pandas_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match="pip install pandas"):
        result().to_dataframe()


def test_the_best_is_what_was_found_and_else_what_was_known() -> None:
    old, found = program("old", 0.1, 2), program("f1", 0.25, 2)
    assert result(old, found).best == found
    assert result(old).best == old
    assert result().best is None
    with pytest.raises(UsageError, match="found no program"):
        _ = result().code


def test_code_and_picture_come_from_the_archive(real_result: RunResult, tmp_path: Path) -> None:
    assert real_result.stop_reason == "evaluations"
    assert "def exp2(" in real_result.code
    figure = real_result.plot(tmp_path / "run.svg")
    assert ElementTree.parse(tmp_path / "run.svg").getroot().tag.endswith("svg")
    assert real_result.title in figure.get_suptitle() and real_result.run_id in figure.get_suptitle()
    drawn, size = figure._repr_png_()  # type: ignore[attr-defined]
    assert drawn.startswith(b"\x89PNG") and size == {"width": 1000, "height": 440}


def test_the_command_line_draws_the_same_picture(real_result: RunResult, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from evolve.cli.app import app

    target = tmp_path / "cli.svg"
    arguments = ["plot", real_result.run_id, "-o", str(target), "--archive", real_result.archive]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    real_result.plot(tmp_path / "own.svg")
    assert target.read_bytes() == (tmp_path / "own.svg").read_bytes()


def test_pictures_that_can_not_be_written_or_read(real_result: RunResult, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="svg"):
        real_result.plot(tmp_path / "run.gif")
    with pytest.raises(UsageError, match="can not write"):
        real_result.plot(tmp_path / "none" / "run.svg")
    with pytest.raises(ArchiveError):
        replace(real_result, archive=str(tmp_path / "gone.db")).plot()
