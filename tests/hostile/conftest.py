"""One sandbox for all programs of a file, and a watch over the machine around it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from battery import honest, neighbour
from every_backend import containers, made
from field import Ground
from watch import Watch, held, planted, settled


@pytest.fixture(scope="module")
def ground(request: pytest.FixtureRequest) -> Iterator[Ground]:
    watch = Watch(Path.home())

    def look() -> dict[str, Any]:
        # What a container runs is the engine's child; ours are those of other tests.
        left_out = {"processes"} if request.param.mark == "docker" else set()
        return {name: value for name, value in held().items() if name not in left_out}

    with planted(watch), made(request.param) as sandbox:
        honest(sandbox)
        sandbox.close()
        start = look()
        seen = honest(sandbox)
        with neighbour(sandbox, watch.token) as session:
            ground = Ground(request.param, sandbox, watch, session, seen, {})
            ground.before = ground.held()
            yield ground
        sandbox.close()
        assert settled(start, look) == start
        assert settled([], containers) == []
