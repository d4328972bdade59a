"""Whether requests and evaluations overlap: mean requests in flight, and this process's own processor time a candidate.

A server in a process of its own answers every request after two seconds, each time with another program. 16 requests
may be in flight. Targets: 15 in flight on average, at most 5 ms of processor time a candidate. What litellm takes of
that is measured in the same process and at the same pace: bare requests of the same length, one after the other in each
slot. A machine that is idle in between runs everything from cold caches, so compare figures of one run only.

Usage: python benchmarks/model_throughput.py [CANDIDATES]
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import statistics
import sys
import tempfile
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

SECONDS, SLOTS = 2.0, 16
MODEL, ROUNDS = "hosted_vllm/steady", 4

SETTINGS = f"""
[models.steady]
model = "{MODEL}"
concurrency = {SLOTS}
input_usd_per_million = 0.0
output_usd_per_million = 0.0
"""
PROBLEM = """
name = "steady"
title = "Steady"
entry = "solve"
evidence = "sampled"
sandbox = "bubblewrap"
isolation = "stage"
[[objectives]]
metric = "right"
direction = "maximize"
"""
VERIFIER = """
from evolve.core.types import Instance, Score
def instances(split, seed):
    yield Instance(f"{split}-0", "one", (seed,))
def score(instance, output):
    return Score(float(output % 1000), {"right": float(output % 1000)}, "")
"""
SEED = "# EVOLVE-BLOCK-START\ndef solve(x):\n    return 1\n# EVOLVE-BLOCK-END\n"


def serve(pipe: Connection) -> None:
    """The server's process: tells its address, and at the end how many requests it held every tenth of a second."""
    from evolve.proposers.llm.scripted import Scripted, ScriptedModel

    lock, turn = threading.Lock(), [0]

    def answer(request: dict[str, object]) -> Scripted:
        with lock:
            turn[0] += 1
            number = turn[0]
        text = f"Idea: number {number % 40}: another one\n```python\ndef solve(x):\n    return {number * 7919}\n```"
        return Scripted(text, delay_seconds=SECONDS)

    with ScriptedModel(answer) as model:
        pipe.send(model.url)
        held = []
        while not pipe.poll(0.1):
            held.append(model._now)
        pipe.recv()
        pipe.send(held)
        pipe.recv()  # serves until then


async def bare(url: str, characters: int) -> float:
    """Processor seconds that litellm takes for a request with so many characters, in the rhythm of a run."""
    from evolve.proposers.llm.models import import_litellm

    litellm = import_litellm()
    messages = [{"role": "user", "content": "word " * (characters // 5)}]
    given = {
        "model": MODEL,
        "messages": messages,
        "api_base": url,
        "api_key": "none",
        "num_retries": 0,
        "timeout": 60.0,
    }

    async def slot(number: int) -> None:
        await asyncio.sleep(SECONDS * number / SLOTS)
        for _ in range(ROUNDS):
            await litellm.acompletion(**given)

    await slot(0)
    began = time.process_time()
    await asyncio.gather(*map(slot, range(SLOTS)))
    return (time.process_time() - began) / (SLOTS * ROUNDS)


def main() -> None:
    candidates = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    url = ours.recv()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path, text in (("evolve/config.toml", SETTINGS), ("p/problem.toml", PROBLEM), ("p/verifier.py", VERIFIER)):
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(text)
        (folder / "p" / "seed.py").write_text(SEED)
        os.environ["XDG_CONFIG_HOME"] = name
        from archive.store import Archive
        from evolve import run
        from evolve.events import RecordCommitted
        from evolve.proposers.llm.models import import_litellm

        import_litellm()
        marks: list[tuple[float, float, int]] = []

        def hear(event: object) -> None:
            if isinstance(event, RecordCommitted) and event.spending:
                marks.append((time.monotonic(), time.process_time(), event.spending.replies))

        result = run(
            folder / "p",
            model="steady",
            api_base=url,
            evaluations=candidates,
            archive=folder / "a.db",
            final_check=False,
            listener=hear,
            progress=False,
        )
        with Archive.open(folder / "a.db") as archive:
            lengths = [
                sum(len(message["content"]) for message in reply.request["messages"])
                for reply in archive.replies(result.run_id)
            ]
    ours.send(None)
    held = [count for count in ours.recv() if count]  # from the first request to the last
    litellm_seconds = asyncio.run(bare(url, round(statistics.mean(lengths))))
    ours.send(None)
    steady = held[int(0.25 * len(held)) : int(0.75 * len(held))]
    first, last = marks[len(marks) // 4], marks[3 * len(marks) // 4]
    records = 3 * len(marks) // 4 - len(marks) // 4
    replies = last[2] - first[2]
    print(f"records {len(marks)}, replies {marks[-1][2]}, in {marks[-1][0] - marks[0][0]:.1f} s")
    print(f"requests in flight, middle half: mean {statistics.mean(steady):.2f} of {SLOTS} (target 15)")
    own, share = (last[1] - first[1]) / records * 1e3, replies / records
    own, share, theirs_ms = (last[1] - first[1]) / records * 1e3, replies / records, litellm_seconds * 1e3
    print(f"own processor time: {own:.2f} ms a candidate (target 5), {share:.0%} of which are a model's")
    print(f"litellm alone: {theirs_ms:.2f} ms a request at this pace, {theirs_ms * share:.2f} ms a candidate")


if __name__ == "__main__":
    main()
