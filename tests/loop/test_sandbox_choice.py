"""Where a run's programs are run: chosen once, stored with the run, and the same for workers and replays."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archive.store import Archive
from evolve import check_problem, readiness, run
from evolve.api import score_programs
from evolve.core.errors import EvolveError, InfrastructureError, ProblemError, UsageError
from evolve.core.types import Source
from evolve.evaluation import sandbox_config
from evolve.events import Event, Warned
from evolve.problem import Problem, load
from evolve.readiness import check_ready
from evolve.sandboxing import records
from sandbox.backends import read

WriteProblem = Callable[..., Problem]

# A backend that is bubblewrap with another name: it notes who opens sessions, and says what it is told to.
BACKEND = """
import os
import sys
from pathlib import Path
from sandbox.base import Confinement
from sandbox.bubblewrap import BubblewrapSandbox

class Noting(BubblewrapSandbox):
    def __init__(self, packages, tools, options):
        super().__init__(packages, tools, "process")
        self.options = options

    def open(self, source, limits, *, driver=None, seed=0):
        with open(self.options["notes"], "a") as file:
            file.write(f"{os.getpid()} {' '.join(sys.orig_argv)}\\n")
        return super().open(source, limits, driver=driver, seed=seed)

    def confinement(self, limits):
        host = os.path.join(os.path.dirname(self.options["notes"]), "host")
        details = {"host": Path(host).read_text()} if os.path.exists(host) else {}
        return Confinement("noting", "as it likes", self.options.get("clock", "process"), {}, details)

def make(packages, tools, options):
    return Noting(packages, tools, options)
"""


@pytest.fixture
def noting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which the sandbox `noting:notes=FILE` writes down who opens sessions."""
    room = tmp_path / "installed"
    about = room / "noting-1.0.dist-info"
    about.mkdir(parents=True)
    (room / "noting_sandbox.py").write_text(BACKEND)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: noting\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[evolve.sandboxes]\nnoting = noting_sandbox:make\n")
    monkeypatch.syspath_prepend(room)
    return tmp_path / "notes"


def _config(where: Path) -> tuple[dict[str, Any], list[tuple[str, dict[str, Any]]]]:
    with Archive.open(where, create=False) as archive:
        row = archive.run("last")
        return dict(row.config), archive.events(row.id)


@pytest.mark.bubblewrap
def test_workers_and_strict_replays_use_it(noting: Path, write_problem: WriteProblem, tmp_path: Path) -> None:
    problem = write_problem("guess")
    where = tmp_path / "a.db"
    result = run(problem.folder, evaluations=6, workers=1, archive=where, sandbox=f"noting:notes={noting}", seed=1)
    assert result.sandbox == f"noting:notes={noting}"
    lines = set(noting.read_text().splitlines())
    assert any("evolve.engine.service" in line for line in lines)
    assert any("evaluators.verifier_worker" in line for line in lines)
    config, _ = _config(where)
    assert config["sandbox"] == result.sandbox and config["confinement"]["backend"] == "noting"


@pytest.mark.bubblewrap
def test_it_does_not_change_problem_or_export(write_problem: WriteProblem, tmp_path: Path) -> None:
    problem = write_problem("sort")
    exports, versions = [], []
    for name in ("bubblewrap:start=process", "bubblewrap:start=pool", "none"):
        where = tmp_path / f"{len(exports)}.db"
        run(problem.folder, evaluations=8, workers=2, seed=2, archive=where, sandbox=name, final_check=False)
        with Archive.open(where) as archive:
            row = archive.run("last")
            assert (row.config["sandbox"], row.config["confinement"]["clock"]) == (name, "process")
            exports.append(list(archive.export(row.id)))
            versions.append(row.problem_version)
    assert exports[0] == exports[1] == exports[2]
    assert set(versions) == {problem.version}
    assert "bubblewrap" not in json.loads(exports[0][0])["config"]


