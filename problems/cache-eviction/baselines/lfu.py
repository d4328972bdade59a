"""Least frequently used, in constant time: evicts whoever has the fewest requests since it entered.

K. Shah, A. Mitra, D. Matani, "An O(1) algorithm for implementing the LFU cache eviction scheme", 2010. Counts start at
1 and end with the stay (in-cache LFU). The paper leaves ties open: here whoever reached that count first goes. No
ghosts, no parameters.
"""

from collections import OrderedDict


class LFU:
    def __init__(self, capacity):
        self.count = [0] * capacity
        self.ranks = {1: OrderedDict()}  # count -> slots, in the order in which they reached it
        self.lowest = 1

    def hit(self, slot):
        count = self.count[slot]
        self.count[slot] = count + 1
        ranks = self.ranks
        rank = ranks[count]
        del rank[slot]
        if count + 1 in ranks:
            ranks[count + 1][slot] = None
        else:
            ranks[count + 1] = OrderedDict({slot: None})
        if not rank and count > 1:
            del ranks[count]
        if not rank and self.lowest == count:
            self.lowest = count + 1

    def victim(self, ghost):
        slot = self.ranks[self.lowest].popitem(last=False)[0]
        if not self.ranks[self.lowest] and self.lowest > 1:
            del self.ranks[self.lowest]
        return slot

    def place(self, slot, ghost):
        self.ranks[1][slot] = None
        self.count[slot] = self.lowest = 1


def make_policy(capacity):
    return LFU(capacity)
