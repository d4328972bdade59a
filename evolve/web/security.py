"""Who may read, and what a page may do: the outermost layer of the application, in front of all routes."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "evolve-token"
NOTHING = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
"""The digest of an empty text: Plotly begins with an empty style sheet, and fills it by script."""
LOCAL_NAMES = ("127.0.0.1", "localhost", "[::1]")
PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        f"style-src 'self' {NOTHING}",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
    )
)
"""Content-Security-Policy: nothing inline, nothing from elsewhere. Pictures of plots are made in the page (`data:`)."""
POLICY = f"{PAGE_POLICY}; frame-ancestors 'none'"
"""The same with what only a server may say."""
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
FAILED = "this page could not be made: where the server was started stands why\n"


class Guard:
    """Lets through what only reads, with the token where one is set, and puts the headers of safety on every answer.

    Without a token only names of this machine are answered: a foreign page whose name is made to point here (DNS
    rebinding) asks by its own name.
    """

    def __init__(self, app: ASGIApp, token: str | None = None) -> None:
        self._app = app
        self._token = token or None  # an empty one would be everybody's

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        begun = False

        async def guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store" if self._token else "no-cache")
            await send(message)

        answer = self._refusal(scope)
        try:
            await (answer or self._app)(scope, receive, guarded)
        except Exception:
            if not begun:
                await PlainTextResponse(FAILED, 500)(scope, receive, guarded)
            raise  # to where the server says it

    def _refusal(self, scope: Scope) -> Response | None:
        """Why the request goes no further; None where it may."""
        headers = Headers(scope=scope)
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("these pages are only read\n", 405, {"allow": "GET, HEAD"})
        if self._token is None:
            host = headers.get("host", "").rpartition("]")
            name = f"{host[0]}]" if host[1] else host[2].partition(":")[0]
            return None if name in LOCAL_NAMES else PlainTextResponse("this is not the name of these pages\n", 421)
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if self._is_token(value for name, value in query if name == "token"):
            return self._welcome(scope, [pair for pair in query if pair[0] != "token"])
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        if self._is_token((bearer, _cookie(headers.get("cookie", "")))):
            return None
        words = "Give the token that `evolve serve` printed: open the address that it printed, with ?token=...\n"
        return PlainTextResponse(words, 401, {"www-authenticate": "Bearer"})

    def _is_token(self, given: Iterable[str]) -> bool:
        token = (self._token or "").encode()
        return any(hmac.compare_digest(one.encode("utf-8", "replace"), token) for one in given)

    def _welcome(self, scope: Scope, query: list[tuple[str, str]]) -> Response:
        """The same address without the token, which a cookie holds from now on: it is not to stand in a history."""
        # One slash at the beginning: with two, a browser would take what follows for another machine.
        path = "/" + scope["path"].lstrip("/\\")
        answer = RedirectResponse(f"{path}?{urlencode(query)}" if query else path, 303)
        answer.set_cookie(COOKIE, self._token or "", httponly=True, samesite="strict", max_age=30 * 86400)
        return answer


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""
