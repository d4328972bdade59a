"""Sandboxes that break the contract on purpose, each in one way, and the tests of the suite that notice it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from evolve.core.types import Source, Status
from sandbox.base import Confinement, Reply, Sandbox, Session
from sandbox.bubblewrap import BubblewrapSandbox
from sandbox.limits import Limits
from sandbox.scripted import Opening, ScriptedSandbox, ScriptedSession


class Played(ScriptedSandbox):
    """Right: plays the program of a session in this process, which a fake may do with programs of its own."""

    def __init__(self) -> None:
        super().__init__(self._play)
        self._loaded: dict[str, dict[str, Any]] = {}

    def open(self, source: Source, limits: Limits, *, driver: str | None = None, seed: int = 0) -> ScriptedSession:
        self._loaded.pop(source.main, None)
        return super().open(source, limits, driver=driver, seed=seed)

    def _play(self, source: Source, entry: str, *args: Any) -> Any:
        if source.main not in self._loaded:
            names: dict[str, Any] = {}
            exec(source.main, names)
            self._loaded[source.main] = names
        names = self._loaded[source.main]
        if entry == "drive":
            return [names[source.entry](*args)] * 2
        value = names[entry](*args)
        return Reply(Status.INVALID, error="a set") if isinstance(value, set) else value


class Scoring(Played):
    """Gives a failure a number."""

    def answer(self, call: Any) -> Reply:
        reply = super().answer(call)
        return reply if reply.status is Status.OK else Reply(Status.OK, 0.0)


class Remembering(Played):
    """Carries state from session to session."""

    def open(self, source: Source, limits: Limits, *, driver: str | None = None, seed: int = 0) -> ScriptedSession:
        return ScriptedSession(self, Opening(source, limits, driver, seed))


class _Going(ScriptedSession):
    """Goes on after its end."""

    def call(self, entry: str, *args: Any) -> Reply:
        self._closed, self._over = False, None
        return super().call(entry, *args)


class Going(Played):
    """Sessions never end."""

    def open(self, source: Source, limits: Limits, *, driver: str | None = None, seed: int = 0) -> ScriptedSession:
        opening = super().open(source, limits, driver=driver, seed=seed)._opening
        return _Going(self, opening)


class _Changed:
    """A session whose replies are changed; with `leaks` its end is not passed on."""

    def __init__(self, session: Session, change: Callable[[Reply], Reply], leaks: bool) -> None:
        self._session, self._change, self._leaks = session, change, leaks

    def call(self, entry: str, *args: Any) -> Reply:
        return self._change(self._session.call(entry, *args))

    def close(self) -> None:
        if self._leaks:
            KEPT.append(self._session)
        else:
            self._session.close()


KEPT: list[Session] = []


class Changed:
    """Bubblewrap, with one thing changed."""

    def __init__(
        self,
        *,
        limits: Callable[[Limits], Limits] = lambda limits: limits,
        seed: Callable[[int], int] = lambda seed: seed,
        reply: Callable[[Reply], Reply] = lambda reply: reply,
        leaks: bool = False,
    ) -> None:
        self._inner = BubblewrapSandbox(start="process")
        self._limits, self._seed, self._reply, self._leaks = limits, seed, reply, leaks

    def open(self, source: Source, limits: Limits, *, driver: str | None = None, seed: int = 0) -> Session:
        session = self._inner.open(source, self._limits(limits), driver=driver, seed=self._seed(seed))
        return _Changed(session, self._reply, self._leaks)

    def confinement(self, limits: Limits) -> Confinement:
        return self._inner.confinement(self._limits(limits))

    def close(self) -> None:
        self._inner.close()


_NUMBERS = itertools.count(1)
SCRIPTED: dict[str, tuple[Callable[[], Sandbox], list[str]]] = {
    "scoring": (
        Scoring,
        [
            "test_an_exception_is_a_reply_and_the_session_goes_on",
            "test_a_function_that_is_not_there",
            "test_what_is_not_plain_data_ends_the_session",
            "test_a_program_that_does_not_load_answers_every_call_with_the_reason",
        ],
    ),
    "remembering": (Remembering, ["test_state_lives_between_calls_and_not_between_sessions"]),
    "going": (
        Going,
        [
            "test_what_is_not_plain_data_ends_the_session",
            "test_close_twice_and_no_call_after",
            "test_no_call_after_closing_what_was_over",
        ],
    ),
}
BUBBLEWRAP: dict[str, tuple[Callable[[], Sandbox], list[str]]] = {
    "generous": (
        lambda: Changed(limits=lambda limits: replace(Limits(), cpu_seconds=1.0, wall_seconds=1.0, processes=9)),
        [
            "test_with_one_process_there_is_no_other",
            "test_files_are_limited",
            "test_the_error_says_which_limit",
            "test_a_time_out_returns_at_once",
            "test_it_says_how_it_confines",
        ],
    ),
    "clockless": (
        lambda: Changed(reply=lambda reply: replace(reply, cpu_seconds=0.0, peak_bytes=0)),
        [
            "test_processor_time_is_charged_from_the_opening",
            "test_processor_time_of_threads_and_children_counts",
            "test_the_peak_of_memory_is_seen",
        ],
    ),
    "seedless": (lambda: Changed(seed=lambda seed: next(_NUMBERS)), ["test_a_seed_fixes_random_and_hash"]),
    "silent": (
        lambda: Changed(reply=lambda reply: replace(reply, output="", died=False)),
        [
            "test_output_is_kept_and_cut_at_the_limit",
            "test_a_process_that_ends_without_an_answer_has_died",
        ],
    ),
    "leaking": (lambda: Changed(leaks=True), ["test_a_closed_sandbox_leaves_nothing"]),
}
