"""The tables [profiles.NAME] of problem.toml: reduced sizes of a problem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

ProfileName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$")]


class ProfileSpec(BaseModel):
    """A reduced size of the problem, called `PROBLEM@NAME`: for trying things, and for `evolve compare --profile NAME`.

    It is a problem version of its own: its scores are never compared with those of the whole problem.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    evaluations: float | None = Field(
        default=None,
        strict=False,
        gt=0,
        description="The budget where `--evaluations` gives none; else the problem's.",
    )
    instances: Mapping[str, bool | int | float | str] = Field(
        default={},
        description="What `instances(split, seed)` of the verifier gets besides, by the name of the argument: "
        "`instances = { requests = 1000 }` calls `instances(split, seed, requests=1000)`.",
    )
