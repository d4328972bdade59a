"""2Q, full version: newcomers pass a queue; whoever is requested again soon after leaving it enters the main LRU.

T. Johnson, D. Shasha, "2Q: a low overhead high performance buffer management replacement algorithm", VLDB 1994. Sizes
as the paper advises: Kin, above which the queue A1in gives way, is a quarter of the capacity, and Kout, the length of
the queue A1out of remembered objects, half of it; both rounded down, at least 1.
"""

from collections import OrderedDict, deque


class TwoQ:
    def __init__(self, capacity):
        self.kin = max(1, capacity // 4)
        self.a1in = deque()  # slots, oldest first
        self.am = OrderedDict()  # slots, least recent first
        self.a1out = OrderedDict.fromkeys(range(max(1, capacity // 2)))  # cells: empty ones first, then oldest first
        self.noted = False

    def hit(self, slot):
        if slot in self.am:
            self.am.move_to_end(slot)

    def victim(self, ghost):
        if ghost >= 0:
            self.a1out.move_to_end(ghost, last=False)
        self.noted = len(self.a1in) > self.kin or not self.am
        return self.a1in.popleft() if self.noted else self.am.popitem(last=False)[0]

    def remember(self, slot):
        if not self.noted:
            return -1
        cell = next(iter(self.a1out))
        self.a1out.move_to_end(cell)
        return cell

    def place(self, slot, ghost):
        if ghost >= 0:
            self.am[slot] = None
        else:
            self.a1in.append(slot)


def make_policy(capacity):
    return TwoQ(capacity)
