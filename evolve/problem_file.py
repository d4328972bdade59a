"""What may stand in problem.toml, key by key, and what is said of a key that is wrong.

The descriptions here are the reference: docs/problems.md is made of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from evaluators.live_session import ALLOWANCE
from evolve.core.types import Direction
from evolve.profile_table import ProfileName, ProfileSpec
from evolve.program_files import MAX_FILES, check_modules, check_names
from evolve.timing_table import TIME_RATIO, TimingSpec
from sandbox.limits import MEBIBYTE, Limits

FILE = "problem.toml"
MEASURED = ("wall_seconds", "cpu_seconds", "peak_mebibytes")
"""Metrics of a command that the host measures: an objective may name them, and no verifier can give them."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _number(default: Any, description: str, **bounds: Any) -> Any:
    """A key that takes whole numbers where it wants real ones."""
    return Field(default=default, strict=False, description=description, **bounds)


Names = Annotated[tuple[str, ...], BeforeValidator(lambda given: (given,) if isinstance(given, str) else given)]
"""One name or a list of them."""


class ObjectiveSpec(_Strict):
    """A metric of the verdict and the direction in which it is better."""

    metric: str = Field(
        description="Name of a metric that the verifier gives (`Score.metrics`), `operations` for straight-line "
        "programs, `time_ratio` where there is a [timing] table, or one that the host measures of a command: "
        "`wall_seconds`, `cpu_seconds`, `peak_mebibytes` (as seen every few milliseconds)."
    )
    direction: Direction = Field(description="Which way is better.")


class CommandSpec(_Strict):
    """A program in any language that a command runs, for what is no Python function.

    The instance's `args` are `(text for standard input, [arguments])`, either may be left out; the output that
    `score` reads is what the command printed on standard output.
    """

    program: Names = Field(
        min_length=1,
        max_length=MAX_FILES,
        strict=False,
        description="The file that evolves, in this folder, or a list of files. Their EVOLVE-BLOCK lines stand in "
        "comments of their language; a file without them is fixed, and is shown to proposers.",
    )
    run: str = Field(
        description='What runs it, by `sh -c`, in a folder that holds the program. `"$1"`, `"$2"` are the instance\'s '
        "arguments, standard input is its text. An exit status other than 0 is a crash."
    )
    build: str | None = Field(
        default=None,
        description="What is done once for each program before it runs, such as compiling; never timed. "
        "It runs in a sandbox of its own, and only the files that it leaves are kept. Compile here: a compiler "
        "that is started by a run can make no file executable.",
    )
    files: tuple[str, ...] = Field(
        default=(), strict=False, description="Other files of this folder that the command needs; they do not evolve."
    )
    folders: tuple[str, ...] = Field(
        default=(),
        strict=False,
        description="Folders of this machine that the command may read, such as a compiler outside of /usr. "
        "What stands there is not part of the problem's version.",
    )
    repeats: int = Field(
        default=1,
        ge=1,
        le=100,
        description="How often an instance is run, each time in a fresh process. It must print the same every time, "
        "and the least seconds count, as other work on the machine only ever adds, and the largest peak. Where the "
        "least processor time is below half of the first run's, the seconds of the first run count.",
    )
    separated: bool = Field(
        default=True,
        description="`false` where the program reports its own score. Such a score proves nothing: it is marked "
        "wherever it is shown.",
    )


class TuningSpec(_Strict):
    """How constants are fitted."""

    method: Literal["least_squares", "cma", "none"] = Field(
        default="none",
        description="`least_squares` where residuals are smooth (straight-line programs whose verifier has `target`), "
        "`cma` where the score is not, `none` where the moves on the text change constants by themselves.",
    )
    points: int = Field(default=14, ge=4, le=4096, description="Sample points in the global phase of least squares.")


class SearchSpec(_Strict):
    """Defaults of a run."""

    evaluations: float = _number(10_000, "The budget where `--evaluations` gives none.", gt=0)
    max_operations: int = Field(
        default=16, ge=1, le=64, description="The largest program that the straight-line moves write."
    )
    start: Literal["seed", "baselines"] = Field(
        default="seed", description="What a run starts from where `--from` says nothing; `baselines` has the seed too."
    )


