"""When tickets are asked and in which order they become records."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from evolve.schedule import OnCompletion, Schedule, Turnstile, Windowed


def passed(schedule: Schedule, delays: Sequence[int], last: int | None = None) -> list[int]:
    """Tickets in the order in which the turnstile lets them through; ticket n comes to it after `delays[n]` turns."""
    order: list[int] = []

    async def fly(turnstile: Turnstile, number: int) -> None:
        for _ in range(delays[number]):
            await asyncio.sleep(0)
        await turnstile.enter(number)
        order.append(number)
        await asyncio.sleep(0)
        turnstile.leave()

    async def play() -> None:
        turnstile = Turnstile(schedule)
        flights = [asyncio.create_task(fly(turnstile, number)) for number in range(len(delays))]
        for _ in range(max(delays) + 3):
            await asyncio.sleep(0)
        turnstile.last = last
        async with asyncio.timeout(5.0):
            await asyncio.gather(*flights)

    asyncio.run(play())
    return order


DELAYS = st.lists(st.integers(0, 9), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(DELAYS)
def test_a_window_keeps_the_order_of_tickets(delays: list[int]) -> None:
    assert passed(Windowed(4, 1), delays) == list(range(len(delays)))


@settings(max_examples=60, deadline=None)
@given(DELAYS, st.integers(0, 3))
def test_what_is_done_first_comes_first_after_the_start_programs(delays: list[int], starts: int) -> None:
    starts = min(starts, len(delays))
    order = passed(OnCompletion(4, starts), delays)
    assert order[:starts] == list(range(starts)) and sorted(order) == list(range(len(delays)))


@settings(max_examples=60, deadline=None)
@given(DELAYS, st.randoms(use_true_random=False))
def test_what_was_recorded_goes_as_it_went(delays: list[int], random: object) -> None:
    order = list(range(len(delays)))
    random.shuffle(order)  # type: ignore[attr-defined]
    assert passed(OnCompletion(4, 0, {}, order), delays) == order


def test_a_place_that_nobody_takes_holds_nobody_up() -> None:
    """The recording has ticket 9 in the third place, and the run ends after five tickets."""
    assert passed(OnCompletion(4, 1, {}, [0, 3, 9, 2, 1]), [0] * 5, last=5) == [0, 3, 2, 1, 4]


def test_turns() -> None:
    windowed = Windowed(3, 2)
    assert [windowed.may_ask(n, 0) for n in range(3)] == [True, True, False]
    assert windowed.may_ask(4, 2) and not windowed.may_ask(5, 2) and windowed.horizon(5, 3) == 2
    free = OnCompletion(3, 1)
    assert free.may_ask(3, 1) and not free.may_ask(4, 1) and free.horizon(4, 2) == 1
    recorded = OnCompletion(3, 1, {1: 1, 2: 5}, [0, 1], last=3)
    assert not recorded.may_ask(2, 4) and recorded.may_ask(2, 5) and not recorded.may_ask(3, 9)
    assert recorded.ending == "replayed"
