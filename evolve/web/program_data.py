"""What is behind the page of a program, for scripts: texts as they are, scores by instance, replies of models."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from evolve.display.plain import plain
from evolve.display.program import gate_answer
from evolve.web.instances import figure, instances_of
from evolve.web.page import AnyDesk, json_answer
from evolve.web.subject import champion_of, subject_of

router = APIRouter()


def encodable(text: str) -> str:
    """The text with lone surrogates, which no encoding holds, written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


Text = Annotated[str, AfterValidator(encodable)]
Metrics = dict[Text, float | None]


class ProgramData(BaseModel):
    """A program as the latest run that has it knows it; without `record` it is a seed or baseline that no record
    brought. Metrics are those of train; `proven` is the gate's answer where it was asked."""

    program_id: str
    name: Text
    run_id: str
    problem: Text
    problem_version: Text
    record: int | None
    status: str | None
    metrics: Metrics
    final: Metrics | None
    measured: float | None
    proven: bool | None
    idea: Text
    feedback: Text
    operator: Text
    model: Text | None
    parents: list[str]
    children: int
    entry: Text
    files: list[Text]


class ResultRow(BaseModel):
    """One instance of train: the scores of the program, of its run's champion, and of a baseline, where the archive
    has them; what the program took. An instance that failed has no score."""

    instance: Text
    status: str
    score: float | None
    champion: float | None
    baseline: float | None
    cpu_seconds: float | None
    wall_seconds: float | None
    peak_bytes: int


class MessageRow(BaseModel):
    """What was sent to a model, or said before."""

    role: Text
    content: Text


class ReplyRow(BaseModel):
    """What a model was asked, and what it answered: whole, as it was."""

    model: Text
    messages: list[MessageRow]
    reply: Text
    finish: Text
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    usd: float | None
    seconds: float | None


@router.get("/programs/{program}/program.json")
def program_json(program: str, desk: AnyDesk) -> ProgramData:
    """A program, without its code: `source.txt` and `files/1.txt`, ... beside this give it."""
    subject = subject_of(desk, program)
    row, run = subject.row, subject.run
    return ProgramData(
        program_id=subject.program_id,
        name=subject.name,
        run_id=run.id,
        problem=run.problem,
        problem_version=run.problem_version,
        record=row.number if row else None,
        status=row.verdict.status.value if row else None,
        metrics=plain(subject.metrics),
        final=plain(desk.archive.final_results(run.id).get(subject.program_id)),
        measured=row.verdict.share if row else None,
        proven=gate_answer(row) if row else None,
        idea=row.idea if row else "",
        feedback=row.verdict.feedback if row else "",
        operator=row.ticket.operator if row else "",
        model=row.ticket.model if row else None,
        parents=list(row.parents) if row else [],
        children=row.children if row else 0,
        entry=subject.source.entry,
        files=list(subject.source.files),
    )


@router.get("/programs/{program}/results.json")
def results_json(program: str, desk: AnyDesk) -> list[ResultRow]:
    """Scores on train instance by instance, in the order in which they were run."""
    subject = subject_of(desk, program)
    found = instances_of(desk, subject, champion_of(desk, subject.run))
    champion = found.champion.scores if found.champion else {}
    baseline = found.baseline.scores if found.baseline else {}
    return [
        ResultRow(
            instance=one.instance_id,
            status=one.status.value,
            score=plain(one.score),
            champion=plain(champion.get(one.instance_id)),
            baseline=plain(baseline.get(one.instance_id)),
            cpu_seconds=plain(one.cpu_seconds),
            wall_seconds=plain(one.wall_seconds),
            peak_bytes=one.peak_bytes,
        )
        for one in found.results
    ]


@router.get("/programs/{program}/replies.json")
def replies_json(program: str, desk: AnyDesk) -> list[ReplyRow]:
    """What models were asked and what they answered for a program; none of one that no model made."""
    row = subject_of(desk, program).row
    replies = desk.archive.replies_of(row.run_id, row.ticket.number) if row else []
    return [
        ReplyRow(
            model=one.model,
            messages=[MessageRow(**message) for message in messages_of(one.request)],
            reply=one.text,
            finish=one.finish,
            prompt_tokens=one.prompt_tokens,
            completion_tokens=one.completion_tokens,
            cached_tokens=one.cached_tokens,
            usd=plain(one.usd),
            seconds=plain(one.seconds),
        )
        for one in replies
    ]


def messages_of(request: Any) -> list[dict[str, str]]:
    """The messages of a request as texts."""
    return [{"role": str(one.get("role")), "content": str(one.get("content"))} for one in request.get("messages", ())]


@router.get("/programs/{program}/results-figure.json", include_in_schema=False)
def results_figure(program: str, desk: AnyDesk) -> Response:
    """The plot of scores by instance, for Plotly."""
    subject = subject_of(desk, program)
    return json_answer(figure(instances_of(desk, subject, champion_of(desk, subject.run))))


@router.get("/programs/{program}/source.txt", response_class=PlainTextResponse)
def source_text(program: str, desk: AnyDesk) -> Response:
    """The text of the program as it is; of several files all, each behind a line with its number."""
    files = [*subject_of(desk, program).source.files.values()]
    if len(files) == 1:
        return _text(files[0])
    return _text("\n".join(f"=== file {place} of {len(files)} ===\n{text}" for place, text in enumerate(files, 1)))


@router.get("/programs/{program}/files/{position}.txt", response_class=PlainTextResponse)
def file_text(program: str, position: int, desk: AnyDesk) -> Response:
    """One file of the program as it is; they are counted from 1."""
    files = [*subject_of(desk, program).source.files.values()]
    if not 1 <= position <= len(files):
        raise HTTPException(404)
    return _text(files[position - 1])


def _text(text: str) -> Response:
    return Response(text.encode("utf-8", "backslashreplace"), media_type="text/plain; charset=utf-8")
