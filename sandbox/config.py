"""Which sandbox programs run in, as one strict record per backend.

`sandbox.backends` reads and writes the text that stands for it: `bubblewrap`, `docker:runtime=runsc,pool=4`, `none`, or
`NAME:KEY=VALUE` for a backend that another distribution brings.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BubblewrapConfig(_Strict):
    """Namespaces of this kernel, by bubblewrap."""

    type: Literal["bubblewrap"] = "bubblewrap"
    start: Literal["auto", "fork", "pool", "process"] = Field(
        default="auto",
        description="How sessions start: `fork` from a fork server, `pool` from processes started ahead, `process` one "
        "bwrap at a time; `auto` forks where nested namespaces are allowed and takes the pool elsewhere.",
    )


class DockerConfig(_Strict):
    """Containers of a Docker engine."""

    type: Literal["docker"] = "docker"
    image: str | None = Field(
        default=None, min_length=1, description="None: the image that `evolve sandbox build` makes."
    )
    runtime: str | None = Field(default=None, min_length=1, description="`runsc` for gVisor; None: the engine's own.")
    pool: int = Field(default=2, ge=0, le=64, description="Containers that are started ahead, per worker.")


class NoSandboxConfig(_Strict):
    """No isolation at all: a process with limits, for programs that are trusted."""

    type: Literal["none"] = "none"


class OtherConfig(BaseModel):
    """A backend of another distribution, with options that only it understands."""

    model_config = ConfigDict(frozen=True)
    type: str
    options: dict[str, str] = Field(default_factory=dict)


SandboxConfig = BubblewrapConfig | DockerConfig | NoSandboxConfig | OtherConfig
