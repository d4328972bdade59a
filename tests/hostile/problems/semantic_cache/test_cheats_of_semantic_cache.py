"""Programs that try to cheat at semantic-cache, each in a real sandbox: refused, or worth no more than honest ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from evaluators.process_cascade import ProcessEvaluator
from evaluators.stage import Run, Stage
from evolve.core.types import Source, Split, Status
from evolve.engine.worker import Worker
from evolve.problem import Problem, load

pytestmark = pytest.mark.bubblewrap

# `honest` is the seed's entry; a cheat below defines `configure` anew.
AROUND = """
honest = configure

{}
"""

REFUSED = {
    "nan": ("return [[float('nan'), 3600.0, 0.0] for _ in statistics[0]]", "the threshold is not between 0 and 1"),
    "infinite life": ("return [[0.9, float('inf'), 0.0] for _ in statistics[0]]", "the time to live is not between"),
    "endless life": ("return [[0.9, 1e300, 0.0] for _ in statistics[0]]", "the time to live is not between"),
    "no life": ("return [[0.9, 0.0, 0.0] for _ in statistics[0]]", "the time to live is 0"),
    "negative quota": (
        "return [[0.9, 3600.0, 1.0 - 2 * (at % 2)] for at, _ in enumerate(statistics[0])]",
        "the quota is not between 0 and 1",
    ),
    "true": ("return [[True, 3600.0, 0.0] for _ in statistics[0]]", "the threshold is a bool"),
    "huge": ("return [[10**400, 3600.0, 0.0] for _ in statistics[0]]", "the threshold is not between 0 and 1"),
    "the whole cache for each": ("return [[0.9, 3600.0, 1.0] for _ in statistics[0]]", "the quotas add up to"),
    "a little more than the cache": (
        "return [[a, b, c * 1.0001] for a, b, c in honest(statistics, capacity)]",
        "the quotas add up to 1.0001",
    ),
    "only the best category": ("return honest(statistics, capacity)[:1]", "1 entries, not a list of"),
    "more categories": ("return honest(statistics, capacity) + [[0.9, 1.0, 0.0]]", "entries, not a list of"),
    "the question": ("return statistics", "entries, not a list of"),
    "half of the question": ("return statistics[0]", "the setting is not a list"),
    "a score of its own": ("return {'cost_ratio': 0.0}", "a dict, not a list"),
    "late": (
        "return honest(statistics, capacity) if len(statistics) < 4 else [[0.9, 1.0, 1.0]] * len(statistics[0])",
        "the quotas add up to",
    ),
}

ARROGANT = """
class Always(float):
    def __le__(self, other): return True
    def __ge__(self, other): return True
    def __add__(self, other): return 0.0
    __radd__ = __add__

def configure(statistics, capacity):
    return [[0.9, 3600.0, Always(1.0)] for _ in statistics[0]]
"""

# Each answers something else, and better or worse, where its trick works: so its score tells whether it did.
HARMLESS = {
    # Whatever in this process, or above it on the stack, could hold queries, labels or the windows to come.
    "looks around": """
def configure(statistics, capacity):
    import gc, sys
    words, own = ("meanings", "versions", "vectors", "truth", "workload", "instance"), (id(statistics), id(globals()))
    found, frame = [], sys._getframe()
    arrays = getattr(sys.modules.get("numpy"), "ndarray", found)
    while frame:
        found += [name for name in frame.f_locals if any(word in name for word in words[:-2]) and frame.f_back]
        frame = frame.f_back
    for one in gc.get_objects():
        if type(one) is dict and id(one) not in own:
            names = [key for key in one if type(key) is str]
            found += [key for key in names if key in ("meanings", "versions", "vectors", "audited")]
        elif type(one) is list or type(one) is tuple:
            if len(one) > 300 and all(type(value) is int or type(value) is float for value in one):
                found.append(len(one))
        elif type(one) is arrays:
            found.append("array")
    found = [one for one in found if one not in ("found", "words")]
    return [[0.5, 3600.0, 0.0] for _ in statistics[0]] if found else honest(statistics, capacity)
""",
    "imports the verifier": """
def configure(statistics, capacity):
    for name in ("verifier", "cache_costs", "query_streams", "evolve"):
        try:
            __import__(name)
        except Exception:
            continue
        return [[0.5, 3600.0, 0.0] for _ in statistics[0]]
    return honest(statistics, capacity)
""",
    "spoils the question": """
def configure(statistics, capacity):
    answer = honest(statistics, capacity)
    for row in statistics:
        for one in row:
            for key, value in one.items():
                one[key] = [0] * len(value) if type(value) is list else 0
            one["penalty"] = 1e-9
        row.clear()
    statistics.clear()
    return answer
""",
    "changes an answer that it has given": """
GIVEN = []

