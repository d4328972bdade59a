"""Which runs a comparison is made of, how each is begun, and how those that exist already are found again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archive.policies import check_policy
from archive.rows import RunRow, RunStatus
from evolve.bandit import RULES
from evolve.core.config import RunConfig
from evolve.core.errors import UsageError

if TYPE_CHECKING:
    from archive.store import Archive

TAG = "comparison"
"""Where a run's stored configuration holds the id of the comparison that it was made for."""
BANDIT = "@"
"""Between a policy and the rule by which models are chosen, as in clade@uniform."""
_PACKAGES = ("archive", "evaluators", "evolve", "sandbox")
_PARTS = "*.py"


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of a comparison: a policy with its options, and maybe a bandit's rule, and the run's seed."""

    policy: str
    seed: int


@dataclass(frozen=True)
class Plan:
    """Trials, and what all of them share.

    `id` is that of the comparison (see `comparison_id`). `place` is the problem as `evolve.problem.load` takes it,
    `version` its version, `config` the settings but for policy and seed. `arguments` are what `evolve.run` gets
    besides: the archive, the sandbox, models.
    """

    id: str
    place: str
    version: str
    policies: tuple[str, ...]
    seeds: tuple[int, ...]
    config: RunConfig
    arguments: Mapping[str, Any]

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Seed by seed, so that what is done at any time is a comparison with fewer seeds."""
        return tuple(Trial(policy, seed) for seed in self.seeds for policy in self.policies)

    def beginning(self, trial: Trial) -> dict[str, Any]:
        """The arguments of `evolve.run` for a new trial. What arms may share or must not is decided here."""
        config = self.config
        policy, _, bandit = trial.policy.partition(BANDIT)
        return {
            **self.arguments,
            "problem": self.place,
            "evaluations": config.evaluations,
            "proposals": config.proposals,
            "usd": config.usd,
            "window": config.window,
            "start": config.start,
            "policy": policy,
            "bandit": bandit or None,
            "seed": trial.seed,
            "tags": {TAG: self.id},
        }

    def resuming(self, run_id: str) -> dict[str, Any]:
        """The arguments of `evolve.run` for a trial that goes on."""
        own = ("archive", "sandbox")
        return {**{key: self.arguments[key] for key in own}, "problem": self.place, "resume": run_id}


def comparison_id(version: str, config: RunConfig) -> str:
    """BLAKE2b-64 of all that decides a trial's course but its policy and seed, Evolve's own code included.

    More policies or seeds are the same comparison: it goes on with the runs that exist.
    """
    settings = replace(config, policy="", seed=0).to_json()
    text = json.dumps([version, settings, code_digest()], sort_keys=True)
    return blake2b(text.encode(), digest_size=8).hexdigest()


def found(archive: Archive, plan: Plan) -> dict[Trial, RunRow]:
    """The runs of a comparison that the archive holds; of two for one trial the one that has ended, else the first."""
    rows = (row for row in archive.runs_of(plan.version) if row.config.get(TAG) == plan.id)
    return by_trial(rows, rule_of(plan.config.models))


def by_trial(rows: Iterable[RunRow], rule: str | None) -> dict[Trial, RunRow]:
    """Runs of one comparison by trial, in the order given; `rule` is that of the bandit which no arm names."""
    runs: dict[Trial, RunRow] = {}
    for row in rows:
        trial = Trial(_arm(row.config, rule), row.run_seed)
        if trial not in runs or (row.status is RunStatus.ENDED and runs[trial].status is not RunStatus.ENDED):
            runs[trial] = row
    return runs


def rule_of(models: Mapping[str, Any] | None) -> str | None:
    """By which rule models are chosen; None where there are none."""
    return models["bandit"] if models else None


def _arm(made: Mapping[str, Any], rule: str | None) -> str:
    """A policy, with the bandit's rule where that is not the one of the settings."""
    own = rule_of(made.get("models"))
    return str(made["policy"]) if rule is None or own == rule else f"{made['policy']}{BANDIT}{own}"


def is_done(row: RunRow | None) -> bool:
    """Whether a trial's run has come to its end."""
    return row is not None and row.status is RunStatus.ENDED and row.stop_reason != "interrupted"


def split_policies(texts: Iterable[str]) -> tuple[str, ...]:
    """Policies from "a,b:x=1,y=2,c": a part like y=2 is another option of the policy before it.

    Raises:
        UsageError: fewer than two, one twice, or one that there is not.
    """
    names: list[str] = []
    for part in (part.strip() for text in texts for part in text.split(",")):
        if names and "=" in part and ":" not in part.partition("=")[0]:
            names[-1] += f",{part}"
        elif part:
            names.append(part)
    checked = tuple(map(_checked, names))
    if twice := next((name for name in checked if checked.count(name) > 1), None):
        raise UsageError(f"the policy {twice} is named twice", "Name each policy once.")
    if len(checked) < 2:
        raise UsageError("a comparison needs two policies", "Name them: --policies independent,hill,clade")
    return checked


def _checked(arm: str) -> str:
    policy, mark, rule = arm.partition(BANDIT)
    if mark and rule not in RULES:
        raise UsageError(f"{arm}: a bandit has no rule {rule!r}", f"Choose one of {', '.join(RULES)}.")
    return check_policy(policy) + mark + rule


def chosen_control(control: str | None, policies: Sequence[str]) -> str:
    """The policy that all others are compared with: as given, else the first. Raises UsageError for another one."""
    if control is not None and control not in policies:
        raise UsageError(f"the control {control} is none of the policies", f"Choose one of {', '.join(policies)}.")
    return control or policies[0]


def code_digest() -> str:
    """BLAKE2b-128 of Evolve's own modules: runs that other code made are not compared."""
    digest = blake2b(digest_size=16)
    for package in _PACKAGES:
        spec = find_spec(package)
        for place in spec.submodule_search_locations or () if spec else ():
            for path in sorted(Path(place).rglob(_PARTS)):
                digest.update(f"{package}/{path.relative_to(place)}\0".encode() + path.read_bytes())
    return digest.hexdigest()
