"""Weighted shortest processing time: list scheduling by weight / duration, blind to due times.

W. E. Smith, Various optimizers for single-stage production, Naval Research Logistics Quarterly 3, 1956.
"""

import heapq


def priority(duration, weight, left, slack):
    return weight / duration


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
