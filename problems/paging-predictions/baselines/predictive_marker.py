"""Predictive Marker (Lykouris and Vassilvitskii 2018), as far as it goes with one bit.

It wants the time of the next request of each page, and of the unmarked pages evicts the one predicted to come last. One
bit knows two times, soon (0) and late (1): of the unmarked pages a random one among the late leaves, or among all where
none is late. Kept as it is: marking with phases; a fault on a page that was not in the cache when the phase began
starts a chain; a fault on one that was evicted in this phase goes on with the chain by which it was evicted; after H_k
evictions of a chain predictions are no longer believed, and a random unmarked page leaves.
"""

import random


class PredictiveMarker:
    def __init__(self, slots):
        self.bits, self.marked, self.names = [0] * slots, [False] * slots, [None] * slots
        self.most = sum(1 / one for one in range(1, slots + 1))
        self.chain_of, self.lengths = {}, []  # the chain that evicted a page in this phase; how long each is
        self.random = random.Random(0)  # noqa: S311

    def hit(self, slot, bit):
        self.bits[slot], self.marked[slot] = bit, True

    def place(self, slot, page, bit):
        self.bits[slot], self.marked[slot], self.names[slot] = bit, True, page

    def victim(self, page, bit):
        if all(self.marked):
            self.marked = [False] * len(self.marked)
            self.chain_of, self.lengths = {}, []
        chain = self.chain_of.get(page)
        if chain is None:
            chain = len(self.lengths)
            self.lengths.append(0)
        self.lengths[chain] += 1
        believed = self.lengths[chain] <= self.most
        unmarked = [slot for slot, marked in enumerate(self.marked) if not marked]
        late = [slot for slot in unmarked if self.bits[slot]] if believed else []
        slot = self.random.choice(late or unmarked)
        self.chain_of[self.names[slot]] = chain
        return slot


def make_pager(kind, slots):
    return PredictiveMarker(slots)
