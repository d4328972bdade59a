"""What is known of functions: kept beside records by both databases, and taken along to another archive."""

from __future__ import annotations

from pathlib import Path

from conftest import build_record

from archive import moving
from archive.equivalence import Kind, Learned
from archive.store import Archive
from evolve.core.keys import Keys


def _row(kind: Kind, name: str, **more: object) -> Learned:
    return Learned(kind, Keys(f"f{name}", f"e{name}"), "set", **more)  # type: ignore[arg-type]


def _write(where: str) -> tuple[str, str]:
    """Two runs: the second took over what the first computed, and refuted one of it."""
    with Archive.open(where) as archive:
        ids = []
        for config in ({"first": 1}, {"second": 2}):
            ids.append(archive.begin_run(problem="p", problem_version="v", config=config, run_seed=1))
            for number, name in enumerate("abc"):
                shared = {"origin_run": ids[0], "origin": number, "saved": 1.0, "seconds": 2.0}
                late = _row(Kind.REFUTED, "b", about=1, origin=1, saved=-1.0, seconds=-2.0)
                rows = [_row(Kind.COMPUTED, name)] if len(ids) == 1 else [_row(Kind.SHARED, name, **shared)]
                record = build_record(number)
                archive.journal(ids[-1], record.ticket)
                archive.commit(ids[-1], record, [*rows, late] if len(ids) == 2 and name == "c" else rows)
            archive.end_run(ids[-1], "budget", 1.0)
    return ids[0], ids[1]


def test_scores_are_found_by_key_in_both_databases_and_after_a_move(where: str, tmp_path: Path) -> None:
    first, second = _write(where)
    with Archive.open(where) as archive:
        assert archive.computed("set", "none") == {"ea": (first, 0), "ec": (first, 2)}, "what was refuted is retired"
        assert archive.computed("set", first) == {} == archive.computed("another set", "none")
        assert archive.computed("set", "none", retire_after=1) == {}
        saved = archive.savings(second)
        assert (saved.programs, saved.hits, saved.shared, saved.refuted) == (3, 3, 3, 1)
        assert (saved.evaluations, saved.seconds, saved.rate) == (2.0, 4.0, 1.0)
        secret, learned = archive.equivalence_secret(), list(archive.learned(second))
        assert archive.equivalence_secret() == secret and len(secret) == 32
    moving.merge(where, tmp_path / "merged.db", lambda what, done, total: None)
    moving.export(where, tmp_path / "file.gz", lambda what, done, total: None)
    moving.bring_in(tmp_path / "file.gz", tmp_path / "imported.db", lambda what, done, total: None)
    for place in ("merged.db", "imported.db"):
        with Archive.open(tmp_path / place) as archive:
            assert archive.computed("set", "none") == {"ea": (first, 0), "ec": (first, 2)}
            assert archive.savings(second) == saved and list(archive.learned(second)) == learned
            assert archive.equivalence_secret() != secret, "it never leaves its archive"
