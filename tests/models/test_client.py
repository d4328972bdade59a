"""One request to a model through the library that asks real ones: every fault becomes a status or says what to do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from archive.store import Archive
from evolve.core.environment import without_keys
from evolve.core.errors import UsageError
from evolve.core.types import ModelReply, Ticket
from evolve.proposers.llm.client import ATTEMPTS, Breaker, Client, Pace, digest, request_of
from evolve.proposers.llm.faults import ModelFault, ModelUnavailable
from evolve.proposers.llm.models import Model, chosen_models, import_litellm, models_from_json
from evolve.proposers.llm.reading import MOST_CHARACTERS, read
from evolve.proposers.llm.scripted import Scripted, ScriptedModel

# litellm leaves connections and coroutines of failed requests to the garbage collector, and uses pydantic as of old.
pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning",
    "ignore::ResourceWarning",
    "ignore:Accessing the 'model_:DeprecationWarning",
)

MESSAGES = [{"role": "system", "content": "You improve programs."}, {"role": "user", "content": "Do."}]
TICKET = Ticket(7, "expand", (), (), "mutate", "m", 1)
PROVIDERS = ["openai", "hosted_vllm"]
"""Through OpenAI's client, and without it."""
SECRET = "s3cr3t-value-of-a-key"


def asked(
    answer: Callable[[dict[str, Any]], Scripted | str], provider: str = "openai", **settings: Any
) -> tuple[ModelReply, ScriptedModel]:
    """The reply of a scripted model, and the model."""
    with ScriptedModel(answer) as scripted:
        model = Model(name="m", model=f"{provider}/scripted", api_base=scripted.url, timeout_seconds=5.0, **settings)

        async def ask() -> ModelReply:
            client = Client((model,), back_off_seconds=0.001)
            try:
                return await client(TICKET, 0, MESSAGES)
            finally:
                await client.close()

        try:
            return asyncio.run(ask()), scripted
        except Exception as error:
            error.args = (*error.args, len(scripted.requests))
            raise


def in_turn(*answers: Scripted | str) -> Callable[[dict[str, Any]], Scripted | str]:
    """The answers one after the other, the last again and again."""
    left = list(answers)
    return lambda request: left.pop(0) if len(left) > 1 else left[0]


@pytest.mark.parametrize("stream", [False, True])
def test_a_reply(stream: bool) -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 60}}
    prices = {"input_usd_per_million": 1.0, "output_usd_per_million": 10.0, "cached_input_usd_per_million": 0.1}
    answer = Scripted("Idea: é\n```\nx\n```", usage=usage)
    reply, scripted = asked(lambda request: answer, stream=stream, temperature=0.5, **prices)
    assert (reply.id, reply.text, reply.finish) == ("7.0", "Idea: é\n```\nx\n```", "stop")
    assert (reply.prompt_tokens, reply.completion_tokens) == (100, 20)
    if not stream:
        assert reply.cached_tokens == 60 and reply.usd == pytest.approx(40e-6 + 6e-6 + 200e-6)
    assert scripted.requests[0]["messages"] == MESSAGES == reply.request["messages"]
    assert scripted.requests[0]["temperature"] == 0.5 and reply.request["temperature"] == 0.5


AGAIN = [
    Scripted("slow down", status=429),
    Scripted("slow down", status=429, headers={"Retry-After": "0"}),
    Scripted("oops", status=500),
    Scripted("oops", status=502),
    Scripted("oops", status=503),
    Scripted("", body=b"<html>Bad gateway</html>", status=502),
    Scripted("", body=b'{"choices": [{"mess'),
    Scripted("", body=b'{"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": []}'),
    Scripted("Idea: x", cut=0),
    Scripted("Idea: x", cut=30),
]


@pytest.mark.parametrize("fault", AGAIN, ids=range(len(AGAIN)))
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_may_pass_is_tried_again(fault: Scripted, stream: bool, provider: str) -> None:
    reply, scripted = asked(in_turn(fault, "Idea: fine"), provider, stream=stream)
    assert reply.text == "Idea: fine" and len(scripted.requests) == 2


