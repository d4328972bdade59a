"""The table [timing] of problem.toml: a score that is a time."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

TIME_RATIO = "time_ratio"
"""The objective of a problem that times its programs: a program's time as a share of the reference's."""

SECOND_EFFECT = 0.05


class TimingSpec(BaseModel):
    """For a score that is a time: programs are timed against a reference, in pairs of fresh processes.

    An objective is then `time_ratio`, the program's time as a share of the reference's; verdicts have
    `time_ratio_low` and `time_ratio_high` too, its 95 % interval. How it is measured is told in
    [statistics.md](statistics.md). As the second objective it is measured of each program that is right on train, and
    the gate compares the first one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    reference: str = Field(default="seed", description="What programs are timed against: `seed`, or a baseline's name.")
    pairs: int = Field(
        default=40,
        ge=4,
        le=1000,
        description="The most pairs that a comparison on train takes, which stops when it is decided; gate and final "
        "take all of them, the gate where the score is a time.",
    )
    batch: int = Field(
        default=10, ge=2, le=1000, description="Pairs between two looks at what is decided; `pairs` is a multiple."
    )
    minimum_effect: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="The least relative difference of times that counts as one, where `time_ratio` is the second "
        "objective; default 0.05. Of a first objective that is the key of this name at the top.",
    )
    instances: int = Field(
        default=0,
        ge=0,
        le=1000,
        description="How many instances of a split are timed, its first ones; 0 for all. Fewer only where `time_ratio` "
        "is the second objective.",
    )

    def effect(self, minimum_effect: float, is_first: bool) -> float:
        """The least difference of times that counts: `minimum_effect`, the problem's, where the score is a time."""
        return minimum_effect if is_first else self.minimum_effect or SECOND_EFFECT

    def check(
        self, in_processes: bool, driven: bool, objectives: Sequence[tuple[str, str]], minimum_effect: float | None
    ) -> None:
        """Whether the rest of the file fits: `minimum_effect` is None where the problem's is missing.

        Raises ValueError with the edit that mends it.
        """
        is_first = objectives[0] == (TIME_RATIO, "minimize")
        if not in_processes:
            raise ValueError("timing is for programs in processes: set sandbox = 'bubblewrap', evidence = 'sampled'")
        if driven:
            raise ValueError("timing has no meaning beside a driver, whose own time would count: take one of them out")
        if (TIME_RATIO, "minimize") not in objectives:
            raise ValueError(f"with timing an objective is metric = '{TIME_RATIO}', direction = 'minimize': add it")
        if is_first and (self.minimum_effect is not None or self.instances):
            raise ValueError("timing.minimum_effect and timing.instances are for a second objective: take them out")
        if is_first and not minimum_effect:
            raise ValueError(
                "minimum_effect is missing or 0: set 0.03, and evolve check says what this machine can tell"
            )
        if self.pairs % self.batch:
            multiple = self.batch * (1 + self.pairs // self.batch)
            raise ValueError(f"timing.pairs must be a multiple of timing.batch, {self.batch}: set {multiple}")
        from evaluators.timing import Plan

        try:
            Plan(self.effect(minimum_effect or 0.0, is_first), batch_pairs=self.batch, most_pairs=self.pairs)
        except ValueError as error:
            raise ValueError(f"timing.pairs: {error}: set 10 or more") from None
