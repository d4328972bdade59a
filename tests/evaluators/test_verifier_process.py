"""The verifier in its own process: limits, death, and whose fault an exception is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from evaluators.guilt import FaultCounter, fault_feedback, fault_place
from evaluators.verifier_process import VerifierFault, VerifierProcess, VerifierSettings
from evolve.core.errors import Invalid, ProblemError
from evolve.core.types import Record, Split, Status, Ticket, Verdict
from evolve.problem import Problem

WriteProblem = Callable[..., Problem]
SEEDS = {"probe": 1, "train": 2, "gate": 3, "report": 4, "final": 5}

VERIFIER = """
import os
from evolve.core.errors import Invalid
from evolve.core.types import Instance, Score


def instances(split, seed):
    return [Instance(f"{split}-{i}", "g", (seed, i), truth=object()) for i in range(2)]


def score(instance, output):
    print("words on standard output are no answer")
    if output == "invalid":
        raise Invalid("as it says")
    if output == "error":
        return {}["missing"]
    if output == "sleep":
        while True:
            pass
    if output == "die":
        os.abort()
    if output == "memory":
        return bytearray(1 << 33)
    if output == "secrets":
        raise Invalid(" ".join(sorted(os.environ)))
    return Score(float(output), {"right": 1.0}, "fine")
"""


@contextmanager
def _process(folder: Path, text: str = VERIFIER, wall_seconds: float = 20.0) -> Iterator[VerifierProcess]:
    (folder / "verifier.py").write_text(text)
    process = VerifierProcess(VerifierSettings(folder, "v1", SEEDS, wall_seconds, 1 << 30))
    try:
        yield process
    finally:
        process.close()


def test_questions_are_answered_by_another_process(tmp_path: Path) -> None:
    with _process(tmp_path) as verifier:
        first, second = verifier.instances(Split.TRAIN)
        assert (first.id, first.group, first.args, second.args) == ("train-0", "g", (2, 0), (2, 1))
        score = verifier.score(Split.TRAIN, "train-0", 3)
        assert (score.value, score.metrics, score.feedback) == (3.0, {"right": 1.0}, "fine")
        assert verifier.floor(Split.TRAIN, "train-0") is None
        with pytest.raises(Invalid, match="as it says"):
            verifier.score(Split.TRAIN, "train-0", "invalid")


def test_evaluation_sets_differ_by_split_version_and_content(tmp_path: Path) -> None:
    names = set()
    text = VERIFIER.replace("truth=object()", "truth=[i]")
    for version, verifier_text in (("v1", text), ("v2", text), ("v1", text.replace("truth=[i]", "truth=[i + 1]"))):
        with _process(tmp_path, verifier_text) as verifier:
            verifier.settings = replace(verifier.settings, version=version)
            names |= {verifier.evaluation_set(Split.TRAIN), verifier.evaluation_set(Split.PROBE)}
    assert len(names) == 6
    with _process(tmp_path, text) as verifier:
        assert verifier.evaluation_set(Split.TRAIN) in names


@pytest.mark.parametrize(
    ("output", "place", "words"),
    [
        ("error", "verifier.py:16", "KeyError: 'missing'"),
        ("sleep", "time-out", "no answer within 2 s"),
        ("die", "death", "ended with status -6"),
        ("memory", "verifier.py:23", "MemoryError"),
    ],
)
def test_a_fault_has_a_place_and_the_next_question_an_answer(
    tmp_path: Path, output: str, place: str, words: str
) -> None:
    with _process(tmp_path, wall_seconds=2.0) as verifier:
        with pytest.raises(VerifierFault, match=words) as caught:
            verifier.score(Split.TRAIN, "train-0", output)
        assert caught.value.place == place
        assert str(tmp_path) not in str(caught.value)
        assert verifier.score(Split.TRAIN, "train-1", 1).value == 1.0


def test_no_key_and_no_database_reach_the_verifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "EVOLVE_ARCHIVE", "DATABASE_URL"):
        monkeypatch.setenv(name, "secret")
    with _process(tmp_path) as verifier, pytest.raises(Invalid) as caught:
        verifier.score(Split.TRAIN, "train-0", "secrets")
    seen = set(str(caught.value).split())
    assert "PATH" in seen and not seen & {"OPENAI_API_KEY", "ANTHROPIC_API_KEY", "EVOLVE_ARCHIVE", "DATABASE_URL"}


def test_closing_leaves_no_process(tmp_path: Path) -> None:
    with _process(tmp_path) as verifier:
        verifier.instances(Split.TRAIN)
        process = verifier._process
        assert process is not None and process.poll() is None
    assert process.poll() is not None
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (VERIFIER.replace("range(2)", "range(0)"), "yields no instance for train"),
        (VERIFIER.replace("{split}-{i}", "{split}"), "the same id"),
        (VERIFIER.replace("def score", "def skore"), "has no function score"),
        (VERIFIER + "\n1 / 0\n", "ZeroDivisionError"),
        (VERIFIER.replace("(seed, i)", "(object(), i)"), "not plain data"),
    ],
)
def test_a_broken_problem_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with _process(tmp_path, text) as verifier, pytest.raises(ProblemError, match=words):
        verifier.instances(Split.TRAIN)


def _record(number: int, feedback: str) -> Record:
    ticket = Ticket(number, "expand", (), (), "edit", None, 0)
    return Record(number, ticket, None, Verdict(Status.INVALID, feedback=feedback), None)


def test_five_percent_of_faults_at_one_place_stop_the_run() -> None:
    counter = FaultCounter()
    fault = fault_feedback("verifier.py:7", "Traceback ...")
    for number in range(300):
        counter.add(_record(number, fault if number % 25 == 0 else "not a list"))
    elsewhere = [fault_feedback(f"verifier.py:{line}", "Traceback ...") for line in range(50, 80)]
    for number, feedback in enumerate(elsewhere):
        counter.add(_record(number, feedback))
    with pytest.raises(ProblemError, match=r"10 of the last 200 records: the verifier failed at verifier.py:7"):
        for number in range(10):
            counter.add(_record(number, fault))


def test_a_candidate_can_not_claim_a_fault_by_its_words() -> None:
    honest = Verdict(Status.CRASHED, feedback="probe-0: the verifier failed at verifier.py:7\n")
    assert fault_place(honest) is None
    assert fault_place(Verdict(Status.INVALID, feedback=fault_feedback("verifier.py:7", "x"))) == "verifier.py:7"
