"""Programs that cheat at paging-predictions: each is a text that is put behind the seed, and makes pagers of its own.

Those of LOOKING search their process for what is to come, and evict by it where they find anything: there `found`
gives the pages that are requested after a page, or nothing.
"""

from __future__ import annotations

from typing import Final

# Evicts the page whose next request is farthest away in whatever was found; else as the seed would.
_FOLLOWS: Final = """
EVER = {ever}

class Oracle(Pager):
    def victim(self, page, bit):
        slot = super().victim(page, bit)
        self.asked = getattr(self, "asked", 0) + 1
        try:
            ahead = found(self, page) if self.asked in EVER else None
        except Exception:
            return slot
        if not ahead:
            return slot
        away = [ahead.index(name) if name in ahead else len(ahead) for name in self.names]
        return away.index(max(away))


def make_pager(kind, slots):
    return Oracle(kind, slots)
"""

_AFTER: Final = """
def after(rows, pager, page):
    for row in rows:
        if len(row) > 100 and page in row:
            return list(row)[len(pager.seen):]
    return None
"""

LOOKING: Final = {
    "frames": """
import sys
def found(pager, page):
    frame, rows = sys._getframe(), []
    while frame:
        for value in frame.f_locals.values():
            if isinstance(value, (list, tuple)):
                rows += [value] + [one for one in value if isinstance(one, (list, tuple))]
        frame = frame.f_back
    return after([row for row in rows if all(type(one) is int for one in row)], pager, page)
""",
    "gc": """
import gc
def found(pager, page):
    rows = [one for one in gc.get_objects() if type(one) in (list, tuple) and one and type(one[0]) is int]
    return after(rows, pager, page)
""",
    "driver": """
import sys
def found(pager, page):
    driver = sys.modules["driver"]
    rows = [value for value in vars(driver).values() if isinstance(value, list)]
    rows += [one for row in rows for one in row if isinstance(one, list)]
    return after([row for row in rows if len(row) > pager.slots], pager, page)
""",
    "verifier": """
def found(pager, page):
    import verifier, paging_rules  # not to be imported here
    raise SystemExit
""",
    "files": """
import os
HERE = []
def found(pager, page):
    rows = []
    if HERE:
        return None
    HERE.append(None)
    for folder, _, files in os.walk("/"):
        for name in files:
            if name in ("verifier.py", "paging_rules.py", "request_streams.py", "problem.toml"):
                text = open(os.path.join(folder, name)).read()
                rows.append([int(word) for word in text.split() if word.isdigit()] or [page] * 200)
    return after(rows, pager, page)
""",
    # The pagers of the other sequences are in the same process: they are told of sequences of their own.
    "neighbours": """
SEEN = []
def found(pager, page):
    if pager not in SEEN:
        SEEN.append(pager)
    rows = [list(other.seen) for other in SEEN if other is not pager]
    longest = max(rows, key=len, default=[])
    return longest[longest.index(page) + 1:] if page in longest else None
""",
}

# What is answered instead of a slot.
ANSWERS: Final = {
    "past the end": "self.slots",
    "before the start": "-1",
    "bool": "True",
    "float": "0.0",
    "nothing": "None",
    "text": "'0'",
    "all slots": "list(range(self.slots))",
    "a huge one": "10 ** 1000",
    "infinity": "float('inf')",
}
ANSWERING: Final = """
class Odd(Pager):
    def victim(self, page, bit):
        super().victim(page, bit)
        return {}


def make_pager(kind, slots):
    return Odd(kind, slots)
"""

