"""Who takes the snapshots of a run while it goes on, and has it begin from one."""

from __future__ import annotations

import json
import logging
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
from itertools import chain, islice

import numpy as np

from archive import codec
from archive.policies import is_shipped, make_policy
from archive.store import Archive
from evaluators.guilt import FaultCounter
from evolve.budget import Budget
from evolve.core.config import RunConfig, snapshots_folder
from evolve.core.types import Record
from evolve.foresight import Trail
from evolve.search import SearchState
from evolve.snapshot import NOT_KEPT, RUN_ID, Snapshots, Stand, code_digest, plain_bytes

RECORDS = 50_000
"""Told records from one snapshot to the next, and so the most that are gone through again."""
_MARKED = 64

_log = logging.getLogger("evolve")


@dataclass
class Parts:
    """All that tickets and records change in a run.

    `shared` is what workers know, names in lines and their records; `gate` how many questions the gate was asked, and
    how many programs it let pass.
    """

    search: SearchState
    budget: Budget
    faults: FaultCounter
    counts: Counter[str]
    trail: Trail
    shared: tuple[str, array[int]]
    gate: tuple[int, int] = (0, 0)


class Keeper:
    """The snapshots of one run. `parts` gives what is to be kept, as it stands now."""

    def __init__(self, archive: Archive, run_id: str, snapshots: Snapshots, parts: Callable[[], Parts]) -> None:
        self._archive = archive
        self._run_id = run_id
        self._snapshots: Snapshots | None = snapshots
        self._parts = parts
        self._last = 0

    @cached_property
    def _origin(self) -> str:
        # Most runs are short and need none.
        return origin(self._parts().search)

    def recall(self, order: Sequence[int]) -> Parts | None:
        """What the latest snapshot holds that fits the archive's records, whose tickets are `order`; None for none."""
        tickets = np.asarray(order, dtype=np.int64)

        def fits(stand: Stand) -> bool:
            done = len(tickets) >= stand.settled and np.count_nonzero(tickets < stand.asked) == stand.asked
            if not done or stand.origin != self._origin:
                return False
            return stand.mark == self._mark(self._durable(_first(stand.told), stand.settled))

        found = self._snapshots.load(fits) if self._snapshots else None
        if found is None or not isinstance(found[1], Parts):
            return None
        self._last = found[0].told
        return found[1]

    def __call__(self, told: int) -> None:
        """Take a snapshot where one is due with so many told records: see `run_loop`."""
        if self._snapshots is None or told - self._last < RECORDS:
            return
        self._last = told
        parts = self._parts()
        search = parts.search
        try:
            # What has settled may still be lost on its way to the disk, and be done once more.
            untold = (search.untold[number] for number in range(told, search.settled))
            mark = self._mark(chain(self._durable(_first(told), told), untold))
            stand = Stand(self._origin, mark, search.asked, search.settled, told)
            self._snapshots.save(stand, parts)
        except NOT_KEPT as error:
            _log.warning("no snapshots of run %s: %s; to resume it takes longer", self._run_id, error)
            self._snapshots = None

    def _durable(self, first: int, end: int) -> Iterator[Record]:
        return islice(self._archive.records(self._run_id, first), end - first)

    def _mark(self, records: Iterable[Record]) -> str:
        digest = blake2b(digest_size=16)
        for record in records:
            digest.update(rows_of(self._run_id, record).encode())
        return digest.hexdigest()


def _first(told: int) -> int:
    """The first of the records by which it is seen whether a snapshot fits."""
    return max(0, told - _MARKED)


def keeper_of(archive: Archive, run_id: str, config: RunConfig, parts: Callable[[], Parts]) -> Keeper | None:
    """Who takes the snapshots of a run. None for runs with models, which are never so long, for policies of others,
    whose code may change and nobody would see it, and for runs whose names no program gave."""
    folder = snapshots_folder()
    if folder is None or config.models or not RUN_ID.fullmatch(run_id) or not is_shipped(config.policy):
        return None
    return Keeper(archive, run_id, Snapshots(folder, run_id), parts) if code_digest() else None


def rows_of(run_id: str, record: Record) -> str:
    """A record as the archive has it, whichever way it came."""
    rows = [codec.record_row(run_id, record), *codec.result_rows(run_id, record), *codec.gate_rows(run_id, record)]
    source = codec.packed_source(record.candidate.source) if record.candidate else ""
    return repr((*rows, codec.ticket_row(run_id, record.ticket), source))


def origin(search: SearchState) -> str:
    """Digest of what decides a search's state beside its records: this code, the problem's rules, and the settings but
    for the limits of the budget. Of these the policy may know the evaluations: then they count."""
    config = replace(search.config, evaluations=0.0, proposals=0, usd=None, tokens=None, patience=None).to_json()
    limits = search.config.evaluations if _minds_budget(search) else None
    stands = (code_digest(), json.dumps(config, sort_keys=True), limits, search.rules, sorted(search.starts.items()))
    return blake2b(repr(stands).encode(), digest_size=16).hexdigest()


def _minds_budget(search: SearchState) -> bool:
    """Whether the policy is another one from the beginning where the budget is."""
    mine = search.terms
    other = replace(mine, evaluations=1e4 if mine.evaluations != 1e4 else 2e4)
    made = [make_policy(search.config.policy, terms) for terms in (mine, other)]
    try:
        return plain_bytes(made[0]) != plain_bytes(made[1])
    except NOT_KEPT:
        return True
