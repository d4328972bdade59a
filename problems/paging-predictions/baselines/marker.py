"""Marker: a random unmarked page leaves; bits are ignored (Fiat, Karp, Luby, McGeoch, Sleator, Young 1991).

A request marks its page; where all are marked on a fault, a phase ends and all marks go. Expected faults are at most
2 H_k times the optimum's.
"""

import random


class Marker:
    def __init__(self, slots):
        self.marked = [False] * slots
        self.random = random.Random(0)  # noqa: S311

    def hit(self, slot, bit):
        self.marked[slot] = True

    def place(self, slot, page, bit):
        self.marked[slot] = True

    def victim(self, page, bit):
        luck = [self.random.random() for _ in self.marked]
        if all(self.marked):
            self.marked = [False] * len(self.marked)
        return min((draw, slot) for slot, draw in enumerate(luck) if not self.marked[slot])[1]


def make_pager(kind, slots):
    return Marker(slots)
