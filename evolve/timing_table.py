"""The table [timing] of problem.toml: a score that is a time."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

TIME_RATIO = "time_ratio"
"""The first objective of a problem whose score is a time: a program's time as a share of the reference's."""


class TimingSpec(BaseModel):
    """For a score that is a time: programs are timed against a reference, in pairs of fresh processes.

    The first objective is then `time_ratio`, the program's time as a share of the reference's; verdicts have
    `time_ratio_low` and `time_ratio_high` too, its 95 % interval. How it is measured is told in
    [statistics.md](statistics.md).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    reference: str = Field(default="seed", description="What programs are timed against: `seed`, or a baseline's name.")
    pairs: int = Field(
        default=40,
        ge=4,
        le=1000,
        description="The most pairs that a comparison on train takes, which stops when it is decided; gate and final "
        "take all of them.",
    )
    batch: int = Field(
        default=10, ge=2, le=1000, description="Pairs between two looks at what is decided; `pairs` is a multiple."
    )

    def check(self, in_processes: bool, driven: bool, first: tuple[str, str], minimum_effect: float | None) -> None:
        """Whether the rest of the file fits: `first` is the first objective, `minimum_effect` None where it is missing.

        Raises ValueError with the edit that mends it.
        """
        if not in_processes:
            raise ValueError("timing is for programs in processes: set sandbox = 'bubblewrap', evidence = 'sampled'")
        if driven:
            raise ValueError("timing has no meaning beside a driver, whose own time would count: take one of them out")
        if first != (TIME_RATIO, "minimize"):
            raise ValueError(f"with timing the first objective is metric = '{TIME_RATIO}', direction = 'minimize'")
        if not minimum_effect:
            raise ValueError(
                "minimum_effect is missing or 0: set 0.03, and evolve check says what this machine can tell"
            )
        if self.pairs % self.batch:
            multiple = self.batch * (1 + self.pairs // self.batch)
            raise ValueError(f"timing.pairs must be a multiple of timing.batch, {self.batch}: set {multiple}")
        from evaluators.timing import Plan

        try:
            Plan(minimum_effect, batch_pairs=self.batch, most_pairs=self.pairs)
        except ValueError as error:
            raise ValueError(f"timing.pairs: {error}: set 10 or more") from None
