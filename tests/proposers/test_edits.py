"""Edits of a reply in a program: inside its blocks, in any language."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolve.core.types import Source
from evolve.proposers.llm.answer import read_answer
from evolve.proposers.llm.edits import EditError, apply

PYTHON = """import math

# EVOLVE-BLOCK-START
def solve(x):
    y = x + 1

    if y > 3:
        y = y * 2
    return y
# EVOLVE-BLOCK-END

print(solve)
"""
C = """#include <stdio.h>
/* EVOLVE-BLOCK-START */
static int next(int x) {
    return x + 1;
}
/* EVOLVE-BLOCK-END */
int main(void) { printf("%d\\n", next(1)); return 0; }
"""
CUDA = """// EVOLVE-BLOCK-START
__global__ void scale(float *x, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) x[i] *= 2.0f;
}
// EVOLVE-BLOCK-END
void launch(float *x, int n) { scale<<<(n + 255) / 256, 256>>>(x, n); }
"""


def python(text: str = PYTHON) -> Source:
    return Source({"program.py": text}, "solve")


def edit(search: str, new: str, path: str = "") -> str:
    return f"{path}\n<<<<<<< SEARCH\n{search}\n=======\n{new}\n>>>>>>> REPLACE\n"


def changed(source: Source, reply: str) -> dict[str, str]:
    return dict(apply(source, read_answer(reply)).files)


@pytest.mark.parametrize(
    ("search", "new", "wanted"),
    [
        ("    y = x + 1", "    y = x + 2", "    y = x + 2\n"),
        ("    y = x + 1   ", "    y = x + 2", "    y = x + 2\n"),
        ("y = x + 1", "y = x + 2", "    y = x + 2\n"),
        ("        y = x + 1", "        y = x + 2", "    y = x + 2\n"),
        ("if y > 3:\n    y = y * 2", "if y > 4:\n    y = y * 3", "    if y > 4:\n        y = y * 3\n"),
        ("    y = x + 1\n    if y > 3:", "    y = x\n    if y > 5:", "    y = x\n    if y > 5:\n"),
    ],
)
def test_edits_fit_in_spite_of_blanks(search: str, new: str, wanted: str) -> None:
    assert wanted in changed(python(), edit(search, new))["program.py"]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (edit("import math", "import os"), "outside"),
        (edit("print(solve)", "print(1)"), "outside"),
        (edit("    y = z + 1", "x"), "not in the program"),
        (edit("", "x"), "empty"),
        (edit("    y = x + 1", "a\n# EVOLVE-BLOCK-END\nimport os\nb"), "marker"),
        ("<<<<<<< SEARCH\nx\n", "cut off"),
    ],
)
def test_what_can_not_be_applied_says_why(reply: str, reason: str) -> None:
    with pytest.raises(EditError, match=reason):
        changed(python(), reply)


def test_a_block_that_was_cut_off_is_refused_and_one_that_lacks_its_fence_is_not() -> None:
    reply = "```python\ndef solve(x):\n    return x\n"
    assert "return x\n" in changed(python(), reply)["program.py"]
    spoken = reply + "    # the EVOLVE-BLOCK-END follows\n"
    for text in (reply, spoken):
        with pytest.raises(EditError, match="cut off"):
            apply(python(), read_answer(text, cut_off=True))


def test_the_nearest_lines_are_shown_with_their_numbers() -> None:
    with pytest.raises(EditError) as caught:
        changed(python(), edit("    return y", "    return y + 1") + edit("    y = x+1", "    y = 2"))
    assert caught.value.applied == 1 and "5:     y = x + 1" in caught.value.nearest


def test_a_search_that_fits_twice_is_refused() -> None:
    twice = PYTHON.replace("        y = y * 2", "        y = x + 1").replace("    if y > 3:\n", "    if y > 3:\n")
    with pytest.raises(EditError, match="2 places"):
        changed(python(twice), edit("y = x + 1", "y = 1"))


@pytest.mark.parametrize("whole", [True, False])
def test_a_rewrite_may_hold_the_whole_file_or_the_block(whole: bool) -> None:
    body = "def solve(x):\n    return 7\n"
    text = f"import os\n# EVOLVE-BLOCK-START\n{body}# EVOLVE-BLOCK-END\nprint(8)\n" if whole else body
    new = changed(python(), f"Idea: x\n```python\n{text}```\n")["program.py"]
    assert new == "import math\n\n# EVOLVE-BLOCK-START\n" + body + "# EVOLVE-BLOCK-END\n\nprint(solve)\n"


def test_a_whole_file_without_markers_keeps_its_frame() -> None:
    text = "import math\n\ndef solve(x):\n    return 9\n\nprint(solve)\n"
    new = changed(python(), f"```\n{text}```")["program.py"]
    assert new.count("import math") == 1 and new.count("print(solve)") == 1 and "return 9" in new


@pytest.mark.parametrize(("name", "text"), [("next.c", C), ("scale.cu", CUDA)])
def test_other_languages_go_the_same_way(name: str, text: str, tmp_path: Path) -> None:
    source = Source({name: text}, "run", "command")
    old, new = ("return x + 1;", "return x + 41;") if name == "next.c" else ("2.0f", "3.0f")
    line = next(line for line in text.splitlines() if old in line)
    result = changed(source, edit(line.strip(), line.strip().replace(old, new)))[name]
    assert result == text.replace(old, new)
    if name == "next.c" and shutil.which("gcc"):
        (tmp_path / name).write_text(result)
        subprocess.run(["gcc", "-o", tmp_path / "next", tmp_path / name], check=True)
        assert subprocess.run([tmp_path / "next"], capture_output=True, check=True).stdout == b"42\n"


def test_several_files() -> None:
    source = Source({"next.c": C, "scale.cu": CUDA, "fixed.h": "int fixed;\n"}, "run", "command")
    reply = edit("    return x + 1;", "    return x + 2;", "next.c") + edit(
        "    if (i < n) x[i] *= 2.0f;", "    if (i < n) x[i] *= 4.0f;", "src/scale.cu"
    )
    files = changed(source, reply)
    assert "x + 2" in files["next.c"] and "4.0f" in files["scale.cu"] and files["fixed.h"] == "int fixed;\n"
    assert "x + 3" in changed(source, edit("    return x + 1;", "    return x + 3;"))["next.c"]
    with pytest.raises(EditError, match=r"nearest is next\.c"):
        changed(source, edit("    return x + 1;", "x", "nxt.c"))
    with pytest.raises(EditError, match="may not change"):
        changed(source, edit("int fixed;", "x", "fixed.h"))
    with pytest.raises(EditError, match="there is no file"):
        changed(source, edit("x", "y", "/etc/passwd.txt"))


LINES = st.lists(st.text("abc =()+\t\u202e`<>", max_size=12), min_size=1, max_size=12)


@settings(max_examples=150, deadline=None)
@given(body=LINES, data=st.data())
def test_a_run_of_lines_is_replaced_and_nothing_else(body: list[str], data: st.DataObject) -> None:
    lines = [f"{number} {line}" for number, line in enumerate(body)]  # no two are alike
    text = "before\n# EVOLVE-BLOCK-START\n" + "".join(f"{line}\n" for line in lines) + "# EVOLVE-BLOCK-END\nafter\n"
    first = data.draw(st.integers(0, len(lines) - 1))
    last = data.draw(st.integers(first, len(lines) - 1))
    result = changed(python(text), edit("\n".join(lines[first : last + 1]), "new = 1"))["program.py"]
    wanted = [*lines[:first], "new = 1", *lines[last + 1 :]]
    assert (
        result == "before\n# EVOLVE-BLOCK-START\n" + "".join(f"{x}\n" for x in wanted) + "# EVOLVE-BLOCK-END\nafter\n"
    )


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "<<<<<<< SEARCH",
                "=======",
                ">>>>>>> REPLACE",
                "```python",
                "```",
                "    y = x + 1",
                "import math",
                "x",
                "",
                "# EVOLVE-BLOCK-START",
                "# EVOLVE-BLOCK-END",
                "program.py",
                "Idea: a: b",
            ]
        ),
        max_size=20,
    )
)
def test_whatever_is_replied_the_frame_stays(lines: list[str]) -> None:
    answer = read_answer("\n".join(lines))
    if not answer.has_program:
        return
    try:
        text = apply(python(), answer).main
    except EditError:
        return
    assert text.startswith("import math\n\n# EVOLVE-BLOCK-START\n")
    assert text.endswith("# EVOLVE-BLOCK-END\n\nprint(solve)\n")
