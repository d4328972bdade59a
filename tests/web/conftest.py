"""An archive for the pages, the application over it, and a browser that looks at them."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from web.showroom import Showroom, build

if TYPE_CHECKING:
    from fastapi import FastAPI
    from playwright.sync_api import Browser, ConsoleMessage, Page
    from starlette.testclient import TestClient

WIDTH, HEIGHT = 1280, 800


@pytest.fixture(scope="session")
def showroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Showroom]:
    """The archive that all tests share. Only those of live updates write to it, and to `live` alone."""
    made = build(tmp_path_factory.mktemp("showroom"))
    yield made
    made.archive.close()


@pytest.fixture(scope="session")
def app(showroom: Showroom) -> FastAPI:
    """The application over the showroom, without a token."""
    from evolve.web.app import create_app

    return create_app(showroom.archive)


@pytest.fixture(scope="session")
def client(app: FastAPI) -> Iterator[TestClient]:
    """Asks it without a network."""
    from starlette.testclient import TestClient

    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as made:
        yield made


@pytest.fixture(scope="session")
def server(showroom: Showroom) -> Iterator[str]:
    """The address of a server of its own on this machine, without a slash at the end."""
    from evolve.web.app import create_app

    with served(create_app(showroom.archive)) as address:
        yield address


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The application behind a real socket on a free port; its address."""
    from evolve.web.serving import make_server

    listening = socket.create_server(("127.0.0.1", 0))
    server = make_server(app)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium without a window. While it is there an event loop runs in this thread, which other modules'
    tests can not have."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Chromium's own sandbox refuses to run as root.
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        made = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        yield made
        made.close()


class Watched:
    """What a page complains of: errors on its console, those of its scripts, and breaches of its policy."""

    def __init__(self, page: Page) -> None:
        self.complaints: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            self.complaints.append(f"{message.location.get('url')}: {message.text}")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of its own. The test fails where a script or the policy complained, or where foreign text became one."""
    with watched_page(browser) as made:
        yield made


@contextmanager
def watched_page(browser: Browser, **options: object) -> Iterator[Page]:
    """As the fixture `page`, with other options of a browser's context."""
    options.setdefault("viewport", {"width": WIDTH, "height": HEIGHT})
    context = browser.new_context(**options)  # type: ignore[arg-type]
    page = context.new_page()
    watched = Watched(page)
    try:
        yield page
        assert page.evaluate("window.pwned") is None, "a page ran what a candidate wrote"
        assert watched.complaints == []
    finally:
        context.close()
