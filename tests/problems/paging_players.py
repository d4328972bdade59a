"""What the tests of paging-predictions share: its modules, and a session in this process."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

from evaluators.verifier import load_verifier
from evolve.core.types import Instance

FOLDER = Path(__file__).parents[2] / "problems" / "paging-predictions"
verifier = load_verifier(FOLDER)
rules: Any = importlib.import_module("paging_rules")
streams: Any = importlib.import_module("request_streams")

BASELINES = tuple(sorted(path.stem for path in (FOLDER / "baselines").glob("*.py")))
SEED = (FOLDER / "seed.py").read_text()
_START, _END = "# EVOLVE-BLOCK-START\n", "# EVOLVE-BLOCK-END\n"


def program(name: str) -> str:
    """The text of the seed or of a baseline."""
    return SEED if name == "seed" else (FOLDER / "baselines" / f"{name}.py").read_text()


def ruled(body: str) -> str:
    """The seed with another rule: `body` is what `worth` returns."""
    before, rest = SEED.split(_START)
    block, after = rest.split(_END)
    head = block[: block.index('    """')]
    return f"{before}{_START}{head}    return {body}\n\n\n{_END}{after}"


def module(text: str, name: str = "program") -> ModuleType:
    """A program as a module of its own."""
    made = ModuleType(name)
    exec(compile(text, name, "exec"), made.__dict__)
    return made


class Here:
    """A session without a sandbox: the driver and a program, in this process; `renew` makes both afresh."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.asked = 0
        self.renewed = 0
        self._driver: Any = None

    def renew(self) -> None:
        self.renewed += 1
        self._driver = None

    def call(self, entry: str, *args: Any) -> Any:
        if self._driver is None:
            self._driver = module((FOLDER / "driver.py").read_text(), "driver")
            self._entry = module(self.text).make_pager
        self.asked += 1
        return getattr(self._driver, entry)(self._entry, *args)


def value(text: str, instance: Instance) -> float:
    """The score of a program on an instance."""
    return float(verifier.score(instance, verifier.play(Here(text), instance)).value)


def faults(pager: Any, requests: list[int], bits: list[int], slots: int) -> int:
    """Faults of a pager that is asked directly, as the driver does."""
    slot_of: dict[int, int] = {}
    names: list[int] = []
    log = []
    for page, bit in zip(requests, bits, strict=True):
        if page in slot_of:
            pager.hit(slot_of[page], bit)
            continue
        if len(names) < slots:
            slot = len(names)
            names.append(page)
        else:
            slot = pager.victim(page, bit)
            log.append(slot)
            del slot_of[names[slot]]
            names[slot] = page
        slot_of[page] = slot
        pager.place(slot, page, bit)
    return int(rules.faults(requests, slots, log))
