"""How quickly a run came on, as its archive keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import evolve
from archive.store import Archive
from evolve.pace import PACE_EVENT, Pace, seconds_at


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 60.0), st.booleans()), min_size=1, max_size=300), st.integers(0, 5))
def test_what_is_said_is_seldom_and_tells_of_every_record(steps: list[tuple[float, bool]], first: int) -> None:
    said: list[Mapping[str, Any]] = []
    pace = Pace(first, 100.0, said.append)
    now = 0.0
    truth = {}
    for number, (step, improved) in enumerate(steps):
        now += step
        truth[number] = 100.0 + now
        pace.told(number, now, improved)
    assert all(later["seconds"] - one["seconds"] >= 0.999 for one, later in pairwise(said))
    assert all(one["record"] >= first and abs(one["seconds"] - truth[one["record"]]) < 1e-3 for one in said)
    if len(steps) > first:
        assert said[0]["record"] == first
        found = seconds_at([(PACE_EVENT, one) for one in said], range(first, len(steps)))
        assert found == sorted(found)


def test_nothing_said_is_nothing_known() -> None:
    assert seconds_at([("known", {"record": 1})], [1, 2]) == []


def test_a_run_says_it(tmp_path: Path) -> None:
    where = tmp_path / "a.db"
    result = evolve.run("float32-exp2", evaluations=20, archive=where, final_check=False, progress=False)
    with Archive.open(where) as archive:
        events = archive.events(result.run_id)
        last = archive.improvements(result.run_id)[-1].number
    (seconds,) = seconds_at(events, [last])
    assert 0.0 < seconds <= result.seconds + 0.001
