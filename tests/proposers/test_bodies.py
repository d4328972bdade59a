"""Whole texts of a reply: what of them stands in the block, in Python, C and CUDA."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.screen import find_block
from evolve.core.types import Source
from evolve.proposers.llm.answer import Answer, Text
from evolve.proposers.llm.edits import EditError, apply

METHOD = '''import math


class Cache:
    def worth(self, key, hits):
        """What a key is worth."""
        # EVOLVE-BLOCK-START
        # the age alone
        age = self.clock - key
        return hits / age
        # EVOLVE-BLOCK-END

    def size(self):
        return 1
'''
METHOD_BODY = "        age = 2\n        if hits:\n            return 1\n        return age\n"
C = """#include <stdio.h>

static int next(int x) {
    int y = 0;
    // EVOLVE-BLOCK-START
    y = x + 1;
    // EVOLVE-BLOCK-END
    return y;
}

int main(void) {
    printf("%d", next(1));
    return 0;
}
"""
CUDA = C.replace("#include <stdio.h>", "#include <cstdio>\n__global__ void none() {}")


def rewritten(name: str, text: str, answer: str, cut: bool = False) -> str:
    source = Source({name: text}, "worth", "python" if name.endswith(".py") else "command")
    return apply(source, Answer("", (), (Text(answer, cut=cut),))).main


def with_body(text: str, body: str) -> str:
    block = find_block(text)
    return text[: block.start] + body + text[block.end :]


def dedented(text: str, count: int) -> str:
    return "".join(line.removeprefix(" " * count) for line in text.splitlines(keepends=True))


HEAD = '    def worth(self, key, hits):\n        """What a key is worth."""\n'
WHOLE = with_body(METHOD, METHOD_BODY)


@pytest.mark.parametrize(
    "answer",
    [
        METHOD_BODY,
        dedented(METHOD_BODY, 8),
        "    " + METHOD_BODY.replace("\n", "\n    ").removesuffix("    "),
        WHOLE,
        WHOLE.replace("import math", "import os")
        .replace("return 1\n", "return 9\n")
        .replace("    return 9", "    return 1"),
        WHOLE.replace("        # EVOLVE-BLOCK-END\n", ""),
        WHOLE.replace("        # EVOLVE-BLOCK-START\n", "").replace("        # EVOLVE-BLOCK-END\n", ""),
        HEAD + METHOD_BODY,
        dedented(HEAD + METHOD_BODY, 4),
        HEAD + METHOD_BODY + "\n    def size(self):\n        return 1\n",
        HEAD + METHOD_BODY + "\n    def size(self):\n        return 2\n",
        f"# EVOLVE-BLOCK-START\n{METHOD_BODY}# EVOLVE-BLOCK-END\n",
        f"# EVOLVE-BLOCK-START (change this)\n{METHOD_BODY}",
    ],
)
def test_a_method_keeps_its_frame_and_its_indentation(answer: str) -> None:
    assert rewritten("program.py", METHOD, answer) == WHOLE


C_BODY = "    for (int i = 0; i < x; i++) {\n        y += 2;\n    }\n    y += 40;\n"


@pytest.mark.parametrize(("name", "text"), [("next.c", C), ("next.cu", CUDA)])
@pytest.mark.parametrize("form", ["body", "file", "bare", "function", "altered"])
def test_c_and_cuda_go_the_same_way(name: str, text: str, form: str, tmp_path: Path) -> None:
    wanted = with_body(text, C_BODY)
    bare = wanted.replace("    // EVOLVE-BLOCK-START\n", "").replace("    // EVOLVE-BLOCK-END\n", "")
    answers = {
        "body": C_BODY,
        "file": wanted.replace("printf", "puts"),
        "bare": bare,
        "function": bare[bare.index("static") : bare.index("int main")],
        "altered": bare.replace("#include", "// other headers\n#include").replace("next(1)", "next(2)"),
    }
    result = rewritten(name, text, answers[form])
    assert result == wanted
    if name == "next.c" and form == "altered" and (gcc := shutil.which("gcc")):
        (tmp_path / name).write_text(result)
        subprocess.run([gcc, "-o", tmp_path / "next", tmp_path / name], check=True)
        assert subprocess.run([tmp_path / "next"], capture_output=True, check=True).stdout == b"42"


@pytest.mark.parametrize(
    ("answer", "cut", "reason"),
    [
        ("\n  \n", False, "empty"),
        (METHOD_BODY, True, "cut off"),
        (f"{METHOD}{METHOD}", False, "can not be told"),
        ("# EVOLVE-BLOCK-END\nx\n# EVOLVE-BLOCK-START\n", False, "can not be told"),
        ("x = 1\n" * 100_000, False, "at most 262,144"),
    ],
)
def test_what_is_no_block(answer: str, cut: bool, reason: str) -> None:
    with pytest.raises(EditError, match=reason):
        rewritten("program.py", METHOD, answer, cut)


def test_a_block_that_has_its_last_marker_is_all_there() -> None:
    assert (
        rewritten("program.py", METHOD, f"# EVOLVE-BLOCK-START\n{METHOD_BODY}# EVOLVE-BLOCK-END\n", cut=True) == WHOLE
    )


def test_a_comment_further_left_does_not_move_the_block() -> None:
    text = METHOD.replace("        # the age alone", "# the age alone")
    assert rewritten("program.py", text, METHOD_BODY) == with_body(text, METHOD_BODY)


LINES = [*METHOD.splitlines(), "", "}", "x = 1", "        y", "EVOLVE-BLOCK-END", "# EVOLVE-BLOCK-START here", "\x0c"]
ANSWERS = st.lists(st.sampled_from(LINES), max_size=20).map(lambda lines: "".join(f"{line}\n" for line in lines))


@settings(max_examples=300, deadline=None)
@given(ANSWERS)
def test_whatever_is_sent_the_frame_stays(answer: str) -> None:
    block = find_block(METHOD)
    try:
        text = rewritten("program.py", METHOD, answer)
    except EditError:
        return
    new = find_block(text)
    assert (text[: new.start], text[new.end :]) == (METHOD[: block.start], METHOD[block.end :])
