"""The application: routes over one archive, read-only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response

from archive.store import Archive
from evolve.core.errors import EvolveError, UsageError
from evolve.web import (
    compare,
    diff,
    leaderboard,
    lineage,
    live,
    pareto,
    problems,
    program,
    program_data,
    run,
    runs,
)
from evolve.web.assets import assets
from evolve.web.desk import Desk
from evolve.web.page import PlainJson, page
from evolve.web.security import Guard

PAGES = (problems, leaderboard, pareto, program, program_data, diff, runs, run, lineage, compare, live)
_REFUSALS = {404: "there is no such thing", 422: "the address can not be read", 503: "the archive can not be read"}
_DATA = (".json", ".csv", ".svg", ".txt")


class Refusal(BaseModel):
    """Why there is no answer, and what to do."""

    error: str
    remedy: str


def _refusal(words: str) -> dict[str, Any]:
    """What the schema says of it: JSON, also where the answer itself would be text or a picture."""
    return {"description": words, "content": {"application/json": {"schema": Refusal.model_json_schema()}}}


def create_app(archive: Archive, *, token: str | None = None, published: bool = False) -> FastAPI:
    """The application that shows an open archive, which stays the caller's to close.

    With `token` every request must bring it: see `evolve.web.security`. `published` leaves out what a folder of files
    can not do: it is for `evolve.web.site`.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.pulse = live.Pulse(app.state.desk)
        yield
        app.state.pulse.closed.set()

    app = FastAPI(
        title="Evolve",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
        default_response_class=PlainJson,
        responses={status: _refusal(words) for status, words in _REFUSALS.items()},
    )
    app.state.desk = Desk(archive)
    app.state.published = published
    for one in PAGES:
        app.include_router(one.router)
    app.add_api_route("/static/{name}", _asset, include_in_schema=False)
    app.add_exception_handler(EvolveError, _failed)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_middleware(GZipMiddleware, minimum_size=2_000, compresslevel=5)
    app.add_middleware(Guard, token=token)
    return app


async def _asset(name: str, request: Request) -> Response:
    found = assets().get(name)
    if found is None:
        raise HTTPException(404)
    # Scripts name each other without a digest: what has none is asked for again, and mostly not sent again.
    fixed = request.query_params.get("v") == found.digest
    headers = {"etag": f'"{found.digest}"', "cache-control": "max-age=31536000, immutable" if fixed else "no-cache"}
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type=found.media_type, headers=headers)


def _failed(request: Request, error: Exception) -> Response:
    """An unknown name is 404, an archive that can not be read 503; both say what to do."""
    message, remedy = (error.message, error.remedy) if isinstance(error, EvolveError) else (str(error), "")
    return _said(request, 404 if isinstance(error, UsageError) else 503, message, remedy)


def _refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    words = "there is no such page" if status == 404 else f"the request was refused ({status})"
    return _said(request, status, words, "Begin at the list of problems.")


def _unreadable(request: Request, error: Exception) -> Response:
    return _said(request, 422, "the address has a value that can not be read", "Follow a link of these pages.")


def _said(request: Request, status: int, message: str, remedy: str) -> Response:
    if request.url.path.endswith(_DATA):
        return PlainJson({"error": message, "remedy": remedy}, status)
    return page(request, "error.html", title="Not found", status=status, message=message, remedy=remedy)
