"""The two landscapes have the structure that they promise."""

from __future__ import annotations

import numpy as np
import pytest

from evolve import load
from evolve.core.errors import Invalid
from evolve.core.types import Source, Split
from evolve.engine.worker import Worker
from sandbox.straight_line import StraightLine, parse

SMOOTH, DECEPTIVE = "landscape/smooth", "landscape/deceptive"
SUM = "a + b * 2.0 + c * 3.0 + d * 4.0 + e * 6.0 + f * 8.0"


def _program(name: str, expression: str) -> StraightLine:
    arguments = "a, b, c, d, e, f" + (", u, v" if name == DECEPTIVE else "")
    return parse(f"def mix({arguments}):\n    return {expression}\n", "mix")


def _closeness(name: str, expression: str) -> float:
    verifier = load(name).verifier
    program, instances = _program(name, expression), verifier.instances(Split.TRAIN, 2)
    return float(np.mean([verifier.score(one, program.evaluate(*one.args)).value for one in instances]))


@pytest.mark.parametrize("name", [SMOOTH, DECEPTIVE])
def test_the_way_up_is_the_same_in_any_order(name: str) -> None:
    assert _closeness(name, SUM) == pytest.approx(1.0)
    assert _closeness(name, "a + 0.5") == pytest.approx(1 / 6)
    assert _closeness(name, "b + 0.5") == pytest.approx(1 / 12)  # half the weight: one step of the logarithm
    steps = [_closeness(name, one) for one in ("f * 8.0", "f * 8.0 + b * 2.0", "f * 8.0 + b * 2.0 + a")]
    assert steps == pytest.approx([1 / 6, 2 / 6, 3 / 6])
    assert _closeness(name, "a * -1.0") == 0.0


def test_the_peak_is_high_and_barren() -> None:
    assert _closeness(DECEPTIVE, "u + 0.1") == pytest.approx(0.45) == _closeness(DECEPTIVE, "v * 1.5")
    for child in ("u * 5.0", "u + a", "u * a", "u + 8.0", "u - v", f"{SUM} + u"):
        assert _closeness(DECEPTIVE, child) == pytest.approx(0.02), child
    assert (
        _closeness(DECEPTIVE, "f * 8.0 + b * 2.0 + a") < 0.6 < _closeness(DECEPTIVE, "f * 8.0 + b * 2.0 + a + e * 6.0")
    )


@pytest.mark.parametrize("name", [SMOOTH, DECEPTIVE])
def test_gate_report_and_final_see_other_points(name: str) -> None:
    problem, program = load(name), _program(name, "a * b")
    shown = problem.verifier.instances(Split.TRAIN, 2)
    for split in (Split.GATE, Split.REPORT, Split.FINAL):
        assert not np.isin(problem.verifier.instances(split, 4)[0].args[0], shown[0].args[0]).any()
    proven = problem.verifier.prove(program).metrics["closeness"]
    (final,) = problem.verifier.final([program], lambda done, total: None)
    assert 0.0 < proven < 0.4 and 0.0 < final.value < 0.4 and final.value != proven
    with pytest.raises(Invalid, match="no float64 array"):
        problem.verifier.score(shown[0], np.zeros(3))
    with pytest.raises(Invalid, match="NaN or infinite"):
        problem.verifier.score(shown[0], np.full(shown[0].args[0].shape, np.nan))


def test_a_worker_scores_a_program_on_report() -> None:
    worker = Worker(DECEPTIVE)
    arguments = "a, b, c, d, e, f, u, v"
    sources = [
        Source({"p.py": f"def mix({arguments}):\n    return {one}\n"}, "mix") for one in ("u + 0.1", "a / (b - b)")
    ]
    good, bad = (worker.report(source) for source in sources)
    assert good[0].value == "ok" and good[1] == {"closeness": pytest.approx(0.45), "operations": 1.0}
    assert bad[0].value == "invalid" and bad[1] == {} and "NaN or infinite" in bad[2]
