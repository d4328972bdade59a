"""Addresses of pages, the files that hold them in a folder, and links from one to another.

Only the templates write attributes: every quotation mark of a foreign text is escaped (`&#34;`), so that what looks
like an attribute here is one.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from html import escape, unescape
from typing import Any
from urllib.parse import quote, unquote

PAGE = "text/html"
_LINK = re.compile(r'(?<=\s)(?P<name>href|src|data-(?:plot|tree|json|base))="(?P<value>/[^"]*)"')
_ROOT = re.compile(r'(?<=\s)data-root="/"')
_PLAIN = re.compile(r"[a-z0-9][a-z0-9_~-]{0,99}")
_DATA = re.compile(r"[a-z0-9][a-z0-9_~-]{0,99}(?:\.min)?\.(?:json|csv|svg|txt|js|css)")


def addresses(page: str) -> Iterable[str]:
    """The addresses of a page in their order, without fragments; those of scripts and styles have a query."""
    for found in _LINK.finditer(page):
        if found["name"] != "data-base":
            yield unescape(found["value"]).partition("#")[0]


def file_of(address: str, media_type: str) -> str:
    """The file of an address: for a page the one that a folder's address means.

    A part of the address that is not plain, as a problem's name may be, becomes a digest: no foreign text is a file's
    name.
    """
    parts = [unquote(part) for part in address.partition("?")[0].split("/") if part]
    last = parts.pop() if parts and media_type != PAGE else "index.html"
    name = last if last == "index.html" or _DATA.fullmatch(last) else _digest(last)
    return "/".join([*(part if _PLAIN.fullmatch(part) else _digest(part) for part in parts), name])


def _digest(part: str) -> str:
    return f"x-{blake2b(part.encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()}"


def relinked(page: str, own: str, files: Mapping[str, str]) -> str:
    """A page with links from its own file to the other ones, by `files` from addresses.

    A link to what is not there is none any more.
    """

    def changed(found: re.Match[str]) -> str:
        name, value = found["name"], unescape(found["value"])
        address, mark, fragment = value.partition("#")
        if name == "data-base":
            # Scripts write on from here: the folder in which what they ask for lies.
            target = file_of(address, PAGE).removesuffix("/index.html")
            return f'{name}="{escape(quote(between(own, target), safe="/~"))}"'
        if address not in files:
            return f'data-absent="{name}"'
        query = f"?{address.partition('?')[2]}" if "?" in address else ""
        return f'{name}="{escape(quote(between(own, files[address]), safe="/~") + query + mark + fragment)}"'

    root = posixpath.relpath(".", posixpath.dirname(own) or ".")
    return _ROOT.sub(f'data-root="{root}"', _LINK.sub(changed, page))


def between(own: str, other: str) -> str:
    """The way from one file to another."""
    return posixpath.relpath(other, posixpath.dirname(own) or ".")


def without_absent(content: bytes, known: Callable[[str], bool]) -> bytes:
    """JSON in which a text that is nothing but the address of a program that is not there is null."""

    def walk(value: Any) -> Any:
        if isinstance(value, str) and value.startswith("/programs/"):
            return value if known(value) else None
        if isinstance(value, list):
            return [walk(one) for one in value]
        return {key: walk(one) for key, one in value.items()} if isinstance(value, dict) else value

    if b'"/programs/' not in content:
        return content
    return json.dumps(walk(json.loads(content)), separators=(",", ":")).encode()
