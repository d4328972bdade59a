"""`evolve new --program`: names, files, quotes and comments as people have them."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from evolve.cli.app import app
from evolve.problem import Problem, load
from evolve.wish import guessed_direction, with_argument

# A measured metric and a command that is not there: the problem is made, and nothing is run for long.
ABSENT = ("--run", "no-such-command", "--metric", "cpu_seconds")


def call(*arguments: str | Path, status: int = 0) -> Result:
    """The command in this process; it must end with `status`."""
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == status, result.output + repr(result.exception)
    return result


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a program p.sh that prints its arguments' number."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.sh").write_text("echo $#\n")
    return tmp_path


def wrapped(here: Path, *arguments: str | Path, status: int = 0) -> Problem:
    """The problem `mine` that these arguments make."""
    call("new", "mine", *arguments, status=status)
    return load(here / "mine")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (".hid.sh", "can not be called '.hid.sh'"),
        ("a\nb.sh", "holds a control character"),
        ("math.py", "would hide the module math"),
        ("numpy.py", "would hide the module numpy"),
        ("evolve.py", "would hide the module evolve"),
        ("problem.toml", "can not be called problem.toml"),
        ("p.sh", "two files are called p.sh"),
    ],
)
def test_names_that_can_not_be_are_refused_for_programs_and_files(here: Path, name: str, message: str) -> None:
    folder = here / "src"
    folder.mkdir()
    (folder / name).write_text("# nothing\n")
    options = ("--program", "p.sh", "--file", folder / name, *ABSENT)
    if name != "p.sh":
        said = call("new", "mine", "--program", folder / name, *ABSENT, status=2).stderr
        assert message in said
    said = call("new", "mine", *options, status=2).stderr
    assert message in said
    assert not (here / "mine").exists()


@pytest.mark.bubblewrap
def test_any_other_name_is_as_good(here: Path) -> None:
    (here / "\N{PARTY POPPER}.sh").write_text("echo 4\n")
    problem = wrapped(here, "--program", "\N{PARTY POPPER}.sh", "--run", "sh \N{PARTY POPPER}.sh")
    assert problem.command is not None and problem.command.program == "\N{PARTY POPPER}.sh"


@pytest.mark.bubblewrap
def test_a_module_of_the_working_folder_is_no_one_elses(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "mymodule.py").write_text("print(1)\n")
    monkeypatch.syspath_prepend(str(here))
    wrapped(here, "--program", "mymodule.py", *ABSENT, status=1)


@pytest.mark.parametrize("name", ["cache-eviction", "sub/cache-eviction"])
def test_names_of_shipped_problems_are_refused(here: Path, name: str) -> None:
    (here / "sub").mkdir()
    assert "is the name of a shipped problem" in call("new", name, status=2).stderr


def test_printed_commands_can_be_pasted(here: Path) -> None:
    (here / "my folder").mkdir()
    said = call("new", "my folder/mine").stdout
    (line,) = (line for line in said.splitlines() if "evolve check" in line)
    assert shlex.split(line, comments=True) == ["evolve", "check", "my folder/mine"]


@pytest.mark.parametrize(
    "options",
    [("--maximize",), ("--minimize",), ("--run", ""), ("--build", ""), ("--metric", ""), ("--folder", "/opt")],
)
def test_options_of_a_program_need_one(here: Path, options: tuple[str, ...]) -> None:
    assert "has no meaning without --program" in call("new", "mine", *options, status=2).stderr


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("./p {seed}", './p "$1"'),
        ("./p '{seed}' --s=\"{seed}\"", './p "$1" --s="$1"'),
        ("echo 'a b'{seed}'c'", "echo 'a b'\"$1\"'c'"),
        (r"echo \'{seed}\'", "echo \\'\"$1\"\\'"),
        ("echo it", "echo it"),
    ],
)
def test_a_seed_becomes_the_argument(given: str, meant: str) -> None:
    assert with_argument(given) == meant


@pytest.mark.parametrize("run", ["sh -c './p.sh {seed}'", 'sh -c "./p.sh {seed}"'])
def test_a_seed_within_quotes_is_refused(here: Path, run: str) -> None:
    said = call("new", "mine", "--program", "p.sh", "--run", run, status=2).stderr
    assert "{seed} stands in quotes" in said and "without quotes" in said
    said = call("new", "mine", "--program", "p.sh", *ABSENT, "--build", "cc {seed}", status=2).stderr
    assert "{seed} has no meaning in --build" in said


@pytest.mark.bubblewrap
def test_files_are_taken_as_they_are_and_the_command_finds_them(here: Path) -> None:
    for folder in ("a", "data"):
        (here / folder).mkdir()
    (here / "a" / "p").write_text("#!/bin/sh\necho 1\n")
    (here / "data" / "blob").write_bytes(bytes(range(256)) * 4096)
    (here / "tool.sh").write_text("echo 1\n")
    (here / "tool.sh").chmod(0o755)
    run = "a/p data/p 'data/blob'; no-such-command < data/blob"
    files = ("--file", "data/blob", "--file", "tool.sh")
    result = call("new", "mine", "--program", "a/p", *files, "--run", run, "--metric", "cpu_seconds", status=1)
    assert "data/blob is called blob in the sandbox" in result.stdout and "sh tool.sh" in result.stdout
    command = load(here / "mine").command
    assert command is not None and command.run == "./p data/p 'blob'; no-such-command < blob"
    assert command.files["blob"] == bytes(range(256)) * 4096


@pytest.mark.bubblewrap
def test_a_file_with_marker_lines_is_part_of_the_program(here: Path) -> None:
    (here / "half.sh").write_text("# EVOLVE-BLOCK-START\nhalf() { echo $(($1 / 2)); }\n# EVOLVE-BLOCK-END\n")
    (here / "main.sh").write_text(". ./half.sh\nhalf 8 # EVOLVE\n")
    (here / "words.txt").write_text("EVOLVE-BLOCK-START and EVOLVE-BLOCK-END enclose what may change\n")
    files = ("--file", "half.sh", "--file", "words.txt")
    result = call("new", "mine", "--program", "main.sh", *files, "--run", "sh main.sh", "--metric", "cpu_seconds")
    assert "half.sh may change too" in result.stdout
    problem = load(here / "mine")
    assert list(problem.seed.files) == ["main.sh", "half.sh"] and problem.command is not None
    assert list(problem.command.files) == ["words.txt"]


@pytest.mark.bubblewrap
def test_what_is_not_in_the_sandbox_is_told_and_folders_show_it(
    here: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    result = call("new", "absent", "--program", "p.sh", *ABSENT, status=1)
    assert "a program that is not there" in result.stdout and "--folder shows it others" in result.stdout
    (here / "q.py").write_text("import nothing_of_this_name\n")
    result = call("new", "module", "--program", "q.py", "--run", "python3 q.py", status=1)
    assert "without installed packages" in result.stdout
    shown = tmp_path_factory.mktemp("shown")
    (shown / "data.txt").write_text("41\n")
    problem = wrapped(here, "--program", "p.sh", "--run", f"cat {shown}/data.txt", "--folder", shown, "--maximize")
    assert problem.command is not None and problem.command.folders == (str(shown),)


@pytest.mark.parametrize(
    ("folder", "message"),
    [("relative", "there is no folder"), ("/no/such", "there is no folder"), ("/proc/1", "no folder of files")],
)
def test_folders_that_can_not_be_shown_are_refused(here: Path, folder: str, message: str) -> None:
    assert message in call("new", "mine", "--program", "p.sh", *ABSENT, "--folder", folder, status=2).stderr
    said = call("new", "mine", "--program", "p.sh", *ABSENT, "--folder", here, status=2).stderr
    assert "would show the program the verifier" in said and not (here / "mine").exists()


@pytest.mark.bubblewrap
def test_line_ends_and_byte_order_marks_do_not_matter(here: Path) -> None:
    text = "\ufeff# EVOLVE-BLOCK-START\r\necho 1\r\n# EVOLVE-BLOCK-END\r\n"
    (here / "p.sh").write_bytes(text.encode())
    problem = wrapped(here, "--program", "p.sh", *ABSENT, status=1)
    assert problem.seed.main == "# EVOLVE-BLOCK-START\necho 1\n# EVOLVE-BLOCK-END\n"


@pytest.mark.bubblewrap
@pytest.mark.parametrize(
    ("name", "text"), [("p.json", "{}"), ("p.php", "<?php echo 1;"), ("p", "#!/usr/bin/env node\n"), ("p.unknown", "x")]
)
def test_comments_that_are_not_known_are_left_to_the_author(here: Path, name: str, text: str) -> None:
    (here / name).write_text(text)
    said = call("new", "mine", "--program", name, *ABSENT, status=2).stderr
    assert "EVOLVE-BLOCK-START" in said and "EVOLVE-BLOCK-END" in said
    (here / name).write_text(f"// EVOLVE-BLOCK-START\n{text}\n// EVOLVE-BLOCK-END\n")
    wrapped(here, "--program", name, *ABSENT, status=1)


@pytest.mark.bubblewrap
def test_a_script_without_a_suffix_has_the_comments_of_its_interpreter(here: Path) -> None:
    (here / "p").write_text("#!/usr/bin/env bash\necho 1\n")
    problem = wrapped(here, "--program", "p", *ABSENT, status=1)
    assert problem.seed.main.startswith("#!/usr/bin/env bash\n# EVOLVE-BLOCK-START\n")


@pytest.mark.bubblewrap
def test_what_the_host_measures_is_not_chosen_and_a_guess_is_called_one(here: Path) -> None:
    (here / "p.sh").write_text("""echo '{"wall_seconds": 3, "quux": 1, "bad": NaN}'\n""")
    said = call("new", "mine", "--program", "p.sh", "--run", "sh p.sh").stdout
    assert "quux: more is better, which is guessed" in said
    assert load(here / "mine").objectives[0].metric == "quux"


@pytest.mark.parametrize(
    "metric",
    ["rmse", "mae", "val_mse", "gap", "bins", "delay", "duration", "elapsed", "violation", "energy", "miss_rate"],
)
def test_less_is_better(metric: str) -> None:
    assert guessed_direction(metric) == "minimize"


@pytest.mark.parametrize(
    "metric",
    [
        "ops_per_second",
        "requests_per_second",
        "throughput",
        "gflops",
        "ops_per_joule",
        "accuracy",
        "cache_hit_rate",
        "gpu_utilisation",
        "utilization",
        "reward",
        "speedup",
        "bytes_per_s",
    ],
)
def test_more_is_better(metric: str) -> None:
    assert guessed_direction(metric) == "maximize"


def test_the_last_word_that_is_known_decides() -> None:
    assert guessed_direction("accuracy_loss") == "minimize" and guessed_direction("hit_latency") == "minimize"
    assert guessed_direction("maestro") is None and guessed_direction("score") is None
