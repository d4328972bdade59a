"""What is tried beside the policy's choices, and the ledger of ideas."""

from __future__ import annotations

from typing import Any

from evolve.agenda import APPROACHES, FOLLOW_UPS, REPAIRS, TUNINGS, Agenda, Errand
from evolve.core.types import Candidate, Failure, Objective, Record, Source, Status, Ticket, Verdict
from evolve.ideas import Ledger

SOURCE = Source({"program.py": "x"}, "f")


class Play:
    """An agenda with records that come as they please."""

    def __init__(self, evaluations: float = 100.0, tuner: str | None = "constants") -> None:
        self.agenda = Agenda(evaluations, tuner, lambda value: -value)
        self.number = 0

    def tell(
        self,
        operator: str = "mutate",
        status: Status = Status.OK,
        value: float | None = 1.0,
        *,
        replies: int = 1,
        best: bool = False,
        model: str | None = "m",
        **more: Any,
    ) -> Record:
        """One ticket, asked and told."""
        failure = more.pop("failure", None)
        gain = more.pop("gain", 0.0)
        ticket = Ticket(self.number, "expand", more.pop("parents", ("p",)), (), operator, model, 1, **more)
        self.agenda.begin(ticket)
        ids = tuple(f"{self.number}.{n}" for n in range(replies))
        candidate = None if failure is not None else Candidate(ticket, SOURCE, "a: b", ids)
        verdict = Verdict(status, value if status.scored else None, stage="train" if candidate else "screen")
        failed = Failure(ticket, status, "", idea=failure, reply_ids=ids) if failure is not None else None
        record = Record(self.number, ticket, candidate, verdict, f"program-{self.number}", failure=failed, gain=gain)
        self.agenda.tell(record, best)
        self.number += 1
        return record

    def due(self, champion: str | None = "champion") -> list[Errand]:
        return list(self.agenda.errands(champion, lambda role: f"{role}-model"))

    def take(self, errand: Errand) -> dict[str, Any]:
        """The fields of a ticket of that errand."""
        fields = {"operator": errand.operator, "model": errand.model, "parents": (errand.parent,)}
        return {**fields, "mends": errand.mends, "idea": errand.idea}


def test_a_broken_program_is_mended_twice_from_its_last_valid_ancestor() -> None:
    play = Play()
    broken = play.tell(status=Status.CRASHED, parents=("valid",))
    for _ in range(REPAIRS):
        (errand,) = play.due()
        assert (errand.operator, errand.model, errand.parent) == ("repair", "m", "valid")
        assert errand.mends == broken.number
        broken = play.tell(status=Status.INVALID, **play.take(errand))
    assert play.due() == []


def test_replies_that_were_sent_back_count_as_mendings() -> None:
    play = Play()
    play.tell(status=Status.TIMED_OUT, replies=2)
    (errand,) = play.due()
    play.tell(status=Status.CRASHED, **play.take(errand))
    assert play.due() == []
    play.tell(status=Status.CRASHED, replies=3)
    assert play.due() == []


def test_what_is_hostile_or_nothing_new_is_not_mended() -> None:
    play = Play()
    for status in (Status.FORBIDDEN, Status.DUPLICATE, Status.UNCHANGED):
        play.tell(status=status)
    play.tell(status=Status.CRASHED, model=None)
    assert play.due() == []


def stagnate(play: Play) -> Errand:
    while not (due := [errand for errand in play.due() if errand.operator == "paradigm"]):
        play.tell(model=None)
    return due[0]


def test_a_paradigm_is_changed_after_a_time_without_improvement() -> None:
    play = Play(evaluations=300.0)
    for _ in range(29):
        play.tell(model=None)
    assert play.due() == []
    play.tell(model=None, best=True)
    errand = stagnate(play)
    assert play.agenda.stagnant == 30 and (errand.model, errand.parent) == ("shift-model", "champion")
    assert Play(evaluations=100.0).agenda.threshold == 20


