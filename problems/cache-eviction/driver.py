"""Simulates a cache beside a policy and logs what it decides. Runs in the sandbox; the verifier trusts none of it.

A policy never sees an object's name, nor the clock. Residents have slots 0 .. capacity - 1; whoever is evicted may be
remembered in one of as many ghost cells, and that is all that is known of objects outside the cache. A policy has

    hit(slot)             the object in `slot` was requested
    victim(ghost)         the cache is full and another object is requested, remembered in cell `ghost` or unknown
                          (-1): the slot to free for it, or -1 to leave it outside (only where `bypasses = True`)
    remember(slot)        optional, asked after each decision: the cell (0 .. capacity - 1) in which to remember the
                          evicted object, or with slot -1 the bypassed one; what was there is forgotten; -1: nothing
    place(slot, ghost)    the requested object is now in `slot`; its cell, where it had one, is empty again

`make_policy(capacity)` gives a fresh one. While the cache is not full every object is placed, in the next slot.
"""

from array import array


def drive(make_policy, trace, capacities):
    """Decisions of a fresh policy at each capacity.

    `trace` is an array of object numbers, one a request. Returns a list of (bypasses, log), one for each capacity; the
    log is an array of the answers of `victim`, in order.
    """
    return [_simulate(make_policy(capacity), trace, capacity) for capacity in capacities]


def _simulate(policy, trace, capacity):
    hit, victim, place = policy.hit, policy.victim, policy.place
    remember = getattr(policy, "remember", None)
    slots, names, log = {}, [], array("i")
    slot_of, note = slots.get, log.append
    ghosts, cells = {}, [None] * capacity
    ghost_of = ghosts.pop
    for name in trace:
        slot = slot_of(name)
        if slot is not None:
            hit(slot)
            continue
        if len(names) < capacity:
            slot = slots[name] = len(names)
            names.append(name)
            place(slot, -1)
            continue
        ghost = ghost_of(name, -1) if remember is not None else -1
        if ghost >= 0:
            cells[ghost] = None
        slot = victim(ghost)
        note(slot)
        if remember is not None:
            cell = remember(slot)
            if cell >= 0:
                ghosts.pop(cells[cell], None)
                cells[cell] = gone = names[slot] if slot >= 0 else name
                ghosts[gone] = cell
        if slot >= 0:
            del slots[names[slot]]
            names[slot] = name
            slots[name] = slot
            place(slot, ghost)
    return bool(getattr(policy, "bypasses", False)), log


_stage = {}


def begin(make_policy, capacity):
    """A fresh policy for a strict replay; says whether it bypasses and whether it remembers."""
    policy = _stage["policy"] = make_policy(capacity)
    return bool(getattr(policy, "bypasses", False)), getattr(policy, "remember", None) is not None


def hit(make_policy, slot):
    """One request, of a resident."""
    _stage["policy"].hit(slot)


def fill(make_policy, slot):
    """One request, of an object that takes a free slot."""
    _stage["policy"].place(slot, -1)


def miss(make_policy, ghost):
    """One request, of an object that is outside a full cache: (victim's slot, cell to remember in)."""
    policy = _stage["policy"]
    slot = policy.victim(ghost)
    cell = policy.remember(slot) if getattr(policy, "remember", None) is not None else -1
    if slot >= 0:
        policy.place(slot, ghost)
    return slot, cell
