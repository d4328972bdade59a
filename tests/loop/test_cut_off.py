"""Where a run is cut off decides nothing: with whatever was durable by then, it goes on to the same end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from equivalence_play import Play

from archive.store import Archive
from evolve.core.types import Record, Ticket
from evolve.proposers.base import Context

WINDOW = 4


def _draw(ticket: Ticket, context: Context, rng: Any) -> tuple[float, float]:
    number = float(rng.integers(10**6))
    return number, number / 4.0


def _cut(play: Play, where: Path, records: list[Record], tickets: list[Ticket]) -> str:
    """A run of which no more than these became durable."""
    with Archive.open(where) as archive:
        stored = {**play.config.to_json(), "cache": play.scope}
        run_id = archive.begin_run(problem="p", problem_version="v", config=stored, run_seed=1)
        for ticket in tickets:
            archive.journal(run_id, ticket)
        for record in records:
            archive.commit(run_id, record)
        archive.end_run(run_id, "interrupted", 1.0)
    return run_id


@pytest.mark.parametrize("ahead", [0, 1, 2, WINDOW])
def test_the_last_tickets_are_those_of_the_run_that_was_left_alone(ahead: int, tmp_path: Path) -> None:
    """Proposals cost up to ten evaluations, so that the budget ends a run within its last window. `ahead` tickets were
    journaled beyond the last record."""
    play = Play(tmp_path / "a.db", _draw, "off", evaluations=60, dearest=9).go()
    assert len(play.records) > 3 * WINDOW and max(record.evaluations for record in play.records) > 5.0
    tickets = [record.ticket for record in play.records]
    for count in range(1, len(play.records)):
        where = tmp_path / f"{count}.db"
        run_id = _cut(play, where, play.records[:count], tickets[: count + ahead])
        went_on = Play(where, _draw, "off", evaluations=60, dearest=9).go(resume=run_id)
        assert went_on.export[1:] == play.export[1:], f"cut off after {count} records"
