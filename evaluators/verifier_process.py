"""The host's end of the verifier's own process: ask, wait no longer than the limit, start it anew where it died."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evolve.core import errors
from evolve.core.clock import monotonic_seconds
from evolve.core.errors import EvolveError, InfrastructureError, Invalid, ProblemError
from evolve.core.rng import derive_seed
from evolve.core.types import Instance, Score, Source, Split, Status
from sandbox import procfs, wire
from sandbox.base import Reply
from sandbox.limits import MEBIBYTE, Limits
from sandbox.shortage import shortage

# What the interpreter and a problem's data may need; keys and database addresses are not among them.
_OF_THE_SYSTEM = ("PATH", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "EVOLVE_DATA", "VIRTUAL_ENV", "SYSTEMROOT")
_OF_THE_SANDBOX = ("DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "XDG_RUNTIME_DIR")
ENVIRONMENT = (*_OF_THE_SYSTEM, *_OF_THE_SANDBOX)

# Places of faults that are in no file.
TIME_OUT, DEATH = "time-out", "death"
MAX_WORDS = 4096
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class VerifierFault(Exception):
    """The verifier itself failed: `place` is the file and line, the text its traceback or what else happened."""

    def __init__(self, place: str, text: str) -> None:
        super().__init__(text)
        self.place = place


class ProgramStopped(Exception):
    """A program ended the questions put to it: `reply` says how. `died`: its process is gone without an answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.error)
        self.reply = reply
        self.status = reply.status
        self.died = reply.died


@dataclass(frozen=True, slots=True)
class Played:
    """How an instance of an interactive problem was played: what `play` returned, and what the program used.

    `busy_seconds` is the time that counts where programs are timed; see `evaluators.live_session.Usage`.
    """

    output: Any
    cpu_seconds: float
    wall_seconds: float
    busy_seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class VerifierSettings:
    """Which verifier to start, and what one question may cost: wall seconds, and memory of the process in bytes.

    `hash_seed` orders its sets: a verifier must not depend on it. `sandbox` is where it plays and replays programs, as
    `sandbox.backends.read` takes it, with these `packages`. `parameters` are what its `instances` gets besides: the
    size of a profile.
    """

    folder: Path
    version: str
    seeds: Mapping[str, int]
    wall_seconds: float = 300.0
    memory_bytes: int = 4096 * MEBIBYTE
    hash_seed: int = 0
    sandbox: str = "bubblewrap"
    packages: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)


