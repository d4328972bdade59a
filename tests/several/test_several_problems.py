"""problem.toml that names several files: what is loaded, what is refused, and what may change of a program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from several_files import BY_DENSITY, HELPER, KERNEL_C, KERNEL_H, PYTHON, PYTHON_TOML, SOLVE, UNITS, C

from evaluators.screen import evolvable, screen_program
from evolve import load
from evolve.core.errors import Forbidden, ProblemError
from evolve.core.types import Source

Folder = Callable[..., Path]


def with_file(source: Source, name: str, old: str, new: str) -> Source:
    assert old in source.files[name]
    return replace(source, files={**source.files, name: source.files[name].replace(old, new)})


def test_files_entry_and_baselines(folder: Folder) -> None:
    problem = load(folder(PYTHON))
    assert problem.seed == Source({"solve.py": SOLVE, "helper.py": HELPER, "units.py": UNITS}, "solve.pack")
    assert (problem.seed.function, problem.seed.entry_file) == ("pack", "solve.py")
    assert evolvable(problem.seed) == ["helper.py", "solve.py"]
    assert problem.baselines["density"].files == {**problem.seed.files, "helper.py": BY_DENSITY}
    assert problem.baselines["none"].files["solve.py"].startswith("def pack") and len(problem.baselines) == 2
    assert problem.baselines["none"].files["helper.py"] == HELPER


def test_one_file_of_another_name_keeps_its_name_and_entry(folder: Folder) -> None:
    one = PYTHON_TOML.replace('["solve.py", "helper.py", "units.py"]', '"solve.py"')
    problem = load(folder(PYTHON, {"problem.toml": one, "baselines/density/helper.py": None}))
    assert problem.seed == Source({"solve.py": SOLVE}, "pack") and problem.seed.entry_file == "solve.py"


@pytest.mark.parametrize("name", ["solve.py", "helper.py", "units.py", "baselines/density/helper.py"])
def test_the_version_follows_every_file(folder: Folder, name: str) -> None:
    place = folder(PYTHON)
    before = load(place).version
    with (place / name).open("a") as file:
        file.write("# another line\n")
    assert load(place).version != before


@pytest.mark.parametrize("name", ["kernel.c", "kernel.h", "main.c", "baselines/longer/kernel.h"])
def test_the_version_follows_every_file_of_a_command(folder: Folder, name: str) -> None:
    place = folder(C)
    before = load(place).version
    with (place / name).open("a") as file:
        file.write("/* another line */\n")
    assert load(place).version != before


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ('["solve.py", "missing.py"]', "missing.py can not be read: .*No such file"),
        ('["solve.py", "../helper.py"]', r"'../helper.py' must be the plain name of a file in this folder"),
        ('["solve.py", "/etc/passwd"]', "must be the plain name"),
        ('["solve.py", "helper.py", "solve.py"]', "solve.py is named twice: take one out"),
        ('["solve.py", "verifier.py"]', "verifier.py has a meaning of its own"),
        ('["solve.py", "random.py"]', "random is a module of Python's own.* rename random.py"),
        ('["solve.py", "my-helper.py"]', "my-helper.py can not be imported"),
        ('["kernel.cu", "solve.py"]', "the first file must be Python"),
        ('["units.py", "plain.py"]', "none of the files plain.py, units.py has EVOLVE-BLOCK-START"),
        ('["solve.py", "broken.py"]', "broken.py: the file must hold one # EVOLVE-BLOCK-START line and, after it"),
        ('["solve.py", "large.py"]', "bytes of source; at most 262,144 are read"),
        ('["solve.py", "linked.py"]', "linked.py is a link"),
        (str([f"a{number}.py" for number in range(21)]), "at most 20 items"),
        ("3", "line 5: program: "),
    ],
)
def test_wrong_files_are_named(folder: Folder, names: str, message: str) -> None:
    toml = PYTHON_TOML.replace('["solve.py", "helper.py", "units.py"]', names)
    more = {"plain.py": "x = 1\n", "broken.py": HELPER.replace("-END", "-STOP"), "large.py": "#" * 2**18}
    place = folder(PYTHON, {"problem.toml": toml, "baselines/density/helper.py": None, **more})
    (place / "linked.py").symlink_to("/etc/hostname")
    with pytest.raises(ProblemError, match=message) as caught:
        load(place)
    assert caught.value.remedy


def test_wrong_baselines_are_named(folder: Folder) -> None:
    with pytest.raises(ProblemError, match=r"baselines/odd/other.py is no file of the program") as caught:
        load(folder(PYTHON, {"baselines/odd/other.py": "x = 1\n"}))
    assert "solve.py, helper.py, units.py" in caught.value.remedy
    with pytest.raises(ProblemError, match="are both baseline density"):
        load(folder(PYTHON, {"baselines/odd/other.py": None, "baselines/density.py": SOLVE}))


def test_program_and_files_of_a_command_are_told_apart(folder: Folder) -> None:
    toml = C["problem.toml"].replace('files = ["main.c"]', 'files = ["main.c", "kernel.h"]')
    with pytest.raises(ProblemError, match=r"command: kernel\.h is named twice"):
        load(folder(C, {"problem.toml": toml}))


def test_straight_lines_have_one_file(folder: Folder) -> None:
    toml = PYTHON_TOML.replace('"bubblewrap"', '"straight_line"').replace('"sampled"', '"exact"')
    toml = toml.partition("[limits]")[0]
    with pytest.raises(ProblemError, match="program has no meaning with sandbox = 'straight_line'"):
        load(folder(PYTHON, {"problem.toml": toml}))


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("helper.py", "return 1\n", "return 2\n", "helper.py: the text outside the EVOLVE-BLOCK differs"),
        ("solve.py", "import rank", "import unchanged as rank", "solve.py: the text outside the EVOLVE-BLOCK"),
        ("units.py", "SCALE = 1", "SCALE = 0", "units.py has no EVOLVE-BLOCK, and differs from the seed's"),
        ("helper.py", "weight + 0.5", "weight +", r"helper.py: line \d+: not Python"),
        ("helper.py", "weight + 0.5", "(" * 101 + "1" + ")" * 101, "helper.py: .*nested deeper"),
        (
            "helper.py",
            "    return weight",
            "# EVOLVE-BLOCK-END\n    return weight",
            "helper.py: the file must hold",
        ),
        ("solve.py", "def pack(", "def other(", "nothing in solve.py defines pack"),
    ],
)
def test_what_may_not_change_is_refused_by_name(folder: Folder, name: str, old: str, new: str, message: str) -> None:
    seed = load(folder(PYTHON)).seed
    with pytest.raises(Forbidden, match=message):
        screen_program("bubblewrap", with_file(seed, name, old, new), seed)


@pytest.mark.parametrize("files", [PYTHON, C], ids=["python", "c"])
def test_no_file_is_added_or_taken_out(folder: Folder, files: dict[str, str]) -> None:
    seed = load(folder(files)).seed
    for other in ({**seed.files, "more.py": "x = 1\n"}, dict(list(seed.files.items())[:-1])):
        with pytest.raises(Forbidden, match="none is added, and none taken out"):
            screen_program("bubblewrap", replace(seed, files=other), seed)


def test_the_parts_of_a_command_are_held_too(folder: Folder) -> None:
    seed = load(folder(C)).seed
    for name, old in (("kernel.c", "return steps"), ("kernel.h", "int power(int exponent)")):
        with pytest.raises(Forbidden, match=f"{name}: the text outside"):
            screen_program("bubblewrap", with_file(seed, name, old, f"{old} "), seed)
    with pytest.raises(Forbidden, match=r"kernel.h: the text holds a null byte"):
        screen_program("bubblewrap", with_file(seed, "kernel.h", "STRIDE 2", "STRIDE \0"), seed)
    big = with_file(with_file(seed, "kernel.h", "STRIDE 2", "1" * 2**17), "kernel.c", "steps + 3", "1" * 2**17)
    with pytest.raises(Forbidden, match="bytes of source"):
        screen_program("bubblewrap", big, seed)


def test_ids_cover_all_files_in_any_order(folder: Folder) -> None:
    seed = load(folder(PYTHON)).seed

    def ids(source: Source) -> tuple[str, str]:
        screened = screen_program("bubblewrap", source, seed)
        return screened.program_id, screened.skeleton_id

    same = ids(seed)
    assert ids(replace(seed, files=dict(sorted(seed.files.items())))) == same
    assert ids(with_file(seed, "helper.py", "    return weight", "    # why\n    return  weight")) == same
    moved = ids(with_file(seed, "helper.py", "0.5", "0.75"))
    assert moved[0] != same[0] and moved[1] == same[1]
    assert ids(with_file(seed, "helper.py", "weight +", "value +"))[1] != same[1]
    exchanged = Source({"kernel.c": KERNEL_H, "kernel.h": KERNEL_C}, "run", "command")
    straight = Source({"kernel.c": KERNEL_C, "kernel.h": KERNEL_H}, "run", "command")
    one, other = (screen_program("bubblewrap", source, None).program_id for source in (exchanged, straight))
    assert one != other
