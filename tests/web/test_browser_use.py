"""What people do with the pages: sort, filter, search, compare, follow a run, choose a theme, all of it by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from evolve.web.app import create_app
from evolve.web.desk import slug
from web.conftest import served, watched_page
from web.showroom import PROBLEM, Showroom

pytestmark = pytest.mark.browser

BOARD = f"/problems/{slug(PROBLEM)}"
TOKEN = "a-token-of-some-length"
VALUES = """(column) => {
  const heads = [...document.querySelectorAll("#board thead th")];
  const place = heads.findIndex((one) => one.dataset.sort === column);
  const rows = [...document.querySelectorAll("#board tbody tr:not([hidden])")];
  return rows.map((row) => row.cells[place].dataset.value ?? row.cells[place].textContent.trim());
}"""


def values(page: Page, column: str) -> list[str]:
    """What the rows that are shown have in a column of the leaderboard."""
    return list(page.evaluate(VALUES, column))


def tab_to(page: Page, selector: str) -> None:
    """By the Tab key alone."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"Tab leads to no {selector}")


def test_a_table_is_sorted_by_keyboard_and_a_link_keeps_it(page: Page, server: str, browser: Browser) -> None:
    page.goto(server + BOARD)
    before = values(page, "metric hit_rate")
    assert len(before) > 5
    tab_to(page, "th[data-sort=size] button")
    page.keyboard.press("Enter")
    sizes = [float(one) for one in values(page, "size") if one]
    assert sizes == sorted(sizes) and page.locator("th[data-sort=size]").get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Enter")
    assert [float(one) for one in values(page, "size") if one] == sorted(sizes, reverse=True)
    assert page.evaluate("document.activeElement.closest('th').dataset.sort") == "size"
    with watched_page(browser) as other:
        other.goto(page.url)
        assert values(other, "program") == values(page, "program") != []


def test_rows_are_filtered_and_searched_and_a_link_keeps_it(page: Page, server: str, browser: Browser) -> None:
    page.goto(server + BOARD)
    every = values(page, "program")
    page.get_by_label("Show").select_option("baseline")
    known = values(page, "program")
    assert {"fifo", "lru", "seed"} <= set(known) < set(every)
    assert page.locator("[data-count]").inner_text() == f"{len(known)} of {len(every)}"
    page.get_by_label("Search").fill("lr")
    assert values(page, "program") == ["lru"]
    with watched_page(browser) as other:
        other.goto(page.url)
        assert values(other, "program") == ["lru"] and other.get_by_label("Search").input_value() == "lr"
    page.get_by_label("Search").fill("nothing has this")
    assert values(page, "program") == []
    page.get_by_label("Search").fill("")
    page.get_by_label("Show").select_option("")
    assert values(page, "program") == every and "#" not in page.url


def test_the_keyboard_skips_to_the_content(page: Page, server: str) -> None:
    page.goto(server)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_the_theme_is_chosen_and_kept(browser: Browser, server: str) -> None:
    with watched_page(browser, color_scheme="light") as page:
        page.goto(server)
        back = "getComputedStyle(document.body).backgroundColor"
        light = page.evaluate(back)
        page.get_by_role("button", name="Dark theme").click()
        dark = page.evaluate(back)
        assert dark != light
        page.goto(f"{server}/runs")
        assert page.evaluate(back) == dark
        page.get_by_role("button", name="Light theme").press("Enter")
        assert page.evaluate(back) == light


def test_two_programs_are_compared(page: Page, server: str, showroom: Showroom) -> None:
    one, other = (line.program_id for line in showroom.archive.programs_of(showroom.gated, count=2))
    page.goto(f"{server}/programs/{one}")
    page.locator("#other").fill(other[:12])
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/programs/{one}/diff/{other}")
    signs = set(page.locator(".difference .sign").all_inner_texts())
    assert {"+", "-"} <= {sign.strip() for sign in signs} and page.locator("ins").count() > 0
    page.get_by_role("link", name="The other way round").click()
    page.wait_for_url(f"**/programs/{other}/diff/{one}")


