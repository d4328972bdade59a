"""SIEVE: a queue by arrival; a hand goes from old to new, spares once whoever was requested and evicts the next.

Y. Zhang, J. Yang, Y. Yue, Y. Vigfusson, K. V. Rashmi, "SIEVE is simpler than LRU", NSDI 2024, algorithm 1. No
parameters, no ghosts. Only the hand removes, so the queue is kept as two: those it has passed and those before it.
"""

from collections import deque


class Sieve:
    def __init__(self, capacity):
        self.visited = [False] * capacity
        self.before, self.passed = deque(), deque()  # slots, oldest first

    def hit(self, slot):
        self.visited[slot] = True

    def victim(self, ghost):
        visited, before, passed = self.visited, self.before, self.passed
        slot = before.popleft()
        while visited[slot]:
            visited[slot] = False
            passed.append(slot)
            if not before:
                before, passed = passed, before
            slot = before.popleft()
        if not before:  # the newest leaves, so the hand starts from the oldest again
            before, passed = passed, before
        self.before, self.passed = before, passed
        return slot

    def place(self, slot, ghost):
        self.before.append(slot)


def make_policy(capacity):
    return Sieve(capacity)
