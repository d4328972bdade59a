"""Programs of several files in sandboxes: what is said of their faults, whole runs, checks, and what is shown."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from several_files import HELPER, PYTHON, PYTHON_TOML, SOLVE, C
from typer.testing import CliRunner

from archive.store import Archive
from evaluators.process_cascade import ProcessEvaluator
from evolve import load, run
from evolve.cli.app import app
from evolve.core.errors import UsageError
from evolve.core.types import Source, Status
from evolve.evaluation import make_evaluator
from evolve.problem import Problem
from evolve.proposers.llm.scripted import ScriptedModel

pytestmark = pytest.mark.bubblewrap
Folder = Callable[..., Path]
EVOLVED = {"kernel.c", "kernel.h", "solve.py", "helper.py"}


@contextmanager
def evaluator_of(problem: Problem) -> Iterator[ProcessEvaluator]:
    evaluator = make_evaluator(problem)
    assert isinstance(evaluator, ProcessEvaluator)
    try:
        yield evaluator
    finally:
        evaluator.stage.close()


def with_file(source: Source, name: str, old: str, new: str) -> Source:
    assert old in source.files[name]
    return replace(source, files={**source.files, name: source.files[name].replace(old, new)})


def test_a_helper_is_imported_and_its_faults_are_told_by_its_name(folder: Folder) -> None:
    problem = load(folder(PYTHON))
    with evaluator_of(problem) as evaluator:
        good = evaluator.evaluate(problem.seed)
        better = evaluator.evaluate(problem.baselines["density"])
        broken = evaluator.evaluate(with_file(problem.seed, "helper.py", "weight + 0.5", "weight / 0"))
        absent = evaluator.evaluate(with_file(problem.seed, "helper.py", "def rank", "import no_such_module\ndef rank"))
    assert good.status is Status.OK and good.value is not None and better.value is not None, good.feedback
    assert better.value > good.value
    assert broken.status is Status.CRASHED and "ZeroDivisionError" in broken.feedback.split("\n")[0]
    assert "  helper.py, line 6, in rank\n    return weight / 0" in broken.feedback
    assert "  solve.py, line 10, in pack\n" in broken.feedback
    assert "helper.py, line 5, in <module>" in absent.feedback and "no_such_module" in absent.feedback


def test_a_compiler_names_the_file_and_the_line(folder: Folder) -> None:
    problem = load(folder(C))
    with evaluator_of(problem) as evaluator:
        good = evaluator.evaluate(problem.seed)
        source = evaluator.evaluate(with_file(problem.seed, "kernel.c", "steps + 3", "steps + three"))
        header = evaluator.evaluate(with_file(problem.seed, "kernel.h", "STRIDE 2", "STRIDE two"))
    assert good.status is Status.OK, good.feedback
    assert source.status is header.status is Status.CRASHED
    assert "kernel.c:7:" in source.feedback and "three" in source.feedback
    assert "kernel.h:3:" in header.feedback and "two" in header.feedback


def test_a_file_in_another_language_is_read_as_data(folder: Folder) -> None:
    kernel = "// EVOLVE-BLOCK-START\n__global__ void scale(float *x) { x[0] *= 2.0f; }\n// EVOLVE-BLOCK-END\n"
    read = 'import pkgutil\n\nSCALE = len(pkgutil.get_data("solve", "kernel.cu").splitlines()) // 3\n'
    solve = SOLVE.replace("from units import SCALE\n", read)
    toml = PYTHON_TOML.replace("units.py", "kernel.cu")
    place = folder(PYTHON, {"problem.toml": toml, "solve.py": solve, "units.py": None, "kernel.cu": kernel})
    problem = load(place)
    with evaluator_of(problem) as evaluator:
        assert evaluator.evaluate(problem.seed).status is Status.OK
    found = run(place, evaluations=30, seed=4, workers=1, archive=place / "a.db", final_check=False)
    with Archive.open(str(place / "a.db")) as archive:
        programs = [one.candidate.source for one in archive.records(found.run_id) if one.candidate]
    kernels = {one.files["kernel.cu"] for one in programs}
    assert len(kernels) > 2 and all(one.startswith("// EVOLVE-BLOCK-START\n") for one in kernels)


@pytest.mark.parametrize("files", [PYTHON, C], ids=["python", "c"])
def test_an_offline_run_changes_each_file_and_is_shown_whole(
    folder: Folder, files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, archive = folder(files), str(tmp_path / "a.db")
    problem = load(place)
    result = run(place, evaluations=12, seed=2, workers=1, archive=archive, final_check=False)
    best = result.files
    assert best.keys() == problem.seed.files.keys() and result.front
    with pytest.raises(UsageError, match="the program has several files"):
        _ = result.code
    with Archive.open(archive) as opened:
        records = [one for one in opened.records(result.run_id) if one.candidate and one.ticket.parents]
    names = {
        name
        for one in records
        for name, text in (one.candidate.source.files if one.candidate else {}).items()
        if text != problem.seed.files[name]
    }
    assert names == EVOLVED & set(problem.seed.files)
    assert all(one.verdict.feedback.find("differs from the seed's") < 0 for one in records)
    assert any(one.verdict.status.scored for one in records)

    monkeypatch.chdir(tmp_path)
    outputs = {}
    for words in (["show", "best"], ["export"], ["diff", "seed", "best"], ["show", "best", "--json"]):
        done = CliRunner().invoke(app, [*words, "--archive", archive])
        assert done.exit_code == 0, done.output
        outputs[words[0] + words[-1]] = done.output
    assert json.loads(outputs["show--json"])["files"] == best
    for name, text in best.items():
        assert f"\n{name}\n" in outputs["showbest"] and text.rstrip("\n") in outputs["showbest"]
        assert (tmp_path / "best" / name).read_text().endswith(text.partition("\n")[2])
        changed = text != problem.seed.files[name]
        assert (f"--- seed {name}" in outputs["diffbest"]) is changed
    again = CliRunner().invoke(app, ["export", "--force", "--archive", archive])
    assert again.exit_code == 2 and "best exists already" in again.output


def test_an_exported_program_runs_alone(folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = str(tmp_path / "a.db")
    run(folder(PYTHON), evaluations=3, seed=2, workers=1, archive=archive, final_check=False)
    target = tmp_path / "found"
    done = CliRunner().invoke(app, ["export", "best", "-o", str(target), "--archive", archive])
    assert done.exit_code == 0 and "solve.py" in done.output, done.output
    assert "a program found by Evolve" in (target / "solve.py").read_text()
    code = "from solve import pack; print(pack([(3, 4), (9, 1)], 5))"
    printed = subprocess.run([sys.executable, "-c", code], cwd=target, capture_output=True, text=True, check=True)
    assert printed.stdout == "[0]\n"


def test_workers_do_not_change_the_course(folder: Folder, tmp_path: Path) -> None:
    place, exports = folder(PYTHON), []
    for workers in (1, 2):
        archive = str(tmp_path / f"{workers}.db")
        found = run(place, evaluations=6, seed=5, workers=workers, archive=archive, final_check=False)
        with Archive.open(archive) as opened:
            exports.append(list(opened.export(found.run_id)))
    assert exports[0] == exports[1]


class Writer:
    """Names the file of each block; some replies want a fixed file changed, or one that is new."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.turn = 0

    def __call__(self, request: dict[str, Any]) -> str:
        with self._lock:
            self.turn += 1
            turn = self.turn
        if turn % 6 == 2:
            return f"Idea: more {turn}: a new file\nmore.py\n```python\nx = {turn}\n```\n"
        if turn % 6 == 3:
            return f"Idea: units {turn}: heavier\nunits.py\n```python\nSCALE = {turn}\n```\n"
        helper = f"def rank(weight, value):\n    return {turn} - value / weight\n"
        body = "from math import inf\n" if turn % 2 else ""
        edit = f"<<<<<<< SEARCH\n    chosen = []\n=======\n    chosen = []  # {turn}\n>>>>>>> REPLACE\n"
        if turn % 6 == 4:
            return f"Idea: note {turn}: says so\nsolve.py\n{edit}"
        return f"Idea: density {turn}: best first\nhelper.py\n```python\n{body}{helper}```\n"


