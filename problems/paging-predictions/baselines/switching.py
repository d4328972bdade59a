"""Follows a deterministic algorithm of Antoniadis and others 2022 unless least recently used does clearly better.

Both are simulated, fault for fault, as if each had the cache to itself, and the other one is followed as soon as the
one that was followed has had a fifth more faults: after Chledowski, Polak, Szabucki, Zolna 2021, whose straightforward
combination follows one blindly and switches when it gets worse. What leaves is the least recently used of the pages
that the followed one does not hold.
"""

PATIENCE = 1.2


class Lru:
    """Pages in the order of their last request."""

    def __init__(self, slots):
        self.slots, self.pages, self.faults = slots, {}, 0

    def request(self, page, bit):
        if page in self.pages:
            del self.pages[page]
        else:
            self.faults += 1
            if len(self.pages) == self.slots:
                self.evict()
        self.pages[page] = bit
        self.after(page)

    def evict(self):
        del self.pages[next(iter(self.pages))]

    def after(self, page):
        pass


class Flush(Lru):
    """Pages with bit 0, and those as good as evicted, which are the first to leave."""

    def __init__(self, slots):
        super().__init__(slots)
        self.kept = set()

    def after(self, page):
        self.kept.discard(page)
        if not self.pages[page]:
            self.kept.add(page)

    def evict(self):
        if len(self.kept) == len(self.pages):
            self.kept.clear()
        del self.pages[next(page for page in self.pages if page not in self.kept)]


class MarkAndPredict(Lru):
    def __init__(self, slots):
        super().__init__(slots)
        self.marked = set()

    def after(self, page):
        self.marked.add(page)

    def evict(self):
        if len(self.marked) == len(self.pages):
            self.marked.clear()
        unmarked = [page for page in self.pages if page not in self.marked]
        del self.pages[next((page for page in unmarked if self.pages[page]), unmarked[0])]


class Switching:
    def __init__(self, kind, slots):
        self.followed = Flush(slots) if kind == "discard" else MarkAndPredict(slots)
        self.other = Lru(slots)
        self.slot_of = {}  # the least recently used first
        self.names = [None] * slots

    def hit(self, slot, bit):
        self.request(slot, self.names[slot], bit)

    def place(self, slot, page, bit):
        self.slot_of.pop(self.names[slot], None)
        self.names[slot] = page
        self.request(slot, page, bit)

    def request(self, slot, page, bit):
        self.slot_of.pop(page, None)
        self.slot_of[page] = slot
        self.followed.request(page, bit)
        self.other.request(page, bit)
        if self.followed.faults > PATIENCE * self.other.faults:
            self.followed, self.other = self.other, self.followed

    def victim(self, page, bit):
        # The followed one has not seen this request yet: it may hold all that are here, and then it has to choose.
        held = self.followed.pages
        free = [slot for name, slot in self.slot_of.items() if name not in held]
        return free[0] if free else self.slot_of[self.choice()]

    def choice(self):
        """The page that the followed one would evict now."""
        before = dict(self.followed.pages)
        marks = {name: set(getattr(self.followed, name)) for name in ("kept", "marked") if hasattr(self.followed, name)}
        self.followed.evict()
        gone = next(page for page in before if page not in self.followed.pages)
        self.followed.pages = before
        for name, pages in marks.items():
            setattr(self.followed, name, pages)
        return gone


def make_pager(kind, slots):
    return Switching(kind, slots)