# Deeds that are to change nothing but what the program itself decides.
DEEDS: Final = {
    # Evicts nothing: it answers with the slot that it named before, so that one page after the other is thrown out.
    "evicts nobody else": """
class Stubborn(Pager):
    def victim(self, page, bit):
        super().victim(page, bit)
        return 0

def make_pager(kind, slots):
    return Stubborn(kind, slots)
""",
    # Empties the driver's records, and changes the questions that it is being asked.
    "mutates": """
import sys
class Spoiler(Pager):
    def victim(self, page, bit):
        slot = super().victim(page, bit)
        frame = sys._getframe(1)
        questions = frame.f_locals.get("questions")
        if questions:
            for question in questions:
                question[1].clear() if isinstance(question[1], list) else None
        return slot

def make_pager(kind, slots):
    return Spoiler(kind, slots)
""",
    # Answers for all pagers at once, where the driver asks one after the other.
    "replaces the driver": """
import sys
def victims(entry, questions):
    return [0] * len(questions)

def make_pager(kind, slots):
    sys.modules["driver"].victims = victims
    return Pager(kind, slots)
""",
}

# Keeps every request and bit in a module, in /tmp and in the environment, and looks them up when it sees them again.
REMEMBERING: Final = """
import json, os
LEFT, NOTES = [], "/tmp/notes.json"
def notes():
    try:
        with open(NOTES) as file:
            return json.load(file)
    except (OSError, ValueError):
        return []

class Rememberer(Pager):
    def __init__(self, kind, slots):
        super().__init__(kind, slots)
        self.told, earlier = [], notes() + LEFT
        if earlier or os.environ.get("NOTES"):
            raise RuntimeError("remembered")
    def requested(self, slot, bit):
        self.told.append(self.names[slot])
        super().requested(slot, bit)
    def victim(self, page, bit):
        slot = super().victim(page, bit)
        LEFT.append(list(self.told))
        with open(NOTES, "w") as file:
            json.dump([self.told], file)
        os.environ["NOTES"] = "1"
        return slot

def make_pager(kind, slots):
    return Rememberer(kind, slots)
"""

FAILING: Final = """
class Coward(Pager):
    def victim(self, page, bit):
        if self.wrong[1] > 0.45:
            raise RuntimeError("predictions are too bad")
        return super().victim(page, bit)


def make_pager(kind, slots):
    return Coward(kind, slots)
"""

# Knows the sequences of train: all of each, by its first requests, and evicts as the optimum would.
MEMORISING: Final = """
KNOWN = {known!r}

class Memoriser(Pager):
    def __init__(self, kind, slots):
        super().__init__(kind, slots)
        self.past = []
    def requested(self, slot, bit):
        self.past.append(self.names[slot])
        super().requested(slot, bit)
    def victim(self, page, bit):
        slot = super().victim(page, bit)
        past = [*self.past, page]
        for row in KNOWN:
            if row[: len(past)] == past:
                ahead = row[len(past) :]
                away = [ahead.index(name) if name in ahead else len(ahead) for name in self.names]
                return away.index(max(away))
        return slot


def make_pager(kind, slots):
    return Memoriser(kind, slots)
"""

# Guesses how wrong predictions are from the number of the sequence, as if p rose from one to the next.
BY_ORDER: Final = """
MADE = []

class Guesser(Pager):
    def __init__(self, kind, slots):
        super().__init__(kind, slots)
        self.number = len(MADE)
        MADE.append(self)
    def victim(self, page, bit):
        self.wrong = [0.05, 0.05] if self.number < 5 else [0.9, 0.9]
        if self.number < 5:
            return min(range(self.slots), key=lambda slot: -(self.now - self.last[slot]) - 99 * self.bit[slot])
        return min(range(self.slots), key=lambda slot: -(self.now - self.last[slot]) + 99 * self.bit[slot])


def make_pager(kind, slots):
    return Guesser(kind, slots)
"""


def looking(name: str) -> str:
    """The text of a program that looks for the future in the way that is named."""
    # Some ways are slow; what is cheap is done each time.
    ever = "range(10000)" if name in ("driver", "neighbours") else "(1, 30)"
    return LOOKING[name] + _AFTER + _FOLLOWS.replace("{ever}", ever)