@pytest.mark.parametrize(
    ("fault", "kind", "requests"),
    [
        (Scripted("slow down", status=429), "rate limit", ATTEMPTS),
        (Scripted("oops", status=500), "error 500", ATTEMPTS),
        (Scripted("oops", status=503, headers={"Retry-After": "0"}), "error 503", ATTEMPTS),
        (Scripted("no", status=405), "bad request", 1),
        (Scripted("too long", status=413), "bad request", 1),
        (Scripted("no", status=422), "bad request", 1),
        (Scripted("busy", status=409), "error 409", ATTEMPTS),
        (Scripted("This model's maximum context length is 10 tokens", status=400), "context", 1),
        (Scripted("unsupported value", status=400), "bad request", 1),
    ],
)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_stays_is_a_fault(fault: Scripted, kind: str, requests: int, provider: str) -> None:
    with pytest.raises(ModelFault) as caught:
        asked(lambda request: fault, provider)
    assert caught.value.kind == kind and caught.value.args[-1] == requests


@pytest.mark.parametrize(("fault"), [Scripted("x", delay_seconds=30.0), Scripted("x" * 400, drip_seconds=0.2)])
@pytest.mark.parametrize("stream", [False, True])
def test_a_server_that_hangs_or_drips_is_not_waited_for(fault: Scripted, stream: bool) -> None:
    with ScriptedModel(lambda request: fault) as scripted:
        model = Model(name="m", model="openai/s", api_base=scripted.url, timeout_seconds=0.3, stream=stream)

        async def ask() -> None:
            with pytest.raises(TimeoutError):
                await Client((model,))._send(model, MESSAGES)

        asyncio.run(ask())


@pytest.mark.parametrize(
    ("fault", "said", "remedy"),
    [
        (Scripted(f"bad key {SECRET}", status=401), "not authorised", "API_KEY"),
        (Scripted("no", status=403), "not authorised", "API_KEY"),
        (Scripted("no such model", status=404), "not known", "models.md"),
        (Scripted("You exceeded your current quota", status=429), "out of credit", "credit"),
    ],
)
def test_a_model_that_can_not_be_used(fault: Scripted, said: str, remedy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", SECRET)
    with pytest.raises(ModelUnavailable, match=said) as caught:
        asked(lambda request: fault)
    assert remedy in caught.value.remedy and caught.value.args[-1] == 1
    assert SECRET not in str(caught.value)


def test_a_cut_off_reply_is_a_reply() -> None:
    assert asked(lambda request: Scripted("Idea: x", finish="length"))[0].finish == "length"


def test_what_a_server_does_not_count_is_estimated() -> None:
    body = (
        b'{"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "12345678"}}]}'
    )
    reply, _ = asked(lambda request: Scripted(body=body))
    assert reply.completion_tokens == 3 and reply.prompt_tokens > 0 and reply.usd is None


def test_keys_are_left_out_of_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODD_TOKEN", SECRET)
    assert without_keys(f"a {SECRET} b") == "a (ODD_TOKEN) b"


def test_a_key_that_a_server_echoes_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODD_TOKEN", SECRET)
    reply, scripted = asked(lambda request: Scripted(f"Idea: {SECRET}", finish=SECRET), api_key_env="ODD_TOKEN")
    assert scripted.headers[0]["authorization"] == f"Bearer {SECRET}"
    assert reply.text == "Idea: (ODD_TOKEN)" and SECRET not in str(reply)


@pytest.mark.parametrize(
    ("answer", "requests", "finish"),
    [
        (Scripted("", usage={"prompt_tokens": 10, "completion_tokens": 7}), 2, "stop"),
        (Scripted(None, usage={"prompt_tokens": 10, "completion_tokens": 7}), 2, "stop"),
        (Scripted(" \n", usage={"prompt_tokens": 20, "completion_tokens": 14}, finish="length"), 1, "length"),
        (Scripted("x", usage={"prompt_tokens": 20, "completion_tokens": 14}, finish="content_filter"), 1, None),
    ],
)
def test_a_reply_without_text_is_paid_for_like_others(answer: Scripted, requests: int, finish: str | None) -> None:
    reply, scripted = asked(lambda request: answer)
    assert (reply.text, reply.finish) == ("", finish or "content_filter")
    assert len(scripted.requests) == requests
    assert (reply.prompt_tokens, reply.completion_tokens) == (20, 14)


def test_an_empty_reply_before_a_good_one_is_charged_too() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 7}
    reply, _ = asked(in_turn(Scripted("", usage=usage), Scripted("oops", status=500), Scripted("Idea: x", usage=usage)))
    assert (reply.text, reply.prompt_tokens, reply.completion_tokens) == ("Idea: x", 20, 14)
    lost, _ = asked(in_turn(Scripted("", usage=usage), Scripted("oops", status=500)))
    assert (lost.text, lost.prompt_tokens) == ("", 10)


