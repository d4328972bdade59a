"""List scheduling: whenever a machine becomes free it takes the waiting job of highest priority.

Times are in units of the mean duration of the jobs that wait.
"""

import heapq


# EVOLVE-BLOCK-START
def priority(duration, weight, left, slack):
    """How urgent a waiting job is; the most urgent goes first.

    left: time until it is due, negative when it is late; slack: time for which it can wait and not be late, or 0.
    """
    return -left


# EVOLVE-BLOCK-END


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
