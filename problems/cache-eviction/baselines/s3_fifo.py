"""S3-FIFO: a small queue that newcomers pass, a main one with second chances, and a queue of remembered objects.

J. Yang, Y. Zhang, Z. Qiu, Y. Yue, K. V. Rashmi, "FIFO queues are all you need for cache eviction", SOSP 2023,
algorithm 1. The small queue gives way from a tenth of the capacity on (rounded down, at least 1) and the ghost queue
has nine tenths (rounded down). Whoever has more than one hit moves from small to main, its count set to 0; hits are
counted up to 3. While the cache fills, newcomers enter main once the small queue has its share, as in the authors'
simulator (read literally, algorithm 1 would put all of them into the small queue).
"""

from collections import OrderedDict, deque


class S3FIFO:
    def __init__(self, capacity):
        self.small_size = max(1, capacity // 10)
        self.hits = [0] * capacity
        self.small, self.main = deque(), deque()  # slots, oldest first
        self.ghosts = OrderedDict.fromkeys(range(capacity * 9 // 10))  # cells: empty first, then oldest first
        self.noted = False

    def hit(self, slot):
        if self.hits[slot] < 3:
            self.hits[slot] += 1

    def victim(self, ghost):
        if ghost >= 0:
            self.ghosts.move_to_end(ghost, last=False)
        hits, small, main = self.hits, self.small, self.main
        if len(small) >= self.small_size:
            while small:
                slot = small.popleft()
                if hits[slot] <= 1:
                    self.noted = True
                    return slot
                hits[slot] = 0
                main.append(slot)
        self.noted = False
        slot = main.popleft()
        while hits[slot]:
            hits[slot] -= 1
            main.append(slot)
            slot = main.popleft()
        return slot

    def remember(self, slot):
        if not self.noted or not self.ghosts:
            return -1
        cell = next(iter(self.ghosts))
        self.ghosts.move_to_end(cell)
        return cell

    def place(self, slot, ghost):
        self.hits[slot] = 0
        small = ghost < 0 and len(self.small) < self.small_size  # not so only while the cache fills
        (self.small if small else self.main).append(slot)


def make_policy(capacity):
    return S3FIFO(capacity)
