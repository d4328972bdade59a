"""Requests to models: the templates of `prompts/` filled with what is known of problem and run.

The system message is the same for all requests of a run, so that providers' prompt caches hit; the user message has
what changes least first.

A prompt is kept below a number of tokens by a rule: its characters divided by 3.5, which is on the high side for
English and code. A tokenizer would be another one for each model, and some would have to be fetched. What is too long
gives way in the order of `_STEPS`. A program is shown whole, as its block, or not at all; the parent, the second
parent of a crossover, the broken program and the answer's form are always there. Where they do not fit there is no
request.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluators.screen import find_block
from evolve.core.errors import Forbidden, UsageError
from evolve.core.types import Source, Status
from evolve.proposers.base import Brief, IdeaRow, Shown
from evolve.proposers.llm.facts import Facts, facts_of
from evolve.proposers.llm.fence import (
    beginning,
    cut,
    fenced,
    inline,
    language_of,
    lines_and_fences,
    open_fence,
    visible,
)
from evolve.proposers.llm.memory import Messages
from evolve.proposers.llm.templates import Templates, digest_of, shipped_prompts

if TYPE_CHECKING:
    from evolve.proposers.llm.edits import EditError

CHARACTERS_PER_TOKEN = 3.5
PROMPT_TOKENS = 24_000
OPERATORS = ("mutate", "rewrite", "crossover", "simplify", "repair", "paradigm")
_LEAST_REPLY = 400
_UNFENCED = "# a line that programs could have written"


class TooLong(UsageError):
    """A request that is longer than its limit although all that may be left out is."""


@dataclass(frozen=True, slots=True)
class _Size:
    """How much of each part is shown."""

    inspirations: int = 2
    whole_others: bool = True
    champion: bool = True
    feedback_characters: int = 4_000
    failed: int = 3
    ideas: int = 8
    names: int = 500
    baselines: int = 50
    whole_parent: bool = True


_STEPS: tuple[Mapping[str, Any], ...] = (
    {},
    {"whole_others": False},
    {"inspirations": 1},
    {"failed": 1, "feedback_characters": 1_500},
    {"inspirations": 0},
    {"champion": False},
    {"ideas": 3, "names": 50},
    {"baselines": 5, "feedback_characters": 500},
    {"whole_parent": False},
)
# Shares of the limit that texts of the problem may take, at the most.
_STATEMENT, _KNOWLEDGE, _BESIDE = 0.4, 0.1, 0.1


def estimated_tokens(messages: Messages) -> int:
    """Tokens of a request by the rule of this module."""
    return math.ceil(sum(len(message["content"]) for message in messages) / CHARACTERS_PER_TOKEN)


class Prompts:
    """Renders requests of at most `limit_tokens`. Templates in `folder` replace the shipped ones of the same name.

    Raises:
        UsageError: `folder` holds a name that is none of the shipped ones, or a template can not be rendered, or
            prints what comes from programs as it is.
        TooLong: the seed does not fit.
    """

    def __init__(
        self, facts: Facts, hint: str = "", folder: str | None = None, limit_tokens: int = PROMPT_TOKENS
    ) -> None:
        filters: dict[str, Callable[..., str]] = {
            "fenced": fenced,
            "inline": inline,
            "metrics": _metrics,
            "code": _code,
        }
        filters |= {"failed": _failed, "idea_row": _idea_row, "status": _words, "language": language_of}
        self._templates = Templates(Path(folder) if folder else None, filters)
        self._limit_tokens = limit_tokens
        self._system = self._templates.render("system", facts=_shortened(facts, limit_tokens), hint=hint)
        self._check(facts.seed)

    def messages(self, operator: str, brief: Brief) -> Messages:
        """The first request of a ticket.

        Raises:
            TooLong: it does not fit although all that may be left out is.
            UsageError: a template can not be rendered.
        """
        size = _Size()
        for step in _STEPS:
            size = replace(size, **step)
            text = self._templates.render(operator, **_values(operator, brief, size))
            messages = [{"role": "system", "content": self._system}, {"role": "user", "content": text}]
            if estimated_tokens(messages) <= self._limit_tokens:
                return messages
        raise self._too_long(operator, messages)

    def smallest(self) -> Messages:
        """A request that is no longer than any: what a budget must cover for another one to be worth a ticket."""
        return [{"role": "system", "content": self._system}]

    def repair_messages(self, before: Messages, reply: str, error: EditError) -> Messages:
        """The request after a reply whose edits can not be applied: the conversation so far, and what is wrong.

        Of a long reply the middle is left out. Raises TooLong where that is not enough.
        """
        text = self._templates.render("edit_failed", reason=error.reason, nearest=error.nearest, applied=error.applied)
        last = {"role": "user", "content": text}
        used = estimated_tokens([*before, last])
        room = int((self._limit_tokens - used) * CHARACTERS_PER_TOKEN) - 100
        shown = visible(reply)
        if room < min(_LEAST_REPLY, len(shown)):
            raise self._too_long("edit_failed", [*before, {"role": "assistant", "content": shown}, last])
        return [*before, {"role": "assistant", "content": cut(shown, room)}, last]

    def _too_long(self, operator: str, messages: Messages) -> TooLong:
        tokens = estimated_tokens(messages)
        message = (
            f"the request {operator} takes about {tokens:,} tokens at its smallest; the limit is {self._limit_tokens:,}"
        )
        remedy = "Shorten README.md, knowledge.md or the part of the program that may change"
        larger = ", or take a model with a larger context" if self._limit_tokens < PROMPT_TOKENS else ""
        return TooLong(message, f"{remedy}{larger}.")

    def _check(self, seed: Source) -> None:
        """Render everything once: a wrong template, and a seed that does not fit, are found before anything is paid."""
        hostile = f"name: why\n```\n````\n{_UNFENCED}"
        source = replace(seed, files={name: f"{text}\n```\n{_UNFENCED}\n" for name, text in seed.files.items()})
        shown = Shown("specimen", "parent", source, {"score": 1.0}, hostile, hostile, Status.OK)
        row = (IdeaRow(hostile, hostile, 1, 1.0, hostile),)
        some = (hostile,)
        brief = Brief(shown, shown, (shown,), "gap", (shown,), shown, row, row, (shown,), some, hostile, 1, some, 1)
        for operator in OPERATORS:
            _check_fences(operator, self._templates.render(operator, **_values(operator, brief, _Size())))
            base = Shown("seed", "parent", seed)
            self.messages(operator, Brief(base, base, broken=base))
        text = self._templates.render("edit_failed", reason=hostile, nearest=hostile, applied=1)
        _check_fences("edit_failed", text)


def _check_fences(name: str, text: str) -> None:
    outside = (line.strip() for line, inside in lines_and_fences(text) if not inside)
    if any(line.startswith(_UNFENCED) for line in outside) or open_fence(text):
        raise UsageError(
            f"the template {name}.j2, or a part of it, prints text of programs or replies as it is",
            "Write {{ ... | fenced }}, {{ ... | inline }} or {{ ... | code }}; docs/prompts.md lists the filters.",
        )


def _shortened(facts: Facts, limit_tokens: int) -> Facts:
    """The facts with texts of no more than their shares of a prompt; what is cut says so."""
    characters = limit_tokens * CHARACTERS_PER_TOKEN
    beside = []
    for name, text in facts.beside:
        room = int(_BESIDE * characters / len(facts.beside))
        beside.append((name, text if len(text) <= room else cut(text, room)))
    return replace(
        facts,
        statement=beginning(facts.statement, int(_STATEMENT * characters), "The statement"),
        knowledge=beginning(facts.knowledge, int(_KNOWLEDGE * characters), "What is known"),
        beside=tuple(beside),
    )


def _values(operator: str, brief: Brief, size: _Size) -> dict[str, Any]:
    """What templates see: as much of the brief as `size` says, and its numbers."""
    shown = replace(
        brief,
        best_ideas=brief.best_ideas[: size.ideas],
        worst_ideas=brief.worst_ideas[: size.ideas],
        failed_here=brief.failed_here[-size.failed :],
        baselines=brief.baselines[: size.baselines],
        known_ideas=brief.known_ideas[-size.names :],
        champion=brief.champion if size.champion else replace(brief.champion, source=None),
    )
    frame = _frames(brief.parent)
    others = any(_frames(one) != frame for one in brief.inspirations)
    return {
        "brief": shown,
        "inspirations": max(1, size.inspirations) if operator == "crossover" else size.inspirations,
        # What is around the block is the same for all, mostly, and stands in the parent already.
        "whole_inspirations": size.whole_others and others,
        "whole_champion": size.whole_others and _frames(brief.champion) != frame,
        "whole_parent": size.whole_parent,
        "feedback_characters": size.feedback_characters,
    }


def _metrics(metrics: Mapping[str, float]) -> str:
    return ", ".join(f"{inline(name, 60)} {value:.6g}" for name, value in metrics.items()) or "none"


def _frames(shown: Shown) -> list[str]:
    """What may not change of a program, file by file."""
    return (
        [text.replace(_block(name, text), "", 1) for name, text in shown.source.files.items()] if shown.source else []
    )


def _code(source: Source | None, whole: bool = True) -> str:
    """The files of a program as fenced blocks: whole, or of each what stands between its markers."""
    if source is None:
        return "(no code)"
    return "\n".join(_file(name, text, whole, len(source.files) > 1) for name, text in source.files.items())


def _file(name: str, text: str, whole: bool, several: bool) -> str:
    shown = text if whole else _block(name, text)
    heading = "Its block:" if shown != text else ""
    if several:
        heading = f"{inline(name)}, its block:" if heading else f"{inline(name)}:"
    return heading + fenced(shown, None, language_of(name))


def _block(name: str, text: str) -> str:
    """What may change of a file; all of one that has no markers."""
    try:
        block = find_block(text, name)
    except Forbidden:
        return text
    return text[block.start : block.end]


def _failed(shown: Shown, characters: int) -> str:
    return f"- {inline(shown.idea) or 'no idea given'}: {_words(shown.status)}\n{fenced(shown.feedback, characters)}"


def _words(status: Status) -> str:
    return status.value.replace("_", " ")


def _idea_row(row: IdeaRow) -> str:
    best = "no score" if row.best is None else f"best {row.best:.6g}"
    failure = f"; failed: {inline(row.failure)}" if row.failure else ""
    why = f": {inline(row.hypothesis)}" if row.hypothesis else ""
    return f"{inline(row.name)}{why} ({row.tries} tried, {best}{failure})"


__all__ = ["Facts", "Prompts", "TooLong", "digest_of", "estimated_tokens", "facts_of", "shipped_prompts"]
