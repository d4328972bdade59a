"""Least work left, for servers of different speeds: to the one where the job will end first.

M. Harchol-Balter, M. E. Crovella, C. D. Murta, On choosing a task assignment policy for a distributed server system,
Journal of Parallel and Distributed Computing 59(2), 1999: there to the host with the least remaining work, which is
the same where all are equally fast.
"""


class Dispatcher:
    def __init__(self, speeds):
        self.speeds = speeds

    def choose(self, size, works, lengths):
        ends = [work + size / speed for work, speed in zip(works, self.speeds, strict=True)]
        return ends.index(min(ends))


def make_dispatcher(speeds):
    return Dispatcher(speeds)
