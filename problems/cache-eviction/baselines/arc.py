"""ARC: two LRU lists, of objects requested once and more often, whose shares follow the hits in their histories.

N. Megiddo, D. S. Modha, "ARC: a self-tuning, low overhead replacement cache", FAST 2003, figure 4. No parameters. T1
and T2 hold residents, B1 and B2 ghost cells, at most one capacity together. The target p of T1 is a real number.
"""

from collections import OrderedDict


class ARC:
    def __init__(self, capacity):
        self.capacity, self.p = capacity, 0.0
        self.t1, self.t2 = OrderedDict(), OrderedDict()  # slots, least recent first
        self.b1, self.b2 = OrderedDict(), OrderedDict()  # cells, least recent first
        self.free = list(range(capacity))
        self.history = None

    def hit(self, slot):
        if slot in self.t2:
            self.t2.move_to_end(slot)
        else:
            del self.t1[slot]
            self.t2[slot] = None

    def victim(self, ghost):
        t1, b1, b2 = self.t1, self.b1, self.b2
        in_b2 = ghost in b2
        if ghost >= 0:  # cases II and III: the list that would have kept it grows
            if in_b2:
                self.p = max(self.p - max(1.0, len(b1) / len(b2)), 0.0)
                del b2[ghost]
            else:
                self.p = min(self.p + max(1.0, len(b2) / len(b1)), float(self.capacity))
                del b1[ghost]
            self.free.append(ghost)
        elif len(t1) == self.capacity:  # case IV A, B1 empty
            self.history = None
            return t1.popitem(last=False)[0]
        elif len(t1) + len(b1) == self.capacity:  # case IV A
            self.free.append(b1.popitem(last=False)[0])
        elif not self.free:  # case IV B, all four lists full
            self.free.append(b2.popitem(last=False)[0])
        if t1 and (len(t1) > self.p or (in_b2 and len(t1) == self.p)):  # REPLACE
            self.history = b1
            return t1.popitem(last=False)[0]
        self.history = b2
        return self.t2.popitem(last=False)[0]

    def remember(self, slot):
        if self.history is None:
            return -1
        cell = self.free.pop()
        self.history[cell] = None
        return cell

    def place(self, slot, ghost):
        (self.t1 if ghost < 0 else self.t2)[slot] = None


def make_policy(capacity):
    return ARC(capacity)
