"""What one untrusted program may use, in plain numbers that every backend understands."""

from __future__ import annotations

from dataclasses import asdict, dataclass

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a session; a program that reaches one is stopped and the reply says which.

    `wall_seconds` and `cpu_seconds` are for each call, on the host's clocks: CPU time counts from the reply
    before (from the start of the process for the first call), threads and children included. `memory_bytes` is the
    address space of each process, the interpreter's own included, and where there are several also what all of them
    hold together. `processes` counts processes; with 1 the program can not fork at all. `output_bytes` is for standard
    output and standard error together, `file_bytes` for everything in the private /tmp, `reply_bytes` for the frame of
    one reply.
    """

    wall_seconds: float = 60.0
    cpu_seconds: float = 20.0
    memory_bytes: int = 512 * MEBIBYTE
    processes: int = 1
    output_bytes: int = MEBIBYTE
    file_bytes: int = 16 * MEBIBYTE
    reply_bytes: int = 64 * MEBIBYTE

    def to_json(self) -> dict[str, float]:
        """Plain data, e.g. for the frame that opens a session."""
        return asdict(self)
