"""Settings of a run, resolved in one place: command line, environment, problem file, default."""

from __future__ import annotations

import math
import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from evolve.core.errors import UsageError

DEFAULT_ARCHIVE = os.path.join(".evolve", "archive.db")
DEFAULT_POLICY = "clade"
DEFAULT_OUTCOME = "top-quarter"
DEFAULT_WINDOW = 16
DEFAULT_OUTAGE_MINUTES = 30.0
PROPOSALS_PER_EVALUATION = 20
UNSANDBOXED = "none"
OBJECTIVES = "objectives"
"""Key of a run's stored configuration: by what it searched, which the problem's files may not say any more some day."""
EQUIVALENCE_SCOPES = ("off", "again", "run", "archive")
OFFLINE_EQUIVALENCE, MODELS_EQUIVALENCE = "again", "off"
"""The defaults of runs without and with models."""
MOST_TRIES = 10**6


@dataclass(frozen=True, slots=True)
class RunConfig:
    """What decides the course of a run; stored with it. `minutes` and `workers` decide only when it ends.

    `models` is the crew of models as plain data, None for a run without; with models, records are committed in the
    order in which they are done, and that order is journaled. `prompts` is the digest of templates that replace the
    shipped ones, empty where none does. `outcome` is what records say of their parents: see `archive.outcomes`.
    `equivalence` is what programs that compute the same mean for the run (see `Equivalence.course`), None for nothing.
    """

    seed: int
    policy: str
    window: int
    start: str
    evaluations: float
    proposals: int
    usd: float | None = None
    tokens: int | None = None
    patience: float | None = None
    models: Mapping[str, Any] | None = None
    hint: str = ""
    prompts: str = ""
    outcome: str = DEFAULT_OUTCOME
    equivalence: Mapping[str, int] | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data for the archive."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RunConfig:
        """What `to_json` gave; what else is stored with a run is left out."""
        return cls(**{field.name: data[field.name] for field in fields(cls) if field.name in data})


@dataclass(frozen=True, slots=True)
class Equivalence:
    """What becomes of programs that compute the same as one before. "off": nobody looks. "again": the offline proposer
    tries again, and what it ends with is evaluated. "run", "archive": besides, scores are taken over, those of the same
    run or those of all runs in the archive. `retire_after`: one that was taken over so often is computed anew, 0 for
    never. `tries`: how often the offline proposer tries again."""

    scope: str
    retire_after: int = 0
    tries: int = 3

    @property
    def course(self) -> dict[str, int] | None:
        """What of it decides the course of a run."""
        if self.scope == "off":
            return None
        course = {"retire_after": self.retire_after, "tries": self.tries}
        return {**course, "takes": 0} if self.scope == "again" else course


def snapshots_folder() -> Path | None:
    """Where snapshots of long runs are kept on this machine, by EVOLVE_SNAPSHOTS; None where that says "off"."""
    given = os.environ.get("EVOLVE_SNAPSHOTS")
    if given == "off":
        return None
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(given or os.path.join(cache, "evolve-snapshots"))


def default_equivalence(given: str | None, models: bool) -> Equivalence:
    """What `--equivalence` says, else the default of a run with models or without. Raises UsageError."""
    return read_equivalence(given or (MODELS_EQUIVALENCE if models else OFFLINE_EQUIVALENCE))


def read_equivalence(text: str) -> Equivalence:
    """What `--equivalence` says, such as "run" or "archive:retire_after=50,tries=0". Raises UsageError."""
    scope, _, given = text.partition(":")
    remedy = 'Write off, again, run or archive, or more: "archive:retire_after=50,tries=0".'
    if scope not in EQUIVALENCE_SCOPES:
        raise UsageError(f"--equivalence {text}: there is no {scope!r}", remedy)
    numbers: dict[str, int] = {}
    for part in filter(None, given.split(",")):
        name, _, number = part.partition("=")
        if name not in ("retire_after", "tries") or not number.isdecimal() or int(number) > MOST_TRIES:
            raise UsageError(f"--equivalence {text}: {part!r} is not understood", remedy)
        numbers[name] = int(number)
    return Equivalence(scope, **numbers)


def hour_usd() -> float | None:
    """What an hour of one core costs in dollars, by EVOLVE_HOUR_USD; None where nobody said so.

    Raises UsageError where that is no price.
    """
    given = os.environ.get("EVOLVE_HOUR_USD")
    if not given:
        return None
    try:
        price = float(given)
    except ValueError:
        price = math.nan
    if not (math.isfinite(price) and price >= 0.0):
        raise UsageError(f"EVOLVE_HOUR_USD is {given!r}, which is no price", "Give the dollars of one core's hour.")
    return price


