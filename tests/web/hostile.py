"""Texts as a hostile candidate or model would write them. Whatever they do in a page, they set `window.pwned`."""

from __future__ import annotations

SET = "window.pwned=1"
SCRIPT = f"</script><script>{SET}</script>"
IMAGE = f'<img src=x onerror="{SET}">'
ATTRIBUTE = f"\"' onmouseover='{SET}' autofocus onfocus=\"{SET}\" x='"
COMMENT = f"--><svg onload={SET}><!--"
TEMPLATE = "{{ 7 * 7 }}{% raw %}${7 * 7}"
ADDRESS = f"javascript:{SET}"
BIDIRECTIONAL = "if access\u202e\u2066 == 'resu'\u2069\u2066: return\u202c"
TERMINAL = "\x1b[31mred\x1b[2J\x1b]0;title\x07"
UNSEEN = "nul\x00 surrogate\ud800 zero\u200bwidth \u2028 \ufeff"
STORED = " ".join((SCRIPT, IMAGE, ATTRIBUTE, COMMENT, TEMPLATE, BIDIRECTIONAL, TERMINAL))
"""For what an archive stores as it is, without NUL and surrogates."""
EVERYTHING = " ".join((SCRIPT, IMAGE, ATTRIBUTE, COMMENT, TEMPLATE, ADDRESS, BIDIRECTIONAL, TERMINAL, UNSEEN))
PROBLEM = f"evil/../{IMAGE}{SCRIPT}?a=b#c"
"""A problem's name, as a foreign archive may have it."""
