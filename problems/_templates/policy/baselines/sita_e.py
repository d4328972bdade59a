"""SITA-E: each server takes the jobs of one interval of sizes; the cuts give each a load in proportion to its speed.

M. Harchol-Balter, M. E. Crovella, C. D. Murta, On choosing a task assignment policy for a distributed server system,
Journal of Parallel and Distributed Computing 59(2), 1999. There the distribution of sizes is known; here the cuts are
found from the sizes so far. The smallest jobs go to the fastest server; the paper's hosts are all equally fast.
"""

from bisect import bisect_right, insort
from itertools import accumulate

FIRST = 32  # jobs before the first cuts; until then the job goes where it will end first
EVERY = 64  # jobs between new cuts


class Dispatcher:
    def __init__(self, speeds):
        self.speeds = speeds
        self.shares = [edge / sum(speeds) for edge in accumulate(speeds)][:-1]
        self.sizes, self.cuts = [], []

    def choose(self, size, works, lengths):
        insort(self.sizes, size)
        count = len(self.sizes)
        if count == FIRST or count % EVERY == 0:
            loads = list(accumulate(self.sizes))
            self.cuts = [self.sizes[bisect_right(loads, share * loads[-1])] for share in self.shares]
        if self.cuts:
            return bisect_right(self.cuts, size)
        ends = [work + size / speed for work, speed in zip(works, self.speeds, strict=True)]
        return ends.index(min(ends))


def make_dispatcher(speeds):
    return Dispatcher(speeds)
