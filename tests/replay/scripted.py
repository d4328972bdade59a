"""Writes `scripted.jsonl.xz`: a run in which each operator is answered, in each form that an answer may have."""

from __future__ import annotations

import itertools
import lzma
import tempfile
from pathlib import Path
from typing import Any

from archive.store import Archive
from evolve import run
from evolve.proposers.llm.scripted import Scripted, ScriptedModel

HERE = Path(__file__).resolve().parent
APPROACHES = "1. **Merge** - halves are sorted and merged.\n2. Heap: the least number comes first\n3. heap: again\n"
EDIT = """Idea: sort {turn}: the library knows how
<<<<<<< SEARCH
    result = list(numbers)
=======
    result = sorted(numbers)[:{turn}] + list(numbers)[{turn}:]
>>>>>>> REPLACE
"""
BLOCK = """Idea: block {turn}: written anew
```python
def arrange(numbers):
    return sorted(numbers, key=lambda n: {key})
```
"""
THOUGHTS = "<think>\nAn edit?\n</think>\n"
WHOLE = """**Idea:** whole {turn}: all of the file
# EVOLVE-BLOCK-START
def arrange(numbers):
    return numbers[:{turn}]
# EVOLVE-BLOCK-END
"""
FORMS = (
    EDIT,
    BLOCK.replace("{key}", "n % {turn}"),
    BLOCK.replace("{key}", "missing"),
    EDIT.replace("list(numbers)\n=", "no such line\n="),
    THOUGHTS + EDIT.replace("<<<<<<< SEARCH", "```\n<<<<<< search").replace(">>>>>>> REPLACE", "```"),
    "I cannot help with that.",
    WHOLE,
    EDIT.partition("=======")[0],
    "The list should be sorted.",
    "Idea: cut {turn}: too long\n```python\ndef arrange(numbers):\n    return [",
)
CUT = (FORMS[7], FORMS[9])


def main() -> None:
    """Record anew; needs no model."""
    turns = itertools.count()

    def answer(request: dict[str, Any]) -> Scripted | str:
        if "list five approaches" in request["messages"][-1]["content"]:
            return APPROACHES
        turn = next(turns)
        form = FORMS[turn % len(FORMS)]
        return Scripted(form.replace("{turn}", str(9 - turn % 7)), finish="length" if form in CUT else "stop")

    with tempfile.TemporaryDirectory() as folder, ScriptedModel(answer) as model:
        archive = Path(folder) / "archive.db"
        settings: dict[str, Any] = {"evaluations": 60, "workers": 2, "final_check": False, "policy": "independent"}
        result = run(HERE / "sort", model="openai/scripted", api_base=model.url, archive=archive, **settings)
        with Archive.open(archive) as opened:
            lines = [f"{line}\n" for line in opened.export(result.run_id, replies=True)]
    (HERE / "scripted.jsonl.xz").write_bytes(lzma.compress("".join(lines).encode()))


if __name__ == "__main__":
    main()
