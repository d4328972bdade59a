"""Whole runs that a model of 135 million parameters drives: whatever it writes, every reply is accounted for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import smollm

from archive.store import Archive
from evolve.core.types import Record
from evolve.proposers.llm.scripted import ScriptedModel

pytestmark = [pytest.mark.local_llm, pytest.mark.bubblewrap, pytest.mark.timeout(3600)]

PROPOSALS, TOKENS = int(os.environ.get("EVOLVE_PROPOSALS", "100")), 400_000


def command(archive: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "evolve", *arguments, "--archive", str(archive)]


def evolve(archive: Path, *arguments: str) -> str:
    done = subprocess.run(command(archive, *arguments), capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    return done.stdout


def begin(problem: str, model: ScriptedModel) -> list[str]:
    limits = ["--proposals", str(PROPOSALS), "--tokens", str(TOKENS), "--no-final", "--workers", "2"]
    return ["run", problem, "--model", smollm.NAME, "--api-base", model.url, "--yes", *limits]


def records_of(archive: Path) -> list[Record]:
    with Archive.open(archive, create=False) as opened:
        return list(opened.records(opened.run("last").id))


def exported(archive: Path, file: Path) -> list[str]:
    evolve(archive, "export", "last", "--replies", "-o", str(file))
    return file.read_text().splitlines()


def check_accounts(archive: Path, counter: smollm.Counter, lost: int = 0) -> None:
    """Replies, tickets and tokens add up; `lost` answers at the most were on their way when the run was killed."""
    with Archive.open(archive, create=False) as opened:
        run = opened.run("last")
        replies, tickets = list(opened.replies(run.id)), list(opened.tickets(run.id))
        records = list(opened.records(run.id))
    written = [reply.text for reply in replies if reply.text]
    assert written and 0 <= len(counter.answers) - len(written) <= lost
    heard = [answer["choices"][0]["message"]["content"] for answer in counter.answers]
    assert all(text in heard for text in written)
    assert sorted(record.ticket.number for record in records) == [ticket.number for ticket in tickets]
    assert len({reply.id for reply in replies}) == len(replies)
    paid = {reply.id: reply.prompt_tokens + reply.completion_tokens for reply in replies}
    made = [one for record in records if (one := record.candidate or record.failure)]
    assert sorted(name for one in made for name in one.reply_ids) == sorted(paid)
    assert all(one.cost.tokens == sum(paid[name] for name in one.reply_ids) for one in made)
    # A reservation is an estimate: what is in flight may exceed it, and no more.
    assert sum(paid.values()) <= TOKENS + smollm.CONCURRENCY * smollm.CONTEXT_TOKENS
    assert len(records) <= PROPOSALS + sum(ticket.kind == "measure" for ticket in tickets)


def check_replay(archive: Path, model: ScriptedModel, folder: Path) -> None:
    """The commands that read the run work, and a replay of it is the same and asks nobody."""
    run_id = json.loads(evolve(archive, "runs", "--json"))[0]["id"]
    for shown in ("best", run_id):
        assert evolve(archive, "show", shown)
    lines, asked = exported(archive, folder / "run.jsonl"), len(model.requests)
    evolve(archive, "run", "--replay", str(folder / "run.jsonl"), "--replay-strict", "--no-final", "--workers", "1")
    # The first line says how the run ended, and the last one is the digest of all.
    assert exported(archive, folder / "again.jsonl")[1:-1] == lines[1:-1] and len(model.requests) == asked


@pytest.mark.parametrize("problem", ["float32-exp2", "cache-eviction"])
def test_a_run_survives_what_the_model_writes(
    problem: str, model: ScriptedModel, counter: smollm.Counter, tmp_path: Path
) -> None:
    archive = tmp_path / "archive.db"
    evolve(archive, *begin(problem, model))
    check_accounts(archive, counter)
    check_replay(archive, model, tmp_path)


def test_a_run_that_is_killed_goes_on_and_pays_nothing_twice(
    model: ScriptedModel, counter: smollm.Counter, tmp_path: Path
) -> None:
    archive = tmp_path / "archive.db"
    with subprocess.Popen(command(archive, *begin("float32-exp2", model)), stdout=subprocess.DEVNULL) as process:
        while len(counter.answers) < 8 and process.poll() is None:
            time.sleep(0.05)
        process.kill()
    before = len(records_of(archive))
    assert before < PROPOSALS
    evolve(archive, "run", "--resume", "last", "--no-final", "--workers", "2", "--yes")
    assert len(records_of(archive)) > before
    check_accounts(archive, counter, lost=smollm.CONCURRENCY)
    check_replay(archive, model, tmp_path)
