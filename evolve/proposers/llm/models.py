"""Language models as the user names and sets them: the table [models] of the settings, and what their tokens cost."""

from __future__ import annotations

import difflib
import importlib.util
import os
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from evolve.budget import Price
from evolve.core.config import settings_file
from evolve.core.environment import is_secret_name
from evolve.core.errors import UsageError

MILLION = 1e6
LEAST_COUNTED = 0.6
"""What our count of a prompt's tokens (`prompts.estimated_tokens`) is at the least, as a share of the model's own: with
SmolLM2, whose tokenizer splits numbers into digits, 0.66 to 0.95 was measured."""


class Model(BaseModel):
    """One model. `name` is what the user calls it, `model` what litellm does; see docs/models.md for all keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = ""
    model: str
    roles: tuple[Literal["refine", "shift"], ...] = ("refine", "shift")
    weight: float = Field(default=1.0, gt=0, le=1000)
    temperature: float | None = Field(default=None, ge=0, le=2)
    reasoning_effort: str | None = None
    max_tokens: int = Field(default=8192, ge=16, le=1_000_000)
    context_tokens: int | None = Field(default=None, ge=512)
    api_base: str | None = None
    api_key_env: str | None = None
    input_usd_per_million: float | None = Field(default=None, ge=0)
    output_usd_per_million: float | None = Field(default=None, ge=0)
    cached_input_usd_per_million: float | None = Field(default=None, ge=0)
    concurrency: int = Field(default=8, ge=1, le=1024)
    requests_per_minute: float | None = Field(default=None, gt=0)
    tokens_per_minute: float | None = Field(default=None, gt=0)
    timeout_seconds: float = Field(default=180.0, gt=0, le=86_400)
    stream: bool = False

    @field_validator("api_key_env")
    @classmethod
    def _is_a_name(cls, value: str | None) -> str | None:
        if value is not None and not value.replace("_", "").isalnum():
            raise ValueError("give the NAME of an environment variable; a key itself does not belong into a file")
        if value is not None and not is_secret_name(value):
            raise ValueError(f"name it {value}_KEY: what is not called a key is not kept from programs and logs")
        return value

    @field_validator("context_tokens")
    @classmethod
    def _has_room_for_a_prompt(cls, value: int | None, others: ValidationInfo) -> int | None:
        reply = others.data.get("max_tokens", 0)
        if value is not None and value <= reply:
            raise ValueError(f"a reply of max_tokens = {reply} leaves no room for a prompt")
        return value

    @property
    def price(self) -> Price | None:
        """Dollars per token: of the settings, else of litellm's own table; None where neither knows them."""
        if self.input_usd_per_million is not None and self.output_usd_per_million is not None:
            cached = self.cached_input_usd_per_million
            given = self.input_usd_per_million if cached is None else cached
            return Price(self.input_usd_per_million / MILLION, given / MILLION, self.output_usd_per_million / MILLION)
        if self.api_base is not None:
            return None  # whoever answers there, the table does not know what they take
        known = table_entry(self.model)
        if "input_cost_per_token" not in known or "output_cost_per_token" not in known:
            return None
        fresh = float(known["input_cost_per_token"])
        cached_usd = float(known.get("cache_read_input_token_cost") or fresh)
        return Price(fresh, cached_usd, float(known["output_cost_per_token"]))

    @property
    def prompt_tokens(self) -> int | None:
        """The longest prompt that the model takes, in tokens as we count them; None where that is not known."""
        if self.context_tokens is not None:
            return int(LEAST_COUNTED * (self.context_tokens - self.max_tokens))
        known = None if self.api_base is not None else table_entry(self.model).get("max_input_tokens")
        return int(known) if known else None


def table_entry(model: str) -> Mapping[str, Any]:
    """What litellm's table of prices says of a model; its own copy, nothing is fetched."""
    litellm = import_litellm()
    return litellm.model_cost.get(model) or litellm.model_cost.get(model.partition("/")[2]) or {}


