"""Runs servers beside a dispatcher and notes what it decides. Runs in the sandbox; the verifier trusts none of it.

A dispatcher is told the size of the job that has just arrived and what the servers hold. It never sees an arrival to
come, nor the clock. It has one method:

    choose(size, works, lengths)    the number of the server to which the job goes

`works` are times until the servers would be idle, `lengths` the jobs that they hold, the one in service included.
`make_dispatcher(speeds)` gives a fresh one. Servers have numbers 0, 1, ..., the fastest first.
"""

from array import array
from collections import deque


def drive(make_dispatcher, arrivals, speeds):
    """The chosen servers, one for each arrival; `arrivals` is a list of (time since the last arrival, size)."""
    dispatcher, chosen, now = make_dispatcher(list(speeds)), array("i"), 0.0
    departures = [deque() for _ in speeds]  # of the jobs that each server holds
    for gap, size in arrivals:
        now += gap
        for queue in departures:
            while queue and queue[0] <= now:
                queue.popleft()
        works = [queue[-1] - now if queue else 0.0 for queue in departures]
        server = dispatcher.choose(size, works, [len(queue) for queue in departures])
        chosen.append(server)
        queue = departures[server]
        queue.append(max(queue[-1] if queue else 0.0, now) + size / speeds[server])
    return chosen


_stage = {}


def begin(make_dispatcher, speeds):
    """A fresh dispatcher for a strict replay."""
    _stage["dispatcher"] = make_dispatcher(list(speeds))


def choose(make_dispatcher, size, works, lengths):
    """One arrival of a strict replay."""
    return _stage["dispatcher"].choose(size, works, lengths)
