"""First in, first out; bits are ignored. At most k times the optimum's faults (Sleator and Tarjan 1985)."""


class Fifo:
    def __init__(self, slots):
        self.slots, self.hand = slots, -1

    def hit(self, slot, bit):
        pass

    def place(self, slot, page, bit):
        self.hand = slot

    def victim(self, page, bit):
        return (self.hand + 1) % self.slots


def make_pager(kind, slots):
    return Fifo(slots)
