"""Pictures of the main pages for docs/images. EVOLVE_SCREENSHOTS=write makes them anew, of real runs of minutes."""

from __future__ import annotations

import os
import struct
from io import BytesIO
from pathlib import Path

import pytest
from playwright.sync_api import Browser

import evolve
from archive.store import Archive
from evolve.web.app import create_app
from web.conftest import HEIGHT, WIDTH, served, watched_page
from web.test_browser_pages import open_page

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
NAMES = ("problems", "leaderboard", "front", "run", "lineage", "program", "difference")
MOST_BYTES = 150_000


@pytest.mark.parametrize("name", NAMES)
def test_the_pictures_of_the_docs_are_there(name: str) -> None:
    picture = (IMAGES / f"{name}.png").read_bytes()
    assert struct.unpack(">II", picture[16:24]) == (WIDTH, HEIGHT) and len(picture) < MOST_BYTES


@pytest.mark.browser
@pytest.mark.bubblewrap
@pytest.mark.timeout(3600)
@pytest.mark.skipif(os.environ.get("EVOLVE_SCREENSHOTS") != "write", reason="made when EVOLVE_SCREENSHOTS=write")
def test_pictures_are_made(browser: Browser, tmp_path: Path) -> None:
    where = tmp_path / "archive.db"
    options = {"archive": where, "progress": False}
    tree = evolve.run("cache-eviction", evaluations=90, **options).run_id
    evolve.run("float32-exp2", evaluations=600, seed=1, policy="hill", **options)
    run = evolve.run("float32-exp2", evaluations=600, seed=1, **options).run_id
    IMAGES.mkdir(exist_ok=True)
    with (
        Archive.open(where, create=False) as archive,
        served(create_app(archive)) as address,
        watched_page(browser, color_scheme="light") as page,
    ):

        def taken(name: str, path: str) -> None:
            open_page(page, address + path)
            page.mouse.move(0, 0)
            page.wait_for_timeout(500)  # for the animation with which plots appear
            (IMAGES / f"{name}.png").write_bytes(smaller(page.screenshot()))

        taken("problems", "/")
        taken("leaderboard", "/problems/function-approximation~exp2")
        best = page.locator("#board tr.found a").first.get_attribute("href") or ""
        front = page.get_by_role("link", name="Front").get_attribute("href") or ""
        taken("front", front)
        taken("run", f"/runs/{run}")
        taken("lineage", f"/runs/{tree}/lineage")
        taken("program", best)
        taken("difference", page.locator('a[href*="/diff/"]').first.get_attribute("href") or "")


def smaller(picture: bytes) -> bytes:
    """The same with 256 colours, which a page without photographs hardly shows."""
    from PIL import Image

    made = BytesIO()
    Image.open(BytesIO(picture)).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(made, "png", optimize=True)
    return made.getvalue()
