"""Least recently used: evicts whoever was not requested for the longest time. No parameters, no ghosts.

R. L. Mattson, J. Gecsei, D. R. Slutz, I. L. Traiger, "Evaluation techniques for storage hierarchies",
IBM Systems Journal 9(2), 1970.
"""

from collections import OrderedDict


class LRU:
    def __init__(self, capacity):
        self.queue = OrderedDict()  # slots, the least recent one first
        self.hit = self.queue.move_to_end

    def victim(self, ghost):
        return self.queue.popitem(last=False)[0]

    def place(self, slot, ghost):
        self.queue[slot] = None


def make_policy(capacity):
    return LRU(capacity)
