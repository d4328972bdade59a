"""One sandbox for all programs of a file, and a watch over the machine around it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from battery import honest, neighbour
from every_backend import containers, made
from field import Ground
from watch import Watch, held, planted, settled


@pytest.fixture(scope="module")
def ground(request: pytest.FixtureRequest) -> Iterator[Ground]:
    watch = Watch(Path.home())
    with planted(watch), made(request.param) as sandbox:
        honest(sandbox)
        sandbox.close()
        start = held()
        seen = honest(sandbox)
        with neighbour(sandbox, watch.token) as session:
            ground = Ground(request.param, sandbox, watch, session, seen, {})
            ground.before = ground.held()
            yield ground
        sandbox.close()
        assert settled(start, held) == start
        assert settled([], containers) == []
