"""Evicts the least worthy of a window of residents; which that is, and who may enter, is what evolves.

Times are in units of the capacity: 1.0 is as many requests as the cache has slots.
"""

WINDOW = 16
RECENT = 1 / 50  # weight of the last miss


# EVOLVE-BLOCK-START
def priority(idle, age, hits, gap, returned):
    """Worth of keeping a resident; the least worthy in the window is evicted.

    idle: time since its last request; age: since it entered; hits: requests since it entered;
    gap: time between its last two requests; returned: hits before it was evicted last, plus one, or 0.
    """
    return -idle


def admit(away, returned, worth, regret):
    """Whether a requested object enters when the cache is full.

    away: time since it was evicted or turned away, or -1.0 where that is not remembered; returned: as above;
    worth: the priority of the resident that would leave; regret: share of the last misses that were remembered, 0 to 1.
    """
    return True


# EVOLVE-BLOCK-END


class Window:
    """Looks at WINDOW consecutive slots, then moves on to the next ones."""

    bypasses = True

    def __init__(self, capacity):
        self.capacity, self.tick = capacity, 1.0 / capacity
        self.now, self.regret, self.filled, self.hand, self.cell = 0.0, 0.0, 0, 0, 0
        # One row a slot, [last request, entered, hits, gap, returned]: gathering a window is then one slice.
        self.rows = [[0.0, 0.0, 0, 0.0, 0]] * capacity
        self.gone, self.past, self.history = [0.0] * capacity, [0] * capacity, 0

    def hit(self, slot):
        self.now = now = self.now + self.tick
        row = self.rows[slot]
        row[3] = now - row[0]
        row[0] = now
        row[2] += 1

    def victim(self, ghost):
        self.now = now = self.now + self.tick
        start = self.hand if self.hand < self.capacity else 0
        self.hand = end = start + WINDOW
        worths = [
            priority(now - last, now - born, hits, gap, returned)
            for last, born, hits, gap, returned in self.rows[start:end]
        ]
        worth = min(worths)
        if ghost < 0:
            away, self.history = -1.0, 0
            self.regret -= self.regret * RECENT
        else:
            away, self.history = now - self.gone[ghost], self.past[ghost]
            self.regret += (1.0 - self.regret) * RECENT
        if not admit(away, self.history, worth, self.regret):
            return -1
        return start + worths.index(worth)

    def remember(self, slot):
        self.cell = cell = self.cell + 1 if self.cell + 1 < self.capacity else 0
        self.gone[cell] = self.now
        self.past[cell] = self.rows[slot][2] + 1 if slot >= 0 else self.history + 1
        return cell

    def place(self, slot, ghost):
        if self.filled < self.capacity:  # no victim was asked for, so time has not moved yet
            self.filled += 1
            self.now += self.tick
        self.rows[slot] = [self.now, self.now, 0, 0.0, self.history]


def make_policy(capacity):
    return Window(capacity)
