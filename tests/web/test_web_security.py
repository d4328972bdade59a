"""What reaches the application from anywhere, and what must never come of it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from evolve.web.app import create_app
from evolve.web.assets import assets
from evolve.web.security import COOKIE, HEADERS, POLICY
from web.conftest import served
from web.showroom import Showroom

TOKEN = "a-token-of-some-length"
REST = "HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
EVERYWHERE = (
    "/",
    "/problems.json",
    "/nothing",
    "/nothing.json",
    "/static/main.css",
    "/static/nothing",
    "/openapi.json",
)


@pytest.fixture(scope="module")
def closed(showroom: Showroom) -> Iterator[TestClient]:
    """Asks an application that wants a token."""
    with TestClient(create_app(showroom.archive, token=TOKEN), base_url="http://board.example") as made:
        yield made


def raw(address: str, request: bytes) -> bytes:
    """The whole answer to what no client would send."""
    where = urlsplit(address)
    with closing(socket.create_connection((where.hostname or "", where.port or 0), timeout=30)) as connection:
        connection.sendall(request)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize("path", EVERYWHERE)
def test_every_answer_has_the_headers_of_safety(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "cache-control" in answer.headers and "server" not in answer.headers
    assert answer.headers["content-type"].partition(";")[0] != "application/octet-stream"


def test_refusals_have_them_too(client: TestClient, closed: TestClient) -> None:
    refused = [client.post("/"), closed.get("/"), client.get("/", headers={"host": "evil.example"})]
    assert [one.status_code for one in refused] == [405, 401, 421]
    assert all({name: one.headers[name] for name in HEADERS} == HEADERS for one in refused)


def test_the_policy_lets_nothing_inline_or_foreign_in() -> None:
    assert "unsafe" not in POLICY and "http:" not in POLICY and "*" not in POLICY
    assert "default-src 'none'" in POLICY and "script-src 'self';" in POLICY and "frame-ancestors 'none'" in POLICY


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "GETS"])
def test_only_reading_is_allowed(client: TestClient, method: str) -> None:
    for path in ("/", "/problems.json", "/live", "/static/main.css", "/nothing"):
        answer = client.request(method, path, content=b"x" * 1000)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "localhost.evil.example", "", "127.0.0.1.evil.example"]
)
def test_a_foreign_name_for_this_machine_is_not_answered(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 421
    assert "Problems" not in client.get("/", headers={"host": host}).text


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000", "[::1]"])
def test_names_of_this_machine_are(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/problems.json", "/live", "/static/main.css", "/openapi.json", "/nothing"])
def test_without_the_token_there_is_nothing(closed: TestClient, path: str) -> None:
    wrong = ("", "a-token-of-some-lengtH", TOKEN[:-1], TOKEN + "x", "\u00e9" * 20, "%00", "x" * 5000)
    for answer in (
        closed.get(path),
        *(closed.get(path, params={"token": one}) for one in wrong),
        closed.get(path, headers={"authorization": "Bearer wrong"}),
        closed.get(path, headers={"cookie": f"{COOKIE}=wrong"}),
        closed.get(path, headers={"cookie": f'{COOKIE}="; =;;\u00e9'.encode("latin-1")}),
    ):
        assert answer.status_code == 401 and TOKEN not in answer.text and "Problems" not in answer.text


def test_an_empty_token_lets_nobody_in_from_elsewhere(showroom: Showroom) -> None:
    with TestClient(create_app(showroom.archive, token=""), base_url="http://board.example") as client:
        assert client.get("/").status_code == client.get("/?token=").status_code == 421


def test_the_token_in_the_address_becomes_a_cookie(showroom: Showroom) -> None:
    with TestClient(create_app(showroom.archive, token=TOKEN), base_url="http://board.example") as client:
        answer = client.get("/problems.json", params={"token": TOKEN, "x": "y"}, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/problems.json?x=y")
        assert {"HttpOnly", "SameSite=strict"} <= set(answer.headers["set-cookie"].split("; "))
        assert client.get("/problems.json").status_code == 200
        assert client.get("/").headers["cache-control"] == "no-store"
    with TestClient(create_app(showroom.archive, token=TOKEN), base_url="http://board.example") as client:
        assert client.get("/", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200


@pytest.mark.parametrize(
    "path", ["//evil.example/", "///evil.example", "/\\evil.example", "/%5cevil.example", "/%2Fevil.example/"]
)
def test_no_redirection_leads_elsewhere(showroom: Showroom, path: str) -> None:
    with served(create_app(showroom.archive, token=TOKEN)) as address:
        for given in (path, f"http://evil.example{path}"):
            answer = raw(
                address,
                f"GET {given}?token={TOKEN} HTTP/1.1\r\nhost: board.example\r\nconnection: close\r\n\r\n".encode(),
            )
            places = [line[9:].strip() for line in answer.split(b"\r\n") if line.lower().startswith(b"location:")]
            assert status(answer) == 303 and len(places) == 1
            assert places[0][:1] == b"/" and places[0][1:2] not in (b"/", b"\\"), places


CLIMBING = (
    "/static/../app.py",
    "/static/..%2fapp.py",
    "/static/%2e%2e/app.py",
    "/static/..%5capp.py",
    "/static//etc/passwd",
    "/static/%2fetc%2fpasswd",
    "/static/main.css%00.js",
    "/static/main.css/",
    "/static/",
    "/static/.",
    "/problems/../../etc/passwd",
    "/problems/..%2f..%2fetc%2fpasswd/board.json",
    "/problems/%00/board.json",
    "/problems/%ff%fe/board.csv",
    "/programs/..%2f..%2fetc%2fpasswd",
    "/programs/%00",
    "/programs/%ed%a0%80",
    "/runs/..%2f..",
    "/runs/%00%00",
    "/runs/%ff",
    "/runs/%25%5f",
    "/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd",
    "/file:///etc/passwd",
    "/..",
    "/%2e%2e/%2e%2e/etc/passwd",
)


@pytest.mark.parametrize("path", CLIMBING)
def test_no_address_opens_a_file_or_fails(server: str, path: str) -> None:
    answer = raw(server, f"GET {path} {REST}".encode())
    assert status(answer) in (404, 422), answer[:300]
    assert b"root:" not in answer and b"Traceback" not in answer and b"import " not in answer


def test_addresses_that_are_no_text_or_very_long(server: str) -> None:
    long = b"/runs/" + b"a" * 8000
    for path, wanted in ((b"/runs/\xff\xfe", (400, 404)), (long, (404, 422)), (b"/" + b"%00" * 2000, (404, 422))):
        answer = raw(server, b"GET " + path + f" {REST}".encode())
        assert status(answer) in wanted, answer[:200]
    # What is longer than a server takes ends with its connection; the next one is answered.
    huge = f"GET /{'a' * 1_000_000} {REST}".encode()
    with suppress(ConnectionError, IndexError):
        assert status(raw(server, huge)) in (400, 414, 431)
    good = raw(server, f"GET / {REST}".encode())
    assert status(good) == 200


def test_assets_are_a_fixed_table(client: TestClient, app: FastAPI) -> None:
    for name, asset in assets().items():
        answer = client.get(f"/static/{name}")
        assert answer.content == asset.content and answer.headers["cache-control"] == "no-cache"
        assert client.get(f"/static/{name}", headers={"if-none-match": answer.headers["etag"]}).status_code == 304
        fixed = client.get(f"/static/{name}", params={"v": asset.digest})
        assert "immutable" in fixed.headers["cache-control"]


def test_what_goes_wrong_here_says_nothing_of_itself(showroom: Showroom, monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app(showroom.archive)

    def fail(*arguments: object) -> object:
        raise RuntimeError("a secret")

    monkeypatch.setattr(app.state.desk.archive, "pulse", fail)
    monkeypatch.setattr("evolve.web.problems.cards", fail)
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        answer = client.get("/")
    assert answer.status_code == 500 and "secret" not in answer.text
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