class VerifierProcess:
    """One verifier in one process of its own. Not thread-safe; one per evaluation slot.

    Questions raise Invalid (the output breaks a rule), VerifierFault (the verifier's own exception, time-out or
    death), the verifier's own EvolveErrors, and InfrastructureError where this machine can start no process now. The
    process is started at the first question.
    """

    def __init__(self, settings: VerifierSettings) -> None:
        self.settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._splits: dict[Split, tuple[str, tuple[Instance, ...]]] = {}
        self._seeds = dict(settings.seeds)

    def draw(self, split: Split, number: int) -> None:
        """Have the split's instances drawn anew, the `number`-th time: 0 is the problem's own draw."""
        own = self.settings.seeds[split.value]
        seed = derive_seed(own, number) if number else own
        if seed != self._seeds[split.value]:
            self._seeds[split.value] = seed
            self._splits.pop(split, None)
            if self._process is not None:
                self._ask("draw", split.value, seed)

    def instances(self, split: Split) -> tuple[Instance, ...]:
        """Instances of a split, without their truth. Raises ProblemError where there is none, or two share an id."""
        return self._load(split)[1]

    def evaluation_set(self, split: Split) -> str:
        """BLAKE2b-128 of problem version, split, seed and content."""
        return self._load(split)[0]

    def score(self, split: Split, instance_id: str, output: Any) -> Score:
        """The verifier's reading of an output."""
        return Score(*self._ask("score", split.value, instance_id, wire.encode(output)))

    def floor(self, split: Split, instance_id: str) -> Score | None:
        """The physical minimum of an instance, where the problem knows one."""
        found = self._ask("floor", split.value, instance_id)
        return None if found is None else Score(*found)

    def truth_in_args(self, split: Split) -> bool:
        """Whether the truth of every instance stands somewhere among its arguments, where programs can read it."""
        return bool(self._ask("truth_in_args", split.value))

    def spliced(self, split: Split, instance_id: str, other: str, share: float) -> tuple[Any, ...]:
        """Arguments of the instance that goes on as `other` after `share` of its length."""
        spliced: tuple[Any, ...] = self._ask("spliced", split.value, instance_id, other, share)
        return spliced

    def same_decisions(self, split: Split, instance_id: str, other: str, share: float, outputs: list[Any]) -> bool:
        """Whether two outputs, of the instance and of the spliced one, decide alike within the shared part."""
        encoded = [wire.encode(output) for output in outputs]
        return bool(self._ask("same_decisions", split.value, instance_id, other, share, encoded))

    def play(
        self, split: Split, instance_id: str, source: Source, driver: str | None, limits: Limits
    ) -> tuple[Score, bytes]:
        """Score and digest of the output of a strict replay, one question at a time. Raises ProgramStopped too."""
        score, digest = self._ask("play", split.value, instance_id, self._program(source, driver, limits))
        return Score(*score), digest

    def interact(
        self, split: Split, instance_id: str, source: Source, driver: str | None, limits: Limits, seed: int = 0
    ) -> Played:
        """An instance of an interactive problem, played by a program whose random state `seed` fixes.

        Raises ProgramStopped too.
        """
        program = self._program(source, driver, limits, seed)
        frame, (cpu, wall, busy, peak) = self._ask("interact", split.value, instance_id, program)
        try:
            return Played(wire.decode(frame), cpu, wall, busy, peak)
        except (wire.WireError, MemoryError) as error:
            raise Invalid(f"answers that can not be read: {error}") from None

    def _program(self, source: Source, driver: str | None, limits: Limits, seed: int = 0) -> list[Any]:
        packages = list(self.settings.packages)
        return [dict(source.files), source.entry, driver, limits.to_json(), packages, seed]

    def peak_bytes(self) -> int:
        """The most memory that the process has had resident; 0 while there is none."""
        status = procfs.read(f"/proc/{self._process.pid}/status") if self._process else b""
        return procfs.status(status).get("VmHWM", 0)

    def close(self, seconds: float = 0.0) -> None:
        """Kill the process and, with it, whatever sandbox it has open; one that is idle may end by itself before."""
        process, self._process = self._process, None
        if process is None:
            return
        if seconds and process.stdin is not None:
            with suppress(OSError, subprocess.TimeoutExpired):
                process.stdin.close()
                process.wait(seconds)
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def _load(self, split: Split) -> tuple[str, tuple[Instance, ...]]:
        if split not in self._splits:
            try:
                name, found = self._ask("instances", split.value)
            except (Invalid, VerifierFault) as error:
                place = error.place if isinstance(error, VerifierFault) else "verifier.py"
                message = f"the verifier can not make the instances of {split}, at {place}:\n{error}"
                raise ProblemError(message, f"Mend instances() in {self.settings.folder}.") from None
            if not found:
                raise ProblemError(f"the verifier yields no instance for {split}", "Make instances() yield some.")
            self._splits[split] = (name, tuple(Instance(*one) for one in found))
        return self._splits[split]

    def _ask(self, *request: Any) -> Any:
        payload = wire.encode(list(request))
        reply = self._exchange(payload)
        match reply:
            case ["ok", value]:
                return value
            case ["invalid", why]:
                raise Invalid(_clean(why))
            case ["stopped", status, why, died, cpu, wall, peak, printed]:
                raise ProgramStopped(Reply(Status(status), None, _clean(why), died, cpu, wall, peak, printed))
            case ["error", kind, message, remedy]:
                known = getattr(errors, kind, EvolveError)
                raise known(message, remedy) if issubclass(known, EvolveError) else EvolveError(message, remedy)
            case ["fault", place, text]:
                raise VerifierFault(place, text)
        raise InfrastructureError("the verifier's process answered nonsense", "This is a fault of Evolve.")

    def _exchange(self, payload: bytes) -> Any:
        process = self._process or self._start()
        if process.stdin is None or process.stdout is None:
            raise InfrastructureError("the verifier's process has no pipes", "This is a fault of Evolve.")
        deadline = monotonic_seconds() + self.settings.wall_seconds
        try:
            process.stdin.write(len(payload).to_bytes(8, "big") + payload)
            process.stdin.flush()
            header = _read(process.stdout.fileno(), 8, deadline)
            return wire.decode(_read(process.stdout.fileno(), int.from_bytes(header, "big"), deadline))
        except TimeoutError:
            self.close()
            raise VerifierFault(TIME_OUT, f"no answer within {self.settings.wall_seconds:g} s") from None
        except (EOFError, BrokenPipeError):
            code = process.wait()
            self.close()
            raise VerifierFault(DEATH, f"the verifier's process ended with status {code}") from None

    def _start(self) -> subprocess.Popen[bytes]:
        settings = self.settings
        stored = {
            "folder": str(settings.folder),
            "version": settings.version,
            "seeds": self._seeds,
            "memory_bytes": settings.memory_bytes,
            "sandbox": settings.sandbox,
            "parameters": dict(settings.parameters),
        }
        environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
        environment |= {"OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": str(settings.hash_seed)}
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        # Its pipes are its standard input and output, which the worker moves out of the verifier's way.
        command = [sys.executable, "-P", "-m", "evaluators.verifier_worker", json.dumps(stored)]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True
            )
        except OSError as error:
            raise shortage("the verifier's process could not be started", error) or error from None
        return self._process


def _clean(text: str) -> str:
    """What a verifier says may quote what a program returned: no control characters, and not without end."""
    return _CONTROL.sub("", text[:MAX_WORDS])


def _read(descriptor: int, size: int, deadline: float) -> bytes:
    """Exactly `size` bytes. Raises TimeoutError at the deadline and EOFError where the other end is gone."""
    parts: list[bytes] = []
    while size:
        left = deadline - monotonic_seconds()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            raise TimeoutError
        part = os.read(descriptor, min(size, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
