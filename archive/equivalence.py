"""The equivalence cache: what programs compute, whose score was taken over, and what came to light about it.

Rows stand beside the records of their run and are written with them. No export holds them: a run is the same whether
others left something to be taken over or not.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, func, select

from archive import schema
from evolve.core.keys import Keys

DRAWN_BY = "equivalence_secret"
"""Under this key of the table `meta` stands what draws the hits that are evaluated all the same. It never leaves the
archive: who knew it could answer the others as a better program does."""
MOST_KEYS = 100_000
"""So many keys of other runs, the latest, are looked at: each worker holds them, in some 25 MB."""


class Kind(StrEnum):
    """What a row says of its program.

    `COMPUTED`: it was evaluated in full here, and others may take its score over. `PROBED`: it has keys and no such
    score. `TAKEN`: it took over that of a program of the same run, `SHARED` that of another run. `AGAIN`: so would a
    proposal that was given up for another one. `CONFIRMED`: it was evaluated, and has the score of its like. `REFUTED`:
    it was evaluated, and has not; its keys are retired.
    """

    COMPUTED = "computed"
    PROBED = "probed"
    TAKEN = "taken"
    SHARED = "shared"
    AGAIN = "again"
    CONFIRMED = "confirmed"
    REFUTED = "refuted"


@dataclass(frozen=True, slots=True)
class Learned:
    """One row. `about` is the record that it is about where that is an earlier one; `origin` is the record whose score
    was taken over or compared with, of another run where `origin_run` is given."""

    kind: Kind
    keys: Keys
    evaluation_set: str
    about: int | None = None
    origin_run: str | None = None
    origin: int | None = None
    saved: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Savings:
    """What a run's cache did. `programs` had keys, given-up proposals included; of them `hits` had those of a score
    that was known by the time of their record, `shared` of them in other runs, and `again` were given up for another
    proposal. `checked` were evaluated all the same, or later, of which `refuted` had another score. `evaluations` and
    wall `seconds` of train were saved in all; `usd` is what these would have cost, None where nobody said what an hour
    costs."""

    programs: int
    hits: int
    shared: int
    again: int
    checked: int
    refuted: int
    evaluations: float
    seconds: float
    usd: float | None = None

    @property
    def rate(self) -> float:
        """The share of hits among the programs that had keys."""
        return self.hits / self.programs if self.programs else 0.0

    def priced(self, hour_usd: float | None) -> Savings:
        """With what the saved seconds would have cost, at so many dollars for an hour of one core."""
        return self if hour_usd is None else replace(self, usd=self.seconds / 3600.0 * hour_usd)

    def to_json(self) -> dict[str, float | None]:
        """Plain data, with the rate."""
        return {**asdict(self), "rate": self.rate}


def rows(run_id: str, number: int, learned: Iterable[Learned]) -> Iterable[dict[str, Any]]:
    """The rows that stand beside a record."""
    for position, one in enumerate(learned):
        yield {
            "run_id": run_id,
            "number": number,
            "position": position,
            "kind": one.kind.value,
            "evaluation_set": one.evaluation_set,
            "function_key": one.keys.function,
            "exact_key": one.keys.exact,
            "about": one.about,
            "origin_run_id": one.origin_run,
            "origin_number": one.origin,
            "saved": one.saved,
            "seconds": one.seconds,
        }


def last_learned(connection: Connection, run_id: str) -> int:
    """The last record of a run beside which rows stand; -1 where there is none."""
    table = schema.equivalences.c
    last = connection.scalar(select(func.max(table.number)).where(table.run_id == run_id))
    return -1 if last is None else int(last)


def learned(connection: Connection, run_id: str, first: int, count: int) -> dict[int, tuple[Learned, ...]]:
    """The rows beside `count` records of a run from number `first` on, by record."""
    table = schema.equivalences
    of_run = (table.c.run_id == run_id) & (table.c.number >= first) & (table.c.number < first + count)
    query = select(table).where(of_run).order_by(table.c.number, table.c.position)
    found: dict[int, list[Learned]] = {}
    for row in connection.execute(query):
        keys = Keys(row.function_key, row.exact_key)
        made = Learned(
            Kind(row.kind),
            keys,
            row.evaluation_set,
            row.about,
            row.origin_run_id,
            row.origin_number,
            row.saved,
            row.seconds,
        )
        found.setdefault(row.number, []).append(made)
    return {number: tuple(some) for number, some in found.items()}


def computed(
    connection: Connection, evaluation_set: str, without: str, retire_after: int = 0
) -> dict[str, tuple[str, int]]:
    """Run and record of the latest score of each exact key that other runs than `without` computed on a set.

    Retired keys are left out, and with `retire_after` those whose score was taken over so often.
    """
    table = schema.equivalences.c
    of_set = table.evaluation_set == evaluation_set
    retired = set(connection.scalars(select(table.exact_key).where(of_set, table.kind == Kind.REFUTED)))
    if retire_after:
        taken = connection.scalars(select(table.exact_key).where(of_set, table.kind == Kind.SHARED))
        retired |= {key for key, count in Counter(taken).items() if count >= retire_after}
    query = (
        select(table.exact_key, table.run_id, func.coalesce(table.about, table.number).label("record"))
        .join(schema.runs, schema.runs.c.run_id == table.run_id)
        .where(of_set, table.kind == Kind.COMPUTED, table.run_id != without)
        .order_by(schema.runs.c.ordinal.desc(), table.run_id, table.number.desc())
        .limit(MOST_KEYS)
    )
    found: dict[str, tuple[str, int]] = {}
    for row in connection.execute(query):
        if row.exact_key not in retired:
            found.setdefault(row.exact_key, (row.run_id, row.record))
    return found


def savings(connection: Connection, run_id: str) -> Savings:
    """What the cache did in a run, by what is durable."""
    table = schema.equivalences.c
    columns = (table.number, table.kind, table.about, table.saved, table.seconds)
    found = connection.execute(select(*columns).where(table.run_id == run_id)).all()
    evaluated = {row.number for row in found if row.about is None and row.kind != Kind.AGAIN}
    own = Counter(Kind(row.kind) for row in found if row.about is None)
    later = Counter(Kind(row.kind) for row in found if row.about is not None)
    hits = own[Kind.TAKEN] + own[Kind.SHARED] + own[Kind.AGAIN]
    checked = sum(some[kind] for some in (own, later) for kind in (Kind.CONFIRMED, Kind.REFUTED))
    return Savings(
        programs=len(evaluated) + own[Kind.AGAIN],
        hits=hits + own[Kind.CONFIRMED] + own[Kind.REFUTED],
        shared=own[Kind.SHARED],
        again=own[Kind.AGAIN],
        checked=checked,
        refuted=own[Kind.REFUTED] + later[Kind.REFUTED],
        evaluations=sum(row.saved for row in found),
        seconds=sum(row.seconds for row in found),
    )


def secret(connection: Connection) -> str:
    """The archive's secret, made where there is none; inside a transaction that writes."""
    table = schema.meta
    made = {"key": DRAWN_BY, "value": secrets.token_hex(16)}
    connection.execute(schema.insert_or_ignore(connection.dialect.name, table).values(made))
    return str(connection.scalar(select(table.c.value).where(table.c.key == DRAWN_BY)))