def default_archive(given: str | None = None) -> str:
    """Where the archive is: as given, else EVOLVE_ARCHIVE, else .evolve/archive.db."""
    return given or os.environ.get("EVOLVE_ARCHIVE") or DEFAULT_ARCHIVE


def chosen_sandbox(given: str | None = None, stored: object = None) -> str | Mapping[str, Any]:
    """Which sandbox programs run in: as given, as `stored` with the run that goes on, else EVOLVE_SANDBOX, else the
    table [sandbox] of the user's settings, else bubblewrap on Linux and Docker elsewhere.

    Raises UsageError where the settings can not be read, or would turn the sandbox off for every run.
    """
    if given:
        return given
    if isinstance(stored, str):
        return stored
    return os.environ.get("EVOLVE_SANDBOX") or _sandbox_of_settings() or default_sandbox()


def source_of_sandbox(given: str | None = None, stored: object = None) -> str:
    """Where `chosen_sandbox` found its answer, in words for an error; empty where it was given or stored."""
    if given or isinstance(stored, str):
        return ""
    return "EVOLVE_SANDBOX" if os.environ.get("EVOLVE_SANDBOX") else str(settings_file())


def default_sandbox() -> str:
    """The sandbox of this system where nobody chooses."""
    return "bubblewrap" if sys.platform.startswith("linux") else "docker"


def settings_file() -> Path:
    """The user's settings: evolve/config.toml under XDG_CONFIG_HOME, or under ~/.config."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "evolve" / "config.toml"


def _sandbox_of_settings() -> str | Mapping[str, Any] | None:
    path = settings_file()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} can not be read: {error}", "Mend the file, or remove it.") from None
    if unknown := sorted(set(table) - {"sandbox", "models"}):
        raise UsageError(f"{path}: unknown key {unknown[0]}", "The file may hold the tables [sandbox] and [models].")
    found = table.get("sandbox")
    if found is None or isinstance(found, str):
        kind: object = (found or "").partition(":")[0]
    elif isinstance(found, dict):
        kind = found.get("type")
    else:
        raise UsageError(f"{path}: sandbox is no table", 'Write [sandbox] and below it type = "docker".')
    if kind == UNSANDBOXED:
        raise UsageError(
            f"{path}: a sandbox is not turned off for all runs", "Take it out, and ask each time: --sandbox none."
        )
    return found


def check_outage(minutes: float) -> float:
    """How many minutes a run waits for a sandbox that is away. Raises UsageError where that is no number from 0 on."""
    if not (math.isfinite(minutes) and minutes >= 0):
        raise UsageError(f"--outage-minutes {minutes} is no time to wait", "Give minutes; 0 waits for nothing.")
    return minutes


def default_proposals(evaluations: float) -> int:
    """How many proposals a run may make where nothing else is said. Zero where `evaluations` is no budget."""
    return int(PROPOSALS_PER_EVALUATION * max(evaluations, 1.0)) if 0 < evaluations < 1e15 else 0


def check_budget(
    evaluations: float,
    proposals: int,
    minutes: float | None,
    usd: float | None = None,
    tokens: int | None = None,
    patience: float | None = None,
) -> None:
    """Raises UsageError where a limit is not a positive number, allows nothing to be done, or patience is no chance."""
    limits = {"evaluations": evaluations, "proposals": proposals, "minutes": minutes, "usd": usd, "tokens": tokens}
    for name, value in limits.items():
        if value is not None and not (math.isfinite(value) and value > 0):
            raise UsageError(f"--{name} {value} is not a budget", f"Give --{name} a positive number.")
    if evaluations < 1 or proposals < 1:
        raise UsageError("the budget allows no evaluation at all", "Give --evaluations and --proposals at least 1.")
    if patience is not None and not 0.0 < patience < 1.0:
        raise UsageError(f"--patience {patience} is not a chance", "Give a number between 0 and 1, such as 0.05.")


def check_workers(workers: int | None, timed: bool = False) -> int:
    """The number of worker processes: as given, else one per available core; one where programs are `timed`."""
    if workers is None and timed:
        return 1  # two comparisons at once would disturb each other
    if workers is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if workers < 1:
        raise UsageError(f"--workers {workers} can do nothing", "Give --workers at least 1.")
    return workers
