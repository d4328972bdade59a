"""Least recently used; bits are ignored. At most k times the optimum's faults (Sleator and Tarjan 1985)."""


class Lru:
    def __init__(self):
        self.order = {}

    def hit(self, slot, bit):
        del self.order[slot]
        self.order[slot] = None

    def place(self, slot, page, bit):
        self.order.pop(slot, None)
        self.order[slot] = None

    def victim(self, page, bit):
        return next(iter(self.order))


def make_pager(kind, slots):
    return Lru()
