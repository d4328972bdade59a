"""What an answer of the chat protocol holds: text, why it ends, what it is said to have cost. None is trusted.

A server may be hostile, broken or of another protocol: what comes back is of known types and bounded sizes, can be
encoded as UTF-8 and kept in any database, and holds no key of ours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from evolve.core.environment import without_keys
from evolve.proposers.llm.faults import ModelFault
from evolve.proposers.llm.memory import Messages
from evolve.proposers.llm.prompts import estimated_tokens

MOST_CHARACTERS = 1_000_000
"""Of a reply; what is longer is cut off there, as a model's own limit does it."""
MOST_TOKENS = 10**9
"""More than any request takes: who counts more, or less than nothing, has not counted."""
FILTERED, CUT_OFF = "content_filter", "length"
_FINISH_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `text` is empty where there was none; the cached tokens are part of those of the prompt."""

    text: str
    finish: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int

    def after(self, other: Answer) -> Answer:
        """This answer, charged with what `other` cost as well."""
        return replace(
            self,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
        )


def read(answer: Any, messages: Messages) -> Answer:
    """The answer to a request of these messages. Raises ModelFault where it is not one of the protocol."""
    try:
        choice = answer.choices[0]
        content, finish = choice.message.content, choice.finish_reason
    except (AttributeError, IndexError, TypeError):
        raise ModelFault("malformed", "the answer has no choices") from None
    text = _storable(content) if isinstance(content, str) and content.strip() else ""
    finish = _storable(str(finish or "stop"))[:_FINISH_CHARACTERS]
    if len(text) > MOST_CHARACTERS:
        text, finish = text[:MOST_CHARACTERS], CUT_OFF
    if finish == FILTERED:
        text = ""
    usage = getattr(answer, "usage", None)
    details = getattr(usage, "prompt_tokens_details", None)
    prompt = _count(usage, "prompt_tokens", estimated_tokens(messages))
    completion = _count(usage, "completion_tokens", estimated_tokens([{"content": text}]))
    return Answer(text, finish, prompt, completion, min(prompt, _count(details, "cached_tokens", 0)))


def _count(usage: Any, name: str, otherwise: int) -> int:
    given = getattr(usage, name, None)
    is_count = isinstance(given, int) and not isinstance(given, bool) and 0 <= given <= MOST_TOKENS
    return given if is_count and given else otherwise


def _storable(text: str) -> str:
    """The text without our keys, NUL characters, which PostgreSQL keeps none of, and halves of UTF-16 pairs."""
    return without_keys(text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode())
