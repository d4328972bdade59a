"""Sends each job to the server of least cost; what that costs is what evolves."""


# EVOLVE-BLOCK-START
def cost(size, work, length, speed):
    """What it costs to send a job of this size to a server; the cheapest is taken.

    work: time until the server is done with what it has; length: jobs that are there; speed: size done in unit time.
    """
    return length


# EVOLVE-BLOCK-END


class Dispatcher:
    def __init__(self, speeds):
        self.speeds = speeds  # the fastest first

    def choose(self, size, works, lengths):
        states = zip(works, lengths, self.speeds, strict=True)
        costs = [cost(size, work, length, speed) for work, length, speed in states]
        return costs.index(min(costs))


def make_dispatcher(speeds):
    return Dispatcher(speeds)