ODD_COUNTS = [2**70, -5, 1.5, "12", None, True, [3], float("inf")]


@pytest.mark.parametrize("count", ODD_COUNTS, ids=map(str, ODD_COUNTS))
def test_counts_that_can_not_be_are_estimated(count: object) -> None:
    details = {"cached_tokens": count}
    usage = {"prompt_tokens": count, "completion_tokens": count, "prompt_tokens_details": details}
    body = {"usage": usage, "choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "12345678"}}]}
    message = {"role": "assistant", "content": "12345678"}
    answer = SimpleNamespace(
        choices=[SimpleNamespace(message=SimpleNamespace(**message), finish_reason="stop")],
        usage=SimpleNamespace(**{**usage, "prompt_tokens_details": SimpleNamespace(**details)}),
    )
    got = read(answer, MESSAGES)
    assert (got.prompt_tokens, got.completion_tokens, got.cached_tokens) == (7, 3, 0)
    with suppress(ModelFault):  # what the library itself can not read
        reply, _ = asked(lambda request: Scripted(body=json.dumps(body).encode()))
        assert 0 <= reply.prompt_tokens <= 10**9 and 0 <= reply.completion_tokens <= 10**9


def test_whatever_a_reply_holds_can_be_kept(tmp_path: Path) -> None:
    body = b'{"choices": [{"index": 0, "finish_reason": "st\\u0000op\\ud800", "message": {"role": "assistant", '
    body += b'"content": "a\\u0000b\\ud800c\\udfff \\ud83d\\ude00"}}]}'
    reply, _ = asked(lambda request: Scripted(body=body))
    assert reply.text == "a\ufffdb?c? \U0001f600" and reply.finish.isprintable()
    with Archive.open(tmp_path / "a.db") as archive:
        run_id = archive.begin_run(problem="p", problem_version="1", config={}, run_seed=0)
        archive.journal(run_id, TICKET).result()
        archive.add_reply(run_id, reply).result()
        assert archive.replies(run_id)[0] == reply


def test_a_reply_without_end_is_cut_off() -> None:
    reply, _ = asked(lambda request: "Idea: x\n" + "y" * (MOST_CHARACTERS + 5))
    assert len(reply.text) == MOST_CHARACTERS and reply.finish == "length"


def test_a_breaker_opens_and_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("evolve.proposers.llm.client.monotonic_seconds", lambda: now[0])
    breaker = Breaker(10.0)
    for _ in range(2):
        breaker.failed()
    assert breaker.allows()
    breaker.failed()
    assert not breaker.allows()
    now[0] = 10.5
    assert breaker.allows()
    breaker.failed()
    now[0] = 10.5 + 15.0
    assert not breaker.allows()
    now[0] = 10.5 + 20.5
    breaker.succeeded()
    assert breaker.allows()


def test_rates_are_kept() -> None:
    async def play() -> None:
        pace = Pace(2.0)
        await pace.wait(1.0)
        await pace.wait(1.0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await pace.wait(1.0)

    asyncio.run(play())


def test_the_digest_is_of_what_is_asked_and_not_of_where() -> None:
    here, there = (Model(name="m", model="openai/x", api_base=base) for base in ("http://a", "http://b"))
    assert digest(request_of(here, MESSAGES)) == digest(request_of(there, MESSAGES))
    other = Model(name="m", model="openai/x", temperature=0.1)
    assert digest(request_of(here, MESSAGES)) != digest(request_of(other, MESSAGES))


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "evolve").mkdir()
    return lambda text: (tmp_path / "evolve" / "config.toml").write_text(text) and None


def test_models_of_the_settings(settings: Callable[[str], None]) -> None:
    settings(
        '[models]\nbandit = "uniform"\n[models.cheap]\nmodel = "openai/gpt-5-mini"\nroles = ["refine"]\nweight = 2.0\n'
    )
    given = chosen_models(["cheap", "anthropic/claude-sonnet-4-5"])
    cheap, other = models_from_json(given["models"])
    assert given["bandit"] == "uniform" and (cheap.name, cheap.model) == ("cheap", "openai/gpt-5-mini")
    assert cheap.roles == ("refine",) and cheap.weight == 2.0 and other.model == "anthropic/claude-sonnet-4-5"
    assert cheap.price is not None and cheap.price.output_usd > cheap.price.input_usd > cheap.price.cached_input_usd > 0
    assert Model(name="x", model="openai/nobody-knows-this").price is None
    assert Model(name="x", model="openai/gpt-5-mini", api_base="http://127.0.0.1:1").price is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[models.a]\ntemprature = 1\n", "nearest valid one is temperature"),
        ('[models.a]\napi_key = "sk-1"\n', "come from the environment"),
        ('[models.a]\napi_key_env = "sk-1"\n', "does not belong into a file"),
        ('[models.a]\napi_key_env = "MINE"\n', "MINE_KEY"),
        ("[models.a]\nconcurrency = 0\n", "greater than or equal to 1"),
        ("[models.a]\ncontext_tokens = 4096\n", "context_tokens: a reply of max_tokens = 8192 leaves no room"),
        ('[models]\nbandit = "best"\n', "thompson"),
        ("[models]\na = 1\n", "no table"),
        ("[models\n", "can not be read"),
    ],
)
def test_wrong_settings_say_what_to_write(settings: Callable[[str], None], text: str, said: str) -> None:
    settings(text)
    with pytest.raises(UsageError) as caught:
        chosen_models(["a"])
    assert said in str(caught.value)