@pytest.mark.bubblewrap
def test_resuming_takes_the_stored_one_unless_told_otherwise(
    write_problem: WriteProblem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, where = write_problem("sort").folder, tmp_path / "a.db"
    monkeypatch.setenv("EVOLVE_SANDBOX", "bubblewrap:start=process")
    options: dict[str, Any] = {"workers": 1, "archive": where, "final_check": False}
    assert run(folder, evaluations=2, **options).sandbox == "bubblewrap:start=process"
    monkeypatch.setenv("EVOLVE_SANDBOX", "none")
    assert run(folder, evaluations=3, resume="last", **options).sandbox == "bubblewrap:start=process"
    told: list[Event] = []
    result = run(folder, evaluations=4, resume="last", sandbox="none", listener=told.append, **options)
    assert result.sandbox == "none" and isinstance(told[0], Warned) and "no sandbox" in told[0].text
    assert run(folder, evaluations=5, resume="last", **options).sandbox == "none"
    config, events = _config(where)
    assert [one["sandbox"] for one in records(config, events)] == ["bubblewrap:start=process", "none"]
    with Archive.open(where) as archive:
        assert archive.runs()[0].sandboxes == ("bubblewrap:start=process", "none")


def test_an_unknown_one_ends_before_anything_runs(write_problem: WriteProblem, tmp_path: Path) -> None:
    problem = write_problem("sort")
    for refused in (
        lambda: run(problem.folder, archive=tmp_path / "a.db", sandbox="dokcer"),
        lambda: check_problem(problem.folder, sandbox="dokcer"),
        lambda: score_programs(problem, sandbox="dokcer"),
    ):
        with pytest.raises(UsageError, match="no sandbox called 'dokcer'") as caught:
            refused()
        assert "Did you mean docker?" in caught.value.remedy


def test_arithmetic_needs_none(tmp_path: Path) -> None:
    result = run(
        "float32-exp2", evaluations=20, workers=1, archive=tmp_path / "a.db", sandbox="none", final_check=False
    )
    assert result.sandbox == "" and "sandbox" not in _config(tmp_path / "a.db")[0]


COMMAND = '[command]\nprogram = "seed.sh"\nrun = "sh seed.sh"\n'
SHELL = "# EVOLVE-BLOCK-START\necho 1\n# EVOLVE-BLOCK-END\n"


@pytest.fixture
def timed(write_problem: WriteProblem) -> Problem:
    """A problem of a command whose processor time counts."""
    folder = write_problem("sort").folder
    text = (folder / "problem.toml").read_text().replace('entry = "arrange"\n', "")
    text = text.replace('metric = "right"\ndirection = "maximize"', 'metric = "cpu_seconds"\ndirection = "minimize"')
    (folder / "problem.toml").write_text(text + COMMAND)
    (folder / "seed.sh").write_text(SHELL)
    from evolve.problem import load

    return load(folder)


@pytest.mark.bubblewrap
@pytest.mark.parametrize(("clock", "words"), [("wall", "of the wall"), ("container", "the container with its runtime")])
def test_what_is_timed_needs_the_clock_of_the_process(noting: Path, timed: Problem, clock: str, words: str) -> None:
    with pytest.raises(UsageError, match=f"measures cpu_seconds, and the sandbox noting can not: .* {words}") as caught:
        check_ready(timed, read(f"noting:notes={noting},clock={clock}"))
    assert "--sandbox bubblewrap" in caught.value.remedy
    assert check_ready(timed, read(f"noting:notes={noting}")).confinement is not None


def test_a_command_is_not_run_without_a_sandbox(timed: Problem) -> None:
    with pytest.raises(UsageError, match="commands are not run without a sandbox"):
        check_ready(timed, read("none"))


@pytest.mark.parametrize("sandbox", [pytest.param("bubblewrap", marks=pytest.mark.bubblewrap), "none"])
class TestBeforeTheStart:
    """Each is refused with the key and the remedy, whatever the sandbox."""

    def test_memory_for_the_interpreter(self, sandbox: str, write_problem: WriteProblem) -> None:
        problem = self._with(write_problem("sort"), "memory_mebibytes = 4")
        with pytest.raises(ProblemError, match=r"limits.memory_\w+ is 4.*too little") as caught:
            check_ready(problem, read(sandbox))
        assert "memory_mebibytes under [limits]" in caught.value.remedy

    def test_memory_for_the_packages(self, sandbox: str, write_problem: WriteProblem) -> None:
        problem = self._with(write_problem("sort", keys='packages = ["numpy"]'), "memory_mebibytes = 60")
        with pytest.raises(ProblemError, match=r"limits.memory_\w+ is 6\d+, too little for the interpreter") as caught:
            check_ready(problem, read(sandbox))
        needed = int(caught.value.remedy.split("at least ")[1].rstrip("."))
        assert 60 < needed < 1024
        assert check_ready(self._with(problem, f"memory_mebibytes = {needed}"), read(sandbox)).sandbox == sandbox

    def test_a_package_that_is_not_installed(self, sandbox: str, write_problem: WriteProblem) -> None:
        problem = write_problem("sort", keys='packages = ["no-such-package-at-all"]')
        with pytest.raises(ProblemError, match=r"packages in problem\.toml: no-such-package-at-all") as caught:
            check_ready(problem, read(sandbox))
        assert "pip install no-such-package-at-all" in caught.value.remedy

    @staticmethod
    def _with(problem: Problem, memory: str) -> Problem:
        from evolve.problem import load

        path = problem.folder / "problem.toml"
        lines = [memory if line.startswith("memory_mebibytes") else line for line in path.read_text().splitlines()]
        path.write_text("\n".join(lines) + "\n")
        return load(problem.folder)


@pytest.mark.bubblewrap
def test_a_package_that_the_sandbox_lacks(
    write_problem: WriteProblem, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Installed here by its name, and not to be imported there: it holds a file that raises."""
    room = tmp_path / "installed"
    (room / "half_there-1.0.dist-info").mkdir(parents=True)
    (room / "half_there.py").write_text("raise ImportError('no library for this system')\n")
    (room / "half_there-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: half-there\nVersion: 1.0\n"
    )
    (room / "half_there-1.0.dist-info" / "RECORD").write_text("half_there.py,,\nhalf_there-1.0.dist-info/METADATA,,\n")
    monkeypatch.syspath_prepend(room)
    problem = write_problem("sort", keys='packages = ["half-there"]')
    with pytest.raises(
        ProblemError, match=r"packages in problem\.toml: they can not be imported .* no library"
    ) as caught:
        check_ready(problem, read("bubblewrap"))
    assert "take them out" in caught.value.remedy


WRITES = "open('/tmp/large', 'wb').write(bytes(2 << 20))"


@pytest.mark.bubblewrap
@pytest.mark.parametrize(
    ("does", "limit", "raised", "words"),
    [
        ("print('x' * 5000)", "output_kibibytes = 1", ProblemError, r"limits\.output_kibibytes is 1, too little"),
        (WRITES, "file_mebibytes = 1", ProblemError, r"limits\.file_mebibytes is 1, too little"),
        ("bytearray(1 << 30)", "", ProblemError, r"limits\.memory_mebibytes is 256, too little"),
        ("import os; os._exit(137)", "", InfrastructureError, "no answer .* killed by signal 9"),
        ("import time; time.sleep(99)", "", InfrastructureError, "no answer .* took longer than 1 s"),
    ],
    ids=["output", "files", "memory", "killed", "late"],
)
def test_the_limit_that_stopped_it_is_named(
    does: str, limit: str, raised: type[EvolveError], words: str, write_problem: WriteProblem, monkeypatch: Any
) -> None:
    """Each answers with more memory, which is not what it lacked but in one case."""
    monkeypatch.setattr(readiness, "PROBE_SECONDS", 1.0)
    text = f"import resource\nif resource.getrlimit(resource.RLIMIT_AS)[1] < 1 << 30:\n    {does}\n"
    program = f"{text}def probe():\n    return 42\n"
    monkeypatch.setattr(readiness, "_probe", lambda names: Source({"program.py": program}, "probe"))
    problem = write_problem("sort")
    path = problem.folder / "problem.toml"
    kept = [one for one in path.read_text().splitlines() if one.partition(" ")[0] != limit.partition(" ")[0]]
    path.write_text("\n".join([*kept, limit]) + "\n")
    with pytest.raises(raised, match=words) as caught:
        check_ready(load(problem.folder), read("bubblewrap:start=process"))
    assert type(caught.value) is raised
    if limit:
        assert f"Raise {limit.partition(' ')[0]} under [limits]" in caught.value.remedy


@pytest.mark.bubblewrap
def test_other_bounds_in_the_same_sandbox_are_recorded(
    noting: Path, write_problem: WriteProblem, tmp_path: Path
) -> None:
    folder, where = write_problem("sort").folder, tmp_path / "a.db"
    options: dict[str, Any] = {"workers": 1, "archive": where, "final_check": False}
    sandbox = f"noting:notes={noting}"
    run(folder, evaluations=2, sandbox=sandbox, **options)
    for evaluations, host in ((3, "first"), (4, "second"), (5, "second")):
        noting.with_name("host").write_text(host)
        run(folder, evaluations=evaluations, resume="last", **options)
    places = records(*_config(where))
    assert [one["confinement"]["details"].get("host") for one in places] == [None, "first", "second"]
    assert {one["sandbox"] for one in places} == {sandbox}
    with Archive.open(where) as archive:
        assert archive.runs()[0].sandboxes == (sandbox,)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("wall_seconds = -1", "limits.wall_seconds: Input should be greater than 0"),
        ("wall_seconds = inf", "limits.wall_seconds: Input should be less than or equal to 86400"),
        ("cpu_seconds = nan", "limits.cpu_seconds: Input should be"),
        ("cpu_seconds = 0", "limits.cpu_seconds: Input should be greater than 0"),
        ("memory_mebibytes = 0", "limits.memory_mebibytes: Input should be greater than or equal to 1"),
        ("memory_mebibytes = 536870912", "limits.memory_mebibytes: Input should be less than or equal to 1048576"),
        ("processes = 0", "limits.processes: Input should be greater than or equal to 1"),
        ("output_kibibytes = -5", "limits.output_kibibytes: Input should be greater than or equal to 1"),
        ("file_mebibytes = -1", "limits.file_mebibytes: Input should be greater than or equal to 1"),
        ("file_mebibytes = 1e3", "limits.file_mebibytes: Input should be a valid integer"),
        ("reply_mebibytes = 4096", "limits.reply_mebibytes: Input should be less than or equal to 1024"),
    ],
)
def test_limits_that_are_none(write_problem: WriteProblem, line: str, words: str) -> None:
    from evolve.problem import load

    path = write_problem("sort").folder / "problem.toml"
    key = line.split(" = ")[0]
    kept = [one for one in path.read_text().splitlines() if not one.startswith(key)]
    path.write_text("\n".join([*kept, line]) + "\n")
    with pytest.raises(ProblemError, match=words) as caught:
        load(path.parent)
    assert f"line {len(kept) + 1}: " in caught.value.message and "Mend" in caught.value.remedy


def test_an_error_names_the_place_of_a_wrong_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVOLVE_SANDBOX", "dokcer")
    with pytest.raises(UsageError, match="EVOLVE_SANDBOX: there is no sandbox called 'dokcer'"):
        sandbox_config()
