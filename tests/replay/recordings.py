"""The recordings of this folder, and what is made of each reply. `python tests/replay/recordings.py` pins it."""

from __future__ import annotations

import json
import lzma
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from archive.export import Seal
from archive.store import Archive
from evaluators.screen import screen_program
from evolve import run
from evolve.beginning import find_problem
from evolve.core.types import ModelReply, Record, Source
from evolve.problem import Problem, load
from evolve.proposers.llm.answer import read_answer, read_approaches
from evolve.proposers.llm.proposer import PARADIGM
from evolve.proposers.llm.reading import CUT_OFF

HERE = Path(__file__).resolve().parent
NAMES = sorted(path.name.removesuffix(".jsonl.xz") for path in HERE.glob("*.jsonl.xz"))


def pins_of(name: str) -> Path:
    """Where it stands what is made of the replies of a recording."""
    return HERE / f"{name}.json"


def replayed(name: str, folder: Path) -> dict[str, Any]:
    """Go through a recording in `folder`; what was made of its replies, in the form of the pins."""
    file, problem = _unpacked(name, folder)
    archive = folder / "archive.db"
    result = run(problem.folder, replay=str(file), archive=archive, workers=2, final_check=False, progress=False)
    with Archive.open(archive, create=False) as opened:
        return _pins(opened.records(result.run_id), opened.replies(result.run_id))


def _unpacked(name: str, folder: Path) -> tuple[Path, Problem]:
    """The recording as `evolve export --replies` writes it, and its problem.

    Names of programs depend on Python's version: they are replaced by those of this one, and the last line, which is
    the digest of all others, is made anew.
    """
    text = lzma.decompress((HERE / f"{name}.jsonl.xz").read_bytes()).decode()
    lines = [json.loads(line) for line in text.splitlines()]
    local = HERE / lines[0]["problem"]
    problem = load(local) if local.is_dir() else find_problem(lines[0]["problem"])
    names = {}
    for line in lines:
        if line["type"] == "program":
            source = Source(line["files"], line["entry"], line["language"])
            names[line["program_id"]] = screen_program(problem.sandbox, source, None).program_id
    file = folder / f"{name}.jsonl"
    renamed = re.sub("|".join(names), lambda match: names[match[0]], text).splitlines()
    seal, kept = Seal(), [line for line in renamed if json.loads(line)["type"] != "end"]
    for line in kept:
        seal.add(line)
    file.write_text("".join(f"{line}\n" for line in [*kept, json.dumps(seal.line())]))
    return file, problem


def _pins(records: Iterable[Record], replies: Iterable[ModelReply]) -> dict[str, Any]:
    of_models = [record for record in records if record.ticket.model]
    operators = {record.ticket.number: record.ticket.operator for record in of_models}
    return {
        "replies": {reply.id: _read(operators[reply.ticket], reply) for reply in replies},
        "tickets": {str(record.ticket.number): _became(record) for record in of_models},
    }


def _read(operator: str, reply: ModelReply) -> dict[str, Any]:
    """What the parser finds in a reply."""
    if operator == PARADIGM:
        return {"operator": operator, "approaches": list(read_approaches(reply.text, ()))}
    answer = read_answer(reply.text, reply.finish == CUT_OFF)
    edits = [[edit.search, edit.replace, edit.path] for edit in answer.edits]
    texts = [[text.text, text.path, text.cut] for text in answer.texts]
    found = {"edits": edits, "texts": texts, "idea": answer.idea, "refusal": answer.refusal, "broken": answer.broken}
    return {"operator": operator, **{key: value for key, value in found.items() if value}}


def _became(record: Record) -> str:
    """What a ticket ended as. Scores are left out: some depend on the machine in their last digits."""
    if record.failure is not None:
        return f"{record.failure.status}: {record.failure.reason}"
    return f"{record.verdict.status} at {record.verdict.stage}"


def main() -> None:
    """Write the pins of all recordings anew."""
    for name in NAMES:
        with tempfile.TemporaryDirectory() as folder:
            pins = replayed(name, Path(folder))
        pins_of(name).write_text(json.dumps(pins, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