def test_a_prompt_that_is_counted_too_low_still_fits_beside_the_reply() -> None:
    model = Model(name="x", model="openai/x", context_tokens=2048, max_tokens=80)
    # As counted for a prompt of SmolLM2 with many numbers: 1,164 for 1,775.
    assert model.prompt_tokens is not None and model.prompt_tokens * 1775 / 1164 + model.max_tokens <= 2048
    assert model.prompt_tokens > 1024


def test_a_model_is_named_once(settings: Callable[[str], None]) -> None:
    with pytest.raises(UsageError, match="given twice"):
        chosen_models(["a", "a"])


def test_a_callback_that_would_say_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(name="m", model="openai/x", api_base="http://127.0.0.1:1")
    with pytest.raises(UsageError, match="no callback 'otle'") as caught:
        Client((model,), callbacks=["otle"])
    assert "'otel'" in caught.value.remedy
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="not installed"):
        Client((model,), callbacks=["otel"])


def test_callbacks_are_off_unless_asked_for_and_know_prices() -> None:
    priced = Model(name="m", model="openai/mine", input_usd_per_million=2.0, output_usd_per_million=3.0)
    Client((priced,))
    litellm = import_litellm()
    assert litellm.callbacks == []
    assert litellm.model_cost["openai/mine"]["output_cost_per_token"] == pytest.approx(3e-6)