def test_each_approach_is_written_and_followed_up_whatever_its_score() -> None:
    play = Play(tuner=None)
    names = [f"approach {n}: why" for n in range(7)]
    play.tell(**play.take(stagnate(play)), status=Status.NO_PROGRAM, failure="\n".join(names))
    rewrites = play.due()
    assert [one.idea for one in rewrites] == names[:APPROACHES]
    assert all((one.operator, one.model) == ("rewrite", "shift-model") for one in rewrites)
    for errand in rewrites[1:]:
        play.tell(**play.take(errand), status=Status.DUPLICATE)
    first = play.tell(**play.take(rewrites[0]), value=-99.0)
    parent = first.program_id
    for turn in range(FOLLOW_UPS):
        (errand,) = [one for one in play.due() if one.idea]
        assert (errand.operator, errand.model, errand.parent) == ("mutate", "refine-model", parent)
        told = play.tell(**play.take(errand), value=-98.0 if turn == 1 else -100.0)
        parent = told.program_id if turn == 1 else parent
    assert not [one for one in play.due() if one.idea]


def test_a_list_without_approaches_starts_nothing_and_comes_again() -> None:
    play = Play()
    play.tell(**play.take(stagnate(play)), status=Status.NO_PROGRAM, failure="")
    assert play.due() == []
    assert stagnate(play).operator == "paradigm"


def test_numbers_of_a_models_program_that_gained_are_tuned() -> None:
    play = Play()
    play.tell(gain=0.0)
    assert play.due() == []
    record = play.tell(gain=0.3)
    for _ in range(TUNINGS):
        (errand,) = play.due()
        assert (errand.operator, errand.model, errand.parent) == ("constants", None, record.program_id)
        play.tell(**play.take(errand))
    assert play.due() == []
    assert Play(tuner=None).tell(gain=0.3) and not Play(tuner=None).due()


def test_nothing_is_made_of_a_revoked_program() -> None:
    play = Play()
    record = play.tell(gain=0.3)
    play.agenda.forget(str(record.program_id))
    assert play.due() == []


def idea(number: int, text: str, status: Status = Status.OK, value: float | None = 1.0, **more: Any) -> Record:
    ticket = Ticket(number, "expand", ("p",), (), more.get("operator", "mutate"), more.get("model", "m"), 1)
    verdict = Verdict(status, value if status.scored else None, feedback="first line\nsecond", stage="train")
    return Record(number, ticket, Candidate(ticket, SOURCE, text), verdict, f"program-{number}")


def test_the_ledger() -> None:
    ledger = Ledger(Objective("m", "maximize"))
    ledger.add(idea(0, "Two queues: objects prove themselves", value=1.0))
    ledger.add(idea(1, "two-QUEUES: again", value=3.0))
    ledger.add(idea(2, "two queues", Status.CRASHED))
    ledger.add(idea(3, "random: why not", Status.CRASHED))
    ledger.add(idea(4, "random", Status.DUPLICATE))
    ledger.add(idea(5, "nothing new: x", Status.DUPLICATE))
    ledger.add(idea(6, "offline: x", model=None))
    ledger.add(idea(7, "list: x", operator="paradigm"))
    for number in range(8, 20):
        ledger.add(idea(number, f"idea {number}: x", value=float(number)))
    assert ledger.names()[:3] == ("Two queues", "random", "nothing new")
    assert "offline" not in ledger.names() and "list" not in ledger.names()
    best, worst = ledger.best(), ledger.worst()
    assert [row.best for row in best] == [19.0, 18.0, 17.0, 16.0, 15.0, 14.0, 13.0, 12.0]
    queues = next(row for row in worst if row.name == "Two queues")
    assert (queues.tries, queues.best, queues.hypothesis) == (3, 3.0, "objects prove themselves")
    assert worst[0].name == "random" and worst[0].failure == "crashed: first line" and worst[0].tries == 2
    assert [row.best for row in worst[1:]] == [3.0, 8.0, 9.0, 10.0, 11.0]
