"""Pictures of runs: same data, same file; one objective or two."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from evolve.core.errors import UsageError
from evolve.core.types import Objective
from evolve.events import ScoredProgram
from evolve.picture import RunPicture
from evolve.plot import draw, file_format, save

ERROR, SIZE = Objective("error", "minimize"), Objective("size", "minimize")


def program(name: str, error: float, size: float) -> ScoredProgram:
    return ScoredProgram(name, name, {"error": error, "size": size})


def picture(objectives: tuple[Objective, ...]) -> RunPicture:
    baselines = (program("first", 1e-1, 2.0), program("second", 1e-4, 5.0))
    front = (program("f1", 1e-2, 2.0), program("f2", 1e-5, 4.0))
    history = tuple((10.0 * step, {"error": 10.0**-step, "size": 2.0 + step % 3}) for step in range(1, 6))
    return RunPicture("a title", objectives, ERROR, program("seed", 1.0, 3.0), baselines, front, history)


@pytest.mark.parametrize("objectives", [(ERROR,), (ERROR, SIZE)])
def test_svg_is_xml_and_always_the_same(objectives: tuple[Objective, ...], tmp_path: Path) -> None:
    save(picture(objectives), tmp_path / "a.svg")
    save(picture(objectives), tmp_path / "b.svg")
    text = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert text == (tmp_path / "b.svg").read_text(encoding="utf-8")
    assert ElementTree.fromstring(text).tag.endswith("svg")
    assert "<dc:date>" not in text


def test_png_and_pdf_by_suffix(tmp_path: Path) -> None:
    save(picture((ERROR, SIZE)), tmp_path / "a.png")
    save(picture((ERROR, SIZE)), tmp_path / "a.PDF")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "a.PDF").read_bytes().startswith(b"%PDF")
    assert b"CreationDate" not in (tmp_path / "a.PDF").read_bytes()
    with pytest.raises(UsageError, match="svg"):
        file_format(tmp_path / "a.gif")


def test_both_panels_show_what_they_should() -> None:
    left, right = draw(picture((ERROR, SIZE))).axes
    assert left.get_yscale() == "log"
    assert left.get_legend_handles_labels()[1] == ["baselines", "front", "seed"]
    # Step line of the front: from (2, 1e-2) to its corner, down to (4, 1e-5), on to the dearest program.
    assert np.asarray(left.lines[1].get_xydata()).tolist() == [[2, 1e-2], [4, 1e-2], [4, 1e-5], [5, 1e-5]]
    names = {text.get_text() for text in right.texts}
    assert names == {"2", "4"}


def test_best_so_far_never_gets_worse() -> None:
    for axes in draw(picture((ERROR, SIZE))).axes[1:]:
        curves = [values for line in axes.lines if (values := np.asarray(line.get_ydata())).size > 2]
        assert curves
        assert all((np.diff(values) <= 0).all() for values in curves)


def test_a_run_that_found_nothing_can_be_drawn(tmp_path: Path) -> None:
    empty = RunPicture("empty", (ERROR, SIZE), ERROR, program("seed", 1.0, 3.0), (), (), ())
    save(empty, tmp_path / "a.svg")
    assert (tmp_path / "a.svg").stat().st_size > 1000
