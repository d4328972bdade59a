"""Round robin: to each server in turn, whatever its speed.

M. Harchol-Balter, M. E. Crovella, C. D. Murta, On choosing a task assignment policy for a distributed server system,
Journal of Parallel and Distributed Computing 59(2), 1999.
"""


class Dispatcher:
    def __init__(self, servers):
        self.servers, self.last = servers, -1

    def choose(self, size, works, lengths):
        self.last = (self.last + 1) % self.servers
        return self.last


def make_dispatcher(speeds):
    return Dispatcher(len(speeds))
