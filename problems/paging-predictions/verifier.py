"""Scores paging with one bit of prediction per request: faults over the optimum's, however often the bits are wrong.

Nothing of a program runs here. `play` holds the sequences and the caches, and asks for one slot to free at a time;
`score` replays the logged slots and counts.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

import paging_rules
import request_streams

from evolve.core import rng
from evolve.core.errors import Invalid
from evolve.core.types import Instance, Score, Split

Output: TypeAlias = "list[array[int]]"
Question: TypeAlias = tuple[int, list[tuple[int, int, int]], int, int]

PROBABILITIES: Final = (0.0, 0.01, 0.05, 0.1, 0.2, 0.5)
# Those by which smoothness is told: predictors that are worth having, and not perfect.
NOISY: Final = (0.01, 0.05, 0.1, 0.2)
PREDICTIONS: Final = (paging_rules.DISCARD, paging_rules.PHASE)

_SEEN: Final = ("zipf", "sets", "loop", "stack", "scan", "loop+zipf")
# Kinds that the search never meets.
_UNSEEN: Final = ("nested", "sweep", "walk", "sets+scan", "sweep+zipf", "nested+scan")
KINDS: Final = {
    Split.PROBE: ("stack",),
    Split.TRAIN: _SEEN,
    Split.GATE: _SEEN,
    Split.REPORT: _SEEN + _UNSEEN[:2],
    Split.FINAL: _SEEN + _UNSEEN,
}
GATE_ROUNDS: Final = 2
REQUESTS: Final = {
    Split.PROBE: 160,
    Split.TRAIN: 128,
    Split.GATE: 160,
    Split.REPORT: 160,
    Split.FINAL: 240,
}
LEAST_SLOTS, MOST_SLOTS = 6, 14


class Session(Protocol):
    """A program in a sandbox, behind the driver's functions begin and victims."""

    def call(self, entry: str, *args: Any) -> Any:
        """The function's value. Raises what the sandbox raises where the program fails."""
        ...

    def renew(self) -> None:
        """A fresh process."""
        ...


class Lane(NamedTuple):
    """One sequence with its predictions: an instance plays several that have nothing to do with each other."""

    noise: str  # the probability of a wrong bit, as text, or the name of an adversary
    slots: int
    requests: tuple[int, ...]
    bits: tuple[int, ...]
    optimum: int  # faults of Belady's rule


# Instances


def instances(split: Split, seed: int, *, share: float = 1.0, gate_rounds: int = GATE_ROUNDS) -> list[Instance]:
    """Each kind of sequence with each kind of prediction; see `make_instance`.

    A profile makes it smaller: sequences with a `share` of their requests, `gate_rounds` instances of each in the gate.
    """
    made = []
    length = max(1, round(share * REQUESTS[split]))
    rounds = gate_rounds if split is Split.GATE else 1
    for index, kind in enumerate([kind for kind in KINDS[split] * rounds for _ in PREDICTIONS]):
        prediction = PREDICTIONS[index % len(PREDICTIONS)]
        key = rng.derive_seed("paging-predictions", str(split), seed, index)
        name = f"{kind}-{prediction}-{index}"
        made.append(make_instance(name, f"{split}/{name}", kind, prediction, key, length))
    return made


def make_instance(name: str, group: str, kind: str, prediction: str, seed: int, length: int) -> Instance:
    """An instance: independent sequences of a kind, one for each probability of error and one for each adversary.

    `args` = (kind of prediction, slots of each sequence), which is what the program is told at first; `truth` = the
    sequences with their bits, as `Lane`s in an order that is drawn, so that a number tells nothing about the errors.
    """
    draw = rng.generator(seed, "lanes")
    first = int(draw.integers(len(paging_rules.ERRORS)))
    lanes = []
    for place, probability in enumerate(PROBABILITIES):
        errors = paging_rules.ERRORS[(first + place) % len(paging_rules.ERRORS)]
        slots, requests, truth = _drawn(kind, prediction, rng.generator(seed, "noise", place), length)
        bits = paging_rules.flipped(truth, errors, probability, rng.generator(seed, "flips", place))
        lanes.append(_lane(str(probability), slots, requests, bits))
    for how in paging_rules.ADVERSARIES:
        slots, requests, truth = _drawn(kind, prediction, rng.generator(seed, how), length)
        bits = paging_rules.adversarial(truth, requests, slots, how, rng.generator(seed, "harm", how))
        lanes.append(_lane(how, slots, requests, bits))
    order = [lanes[int(place)] for place in draw.permutation(len(lanes))]
    args = (prediction, tuple(lane.slots for lane in order))
    return Instance(name, group, args, tuple(tuple(lane) for lane in order))


def _drawn(kind: str, prediction: str, draw: rng.Generator, length: int) -> tuple[int, list[int], list[int]]:
    slots = int(draw.integers(LEAST_SLOTS, MOST_SLOTS + 1))
    requests = request_streams.sequence(kind, draw, length, slots)
    return slots, requests, paging_rules.labels(prediction, requests, slots)


