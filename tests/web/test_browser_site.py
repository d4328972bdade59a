"""Published pages in a real browser: below a prefix of a web space, and opened as files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from evolve.web.desk import slug
from evolve.web.site import publish
from web.showroom import PROBLEM, VERSION, Showroom

pytestmark = pytest.mark.browser


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def folder(showroom: Showroom, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The showroom as files, below other folders."""
    made = tmp_path_factory.mktemp("space") / "some" / "project"
    publish(showroom.archive, made, programs=8)
    return made


@pytest.fixture(scope="module")
def space(folder: Path) -> Iterator[str]:
    """The address of a web space whose part the folder is."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder.parents[1]))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/some/project/"
        server.shutdown()
        thread.join()


def test_below_a_prefix_pages_work_and_lead_to_each_other(page: Page, space: str, showroom: Showroom) -> None:
    page.goto(space)
    assert page.locator(".card").count() == 3 and page.locator(".live").is_hidden()
    page.locator(f'.card a[href*="{slug(PROBLEM)}"]').first.click()
    page.wait_for_url(f"{space}problems/{slug(PROBLEM)}/**")
    page.locator("th[data-sort=size] button").click()
    assert page.locator("th[data-sort=size]").get_attribute("aria-sort") == "ascending"
    page.locator(f'#board a[href*="{showroom.gated}"]').first.click()
    page.wait_for_url(f"{space}runs/{showroom.gated}/**")
    page.wait_for_selector("#curve .main-svg")
    page.get_by_role("link", name="Lineage").click()
    page.wait_for_selector("#tree[data-ready]")
    page.get_by_role("link", name="Pareto").click()
    page.wait_for_selector("#front .main-svg")
    page.locator("#front-table a").first.click()
    page.wait_for_url(f"{space}**")
    page.get_by_role("link", name="Evolve").first.click()
    page.wait_for_url(f"{space}index.html")


def test_a_point_of_a_plot_leads_to_its_program(page: Page, space: str) -> None:
    page.goto(f"{space}problems/{slug(PROBLEM)}/{VERSION}/pareto/index.html")
    page.wait_for_selector("#front .main-svg")
    program = page.evaluate("""() => {
      const place = document.querySelector("#front");
      const known = place.data.flatMap((one) => one.customdata ?? []).filter((one) => typeof one === "string");
      place.emit("plotly_click", { points: [{ customdata: known.at(-1) }] });
      return known.at(-1).split("/").at(-1);
    }""")
    page.wait_for_url(f"{space}programs/{program}/index.html")
    expect(page.locator("h1")).to_contain_text("Program")


def test_opened_as_a_file_a_page_can_be_read(browser: Browser, folder: Path, showroom: Showroom) -> None:
    """A browser loads no module scripts from files, so there is no sorting and no plot; text, style and links work."""
    context = browser.new_context()
    page = context.new_page()
    page.goto((folder / "index.html").as_uri())
    assert page.evaluate("getComputedStyle(document.querySelector('.card')).borderTopStyle") == "solid"
    page.locator('a[href="runs/index.html"]').click()
    page.locator(f'a[href*="{showroom.gated}"]').first.click()
    expect(page.locator("h1")).to_contain_text(showroom.gated)
    assert page.evaluate("window.pwned") is None
    context.close()
