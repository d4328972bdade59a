"""Every hostile program in a bwrap of its own."""

from __future__ import annotations

import pytest
from battery import Hostile
from field import Ground, let_loose, pairs


@pytest.mark.parametrize(("ground", "program"), pairs("bubblewrap-process"), indirect=["ground"])
def test_a_hostile_program_gets_what_it_deserves_and_leaves_nothing(ground: Ground, program: Hostile) -> None:
    let_loose(ground, program)