def test_the_tree_leads_to_the_champion_by_keyboard(page: Page, server: str, showroom: Showroom) -> None:
    page.goto(f"{server}/runs/{showroom.gated}/lineage")
    best = (page.locator("#path tbody a").nth(-2).get_attribute("href") or "").split("/")[-1]
    page.wait_for_selector("#tree[data-ready]")
    page.locator("#tree canvas").focus()
    page.keyboard.press("End")
    expect(page.locator("#tree-told")).to_contain_text(best[:10])
    assert best in page.url
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#tree-told")).not_to_contain_text(best[:10])
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/programs/{best}")


def test_a_run_is_followed_without_reloading(page: Page, server: str, showroom: Showroom) -> None:
    """Records come while the page is open: curve and counts change, and the reader's place does not."""
    run = showroom.live.run_id
    page.goto(f"{server}/runs/{run}")
    page.wait_for_selector("#curve .main-svg")
    expect(page.locator(".live")).to_have_text("live")
    points = "document.querySelector('#curve').figure.data.reduce((sum, one) => sum + (one.x?.length ?? 0), 0)"
    before, records = page.evaluate(points), page.locator("#run-statuses").inner_text()
    page.locator("#run-curve summary").click()
    link = page.locator("#run-curve details a").last
    link.focus()
    held = link.get_attribute("href")
    page.evaluate("window.held = true; scrollTo(0, 260)")
    place = page.evaluate("scrollY")
    assert place > 100
    showroom.live.write(9)
    page.wait_for_function(f"(before) => {points} > before", arg=before)
    expect(page.locator("#run-statuses")).not_to_have_text(records)
    page.wait_for_function("() => document.querySelectorAll('#run-curve tbody tr').length > 1")
    assert page.evaluate("window.held") and page.locator("#run-curve details").get_attribute("open") is not None
    assert page.evaluate("document.activeElement.getAttribute('href')") == held
    assert page.evaluate("scrollY") == place


def test_a_leaderboard_is_followed_as_it_is_sorted(page: Page, server: str, showroom: Showroom) -> None:
    page.goto(f"{server}{BOARD}#board.sort=program&board.search=train")
    expect(page.locator(".live")).to_have_text("live")
    row = page.locator("#board tbody tr", has_text=showroom.live.run_id)
    before = row.locator("a").first.get_attribute("href")
    page.evaluate("window.held = true")
    page.get_by_label("Search").focus()
    showroom.live.write(9)
    expect(row.locator("a").first).not_to_have_attribute("href", before or "")
    assert page.evaluate("window.held && document.activeElement.type") == "search"
    assert page.locator("th[data-sort=program]").get_attribute("aria-sort") == "ascending"
    assert all("train only" in text for text in page.locator("#board tbody tr:visible").all_inner_texts())


def test_with_a_token(browser: Browser, showroom: Showroom) -> None:
    with served(create_app(showroom.archive, token=TOKEN)) as address:
        with watched_page(browser) as page:
            page.goto(f"{address}/runs?token={TOKEN}")
            assert page.url == f"{address}/runs" and page.locator("#runs-table tbody tr").count() > 5
            page.get_by_role("link", name="Problems").click()
            expect(page.locator(".card")).to_have_count(3)
            expect(page.locator(".live")).to_have_text("live")
        context = browser.new_context()
        stranger = context.new_page()
        answer = stranger.goto(f"{address}/runs")
        assert answer is not None and answer.status == 401 and "evolve serve" in stranger.content()
        context.close()


def test_a_page_says_when_its_server_is_gone(browser: Browser, showroom: Showroom) -> None:
    context = browser.new_context()
    page = context.new_page()
    with served(create_app(showroom.archive)) as address:
        page.goto(address)
        expect(page.locator(".live")).to_have_text("live")
    expect(page.locator(".live")).to_have_text("not connected")
    assert page.locator(".card").count() == 3
    context.close()