def _lane(noise: str, slots: int, requests: Sequence[int], bits: Sequence[int]) -> Lane:
    return Lane(noise, slots, tuple(requests), tuple(bits), paging_rules.belady(requests, slots)[0])


def lanes_of(instance: Instance) -> list[Lane]:
    """The sequences of an instance, in the order in which the program knows them."""
    return [Lane(*lane) for lane in instance.truth]


# The world


class _Cache:
    """Serves one sequence up to the request that needs a decision."""

    def __init__(self, lane: Lane) -> None:
        self.lane, self.time = lane, 0
        self.slot_of: dict[int, int] = {}
        self.names: list[int] = []
        self.log = array("i")
        self.served: list[tuple[int, int, int]] = []  # since the last question: (slot, page, bit)

    def question(self) -> tuple[list[tuple[int, int, int]], int, int] | None:
        """(requests served since the last question, page, bit) of the next fault of a full cache; None at the end."""
        for page, bit in islice(zip(self.lane.requests, self.lane.bits, strict=True), self.time, None):
            if page not in self.slot_of:
                if len(self.names) == self.lane.slots:
                    return self.served, page, bit
                self.slot_of[page] = len(self.names)
                self.names.append(page)
            self._serve(page, bit)
        return None

    def free(self, slot: int) -> None:
        """Evict whoever is in the slot, and serve the request that was asked about."""
        page, bit = self.lane.requests[self.time], self.lane.bits[self.time]
        del self.slot_of[self.names[slot]]
        self.names[slot] = page
        self.slot_of[page] = slot
        self.log.append(slot)
        self.served = []
        self._serve(page, bit)

    def _serve(self, page: int, bit: int) -> None:
        self.served.append((self.slot_of[page], page, bit))
        self.time += 1


def play(session: Session, instance: Instance) -> Output:
    """The slots that a program frees, for each sequence in order, as it is told one request after the other.

    The sequences of an instance are independent of each other and each is played once, so that a process that remembers
    them all knows the future of none. They are played side by side, one question of each to a call, to save calls.

    Raises:
        Invalid: an answer is no list of as many slots as there were questions, or a slot is not there.
    """
    caches = [_Cache(lane) for lane in lanes_of(instance)]
    session.renew()
    kind, capacities = instance.args
    session.call("begin", kind, list(capacities))
    while True:
        asked = [(number, found) for number, cache in enumerate(caches) if (found := cache.question()) is not None]
        if not asked:
            return [cache.log for cache in caches]
        questions: list[Question] = [(number, *found) for number, found in asked]
        answers = session.call("victims", questions)
        if type(answers) is not list or len(answers) != len(questions):
            raise Invalid(f"the answer to {len(questions)} questions is not a list of as many slots")
        for (number, _), slot in zip(asked, answers, strict=True):
            caches[number].free(paging_rules.checked_slot(slot, capacities[number]))


# Scores


def score(instance: Instance, output: Any) -> Score:
    """Half of (mean of faults / optimum over the error probabilities, plus the largest over the adversaries).

    `output` is what `play` returned: one log of freed slots for each sequence.

    Raises:
        Invalid: it is not, or a log breaks a rule; see paging_rules.faults.
    """
    lanes = lanes_of(instance)
    if type(output) is not list or len(output) != len(lanes):
        raise Invalid(f"the output is not a list of {len(lanes)} logs")
    return _scored(
        instance,
        [paging_rules.faults(lane.requests, lane.slots, log) for lane, log in zip(lanes, output, strict=True)],
    )


def floor(instance: Instance) -> Score:
    """The same figures for Belady's rule, which knows the future: no algorithm has fewer faults."""
    return _scored(instance, [lane.optimum for lane in lanes_of(instance)])


def _scored(instance: Instance, counts: Sequence[int]) -> Score:
    ratios = {lane.noise: count / lane.optimum for lane, count in zip(lanes_of(instance), counts, strict=True)}
    mean = sum(ratios[str(probability)] for probability in PROBABILITIES) / len(PROBABILITIES)
    worst = max(paging_rules.ADVERSARIES, key=ratios.__getitem__)
    consistency = ratios[str(0.0)]
    metrics = {
        "cost_ratio": (mean + ratios[worst]) / 2,
        "mean_ratio": mean,
        "worst_ratio": ratios[worst],
        "consistency": consistency,
        "smoothness": sum(ratios[str(probability)] for probability in NOISY) / len(NOISY) - consistency,
        "robustness": max(ratios.values()),
        **{f"ratio_{how}": ratios[how] for how in paging_rules.ADVERSARIES},
    }
    text = (
        f"{instance.id}: faults are {mean:.2f} times the optimum's where bits are wrong by chance (perfect bits: "
        f"{consistency:.2f}, half wrong: {ratios['0.5']:.2f}), and {ratios[worst]:.2f} times with the worst adversary, "
        f"{worst}"
    )
    return Score(metrics["cost_ratio"], metrics, text)