def configure(statistics, capacity):
    for before in GIVEN:
        for one in before:
            one[:] = [0.5, 1e8, 1.0]
    GIVEN.append(honest(statistics, capacity))
    return GIVEN[-1]
""",
    "remembers other workloads": """
SEEN = []

def configure(statistics, capacity):
    import os
    known = os.path.exists("/tmp/seen") or len(SEEN) >= 4
    if len(statistics) == 1 and known:
        return [[0.5, 3600.0, 0.0] for _ in statistics[0]]
    SEEN.append(len(statistics))
    if len(statistics) == 4:
        open("/tmp/seen", "w").write("1")
    return honest(statistics, capacity)
""",
}

# Sorts of categories in the order in which the generator's source lists them, with a good threshold for each.
READS_THE_ORDER = """
def configure(statistics, capacity):
    by_place = [0.93, 0.87, 0.72, 0.87, 0.90, 0.78]
    answer = honest(statistics, capacity)
    return [[by_place[at % 6], seconds, share] for at, (_, seconds, share) in enumerate(answer)]
"""

# Knows workloads by their first histograms and has good settings ready; elsewhere it is the seed.
MEMORISES = """
KNOWN = {known!r}

def configure(statistics, capacity):
    name = tuple(one["queries"] for one in statistics[0])
    return KNOWN[name] if name in KNOWN else honest(statistics, capacity)
"""


@pytest.fixture(scope="module")
def problem() -> Problem:
    return load("semantic-cache@compare")


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    worker = Worker("semantic-cache@compare")
    assert isinstance(worker.evaluator, ProcessEvaluator)
    yield worker.evaluator.stage
    worker.close()


def _cheat(problem: Problem, body: str) -> Source:
    return problem.seed.with_main(problem.seed.main + AROUND.format(body))


def _runs(stage: Stage, source: Source, split: Split, count: int = 2) -> list[Run]:
    return list(stage.runs(source, split, stage.verifier.instances(split)[:count]))


def _values(runs: list[Run]) -> list[float]:
    assert all(one.score is not None for one in runs), [one.feedback for one in runs]
    return [one.score.value for one in runs if one.score is not None]


@pytest.mark.parametrize("name", REFUSED)
def test_an_answer_that_breaks_a_rule_is_refused(problem: Problem, stage: Stage, name: str) -> None:
    body, says = REFUSED[name]
    (run,) = _runs(stage, _cheat(problem, f"def configure(statistics, capacity):\n    {body}\n"), Split.PROBE, 1)
    assert run.result.status is Status.INVALID and run.score is None and says in run.feedback


def test_a_number_that_lies_when_it_is_compared_does_not_cross_the_border(problem: Problem, stage: Stage) -> None:
    (run,) = _runs(stage, _cheat(problem, ARROGANT), Split.PROBE, 1)
    assert not run.result.status.scored and run.score is None


@pytest.mark.parametrize("name", HARMLESS)
def test_a_trick_changes_nothing(problem: Problem, stage: Stage, name: str) -> None:
    honest = _values(_runs(stage, problem.seed, Split.PROBE))
    assert _values(_runs(stage, _cheat(problem, HARMLESS[name]), Split.PROBE)) == honest


def test_looking_around_finds_what_is_there_where_nothing_is_between(problem: Problem) -> None:
    """The trick above is no empty one: beside the verifier's data it finds them."""
    space: dict[str, Any] = {}
    exec(_cheat(problem, HARMLESS["looks around"]).main, space)
    statistics = [[dict.fromkeys(("queries", "lookups"), 1)] * 2]
    truth = [{"meanings": [1, 2], "vectors": [0.5]}]
    assert space["configure"](statistics, 9) == [[0.5, 3600.0, 0.0]] * 2
    assert truth


def test_the_order_of_categories_tells_nothing(problem: Problem, stage: Stage) -> None:
    cheat = _values(_runs(stage, _cheat(problem, READS_THE_ORDER), Split.TRAIN, 10))
    honest = _values(_runs(stage, problem.baselines["category_aware"], Split.TRAIN, 10))
    assert sum(cheat) > sum(honest)


def test_what_was_learnt_by_heart_is_worth_nothing_elsewhere(problem: Problem, stage: Stage) -> None:
    known = {}
    for one in stage.verifier.instances(Split.TRAIN)[:3]:
        row = one.args[0][0]
        known[tuple(category["queries"] for category in row)] = [[1.0, 3600.0, 0.0] for _ in row]
    source = _cheat(problem, MEMORISES.format(known=known))
    assert _values(_runs(stage, source, Split.TRAIN, 3)) == pytest.approx([1.0] * 3)
    assert _values(_runs(stage, source, Split.REPORT)) == _values(_runs(stage, problem.seed, Split.REPORT))