def test_a_run_with_a_model(folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "settings" / "evolve"
    settings.mkdir(parents=True)
    (settings / "config.toml").write_text('[models.told]\nmodel = "openai/scripted"\nmax_tokens = 1000\n')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(settings.parent))
    place, archive = folder(PYTHON), str(tmp_path / "a.db")
    with ScriptedModel(Writer()) as model:
        more: dict[str, Any] = {"model": "told", "api_base": model.url, "final_check": False}
        result = run(place, evaluations=10, seed=1, workers=1, archive=archive, **more)
        asked = [message["content"] for request in model.requests for message in request["messages"]]
    with Archive.open(archive) as opened:
        records = [one for one in opened.records(result.run_id) if one.ticket.model]
    assert any("helper.py:" in text and "units.py:" in text and "SCALE = 1" in text for text in asked)
    scored = [one for one in records if one.verdict.status.scored]
    assert scored and all(one.candidate.source.files["units.py"] == "SCALE = 1\n" for one in scored if one.candidate)
    said = [*asked, *(one.verdict.feedback for one in records)]
    assert any("units.py has no EVOLVE-BLOCK" in text for text in said)
    assert any("there is no file more.py" in text for text in said)
    assert result.files["helper.py"] != HELPER


def test_it_is_checked_like_all_problems(folder: Folder) -> None:
    place = folder(PYTHON)
    done = CliRunner().invoke(app, ["check", str(place), "--json"])
    found = {one["name"]: one["grade"] for one in json.loads(done.output)["findings"]}
    assert found["seed and baselines"] == "ok" and found["determinism"] == "ok"
    cheats = [name for name in found if name.startswith("cheat: ")]
    assert len(cheats) > 5 and not [name for name in cheats if found[name] == "fail"], done.output


def test_a_start_program_of_other_files_is_refused(folder: Folder, tmp_path: Path) -> None:
    place, archive = folder(PYTHON), str(tmp_path / "a.db")
    first = run(place, evaluations=3, seed=2, workers=1, archive=archive, final_check=False)
    (place / "problem.toml").write_text(PYTHON_TOML.replace(', "units.py"', ""))
    (place / "solve.py").write_text(SOLVE.replace("from units import SCALE", "SCALE = 1"))
    with pytest.raises(UsageError, match=r"has other files than this problem's: helper\.py, solve.py, units.py"):
        run(place, evaluations=3, archive=archive, start=first.front[0].program_id, final_check=False)
