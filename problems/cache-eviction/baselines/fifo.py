"""First in, first out. No parameters, no ghosts.

The slots fill in order, so going round them is the order of arrival.
"""


class FIFO:
    def __init__(self, capacity):
        self.capacity, self.oldest = capacity, 0

    def hit(self, slot):
        pass

    def victim(self, ghost):
        return self.oldest

    def place(self, slot, ghost):
        self.oldest = slot + 1 if slot + 1 < self.capacity else 0


def make_policy(capacity):
    return FIFO(capacity)
