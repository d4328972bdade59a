"""The lines that say what is to be expected."""

from __future__ import annotations

from evaluators.posterior import Curse
from evolve.display.ahead import ahead_pairs
from evolve.prospect import Gain, Prospect

from .conftest import program, result

GAIN = Gain(0.0123, 0.0, 0.034)


def lines(*texts: str) -> list[tuple[str, str]]:
    return [("doubling", texts[0]), ("", texts[1])]


def test_what_more_evaluations_would_take_and_bring() -> None:
    free = Prospect("miss_ratio_reduction", 400.0, 5, GAIN, 540.0)
    assert ahead_pairs(free, None) == lines(
        "400 more evaluations would take some 9 min 00 s",
        "and improve miss ratio reduction by some 0.012 (80 %: 0 to 0.034)",
    )
    paid = Prospect("digits", 4_000.0, 1, None, 9.44, 12_000, 1.5)
    assert ahead_pairs(paid, None) == lines(
        "4,000 more evaluations would take some 9.4 s, 12,000 tokens and $1.50",
        "what they would bring can not be told from 1 improvement",
    )
    unknown = Prospect("digits", 4_000.0, 2, None, 9.44, 12_000, None)
    assert ahead_pairs(unknown, None)[0][1].endswith("some 9.4 s, 12,000 tokens and an unknown price")


def test_luck_is_told_in_the_direction_of_the_score() -> None:
    worse = ahead_pairs(None, Curse(0.0123, -0.01, 0.034))
    assert worse == [
        ("luck", "what was found should be 0.012 worse on new instances than on train"),
        ("", "(winner's curse; 95 %: -0.01 to 0.034)"),
    ]
    assert all(len(text) <= 70 for _, text in ahead_pairs(None, Curse(0.00123, -0.0123, 0.0345)))
    assert "no worse on new instances" in ahead_pairs(None, Curse(-0.001, -0.02, 0.02))[0][1]


def test_the_report_has_them() -> None:
    shown = str(result(program("f1", 0.25), prospect=Prospect("max_error", 100.0, 5, GAIN, 12.3)))
    assert "doubling  100 more evaluations would take some 12.3 s" in shown.splitlines()
    assert "doubling" not in str(result(program("f1", 0.25)))
