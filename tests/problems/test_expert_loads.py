"""Loads of experts: what the generator promises, its two reference points, and recorded files."""

from __future__ import annotations

import gzip
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from moe_programs import Shape, loads, verifier

from evolve.core.errors import ProblemError
from evolve.core.rng import generator
from evolve.core.types import Split

Traffic = loads.Traffic
MANY = 1e7  # tokens: so many that counts show the popularity itself


def _logs(traffic: Any, windows: int, layers: int, experts: int, name: str) -> Any:
    """Logarithms of the popularity, [windows, layers, experts], less the mean of each layer."""
    counts = loads.generated(traffic, windows, layers, experts, generator("test", name))
    logs = np.log(np.maximum(counts, 1))
    return logs - logs.mean(axis=2, keepdims=True)


# The generator


@pytest.mark.parametrize("sigma", [0.5, 1.0, 1.5])
def test_base_popularity_is_lognormal(sigma: float) -> None:
    logs = _logs(Traffic(sigma, tokens=MANY), 1, 40, 250, f"sigma-{sigma}").ravel()
    assert logs.std() == pytest.approx(sigma, rel=0.03)
    inside = [float((np.abs(logs) < edge * sigma).mean()) for edge in (1.0, 2.0)]
    assert inside == pytest.approx([0.683, 0.954], abs=0.015)


@pytest.mark.parametrize("drift", [0.1, 0.5])
def test_drift_is_a_stationary_autoregression(drift: float) -> None:
    logs = _logs(Traffic(0.0, drift=drift, tokens=MANY), 10, 20, 250, f"drift-{drift}")
    assert logs.std(axis=(1, 2)) == pytest.approx([drift] * 10, rel=0.05)
    for lag in (1, 3):
        correlation = np.corrcoef(logs[:-lag].ravel(), logs[lag:].ravel())[0, 1]
        assert correlation == pytest.approx(0.9**lag, abs=0.02)


def test_without_drift_windows_differ_by_chance_alone() -> None:
    counts = loads.generated(Traffic(1.0, tokens=100.0), 40, 1, 50, generator("test", "chance"))
    mean = counts.mean(axis=0)
    # Multinomial: variance n p (1 - p).
    ratio = counts.var(axis=0, ddof=1) / (mean * (1 - mean / counts[0].sum()))
    assert float(ratio.mean()) == pytest.approx(1.0, abs=0.1)


def test_every_window_of_every_layer_has_its_tokens() -> None:
    counts = loads.generated(Traffic(1.0, drift=0.3, shifts=(2,), tokens=12.5), 4, 3, 8, generator("test", "tokens"))
    assert counts.shape == (4, 3, 8) and counts.dtype == np.int64
    assert (counts.sum(axis=2) == 100).all()


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_a_shift_draws_a_share_of_the_popularity_anew_and_keeps_its_spread(share: float) -> None:
    logs = _logs(Traffic(1.0, shifts=(2,), share=share, tokens=MANY), 4, 30, 250, f"shift-{share}")
    assert logs.std(axis=(1, 2)) == pytest.approx([1.0] * 4, rel=0.04)

    def together(one: int, other: int) -> float:
        return float(np.corrcoef(logs[one].ravel(), logs[other].ravel())[0, 1])

    assert together(0, 1) > 0.999 and together(2, 3) > 0.999
    assert together(1, 2) == pytest.approx(math.sqrt(1 - share), abs=0.04)


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.8])
def test_layers_are_correlated(correlation: float) -> None:
    logs = _logs(Traffic(1.0, drift=0.4, correlation=correlation, tokens=MANY), 2, 30, 1_000, f"linked-{correlation}")
    for values in (logs[0], logs[1] - logs[0]):
        found = np.corrcoef(values)[np.triu_indices(30, 1)]
        assert float(found.mean()) == pytest.approx(correlation, abs=0.05)


def test_the_same_generator_gives_the_same_load_and_another_another() -> None:
    one, two, other = (loads.generated(Traffic(1.0), 3, 2, 16, generator("test", name)) for name in "aab")
    assert (one == two).all() and (one != other).any()


