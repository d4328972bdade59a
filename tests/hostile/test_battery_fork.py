"""Every hostile program in a process that a server forked."""

from __future__ import annotations

import pytest
from battery import Hostile
from every_backend import BY_NAME
from field import Ground, let_loose, programs


@pytest.mark.parametrize("program", programs("bubblewrap-fork"))
@pytest.mark.parametrize("ground", [BY_NAME["bubblewrap-fork"].param()], indirect=True)
def test_a_hostile_program_gets_what_it_deserves_and_leaves_nothing(ground: Ground, program: Hostile) -> None:
    let_loose(ground, program)
