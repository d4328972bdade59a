"""Every kind of page in a real browser: nothing complains, nothing of a candidate runs, and axe finds nothing."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from playwright.sync_api import TimeoutError as TooLate
from starlette.testclient import TestClient

from evolve.web.desk import slug
from evolve.web.linking import addresses
from web.conftest import HEIGHT, WIDTH, watched_page
from web.showroom import REAL, Showroom

pytestmark = pytest.mark.browser

PART = re.compile(r"(?<=/)(?:[0-9a-f]{8,32}|x-[0-9a-f]+|[^/]*~[^/]*|\d+)(?=[/.]|$)")
OF_A_KIND = 6
"""Of pages, and data, of one kind that many are asked for: the tests of published folders follow every link."""
SAME = ("/problems/*", "/compare/*/control/*")
"""Kinds that are made as another one is."""
DRAWN = """() => [...document.querySelectorAll("[data-plot]")].every((one) => one.querySelector(".main-svg"))
  && [...document.querySelectorAll("#tree:not([hidden])")].every((one) => one.dataset.ready)"""
FITS = "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"


def linked(client: TestClient) -> dict[str, list[str]]:
    """Pages by kind, from the first one on by links. Fails where one leads nowhere."""
    waiting, seen, pages, asked = ["/"], {"/"}, defaultdict(list), Counter[str]()
    while waiting:
        path = waiting.pop(0)
        kind = PART.sub("*", path)
        asked[kind, "~%3C" in path] += 1
        if asked[kind, "~%3C" in path] > OF_A_KIND:
            continue
        answer = client.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        if answer.headers["content-type"].startswith("text/html"):
            pages[kind].append(path)
            found = [link for link in addresses(answer.text) if link not in seen]
            waiting += found
            seen |= set(found)
    return pages


@pytest.fixture(scope="module")
def chosen(client: TestClient, showroom: Showroom) -> tuple[list[str], list[str]]:
    """A page of each kind, and then some to be opened only: those full of what hostile programs wrote, and those whose
    plots have logarithmic axes."""
    evil = {showroom.evil, *(line.program_id for line in showroom.archive.programs_of(showroom.evil))}
    wanted = ["/", "/problems/*/*", "/problems/*/*/pareto", "/programs/*", "/programs/*/diff/*", "/runs", "/runs/*"]
    wanted += ["/runs/*/lineage", "/runs/*/programs/*", "/compare", "/compare/*", "/compare/runs/*/*"]
    pages = linked(client)
    assert set(wanted) <= set(pages), sorted(pages)
    ordinary, hostile = [], []
    for kind, paths in pages.items():
        if kind not in SAME:
            bad = [path for path in paths if "evil" in path or evil & set(path.split("/"))]
            ordinary += [path for path in paths if path not in bad][:1]
            hostile += bad[:1]
    one = showroom.archive.improvements(showroom.evil)[-1].program_id
    hostile += [f"/runs/{showroom.evil}", f"/runs/{showroom.evil}/lineage", f"/programs/{one}"]
    front = next(path for path in pages["/problems/*/*/pareto"] if slug(REAL) in path)
    return ordinary, list(dict.fromkeys([*hostile, f"/runs/{showroom.real}", front]))


@dataclass(frozen=True)
class Look:
    """What a page is like: what axe finds in the light theme, by contrast in the dark one, and whether it fits a
    phone."""

    faults: list[Any]
    dark_faults: list[Any]
    fits: bool


@pytest.fixture(scope="module")
def looks(browser: Browser, server: str, chosen: tuple[list[str], list[str]]) -> dict[str, Look]:
    """All chosen pages opened, one after the other. Fails where one complains or runs what a candidate wrote."""
    found = {}
    with watched_page(browser, color_scheme="light") as page:
        for path in chosen[0]:
            open_page(page, server + path)
            faults = faults_of(page)
            page.emulate_media(color_scheme="dark")
            dark = faults_of(page, {"runOnly": ["color-contrast"]})
            page.emulate_media(color_scheme="light")
            found[path] = Look(faults, dark, fits_a_phone(page))
    return found


def open_page(page: Page, address: str) -> None:
    """Go there, and wait until all is drawn."""
    answer = page.goto(address)
    assert answer is not None and answer.status == 200, address
    page.wait_for_function(DRAWN)
    assert page.evaluate("window.pwned") is None, address


def fits_a_phone(page: Page) -> bool:
    page.set_viewport_size({"width": 390, "height": HEIGHT})
    try:
        # Plots take some time to become narrower.
        page.wait_for_function(FITS, timeout=5000)
    except TooLate:
        return False
    finally:
        page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    return True


def faults_of(page: Page, options: dict[str, Any] | None = None) -> list[Any]:
    """What axe finds, in few words."""
    found = Axe().run(page, options=options).response["violations"]
    return [(one["id"], node["target"], node.get("failureSummary", "")) for one in found for node in one["nodes"][:3]]


def test_nobody_is_shut_out_by_a_page(looks: dict[str, Look]) -> None:
    assert {path: look.faults for path, look in looks.items() if look.faults} == {}


def test_the_dark_theme_has_contrast_too(looks: dict[str, Look]) -> None:
    assert {path: look.dark_faults for path, look in looks.items() if look.dark_faults} == {}


def test_on_a_phone_only_tables_scroll_sideways(looks: dict[str, Look]) -> None:
    assert [path for path, look in looks.items() if not look.fits] == []


def test_pages_of_hostile_programs_are_pages(
    browser: Browser, server: str, chosen: tuple[list[str], list[str]]
) -> None:
    with watched_page(browser) as page:
        for path in chosen[1]:
            open_page(page, server + path)
            assert fits_a_phone(page), path


def test_the_checker_would_find_something(page: Page, server: str) -> None:
    page.goto(server)
    page.evaluate("""() => {
      document.querySelector("main").insertAdjacentHTML("beforeend", "<button></button><p class=low>pale</p>");
      document.querySelector(".low").style.color = "#ddd";
    }""")
    assert {"button-name", "color-contrast"} <= {fault[0] for fault in faults_of(page)}
