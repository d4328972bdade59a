"""The table of a sampled problem's final check."""

from __future__ import annotations

import math

from rich.console import Console

from evolve.core.types import Objective
from evolve.display.final_table import final_grids, final_sentence
from evolve.display.grid import rich_table
from evolve.events import ScoredProgram
from evolve.result import RunResult

GAIN = Objective("miss_ratio_reduction", "maximize")


def _row(value: float, ahead: float, low: float, high: float, prefix: str = "") -> dict[str, float]:
    figures = {"miss_ratio_reduction": value, "groups": 24.0, "ahead": ahead, "ahead_low": low, "ahead_high": high}
    return {f"{prefix}{name}": figure for name, figure in figures.items()}


def _result(final: dict[str, dict[str, float]]) -> RunResult:
    def one(name: str) -> ScoredProgram:
        return ScoredProgram(name, f"id-{name}", {"miss_ratio_reduction": 0.1})

    best = ScoredProgram("0123456789", "0123456789abcdef", {"miss_ratio_reduction": 0.2})
    return RunResult(
        run_id="r", problem="p", title="a problem", objectives=(GAIN,), archive="a.db", stop_reason="evaluations",
        seed=one("seed"), baselines=(one("lru"), one("arc")), front=(best,), final=final,
        evaluations=1, proposals=1, seconds=1, final_seconds=1,
    )  # fmt: skip


FINAL = {
    "0123456789abcdef": _row(0.0666, 0.0, 0.0, 0.0),
    "id-seed": _row(0.02, 0.0466, -0.001, 0.09),
    "id-lru": _row(0.0228, 0.0438, 0.0122, 0.0635),
    "id-arc": _row(0.0687, -0.0021, -0.0217, 0.0056),
    "floor": _row(0.2381, -0.1715, -0.2095, -0.1455),
}


def _text(result: RunResult) -> str:
    console = Console(width=80)
    with console.capture() as captured:
        for table in final_grids(result):
            console.print(rich_table(table))
    return captured.get()


def test_best_first_with_the_interval_of_the_difference() -> None:
    lines = _text(_result(FINAL)).splitlines()
    assert "24 groups that the search never saw" in lines[0]
    names = [line.split("  ")[0].strip() for line in lines]
    assert [name for name in names if name in ("floor", "arc", "found 0123456789", "lru", "seed")] == [
        "floor", "arc", "found 0123456789", "lru", "seed",
    ]  # fmt: skip
    assert any("lru" in line and "+0.0438" in line and "+0.0122 to +0.0635" in line for line in lines)
    assert all(len(line) <= 80 for line in lines)


def test_kinds_have_tables_of_their_own() -> None:
    kinds = _row(0.5, 0.1, 0.05, 0.15, "generated/") | _row(0.4, 0.2, -math.inf, math.inf, "recorded/")
    final = {key: row | kinds for key, row in FINAL.items()}
    text = _text(_result(final))
    assert text.count("that the search never saw") == 2
    assert "final, generated workloads" in text and "final, recorded workloads" in text
    assert "one group: none" in text


def test_the_sentence_names_only_who_is_beaten_beyond_doubt() -> None:
    sentence = final_sentence(_result(FINAL))
    assert "0.0666" in sentence and sentence.endswith("beyond doubt better than lru")
    assert final_sentence(_result({})) == "" and final_grids(_result({})) == []
