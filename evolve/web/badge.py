"""A small picture with a score, for pages elsewhere."""

from __future__ import annotations

from html import escape

from evolve.web.text import shortened

CHARACTER = 6.6
"""Width of a character of 11 units, about; a text is stretched to what it is given."""


def badge(label: str, words: str) -> str:
    """An SVG picture, 20 units high, with the label on the left and the words on the right."""
    label, words = shortened(label, 30), shortened(words, 60)
    left, right = (round(CHARACTER * len(one)) + 12 for one in (label, words))
    title = escape(f"{label}: {words}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{title}">'
        f"<title>{title}</title>"
        f'<rect width="{left}" height="20" fill="#444"/><rect x="{left}" width="{right}" height="20" fill="#0061a0"/>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana, DejaVu Sans, sans-serif" font-size="11">'
        f'<text x="{left / 2}" y="14" textLength="{left - 12}">{escape(label)}</text>'
        f'<text x="{left + right / 2}" y="14" textLength="{right - 12}">{escape(words)}</text></g></svg>'
    )
