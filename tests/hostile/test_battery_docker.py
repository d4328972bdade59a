"""Every hostile program in a container."""

from __future__ import annotations

import pytest
from battery import Hostile
from every_backend import BY_NAME
from field import Ground, let_loose, programs


@pytest.mark.parametrize("program", programs("docker"))
@pytest.mark.parametrize("ground", [BY_NAME["docker"].param()], indirect=True)
def test_a_hostile_program_gets_what_it_deserves_and_leaves_nothing(ground: Ground, program: Hostile) -> None:
    let_loose(ground, program)
