"""What one untrusted program may use, in plain numbers that every backend understands."""

from __future__ import annotations

from dataclasses import asdict, dataclass

MEBIBYTE = 1024 * 1024
NO_LIMIT = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a session; a program that reaches one is stopped and the reply says which.

    `wall_seconds` and `cpu_seconds` are for each call, on the host's clocks: CPU time counts from the reply before (for
    the first call from the moment when the program is about to be loaded), threads and children included.
    `memory_bytes` is the address space of each process, the interpreter's own included, and where there are several
    also what all of them hold together; with a GPU it is the memory that is resident, as CUDA reserves more addresses
    than there is memory.
    `processes` counts processes; with 1 the program can not fork at all. `output_bytes` is for standard
    output and standard error together, `file_bytes` for everything in the private /tmp, `reply_bytes` for the frame of
    one reply. `gpus` is how many devices a session has to itself, 0 or 1, `gpu_memory_bytes` what it may hold of the
    device's memory, 0 for all.
    """

    wall_seconds: float = 60.0
    cpu_seconds: float = 20.0
    memory_bytes: int = 512 * MEBIBYTE
    processes: int = 1
    output_bytes: int = MEBIBYTE
    file_bytes: int = 16 * MEBIBYTE
    reply_bytes: int = 64 * MEBIBYTE
    gpus: int = 0
    gpu_memory_bytes: int = 0

    @property
    def space_bytes(self) -> int:
        """What the address space of a process is limited to."""
        return NO_LIMIT if self.gpus else self.memory_bytes

    def to_json(self) -> dict[str, float]:
        """Plain data, e.g. for the frame that opens a session."""
        return asdict(self)
