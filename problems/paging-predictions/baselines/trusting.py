"""Believes every bit: of the pages that may go (bit 1) the least recently used leaves; where all shall stay, of all."""


class Trusting:
    def __init__(self):
        self.bits = {}  # by slot, the least recently used first

    def hit(self, slot, bit):
        del self.bits[slot]
        self.bits[slot] = bit

    def place(self, slot, page, bit):
        self.bits.pop(slot, None)
        self.bits[slot] = bit

    def victim(self, page, bit):
        return next((slot for slot, said in self.bits.items() if said), next(iter(self.bits)))


def make_pager(kind, slots):
    return Trusting()
