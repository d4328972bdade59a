"""The deterministic algorithms for one-bit predictions, after Antoniadis and others 2022: one for each kind of them.

Discard predictions: a page whose bit is 1 is as good as evicted. Where all bits in the cache are 0 on a fault, at least
one of them is wrong, and the whole cache is flushed: all its pages are as good as evicted. Of these the least recently
used leaves when room is needed; one that was only as good as evicted may still be hit, which costs nothing.

Phase predictions: marking; of the unmarked pages one with bit 1 leaves where there is one, and the least recently used
of these.

With eta_0 wrong zeros and eta_1 wrong ones, faults are at most OPT + (k - 1) eta_0 + eta_1 of discard predictions, and
2 OPT + (k - 1) eta_0 + eta_1 of phase predictions; README.md has the proofs.
"""


class Flush:
    def __init__(self):
        self.dropped = {}  # by slot, the least recently used first: whether it is as good as evicted

    def hit(self, slot, bit):
        del self.dropped[slot]
        self.dropped[slot] = bit == 1

    def place(self, slot, page, bit):
        self.dropped.pop(slot, None)
        self.dropped[slot] = bit == 1

    def victim(self, page, bit):
        if not any(self.dropped.values()):
            self.dropped = dict.fromkeys(self.dropped, True)
        return next(slot for slot, dropped in self.dropped.items() if dropped)


class MarkAndPredict:
    def __init__(self):
        self.bits = {}  # by slot, the least recently used first
        self.marked = set()

    def hit(self, slot, bit):
        del self.bits[slot]
        self.bits[slot] = bit
        self.marked.add(slot)

    def place(self, slot, page, bit):
        self.bits.pop(slot, None)
        self.bits[slot] = bit
        self.marked.add(slot)

    def victim(self, page, bit):
        if len(self.marked) == len(self.bits):
            self.marked.clear()
        unmarked = [slot for slot in self.bits if slot not in self.marked]
        return next((slot for slot in unmarked if self.bits[slot]), unmarked[0])


def make_pager(kind, slots):
    return Flush() if kind == "discard" else MarkAndPredict()