def import_litellm() -> Any:
    """litellm, which takes seconds to import, with everything off that talks to others or to the terminal."""
    import logging
    import warnings

    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("LITELLM_LOG", "ERROR")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what its imports warn of is not ours to mend
            import litellm
    except Exception as error:  # it imports much, and whatever fails there has one remedy
        remedy = "Type: pip install --force-reinstall litellm"
        raise UsageError(f"litellm can not be imported: {type(error).__name__}: {error}", remedy) from error
    warnings.filterwarnings("ignore", message="Items? .* on TypedDict class", category=UserWarning)
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return litellm


def check_callbacks(names: Sequence[str]) -> None:
    """Raises UsageError for a callback that litellm does not know, or whose package is missing: it would be silent."""
    known = getattr(import_litellm(), "_known_custom_logger_compatible_callbacks", names)
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
            raise UsageError(f"{settings_file()}: litellm has no callback {name!r}", f"The nearest one is {near!r}.")
        if name == "otel" and importlib.util.find_spec("opentelemetry") is None:
            remedy = "Type: pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http"
            raise UsageError("the callback otel needs OpenTelemetry, which is not installed", remedy)


def chosen_models(names: Sequence[str], api_base: str | None = None, bandit: str | None = None) -> dict[str, Any]:
    """The models of a run as plain data: those tables of the settings, or models of litellm, that `names` name.

    `bandit` is the rule by which a model and its move are chosen; None for that of the settings. Raises UsageError
    where there is no such rule, a name is given twice, or the settings can not be read or hold a wrong key.
    """
    table = _table()
    rule, callbacks = table.pop("bandit", "thompson"), table.pop("callbacks", [])
    if rule not in ("thompson", "uniform"):
        raise UsageError(f"{settings_file()}: models.bandit is {rule!r}", 'Write "thompson" or "uniform".')
    if bandit not in (None, "thompson", "uniform"):
        raise UsageError(f"--bandit {bandit}: there is no such rule", "Write thompson or uniform.")
    if not (isinstance(callbacks, list) and all(isinstance(one, str) for one in callbacks)):
        raise UsageError(f"{settings_file()}: models.callbacks is no list of names", 'Write callbacks = ["otel"].')
    if twice := next((name for name in names if list(names).count(name) > 1), None):
        raise UsageError(
            f"--model {twice} is given twice", "Name each model once; its `weight` says how often it is asked."
        )
    models = [_model(name, table.get(name), api_base) for name in names]
    return {
        "bandit": bandit or rule,
        "callbacks": callbacks,
        "models": [model.model_dump(mode="json") for model in models],
    }


def models_from_json(data: Sequence[Mapping[str, Any]]) -> tuple[Model, ...]:
    """The models that `chosen_models` gave."""
    return tuple(Model.model_validate({**one, "roles": tuple(one["roles"])}) for one in data)


def _model(name: str, table: Any, api_base: str | None) -> Model:
    where = f"{settings_file()}: models.{name}"
    if table is not None and not isinstance(table, dict):
        raise UsageError(f"{where} is no table", f"Write [models.{name}] and its keys below it.")
    given = {"model": name, **(table or {}), "name": name}
    if api_base is not None:
        given["api_base"] = api_base
    try:
        return Model.model_validate(given)
    except ValidationError as error:
        item = error.errors()[0]
        key = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            if key in ("api_key", "key"):
                remedy = 'Keys come from the environment: api_key_env = "NAME_OF_THE_VARIABLE".'
                raise UsageError(f"{where}.{key}: a key does not belong into a file", remedy) from None
            near = difflib.get_close_matches(key, Model.model_fields, n=1, cutoff=0.0)[0]
            raise UsageError(f"{where}: unknown key {key}", f"The nearest valid one is {near}.") from None
        words = item["msg"].removeprefix("Value error, ")
        raise UsageError(f"{where}.{key}: {words}", "Mend the key; docs/models.md lists all.") from None


def _table() -> dict[str, Any]:
    """The table [models] of the user's settings; empty where there is none."""
    path = settings_file()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("models", {})
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} can not be read: {error}", "Mend the file, or remove it.") from None
    if not isinstance(table, dict):
        raise UsageError(f"{path}: models is no table", "Write [models.NAME] and its keys below it.")
    return dict(table)
