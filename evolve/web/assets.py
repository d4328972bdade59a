"""Scripts and styles: a fixed table made once. No address ever becomes the name of a file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path

from evolve.core.errors import UsageError

FOLDER = Path(__file__).parent / "static"
PLOTLY = "plotly.min.js"
_KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent: its content, media type, and a digest by which browsers know it again."""

    content: bytes
    media_type: str
    digest: str


@cache
def assets() -> dict[str, Asset]:
    """All by name: those of these pages, and the bundle that Plotly's package brings."""
    paths = {path.name: path for path in sorted(FOLDER.iterdir()) if path.suffix in _KINDS}
    return {name: _read(path) for name, path in (paths | {PLOTLY: _plotly()}).items()}


def address(name: str) -> str:
    """Where a page finds it. The digest in it changes with the content, so that browsers may keep what they have."""
    return f"/static/{name}?v={assets()[name].digest}"


def _plotly() -> Path:
    """Found without importing the package, which takes longer than all the rest."""
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        raise UsageError("plots need plotly, which is not installed", "pip install plotly")
    return Path(spec.origin).parent / "package_data" / PLOTLY


def _read(path: Path) -> Asset:
    content = path.read_bytes()
    return Asset(content, _KINDS[path.suffix], blake2b(content, digest_size=6).hexdigest())
