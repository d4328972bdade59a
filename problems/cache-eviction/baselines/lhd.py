"""LHD: evicts, of a sample, whoever has the least hit density: expected hits per expected time that it stays.

N. Beckmann, H. Chen, A. Cidon, "LHD: improving cache hit rate by maximizing hit density", NSDI 2018. Hits and evictions
are counted by class and age, the time since the last request. The hit density at an age is the number of hits at this
age or later, divided by the sum, over this age and all later ones, of the events (hits and evictions) still to come.
All objects have one size. Nothing is known of applications, and no residents are kept only to explore.

Choices, by trial on a few traces: 128 ages of a quarter to a half of the capacity (a power of two requests), the last
one open; densities learned after every 16 capacities of requests, at least 4000, whereupon all counts are multiplied by
0.9; class 0 for objects without a hit, else the bit length of the sum of the last two ages at a hit, where a single hit
counts as a large sum; until something is learned, short gaps and young ages rank high; a sample of 32 slots, equally
spaced from a pseudo-random start.
"""

SAMPLE = 32
BINS = 128
CLASSES = 10
DECAY = 0.9


class LHD:
    def __init__(self, capacity):
        self.stride, self.random = max(1, capacity // SAMPLE), 1
        self.shift = max(0, capacity.bit_length() - 2)
        self.period = self.due = max(4000, 16 * capacity)
        self.hits = [[0.0] * BINS for _ in range(CLASSES)]
        self.evictions = [[0.0] * BINS for _ in range(CLASSES)]
        self.densities = [[(CLASSES + 2 - kind) / (age + 1) for age in range(BINS)] for kind in range(1, CLASSES)]
        self.densities.insert(0, [0.5 / (age + 1) for age in range(BINS)])
        self.now, self.last, self.gap, self.kind = 0, [0] * capacity, [0] * capacity, [0] * capacity
        self.density = [self.densities[0]] * capacity  # of each slot's class

    def hit(self, slot):
        self.now = now = self.now + 1
        age = min((now - self.last[slot]) >> self.shift, BINS - 1)
        kind = self.kind[slot]
        self.hits[kind][age] += 1.0
        self.kind[slot] = kind = min(1 + (age + self.gap[slot]).bit_length(), CLASSES - 1)
        self.density[slot] = self.densities[kind]
        self.gap[slot], self.last[slot] = age, now
        if now >= self.due:
            self.learn()

    def victim(self, ghost):
        now = self.now
        self.random = (self.random * 1103515245 + 12345) & 0x7FFFFFFF
        stride, shift = self.stride, self.shift
        start = self.random * stride >> 31
        sample = zip(self.last[start::stride], self.density[start::stride], strict=True)
        try:
            worths = [density[(now - last) >> shift] for last, density in sample]
        except IndexError:  # some are older than all bins
            sample = zip(self.last[start::stride], self.density[start::stride], strict=True)
            worths = [density[min((now - last) >> shift, BINS - 1)] for last, density in sample]
        slot = start + worths.index(min(worths)) * stride
        self.evictions[self.kind[slot]][min((now - self.last[slot]) >> shift, BINS - 1)] += 1.0
        return slot

    def place(self, slot, ghost):
        self.now = now = self.now + 1
        self.last[slot], self.gap[slot], self.kind[slot] = now, BINS, 0
        self.density[slot] = self.densities[0]
        if now >= self.due:
            self.learn()

    def learn(self):
        self.due = self.now + self.period
        for density, hits, evictions in zip(self.densities, self.hits, self.evictions, strict=True):
            hit = event = time = 0.0
            for age in range(BINS - 1, -1, -1):
                hit += hits[age]
                event += hits[age] + evictions[age]
                time += event
                density[age] = hit / time if time else 0.0
            hits[:] = [DECAY * count for count in hits]
            evictions[:] = [DECAY * count for count in evictions]


def make_policy(capacity):
    return LHD(capacity)