# What is larger was meant otherwise, e.g. bytes for mebibytes.
_DAY_SECONDS, _TEBIBYTE_MEBIBYTES = 86400, 1 << 20
_OF_PROCESSES = ("driver", "interactive", "decouple", "stochastic", "repeats")
_COMMAND_LIMITS = {"processes": 64, "memory_mebibytes": 1024, "file_mebibytes": 64}


class LimitsSpec(_Strict):
    """What one call of a sandboxed program may use. The clocks are the host's."""

    wall_seconds: float = _number(60.0, "Real time of a call.", gt=0, le=_DAY_SECONDS)
    cpu_seconds: float = _number(20.0, "Processor time of a call, children included.", gt=0, le=_DAY_SECONDS)
    memory_mebibytes: int = Field(
        default=512,
        ge=1,
        le=_TEBIBYTE_MEBIBYTES,
        description="Address space of each process, the interpreter's own included; a command has 1024 unless it "
        "says so, and its processes together may hold no more.",
    )
    processes: int = Field(
        default=1,
        ge=1,
        le=1024,
        description="Processes at once. With 1 the program can not fork at all; a command has 64 unless it says so.",
    )
    output_kibibytes: int = Field(
        default=1024, ge=1, le=_TEBIBYTE_MEBIBYTES, description="Standard output and error together."
    )
    file_mebibytes: int = Field(
        default=16,
        ge=1,
        le=_TEBIBYTE_MEBIBYTES,
        description="Everything in the private /tmp; a command has 64 unless it says so.",
    )
    reply_mebibytes: int = Field(default=64, ge=1, le=1024, description="The frame of one reply.")
    gpus: int = Field(
        default=0,
        ge=0,
        le=1,
        description="1 where the program needs a GPU of its own while it runs (NVIDIA; `cupy-cuda12x[ctk]` among the "
        "packages). `memory_mebibytes` is then what is resident, not address space.",
    )
    gpu_memory_mebibytes: int = Field(
        default=0,
        ge=0,
        le=_TEBIBYTE_MEBIBYTES,
        description="What the program may hold of the GPU's memory; 0 for all of it.",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> LimitsSpec:
        if self.gpu_memory_mebibytes and not self.gpus:
            raise ValueError("gpu_memory_mebibytes has no meaning without a GPU: set gpus = 1")
        return self

    def limits(self) -> Limits:
        """The same in the units of the sandbox."""
        return Limits(
            wall_seconds=self.wall_seconds,
            cpu_seconds=self.cpu_seconds,
            memory_bytes=self.memory_mebibytes * MEBIBYTE,
            processes=self.processes,
            output_bytes=self.output_kibibytes * 1024,
            file_bytes=self.file_mebibytes * MEBIBYTE,
            reply_bytes=self.reply_mebibytes * MEBIBYTE,
            gpus=self.gpus,
            gpu_memory_bytes=self.gpu_memory_mebibytes * MEBIBYTE,
        )


class VerifierSpec(_Strict):
    """What the verifier's own process may use for one question (scoring one output, or playing one instance)."""

    wall_seconds: float = _number(
        300.0, "Real time of one answer; beyond it the process is killed.", gt=0, le=_DAY_SECONDS
    )
    memory_mebibytes: int = Field(
        default=4096, ge=64, le=_TEBIBYTE_MEBIBYTES, description="Address space of the process."
    )


class SplitSeeds(_Strict):
    """The seed that `instances(split, seed)` gets. Never the run's: instances are the same for every run."""

    probe: int = Field(default=1, description="A few small instances, on which most broken programs end.")
    train: int = Field(default=2, description="What the search sees.")
    gate: int = Field(
        default=3,
        description="Asked before a champion of a sampled problem gives way; each question draws its own seed from it.",
    )
    report: int = Field(default=4, description="For comparing policies of search.")
    final: int = Field(default=5, description="Opened once, when a run has ended.")


class ProblemFile(_Strict):
    """Keys at the top of the file, before the first table."""

    name: str = Field(description="The problem's name; a shipped one is FAMILY/MEMBER.", min_length=1)
    title: str = Field(description="One line for tables and pictures.")
    entry: str = Field(
        default="", description="The function of the program that is called; needed unless there is a [command]."
    )
    program: Names = Field(
        default=(),
        max_length=MAX_FILES,
        strict=False,
        description="The program's files in this folder, where it is not `seed.py` alone; the first has the entry. "
        "They import each other by name, or read each other by `pkgutil.get_data`. A file without EVOLVE-BLOCK lines "
        "is fixed, and is shown to proposers.",
    )
    aliases: tuple[str, ...] = Field(default=(), strict=False, description="Other names of a shipped problem.")
    evidence: Literal["exact", "sampled"] = Field(
        description="`exact`: a proof over all inputs decides (straight-line programs). `sampled`: instances do."
    )
    minimum_effect: float = _number(1e-3, "The least relative gain that counts as one.", ge=0, lt=1)
    hash_bits: int | None = Field(
        default=None,
        ge=1,
        le=53,
        description="Bits of a float's mantissa that tell outputs apart when programs are compared by what they "
        "compute. Default 53 where evidence is exact, else 40.",
    )
    sandbox: Literal["straight_line", "bubblewrap"] = Field(
        default="straight_line",
        description="`straight_line`: arithmetic on the arguments, checked by a whitelist and run in place. "
        "`bubblewrap`: anything else, isolated in processes of its own; where these run is chosen with the run "
        "(`--sandbox`), which changes neither the problem nor its version.",
    )
    isolation: Literal["instance", "stage"] = Field(
        default="instance",
        description="`instance`: a fresh process for each instance. `stage`: one for all instances of a split, which "
        "is quicker and lets a program remember.",
    )
    driver: str | None = Field(
        default=None,
        description="A Python file that sits beside the program in the sandbox, such as a simulator; its function "
        "`drive(entry, *args)` is called. Programs are then checked for looking ahead.",
    )
    interactive: bool = Field(
        default=False,
        description="`true` where `play` of the verifier asks the program one question at a time, so that nothing of "
        "the future is ever in its process, and `score` reads what `play` returned. A driver is then but what "
        "the questions go through: it drives nothing and holds nothing.",
    )
    packages: tuple[str, ...] = Field(
        default=(),
        strict=False,
        description="Installed distributions that programs may import, such as `numpy`, or `name[extra]`.",
    )
    decouple: bool = Field(
        default=True,
        description="Where train has 30 instances or more, a new program is measured on the first part of them alone, "
        "and on the rest only while it may still be the best; `false` measures every program on all at once.",
    )
    stochastic: bool = Field(
        default=False,
        description="`true` where the same program may score differently on the same instance. Its score is then the "
        "mean over `repeats` runs of train, each with another random state; a program that is clearly worse gets "
        "fewer. Not beside a driver.",
    )
    repeats: int = Field(
        default=5,
        ge=2,
        le=100,
        description="How often each instance of train is run before a program of a stochastic problem may be the best.",
    )
    objectives: tuple[ObjectiveSpec, ...] = Field(
        min_length=1,
        max_length=2,
        strict=False,
        description="One or two; the first is the value that is shown. With two the result is a front.",
    )
    features: tuple[str, ...] = Field(
        default=(),
        max_length=4,
        strict=False,
        description="Metrics by which the policy `islands` tells kinds of programs apart: any that the verifier gives, "
        "or `length`, the characters of the program's files, which is what it takes where none is declared. A second "
        "objective is always among them.",
    )
    command: CommandSpec | None = Field(default=None, description="A program in any language.")
    limits: LimitsSpec = Field(default=LimitsSpec(), description="What a call of a sandboxed program may use.")
    verifier: VerifierSpec = Field(default=VerifierSpec(), description="What the verifier's own process may use.")
    timing: TimingSpec | None = Field(default=None, description="For a score that is a time.")
    tuning: TuningSpec = Field(default=TuningSpec(), description="How constants are fitted.")
    search: SearchSpec = Field(default=SearchSpec(), description="Defaults of a run.")
    splits: SplitSeeds = Field(default=SplitSeeds(), description="Seeds of the splits.")
    profiles: Mapping[ProfileName, ProfileSpec] = Field(default={}, description="Reduced sizes, by name.")

    @model_validator(mode="after")
    def _fits_together(self) -> ProblemFile:
        self._check_timing()
        if self.command is not None:
            self._check_command(self.command)
        elif not self.entry:
            raise ValueError("entry is missing: name the function that is called")
        elif self.program:
            self._check_program()
        if self.sandbox == "straight_line":
            given = {*_OF_PROCESSES, "packages", "isolation", "limits", "program"} & self.model_fields_set
            if given:
                raise ValueError(f"{min(given)} has no meaning with sandbox = 'straight_line': take it out")
            if self.evidence != "exact":
                raise ValueError("evidence must be 'exact' with sandbox = 'straight_line'")
        elif self.evidence != "sampled":
            raise ValueError(f"evidence must be 'sampled' with sandbox = '{self.sandbox}'")
        elif self.tuning.method == "least_squares":
            raise ValueError(f"tuning.method 'least_squares' has no meaning with sandbox = '{self.sandbox}'")
        self._check_stochastic()
        if self.interactive:
            self._check_interactive()
        return self

    def effective_limits(self) -> LimitsSpec:
        """The limits, with a command's own defaults where it has none."""
        if self.command is None:
            return self.limits
        missing = {key: value for key, value in _COMMAND_LIMITS.items() if key not in self.limits.model_fields_set}
        return self.limits.model_copy(update=missing)

    def _check_command(self, command: CommandSpec) -> None:
        given = {"driver", "interactive", "packages", "isolation", "entry", "program"} & self.model_fields_set
        if given:
            raise ValueError(f"{min(given)} has no meaning beside [command]: take it out")
        if self.sandbox != "bubblewrap":
            raise ValueError("sandbox must be 'bubblewrap' beside [command]")
        if self.limits.gpus:
            raise ValueError("limits.gpus has no meaning beside [command]: a GPU is lent to Python programs only")
        try:
            check_names((*command.program, *command.files))
        except ValueError as error:
            raise ValueError(f"command: {error}") from None

    def _check_interactive(self) -> None:
        if self.isolation != "instance":
            raise ValueError("isolation has no meaning with interactive = true, where play() renews processes")
        needed = ALLOWANCE * self.limits.wall_seconds
        if self.verifier.wall_seconds <= needed:
            # Else it would be the verifier that is late where a program is.
            raise ValueError(f"verifier.wall_seconds must be above {needed:g}, {ALLOWANCE:g} times limits.wall_seconds")

    def _check_stochastic(self) -> None:
        if not self.stochastic:
            if "repeats" in self.model_fields_set:
                raise ValueError("repeats has no meaning without stochastic = true: add that, or take repeats out")
        elif self.driver is not None and not self.interactive:
            raise ValueError("stochastic has no meaning beside a driver: what it drives must repeat itself")
        elif self.command is not None and self.command.repeats > 1:
            raise ValueError("command.repeats has no meaning with stochastic = true: take it out")

    def _check_timing(self) -> None:
        if self.timing is not None:
            if self.stochastic:
                raise ValueError("stochastic has no meaning beside [timing], whose pairs repeat runs: take it out")
            if self.decouple and "decouple" in self.model_fields_set:
                raise ValueError("decouple has no meaning beside [timing], which times all of train: take it out")
            objectives = [(one.metric, one.direction) for one in self.objectives]
            in_processes = self.sandbox != "straight_line" and self.evidence == "sampled"
            effect = self.minimum_effect if "minimum_effect" in self.model_fields_set else None
            self.timing.check(in_processes, self.driver is not None, objectives, effect)
        elif any(objective.metric == TIME_RATIO for objective in self.objectives):
            raise ValueError(f"an objective is {TIME_RATIO}, and no table [timing] says how it is measured: add it")

    def _check_program(self) -> None:
        try:
            check_modules(self.program)
        except ValueError as error:
            raise ValueError(f"program: {error}") from None


def tables() -> Iterator[tuple[str, type[BaseModel]]]:
    """Every table of the file with its keys, the top first: ("", ProblemFile), ("command", CommandSpec), ..."""
    yield "", ProblemFile
    for name, field in ProblemFile.model_fields.items():
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield name, part
