"""From a template and its values to a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, JSONResponse, Response

from evolve.display.plain import plain
from evolve.web.assets import address
from evolve.web.desk import Desk, board_address
from evolve.web.security import PAGE_POLICY
from evolve.web.text import FILTERS

HERE = Path(__file__).parent

_templates = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= FILTERS
_templates.globals["board_address"] = board_address
_templates.globals["asset"] = address
_templates.globals["policy"] = PAGE_POLICY


def desk_of(request: Request) -> Desk:
    """The archive that the application shows: a dependency of routes."""
    desk: Desk = request.app.state.desk
    return desk


AnyDesk = Annotated[Desk, Depends(desk_of)]
"""What a route declares to be given the archive."""


def page(request: Request, template: str, *, title: str, watch: str = "", status: int = 200, **values: Any) -> Response:
    """A page. `watch` names what makes it out of date, by keys of `evolve.web.live`: run ids, or `*` for anything.

    What changes while a run goes on stands in elements with `data-part`; see `static/live.js`.
    """
    published = request.app.state.published
    values |= {"title": title, "watch": "" if published else watch, "published": published, "path": request.url.path}
    text = _templates.get_template(template).render(**values)
    # What no encoding holds is shown by its number; this is for what went another way.
    return HTMLResponse(text.encode("utf-8", "replace"), status)


class PlainJson(JSONResponse):
    """Compact JSON: what is not finite is null, and what no encoding holds is a question mark."""

    def render(self, content: Any) -> bytes:
        """The bytes of a value."""
        text = json.dumps(plain(content), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode("utf-8", "replace")


def json_answer(value: Any) -> Response:
    """A value for scripts and plots."""
    return PlainJson(value)
