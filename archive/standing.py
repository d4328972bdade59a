"""What a run's records say in the end: each program as the last word on it left it.

Records are only ever added. What was measured again, confirmed or revoked afterwards stands in later records; who
looks for the best program or draws a front must read them together, or a revoked program would be shown as champion.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from archive.codec import NOTHING_NEW
from evolve.core.extent import together
from evolve.core.types import Record


def standing(records: Iterable[Record]) -> list[Record]:
    """The proposals among a run's records, in order, as they stand now. Records of measure tickets are left out.

    A superseding record's verdict takes the place of the one it supersedes, and another batch of train is put together
    with those before it; where it is no score, the record has no outcome and no promotion any more. The promotion of a
    confirming measure record takes the place of an earlier one. `records` must be in order of number; they may be all
    of a run or those of one program.
    """
    found: dict[int, Record] = {}
    brought: dict[str, int] = {}  # by program: the record that brought it in
    about: dict[int, int] = {}  # by superseding record: the proposal that it is about
    for record in records:
        if record.supersedes is not None:
            number = about[record.number] = about.get(record.supersedes, record.supersedes)
            if number in found:
                found[number] = _superseded(found[number], record)
        elif record.ticket.kind == "measure":
            original = found.get(brought.get(record.program_id or "", -1))
            if original is not None and original.verdict.status.scored and record.promotion is not None:
                found[original.number] = replace(original, promotion=record.promotion)
        else:
            found[record.number] = record
            if record.program_id is not None and record.verdict.status not in NOTHING_NEW:
                brought.setdefault(record.program_id, record.number)
    return list(found.values())


def _superseded(record: Record, by: Record) -> Record:
    if by.verdict.status.scored:
        parts = record.verdict.extent and by.verdict.extent
        verdict = together(record.verdict, by.verdict) if parts else by.verdict
        return replace(record, verdict=verdict, promotion=by.promotion or record.promotion)
    return replace(record, verdict=by.verdict, promotion=None, outcome=None)