@pytest.mark.parametrize("kind", loads.KINDS)
def test_kinds_draw_within_their_ranges(kind: str) -> None:
    ranges = loads.KINDS[kind]
    drawn = [ranges.draw(generator("test", kind, number), 6) for number in range(60)]
    for name in ("sigma", "drift", "share", "correlation", "tokens"):
        low, high = getattr(ranges, name)
        values = [getattr(traffic, name) for traffic in drawn]
        assert low * (1 - 1e-9) <= min(values) and max(values) <= high * (1 + 1e-9)
        if low < high and name != "tokens":
            assert min(values) < low + 0.2 * (high - low) and max(values) > high - 0.2 * (high - low)
    assert {len(traffic.shifts) for traffic in drawn} == set(range(ranges.shifts[0], ranges.shifts[1] + 1))
    for traffic in drawn:
        assert traffic.rho == 0.9
        assert traffic.shifts == tuple(sorted(set(traffic.shifts))) and all(0 < at < 6 for at in traffic.shifts)


def test_kinds_keep_to_the_ranges_of_the_model() -> None:
    for kind, ranges in loads.KINDS.items():
        assert 0.5 <= ranges.sigma[0] <= ranges.sigma[1] <= 1.5 or kind == "mixtral"
        assert 0.0 <= ranges.drift[0] <= ranges.drift[1] <= 0.5
    assert min(ranges.drift[0] for ranges in loads.KINDS.values()) == 0.0
    assert max(ranges.drift[1] for ranges in loads.KINDS.values()) == 0.5


def test_more_shifts_than_windows_are_cut() -> None:
    kind = replace(loads.KINDS["restless"], shifts=(3, 3))
    assert kind.draw(generator("test", "cut"), 3).shifts == (1, 2)


# Reference points


def _reference(kind: str, shape: Any, number: int) -> Any:
    draw = generator("test", kind, number)
    return loads.generated(loads.KINDS[kind].draw(draw, 6), 6, shape.layers, shape.experts, draw)


def test_deepseek_r1_is_as_uneven_as_it_was_measured() -> None:
    """(max - mean) / mean over 32 ranks of 8 experts, averaged over layers: 1.56 in TensorRT-LLM's notes."""
    ratios = []
    for number in range(8):
        counts = _reference("deepseek-r1", verifier.SHAPES["deepseek-v3"], number)
        ranks = counts.reshape(6, 58, 32, 8).sum(axis=3)
        assert float(ranks.mean()) == 1_024.0  # as there
        ratios.append(float((ranks.max(axis=2) / ranks.mean(axis=2) - 1).mean()))
    assert float(np.mean(ratios)) == pytest.approx(1.56, abs=0.08)


def test_mixtral_is_as_uneven_as_it_was_measured() -> None:
    """Maximum over mean of the 8 experts of a layer: about 1.5."""
    ratios = []
    for number in range(8):
        counts = _reference("mixtral", verifier.SHAPES["mixtral"], number)
        ratios.append(float((counts.max(axis=2) / counts.mean(axis=2)).mean()))
    assert float(np.mean(ratios)) == pytest.approx(1.5, abs=0.05)


# Recorded files


def _steps(steps: int = 120, layers: int = 3, experts: int = 16) -> Any:
    return generator("test", "steps").integers(0, 50, (steps, layers, experts))


def _json(counts: Any, **more: Any) -> str:
    return json.dumps({"load_history": [{"step": 1, loads.STEP: step.tolist()} for step in counts], **more})


def _write(path: Path, counts: Any, **machine: int) -> Path:
    name = path.name
    if name.endswith(".npz"):
        np.savez(path, **{loads.STEP: counts}, **machine)
    elif name.endswith(".jsonl"):
        path.write_text("\n".join(json.dumps({loads.STEP: step.tolist()}) for step in counts) + "\n\n")
    elif name.endswith(".gz"):
        path.write_bytes(gzip.compress(_json(counts, **machine).encode()))
    else:
        path.write_text(_json(counts, **machine))
    return path


@pytest.mark.parametrize("name", ["a.json", "a.json.gz", "a.jsonl", "a.npz", "list.json", "floats.npz", "floats.json"])
def test_all_forms_hold_the_same(name: str, tmp_path: Path) -> None:
    counts = _steps()
    stored = counts.astype(np.float32) if name.startswith("floats") else counts
    path = _write(tmp_path / name, stored)
    if name == "list.json":
        path.write_text(json.dumps([{loads.STEP: step.tolist()} for step in counts]))
    found = loads.read(path)
    assert found.counts.dtype == np.int64 and (found.counts == counts).all() and found.machine is None
    assert loads.stem(path) == name.split(".")[0]


