"""What is said of a comparison: verdicts, failed runs, tables that fit, a picture that is the same each time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evolve.comparison.figure import BestSoFar
from evolve.comparison.outcome import Comparison
from evolve.comparison.reporting import Worth
from evolve.comparison.table import WIDTH, text
from evolve.core.types import Objective

ROOT = Path(__file__).resolve().parents[2]
LONG = "islands:cells=16,migration=0.05,dimensions=length"


GAIN = Objective("gain", "maximize")


def comparison(seeds: int = 12, figure: Objective = GAIN, **changes: Any) -> Comparison:
    """hill is the control; clade is better by .1, another has the same chances, a third is worse."""
    noise = np.random.default_rng(1).normal(size=(4, seeds)) * 0.02
    sign = 1.0 if figure.direction == "maximize" else -1.0
    worths = {}
    for place, (policy, shift) in enumerate((("hill", 0.0), ("clade", 0.1), (LONG, 0.001), ("independent", -0.2))):
        finals = [float(sign * (0.5 + shift + one)) for one in noise[place]]
        worths[policy] = [Worth(BestSoFar((1.0, 50.0), (0.1 * sign, final)), final, ("p",)) for final in finals]
    known: dict[str, Any] = {
        "id": "c0ffee", "problem": "demo", "title": "Demo", "figure": figure, "unit": "evaluations", "budget": 100.0,
        "policies": tuple(worths), "control": "hill", "seeds": tuple(range(seeds)), "worths": worths,
        "runs": {policy: ["r"] * seeds for policy in worths}, "archive": "a.db", "seconds": 1.0,
    }  # fmt: skip
    return Comparison(**{**known, **changes})


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_what_is_shown_and_what_is_not(direction: Any) -> None:
    found = comparison(figure=Objective("gain", direction))
    assert [row.verdict for row in found.of("final")] == ["control", "better", "", "worse"]
    assert found.rows[1].difference and found.rows[1].difference.middle == pytest.approx(0.1, abs=0.03)
    said = " ".join(found.sentences())
    assert "At the end, better than hill: clade" in said and "worse than hill: independent" in said
    assert f"no difference from hill could be shown for {LONG}" in said


def test_all_tests_are_corrected_together() -> None:
    found = comparison()
    tested = [row for row in found.rows if row.difference and row.p is not None]
    assert found.tests == len(tested) == 6
    smallest = min(tested, key=lambda row: row.difference.p if row.difference else 1.0)
    assert smallest.difference and smallest.p == pytest.approx(6 * smallest.difference.p)


def test_few_seeds_can_show_nothing_and_it_says_so() -> None:
    found = comparison(seeds=4)
    assert list(found.sentences()) == [
        "With 4 seeds no difference can be shown, whatever they say: 6 tests need 8 at least."
    ]
    assert {row.verdict for row in found.rows} == {"control", ""}


def test_a_champion_that_fails_on_report_is_no_number() -> None:
    found = comparison()
    course = found.worths["clade"][0].course
    failing = [Worth(course, None, ("p",), "crashed")] * 7 + list(found.worths["clade"][7:])
    other = comparison(worths={**found.worths, "clade": failing})
    row = next(row for row in other.of("final") if row.policy == "clade")
    assert row.failed == 7 and row.median is None and row.difference and row.difference.worse == 7
    assert "clade (7 failed)" in text(other).replace("\n", " ")
    assert other.to_json()["rows"][1]["failed"] == 7


@pytest.mark.parametrize("seeds", [1, 2, 10])
def test_tables_fit(seeds: int) -> None:
    lines = text(comparison(seeds=seeds)).splitlines()
    assert max(map(len, lines)) <= WIDTH and any("better:worse" in line for line in lines)


def test_the_picture_is_the_same_each_time(tmp_path: Path) -> None:
    found = comparison(seeds=6)
    for name in ("one.svg", "two.svg", "three.png"):
        found.plot(tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert "independent" in (tmp_path / "one.svg").read_text() and (tmp_path / "three.png").stat().st_size > 1000


def test_every_json_key_is_documented() -> None:
    page = (ROOT / "docs" / "cli.md").read_text()
    section = page[page.index("### evolve compare --json") :]
    section = section[: section.index("\n### ", 5)]
    printed = comparison().to_json()
    keys = {*printed, *printed["rows"][1], *printed["rows"][1]["difference"], *printed["runs"][0]}
    keys |= {*printed["runs"][0]["course"]}
    assert [key for key in sorted(keys) if f"`{key}`" not in section and f'"{key}"' not in section] == []
