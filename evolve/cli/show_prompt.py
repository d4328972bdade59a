"""`evolve show PROGRAM --prompt`: what was sent to a model, and what came back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evolve.core.errors import UsageError

if TYPE_CHECKING:
    from archive.rows import ProgramRow
    from archive.store import Archive
    from evolve.core.types import ModelReply


def show_prompt(archive: Archive, row: ProgramRow, as_json: bool) -> None:
    """Print the requests and replies of the ticket that made a program, exactly as they were.

    Raises UsageError where no model made it.
    """
    from evolve.cli.output import print_json

    replies = archive.replies_of(row.run_id, row.ticket.number)
    if not replies:
        maker = "a start program" if row.ticket.operator == "start" else "made by the offline proposer"
        raise UsageError(f"program {row.program_id[:10]} is {maker}: there is no prompt", "Choose another program.")
    if as_json:
        print_json([_reply_json(reply) for reply in replies])
        return
    for reply in replies:
        _print(reply)


def _reply_json(reply: ModelReply) -> dict[str, Any]:
    return {
        "id": reply.id,
        "model": reply.model,
        "request": dict(reply.request),
        "reply": reply.text,
        "finish": reply.finish,
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "cached_tokens": reply.cached_tokens,
        "usd": reply.usd,
        "seconds": reply.seconds,
    }


def _print(reply: ModelReply) -> None:
    from evolve.display.text import duration, line

    price = "price unknown" if reply.usd is None else f"${reply.usd:.4f}"
    tokens = f"{reply.prompt_tokens:,} + {reply.completion_tokens:,} tokens ({reply.cached_tokens:,} cached)"
    line(f"reply {reply.id} of {reply.model}: {tokens}, {price}, {duration(reply.seconds)}", style="bold")
    others = {key: value for key, value in reply.request.items() if key != "messages"}
    if others:
        line(", ".join(f"{key} {value}" for key, value in others.items()), style="dim")
    for message in reply.request["messages"]:
        line(f"\n--- {message['role']}", style="cyan")
        line(message["content"])
    line(f"\n--- reply ({reply.finish})", style="cyan")
    line(reply.text)
    line("")
