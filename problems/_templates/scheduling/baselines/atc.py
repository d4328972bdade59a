"""Apparent tardiness cost: weight / duration, less the longer a job can still wait.

A. P. J. Vepsalainen, T. E. Morton, Priority rules for job shops with weighted tardiness costs, Management Science
33(8), 1987. The look-ahead k is 2 mean durations of the waiting jobs, as there for static shops.
"""

import heapq
import math


def priority(duration, weight, left, slack):
    return weight / duration * math.exp(-slack / 2.0)


def schedule(jobs, machines):
    rows = [[] for _ in range(machines)]
    free = [(0, machine) for machine in range(machines)]  # a heap: the machine that is free first comes first
    waiting = list(range(len(jobs)))
    total = sum(duration for duration, _, _ in jobs)
    while waiting:
        now, machine = heapq.heappop(free)
        unit = total / len(waiting)
        urgencies = []
        for job in waiting:
            duration, due, weight = jobs[job]
            slack = max(due - now - duration, 0)
            urgencies.append(priority(duration / unit, weight, (due - now) / unit, slack / unit))
        job = waiting.pop(urgencies.index(max(urgencies)))
        rows[machine].append(job)
        total -= jobs[job][0]
        heapq.heappush(free, (now + jobs[job][0], machine))
    return rows
