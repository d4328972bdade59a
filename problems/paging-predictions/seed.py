"""Frees the slot of the least worthy page; which that is evolves.

Times are in units of the cache: 1.0 is as many requests as pages fit.
"""

import random

RECENT = 1 / 12  # weight of the last prediction in what is known of the predictor


# EVOLVE-BLOCK-START
def worth(idle, bit, hits, gap, marked, flushed, zeros_wrong, ones_wrong, trust, phase, luck):
    """Worth of keeping a page; the page of least worth leaves.

    idle: time since its last request; bit: 1.0 if the last prediction for it was that it may go, else 0.0;
    hits: requests since it entered the cache, in tenths; gap: time between its last two requests, or 5.0;
    marked: 1.0 if it was requested in the current phase (a stretch of as many different pages as fit), else 0.0;
    flushed: 1.0 if since its last request a fault found every bit in the cache 0 and no page flushed, else 0.0;
    zeros_wrong, ones_wrong: share of late, of the pages that should stay (bit 0), of those that were not requested in
    the next phase, and of the pages that may go (bit 1), of those that were; trust: 1 - zeros_wrong - ones_wrong;
    phase: 1.0 if predictions are of that, 0.0 if they say whether the optimum evicts; luck: random, 0 to 1.
    """
    return -idle - 2.0 * bit


# EVOLVE-BLOCK-END


class Pager:
    """Knows last requests, hits and bits of the pages in the cache, and which pages the last two phases requested."""

    def __init__(self, kind, slots):
        self.slots, self.tick, self.now = slots, 1.0 / slots, 0.0
        self.phase = 1.0 if kind == "phase" else 0.0
        self.last, self.gap, self.hits = [0.0] * slots, [5.0] * slots, [0.0] * slots
        self.bit, self.marked, self.flushed = [0.0] * slots, [0.0] * slots, [0.0] * slots
        self.names, self.seen = [None] * slots, {}
        self.before, self.current = {}, {}  # the last bit of each page of the last phase and of this one
        self.wrong = [0.2, 0.2]
        self.random = random.Random(0)  # noqa: S311

    def hit(self, slot, bit):
        self.now += self.tick
        self.gap[slot] = self.now - self.last[slot]
        self.hits[slot] += 0.1
        self.requested(slot, bit)

    def place(self, slot, page, bit):
        self.now += self.tick
        self.names[slot], self.hits[slot] = page, 0.0
        self.gap[slot] = self.now - self.seen[page] if page in self.seen else 5.0
        self.requested(slot, bit)

    def requested(self, slot, bit):
        page = self.names[slot]
        if page not in self.current:
            self.turn(page)
        self.current[page] = bit
        self.seen[page] = self.last[slot] = self.now
        self.bit[slot], self.marked[slot], self.flushed[slot] = float(bit), 1.0, 0.0

    def turn(self, page):
        """A page is requested for the first time in a phase: was it predicted, and does it begin the next one?"""
        if len(self.current) == self.slots:
            for said in self.before.values():  # who is still there was not requested
                self.learn(said, 1)
            self.before, self.current = self.current, {}
            self.marked = [0.0] * self.slots
        if page in self.before:
            self.learn(self.before.pop(page), 0)

    def learn(self, said, right):
        self.wrong[said] += ((said != right) - self.wrong[said]) * RECENT

    def victim(self, page, bit):
        if page not in self.current:
            self.turn(page)
        if not any(self.flushed) and not any(self.bit):
            self.flushed = [1.0] * self.slots
        now, (zeros_wrong, ones_wrong) = self.now + self.tick, self.wrong
        trust, phase, luck = 1.0 - zeros_wrong - ones_wrong, self.phase, self.random.random
        worths = [
            worth(now - last, said, hits, gap, marked, flushed, zeros_wrong, ones_wrong, trust, phase, luck())
            for last, said, hits, gap, marked, flushed in zip(
                self.last, self.bit, self.hits, self.gap, self.marked, self.flushed, strict=False
            )
        ]
        return worths.index(min(worths))


def make_pager(kind, slots):
    return Pager(kind, slots)
