"""The verifier's own process: it holds the instances and their truth, and answers questions about outputs.

Started by `evaluators.verifier_process` with an empty environment, under a memory limit, without keys or database.
Every answer is plain data: whatever a hostile output does to the verifier, it can not reach the host but as a frame.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import traceback
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

from evaluators.live_session import LiveSession, Stopped, Usage
from evaluators.outage import of_the_sandbox
from evaluators.verifier import load_verifier
from evolve.core.errors import EvolveError, Invalid, ProblemError
from evolve.core.types import Instance, Score, Source, Split, Status
from sandbox import wire
from sandbox.base import Reply, Sandbox
from sandbox.limits import Limits

MAX_TRACEBACK = 4000
_OWN = ("version", "seeds", "sandbox", "parameters")


class VerifierWorker:
    """One verifier with its instances. Methods are the questions; see `evaluators.verifier.Verifier`.

    `sandbox` names where programs are replayed, as `sandbox.backends.read` takes it; `parameters` go to `instances`.
    """

    def __init__(
        self,
        folder: Path,
        version: str,
        seeds: Mapping[str, int],
        sandbox: str,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        self.verifier = load_verifier(folder, parameters)
        self.version = version
        self.seeds = dict(seeds)
        self.sandbox = sandbox
        self._sandboxes: dict[tuple[str, ...], Sandbox] = {}
        self._splits: dict[str, dict[str, Instance]] = {}

    def draw(self, split: str, seed: int) -> None:
        """The split's instances are those of another seed from now on."""
        self.seeds[split] = seed
        self._splits.pop(split, None)

    def instances(self, split: str) -> list[Any]:
        """[evaluation set, [id, group, args] of each instance]: their truth stays here."""
        found = list(self._split(split).values())
        return [self._evaluation_set(split, found), [[one.id, one.group, tuple(one.args)] for one in found]]

    def score(self, split: str, instance_id: str, output: bytes) -> list[Any]:
        """[value, metrics, feedback] of an output. Raises Invalid."""
        return _plain(self.verifier.score(self._split(split)[instance_id], _decoded(output)))

    def floor(self, split: str, instance_id: str) -> list[Any] | None:
        """The physical minimum of an instance, or None where the problem knows none."""
        floor = getattr(self.verifier, "floor", None)
        return None if floor is None else _plain(floor(self._split(split)[instance_id]))

    def truth_in_args(self, split: str) -> bool:
        """Whether each instance has a truth and shows it among its arguments."""
        found = list(self._split(split).values())
        return all(one.truth is not None and _holds(one.args, _content(one.truth)) for one in found)

    def spliced(self, split: str, instance_id: str, other: str, share: float) -> tuple[Any, ...]:
        """Arguments of an instance that goes on as another one after `share` of it."""
        return tuple(self._spliced(split, instance_id, other, share).args)

    def same_decisions(self, split: str, instance_id: str, other: str, share: float, outputs: list[bytes]) -> bool:
        """Whether both outputs, of the instance and of the spliced one, decide alike within the shared part."""
        instance = self._split(split)[instance_id]
        first = self.verifier.decisions(instance, _decoded(outputs[0]), share)
        spliced = self._spliced(split, instance_id, other, share)
        return bool(first == self.verifier.decisions(spliced, _decoded(outputs[1]), share))

    def play(self, split: str, instance_id: str, program: list[Any]) -> list[Any]:
        """[score, digest of the output] of a strict replay; see `_played` for the `program`."""
        output, _ = self._played(split, instance_id, program)
        return [_plain(self.verifier.score(self._split(split)[instance_id], output)), output_digest(output)]

    def interact(self, split: str, instance_id: str, program: list[Any]) -> list[Any]:
        """[output as a frame, what the program used] of an instance of an interactive problem; see `_played`.

        What `play` refuses, and a log of answers that can not be held, is the program's doing: raises Stopped.
        """
        output, usage = self._played(split, instance_id, program, refusals=True)
        try:
            frame = wire.encode(output)
        except (wire.WireError, MemoryError) as error:
            raise Stopped(usage.of(Reply(Status.INVALID, error=f"answers that can not be kept: {error}"))) from None
        return [frame, [usage.cpu_seconds, usage.wall_seconds, usage.busy_seconds, usage.peak_bytes]]

    def _played(self, split: str, instance_id: str, program: list[Any], refusals: bool = False) -> tuple[Any, Usage]:
        """The log of a program that is asked one question at a time.

        `program` is [files, entry, driver, limits, packages, seed]. With `refusals` an answer that is refused ends the
        program with what it used so far.
        """
        if not callable(getattr(self.verifier, "play", None)):
            raise ProblemError("verifier.py has no function play", "Let play(session, instance) ask the questions.")
        files, entry, driver, limits, packages, seed = program
        sandbox = self._sandbox(tuple(packages))
        source, bounds = Source(files, entry), Limits(**limits)
        session = LiveSession(lambda: sandbox.open(source, bounds, driver=driver, seed=seed), bounds)
        try:
            return self.verifier.play(session, self._split(split)[instance_id]), session.usage
        except (Invalid, MemoryError) as error:
            if not refusals:
                raise
            text = str(error) if isinstance(error, Invalid) else "answers that can not be held"
            raise Stopped(session.usage.of(Reply(Status.INVALID, error=text))) from None
        finally:
            session.close()

    def close(self) -> None:
        """Gives back what sandboxes keep."""
        for sandbox in self._sandboxes.values():
            sandbox.close()

    def _sandbox(self, packages: tuple[str, ...]) -> Sandbox:
        from sandbox import backends

        if packages not in self._sandboxes:
            with of_the_sandbox():
                self._sandboxes[packages] = backends.create(backends.read(self.sandbox), packages)
        return self._sandboxes[packages]

    def _split(self, split: str) -> dict[str, Instance]:
        if split not in self._splits:
            found = list(self.verifier.instances(Split(split), self.seeds[split]))
            self._splits[split] = {one.id: one for one in found}
            if len(self._splits[split]) != len(found):
                raise ValueError(f"instances() of {split} gives two instances the same id")
        return self._splits[split]

    def _spliced(self, split: str, instance_id: str, other: str, share: float) -> Instance:
        instances = self._split(split)
        spliced: Instance = self.verifier.spliced(instances[instance_id], instances[other], share)
        return spliced

    def _evaluation_set(self, split: str, instances: list[Instance]) -> str:
        """BLAKE2b-128 of problem version, split, seed and the content of args and truth."""
        digest = blake2b(f"{self.version}|{split}|{self.seeds[split]}".encode(), digest_size=16)
        for one in instances:
            digest.update(f"|{one.id}|{one.group}|".encode())
            for part in (tuple(one.args), one.truth):
                try:
                    digest.update(wire.encode(part))
                except wire.WireError:  # truth may be anything; args are checked when they are sent
                    digest.update(repr(part).encode())
        return digest.hexdigest()