def test_a_replaced_file_is_read_again(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.json", _steps(3))
    assert len(loads.read(path).counts) == 3
    _write(path, _steps(4))
    assert len(loads.read(path).counts) == 4


@pytest.mark.parametrize("name", ["a.json", "a.npz"])
def test_a_file_may_name_its_machine(name: str, tmp_path: Path) -> None:
    path = _write(tmp_path / name, _steps(), replicas=20, groups=4, nodes=1, gpus=4)
    assert loads.read(path).shape(2) == Shape(2, 16, 20, 4, 1, 4)
    assert loads.read(_write(tmp_path / f"b{name}", _steps())).shape(3) == Shape(3, 16, 18, 8, 1, 2)


@pytest.mark.parametrize(
    ("experts", "machine"),
    [
        (256, (288, 8, 4, 32)),
        (128, (144, 8, 2, 16)),
        (160, (176, 8, 2, 16)),  # 10 and 1 on each
        (64, (72, 8, 1, 8)),
        (60, (64, 4, 1, 4)),
        (8, (16, 8, 1, 8)),
        (7, (8, 1, 1, 1)),
    ],
)
def test_a_likely_machine(experts: int, machine: tuple[int, ...]) -> None:
    assert loads.likely_machine(experts) == machine
    assert Shape(1, experts, *machine)


@pytest.mark.parametrize(
    ("name", "text", "what", "remedy"),
    [
        ("a.csv", "1,2", "no ending", r"\.npz"),
        ("a.json", "{", "is no JSON", "one object a line is .jsonl"),
        ("a.json", "{}", "no list of steps", "load_history"),
        ("a.json", "[]", "no list of steps", "load_history"),
        ("a.json", "[3]", "step 0 is no object with logical_expert_load", "Mend or remove"),
        ("a.json", '[{"load": [[1, 2]]}]', "step 0 is no object", "Mend"),
        ("a.json", '[{"logical_expert_load": [1, 2]}]', "step 0 is no object", "Mend"),
        ("a.json", '[{"logical_expert_load": [[1, 2], [3]]}]', "step 0 is no object", "Mend"),
        ("a.json", '[{"logical_expert_load": [["1", "2"]]}]', "step 0 is no object", "Mend"),
        ("a.json", '[{"logical_expert_load": [[true, false]]}]', "step 0 is no object", "Mend"),
        (
            "a.json",
            '[{"logical_expert_load": [[1, 2]]}, {"logical_expert_load": [[1, 2, 3]]}]',
            r"step 1 has the shape \(1, 3\), the first has \(1, 2\)",
            "one model in one file",
        ),
        ("a.json", '[{"logical_expert_load": [[1, -2]]}]', "step 0, layer 0, expert 1: -2", "at least 0"),
        ("a.json", '[{"logical_expert_load": [[NaN, 2]]}]', "expert 0: nan", "finite"),
        ("a.json", '[{"logical_expert_load": [[1e13, 2]]}]', "expert 0: 1", "2^40"),
        ("a.json", '[{"logical_expert_load": [[1]]}]', "shape", "at least two experts"),
        ("a.jsonl", '{"logical_expert_load": [[1, 2]]}\nx', "is no JSON", "again"),
        ("a.json.gz", "plain", "can not be read", "Fetch the file again"),
        ("a.npz", "plain", "no file of arrays", "numpy.savez"),
        ("a.json", '{"load_history": [{"logical_expert_load": [[1, 2]]}], "gpus": 2}', "names gpus", "all of"),
    ],
)
def test_a_wrong_file_is_refused_and_says_what_mends_it(
    name: str, text: str, what: str, remedy: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ProblemError, match=what) as error:
        loads.read(path)
    assert remedy.replace("\\", "") in str(error.value.remedy)
    assert str(path) in str(error.value)


def test_wrong_arrays_are_refused(tmp_path: Path) -> None:
    for arrays, what in (
        ({"load": _steps()}, "holds no array logical_expert_load"),
        ({loads.STEP: _steps()[0]}, "shape"),
        ({loads.STEP: _steps() > 3}, "bool"),
        ({loads.STEP: _steps(), "gpus": np.int64(4)}, "names gpus"),
        ({loads.STEP: _steps(), "replicas": 20, "groups": 4, "nodes": 1, "gpus": 4.0}, "no machine"),
    ):
        np.savez(tmp_path / "a.npz", **arrays)
        with pytest.raises(ProblemError, match=what):
            loads.read(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", **{loads.STEP: np.array([{}], dtype=object)})
    with pytest.raises(ProblemError, match="no file of arrays"):
        loads.read(tmp_path / "b.npz")
    (tmp_path / "c.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:200])
    with pytest.raises(ProblemError):
        loads.read(tmp_path / "c.npz")
    (tmp_path / "d.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ProblemError, match="not UTF-8"):
        loads.read(tmp_path / "d.json")
    with pytest.raises(ProblemError, match="can not be read"):
        loads.read(tmp_path / "e.json")


# Recorded files as instances


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EVOLVE_DATA", str(tmp_path))
    made = tmp_path / "expert-loads"
    made.mkdir()
    return made


def _recorded(split: Split, **how: Any) -> list[Any]:
    return [one for one in verifier.instances(split, 5, **how) if one.group.startswith("recorded/")]


def _windows(instance: Any) -> Any:
    return np.concatenate([instance.args[0][None], instance.truth])


def test_recorded_files_become_groups_of_their_own_in_separate_parts_of_time(folder: Path) -> None:
    steps = np.arange(1_000)[:, None, None] * np.ones((1, 5, 16), dtype=np.int64)
    _write(folder / "model.npz", steps)
    _write(folder / "other.json", _steps(layers=80))
    (folder / "README.md").write_text("about them")
    seen = {}
    for split, (low, high) in verifier.PARTS.items():
        found = {one.group: one for one in _recorded(split)}
        assert sorted(found) == ["recorded/model", "recorded/other"]
        counts = _windows(found["recorded/model"])
        size = min((int(high * 1_000) - int(low * 1_000)) // verifier.WINDOWS, verifier.WINDOW_STEPS)
        start = int(found["recorded/model"].id.split("@")[1])
        expected = [
            sum(range(start + size * window, start + size * (window + 1))) for window in range(verifier.WINDOWS)
        ]
        assert counts[:, 0, 0].tolist() == expected
        seen[split] = range(start, start + verifier.WINDOWS * size)
        assert low * 1_000 <= seen[split].start and seen[split].stop <= high * 1_000
        assert found["recorded/other"].args[0].shape[0] == min(80, verifier.LAYERS[split])
    assert sum(map(len, seen.values())) == len(set().union(*seen.values()))
    assert not _recorded(Split.PROBE) and not _recorded(Split.TRAIN, recorded=False)
    assert {len(one.args[0]) for one in _recorded(Split.FINAL, layers=2)} == {2}


def test_layers_of_a_recording_are_spread_over_the_model() -> None:
    assert verifier._spread(58, 4) == [0, 19, 38, 57]
    assert verifier._spread(3, 4) == [0, 1, 2]
    assert verifier._spread(9, 1) == [0]


def test_a_folder_that_is_wrong_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(folder / "short.json", _steps(79))
    with pytest.raises(ProblemError, match="only 79 steps"):
        verifier.instances(Split.TRAIN, 1)
    _write(folder / "short.json", _steps(80))
    assert len(_recorded(Split.GATE)) == 1
    _write(folder / "short.npz", _steps(80))
    with pytest.raises(ProblemError, match="several recordings called short"):
        verifier.instances(Split.TRAIN, 1)
    (folder / "short.npz").unlink()
    _write(folder / "short.json", _steps(80), replicas=15, groups=4, nodes=1, gpus=3)
    with pytest.raises(ProblemError, match="fewer replicas than experts"):
        verifier.instances(Split.TRAIN, 1)
    monkeypatch.setenv("EVOLVE_DATA", str(folder / "nowhere"))
    with pytest.raises(ProblemError, match="does not exist"):
        verifier.instances(Split.TRAIN, 1)


def test_without_a_folder_all_is_generated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVOLVE_DATA", str(tmp_path))
    assert not _recorded(Split.TRAIN)
    monkeypatch.delenv("EVOLVE_DATA")
    monkeypatch.chdir(tmp_path)
    assert not _recorded(Split.TRAIN)
    (tmp_path / "data" / "expert-loads").mkdir(parents=True)
    _write(tmp_path / "data" / "expert-loads" / "a.json", _steps())
    assert len(_recorded(Split.TRAIN)) == 1
