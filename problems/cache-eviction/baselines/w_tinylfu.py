"""W-TinyLFU: an LRU window for newcomers; whoever leaves it must be requested more often than the main part's victim.

G. Einziger, R. Friedman, B. Manes, "TinyLFU: a highly efficient cache admission policy", ACM Transactions on Storage
13(4), 2017. The window has 1 % of the capacity, at least one slot; the main part is a segmented LRU, 80 % of it
protected. Of the window's victim and the main part's victim the one requested less often goes, at a tie the window's:
so admission decides among residents, and nothing bypasses.

The paper's frequency sketch counts names, whether resident or not, and a policy here sees no names. Exact counters of
residents and of ghost cells (one capacity, the oldest forgotten first) take its place: that is the metadata budget. As
there, a reset halves all counters and the length of the sample when that reaches W requests, and counters stop at
W / capacity; W is ten capacities. No doorkeeper.
"""

from collections import OrderedDict

RATIO = 10  # W / capacity


class WTinyLFU:
    def __init__(self, capacity):
        self.window_size = max(1, capacity // 100)
        self.protected_size = (capacity - self.window_size) * 4 // 5
        self.window, self.probation, self.protected = OrderedDict(), OrderedDict(), OrderedDict()  # least recent first
        self.count, self.past = [0] * capacity, [0] * capacity  # of slots, of cells
        self.cells = OrderedDict.fromkeys(range(capacity))  # empty ones first, then oldest first
        self.fresh = 0
        self.sample, self.full_sample = 0, RATIO * capacity

    def tick(self):
        self.sample += 1
        if self.sample >= self.full_sample:
            self.sample >>= 1
            self.count = [count >> 1 for count in self.count]
            self.past = [count >> 1 for count in self.past]

    def hit(self, slot):
        self.tick()
        if self.count[slot] < RATIO:
            self.count[slot] += 1
        if slot in self.protected:
            self.protected.move_to_end(slot)
        elif slot in self.window:
            self.window.move_to_end(slot)
        else:
            del self.probation[slot]
            self.protected[slot] = None
            if len(self.protected) > self.protected_size:
                self.probation[self.protected.popitem(last=False)[0]] = None

    def victim(self, ghost):
        self.fresh = 0
        if ghost >= 0:
            self.fresh = self.past[ghost]
            self.cells.move_to_end(ghost, last=False)
        main = self.probation or self.protected
        candidate = self.window.popitem(last=False)[0]
        if not main:
            return candidate
        victim = next(iter(main))
        if self.count[candidate] <= self.count[victim]:
            return candidate
        del main[victim]
        self.probation[candidate] = None
        return victim

    def remember(self, slot):
        cell = next(iter(self.cells))
        self.cells.move_to_end(cell)
        self.past[cell] = self.count[slot]
        return cell

    def place(self, slot, ghost):
        self.tick()
        self.count[slot] = min(RATIO, self.fresh + 1)
        self.window[slot] = None
        if len(self.window) > self.window_size:  # only while the cache fills
            self.probation[self.window.popitem(last=False)[0]] = None


def make_policy(capacity):
    return WTinyLFU(capacity)
