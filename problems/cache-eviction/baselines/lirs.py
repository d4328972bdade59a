"""LIRS: keeps whoever has a low inter-reference recency (LIR); the others (HIR) pass a small queue.

S. Jiang, X. Zhang, "LIRS: an efficient low inter-reference recency set replacement policy", SIGMETRICS 2002. HIR
residents get 1 % of the capacity, as in the paper, rounded down, at least 1. The paper leaves the stack S unbounded or
limits its size; here it keeps at most one capacity of objects that are not resident, and of those the one evicted
first is forgotten first.
"""

from collections import OrderedDict


class LIRS:
    def __init__(self, capacity):
        self.spare = capacity - max(1, capacity // 100)  # how many may still enter as LIR
        self.lir = [False] * capacity
        self.stack = OrderedDict()  # S, bottom first: key -> slot, or ~cell of who is not resident
        self.queue = OrderedDict()  # Q: slots of the HIR residents, next victim first
        self.cells = OrderedDict.fromkeys(range(capacity))  # empty ones first, then in order of eviction
        self.serial, self.key, self.past = 0, [-1] * capacity, [-1] * capacity  # the keys of slots and of cells
        self.back = -1

    def hit(self, slot):
        stack, key = self.stack, self.key[slot]
        if self.lir[slot]:
            stack.move_to_end(key)
            self.prune()
        elif key in stack:
            stack.move_to_end(key)
            del self.queue[slot]
            self.promote(slot)
        else:
            stack[key] = slot
            self.queue.move_to_end(slot)

    def promote(self, slot):
        """The HIR at the top of S becomes LIR, and the LIR at the bottom HIR."""
        bottom = self.stack.popitem(last=False)[1]
        self.lir[slot], self.lir[bottom] = True, False
        self.queue[bottom] = None
        self.prune()

    def prune(self):
        """Takes from the bottom of S whoever is not LIR."""
        stack, lir = self.stack, self.lir
        while stack:
            key, bottom = next(iter(stack.items()))
            if bottom < 0:
                self.past[~bottom] = -1
                self.cells.move_to_end(~bottom, last=False)
            elif lir[bottom]:
                return
            del stack[key]

    def victim(self, ghost):
        self.back = self.past[ghost] if ghost >= 0 else -1
        if self.back >= 0:
            self.past[ghost] = -1
            self.cells.move_to_end(ghost, last=False)
        return self.queue.popitem(last=False)[0]

    def remember(self, slot):
        stack, key = self.stack, self.key[slot]
        if key not in stack:
            return -1
        cell = next(iter(self.cells))
        self.cells.move_to_end(cell)
        if self.past[cell] >= 0:
            del stack[self.past[cell]]
        self.past[cell], stack[key] = key, ~cell
        return cell

    def place(self, slot, ghost):
        if self.back >= 0:
            self.key[slot] = key = self.back
            self.back = -1
            self.stack[key] = slot
            self.stack.move_to_end(key)
            self.promote(slot)
            return
        self.key[slot] = key = self.serial = self.serial + 1
        self.stack[key] = slot
        if self.spare:
            self.spare -= 1
            self.lir[slot] = True
        else:
            self.queue[slot] = None
            self.prune()


def make_policy(capacity):
    return LIRS(capacity)
