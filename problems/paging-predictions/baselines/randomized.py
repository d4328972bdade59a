"""The randomized algorithms for one-bit predictions, after Antoniadis and others 2022: one for each kind of them.

Discard predictions (Mark0): a page whose bit is 1 is as good as evicted; the least recently used of these leaves first.
Where all bits in the cache are 0, a random unmarked page leaves. A request with bit 0 marks its page; where all are
marked on a fault, all marks go.

Phase predictions (Mark&Predict): marking; of the unmarked pages a random one with bit 1 leaves where there is one, else
a random one.

With eta_0 wrong zeros and eta_1 wrong ones, expected faults are at most OPT + 2 H_k eta_0 + eta_1 of discard
predictions, and 2 OPT + H_k eta_0 + eta_1 of phase predictions; README.md has the proofs.
"""

import random


class Mark0:
    def __init__(self):
        self.bits = {}  # by slot, the least recently used first
        self.marked = set()
        self.random = random.Random(0)  # noqa: S311

    def hit(self, slot, bit):
        del self.bits[slot]
        self.place(slot, None, bit)

    def place(self, slot, page, bit):
        self.bits.pop(slot, None)
        self.bits[slot] = bit
        if bit:
            self.marked.discard(slot)
        else:
            self.marked.add(slot)

    def victim(self, page, bit):
        luck = [self.random.random() for _ in self.bits]
        if any(self.bits.values()):
            return next(slot for slot, said in self.bits.items() if said)
        if len(self.marked) == len(self.bits):
            self.marked.clear()
        return min((luck[slot], slot) for slot in self.bits if slot not in self.marked)[1]


class MarkAndPredict:
    def __init__(self, slots):
        self.bits = [0] * slots
        self.marked = [False] * slots
        self.random = random.Random(0)  # noqa: S311

    def hit(self, slot, bit):
        self.bits[slot], self.marked[slot] = bit, True

    def place(self, slot, page, bit):
        self.bits[slot], self.marked[slot] = bit, True

    def victim(self, page, bit):
        luck = [self.random.random() for _ in self.bits]
        if all(self.marked):
            self.marked = [False] * len(self.marked)
        return min((-self.bits[slot], luck[slot], slot) for slot in range(len(luck)) if not self.marked[slot])[2]


def make_pager(kind, slots):
    return Mark0() if kind == "discard" else MarkAndPredict(slots)