def _content(value: Any) -> bytes:
    """A value as bytes, for comparing; what is no plain data by what it says of itself."""
    try:
        return wire.encode(value)
    except wire.WireError:
        return repr(value).encode("utf-8", "backslashreplace")


def _holds(value: Any, wanted: bytes) -> bool:
    """Whether a value, or one anywhere within it, has that content."""
    if _content(value) == wanted:
        return True
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return any(_holds(part, wanted) for part in parts)


def _decoded(output: bytes) -> Any:
    """A program's output. What can not be held is the program's doing. Raises Invalid."""
    try:
        return wire.decode(output)
    except (wire.WireError, MemoryError) as error:
        raise Invalid(f"an output that can not be read: {error}") from None


def output_digest(output: Any) -> bytes:
    """BLAKE2b-128 of an output: equal for equal outputs, and no way to carry one. Raises Invalid."""
    try:
        return blake2b(wire.encode(output), digest_size=16).digest()
    except wire.WireError as error:
        raise Invalid(f"an output that is not plain data: {error}") from None


def _plain(score: Score) -> list[Any]:
    metrics = {str(name): float(value) for name, value in score.metrics.items()}
    return [float(score.value), metrics, str(score.feedback)]


def answer(worker: VerifierWorker, folder: Path, request: list[Any]) -> list[Any]:
    """["ok", value], ["invalid", why], ["stopped", status, why, died, ...], ["error", ...] or ["fault", ...]."""
    name, *args = request
    work: Callable[..., Any] = getattr(worker, name)
    try:
        return ["ok", work(*args)]
    except Invalid as error:
        return ["invalid", str(error)]
    except Stopped as error:
        reply = error.reply
        used = [reply.cpu_seconds, reply.wall_seconds, reply.peak_bytes, reply.output]
        return ["stopped", reply.status.value, reply.error, reply.died, *used]
    except EvolveError as error:
        return ["error", type(error).__name__, error.message, error.remedy]
    except Exception as error:
        return ["fault", *describe_fault(error, folder)]


def describe_fault(error: BaseException, folder: Path) -> tuple[str, str]:
    """(file:line in the problem's folder, traceback without the folder's path)."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).parent == folder]
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "verifier.py:0"
    lines = [*traceback.format_list(frames), *traceback.format_exception_only(error)]
    return place, "".join(lines).replace(f"{folder}/", "")[-MAX_TRACEBACK:]


def main(arguments: list[str]) -> None:
    """Serve questions on standard input until it closes; argv is the settings as JSON."""
    settings = json.loads(arguments[0])
    resource.setrlimit(resource.RLIMIT_AS, (settings["memory_bytes"],) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    read_fd, write_fd = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what a verifier prints must not look like an answer
    folder = Path(settings["folder"])
    worker: VerifierWorker | None = None
    with os.fdopen(read_fd, "rb") as requests, os.fdopen(write_fd, "wb") as answers:
        while header := requests.read(8):
            try:
                request = wire.decode(requests.read(int.from_bytes(header, "big")))
                worker = worker or VerifierWorker(folder, *(settings[key] for key in _OWN))
                reply = answer(worker, folder, request)
            except EvolveError as error:
                reply = ["error", type(error).__name__, error.message, error.remedy]
            try:
                payload = wire.encode(reply)
            except wire.WireError as error:
                payload = wire.encode(
                    ["fault", "verifier.py:0", f"the answer to {request[0]} is not plain data: {error}"]
                )
            answers.write(len(payload).to_bytes(8, "big") + payload)
            answers.flush()
    if worker is not None:
        worker.close()


if __name__ == "__main__":
    main(sys.argv[1:])
