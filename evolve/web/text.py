"""Foreign text for people: what candidates and models wrote, with nothing in it that hides or reorders what is read.

Templates escape HTML by themselves. What this adds: characters without a picture of their own (controls, terminal
codes, bidirectional overrides, zero-width and lone surrogates) are shown by their numbers: a text reads as it is.
"""

from __future__ import annotations

import math
import re
from datetime import datetime

from evolve.display.text import duration, metric_text, number

# Controls but tab and line feed; marks, overrides and isolates of direction; zero width; separators of lines and
# paragraphs; invisible operators; byte order mark; interlinear notes; tags; surrogates.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)


def visible(text: str) -> str:
    """The text with each character that can not be seen replaced by its number, as in `⟨U+202E⟩`."""
    return _HIDDEN.sub(lambda found: f"⟨U+{ord(found.group()):04X}⟩", text.replace("\r\n", "\n"))


def shortened(text: str, length: int) -> str:
    """One line of at most `length` characters."""
    words = " ".join(visible(text[: 4 * length]).split())
    return words if len(words) <= length else words[: length - 1] + "…"


def signed(value: float | None, digits: int = 4) -> str:
    """A difference with its sign; a dash for none, and words for what no interval bounds."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "no bound"
    return f"{value:+.{digits}g}"


def date(stamp: str | None) -> str:
    """A stored date to the minute, UTC; what another program wrote there stands as it is."""
    if not stamp:
        return "–"
    try:
        return datetime.fromisoformat(stamp).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return shortened(stamp, 20)


def dollars(usd: float, unpriced: int = 0) -> str:
    """What models took; with a plus where the price of some replies is not known."""
    return f"${usd:.2f}{'+' if unpriced else ''}"


def lasting(seconds: float) -> str:
    """As `evolve.display.text.duration`, of any number."""
    return duration(seconds) if math.isfinite(seconds) else "no bound"


FILTERS = {
    "visible": visible,
    "shortened": shortened,
    "signed": signed,
    "date": date,
    "dollars": dollars,
    "number": number,
    "duration": lasting,
    "metric": lambda value, name: metric_text(name, value),
    "words": lambda name: name.replace("_", " "),
}
"""What templates use beside Jinja2's own."""
