"""Hands questions on to pagers, beside the program in the sandbox. Holds no data but what has been asked already.

The verifier plays several sequences at once, each with a pager of its own, and calls with the next question of each.
"""

_pagers = []
_names = []


def begin(make_pager, kind, capacities):
    """Fresh pagers, one for each sequence: `kind` of prediction, and how many pages fit."""
    _pagers[:] = [make_pager(kind, slots) for slots in capacities]
    _names[:] = [[None] * slots for slots in capacities]


def victims(make_pager, questions):
    """The slots to free, one for each question (number of the sequence, requests, page, bit).

    `requests` are those that were served since the last question, (slot, page, bit) of each, first the one that was
    asked about. Then `page` was requested, with a prediction `bit`; it is not in the cache, which is full.
    """
    answers = []
    for number, requests, page, bit in questions:
        pager, names = _pagers[number], _names[number]
        for slot, name, said in requests:
            if names[slot] == name:
                pager.hit(slot, said)
            else:
                names[slot] = name
                pager.place(slot, name, said)
        answers.append(pager.victim(page, bit))
    return answers
