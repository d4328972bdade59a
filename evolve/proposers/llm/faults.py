"""What goes wrong with models: faults of a reply, which are statuses, and models that can not be used."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from evolve.core.environment import without_keys
from evolve.core.errors import UnavailableError

if TYPE_CHECKING:
    from evolve.proposers.llm.models import Model

MAX_RETRY_AFTER_SECONDS = 120.0

_OF_REQUESTS = ("litellm", "openai", "httpx", "httpcore", "aiohttp")
"""Packages whose errors are about the request or its answer."""
_KEY = re.compile(r"\b(?:sk|pk|rk|key|Bearer)[-_ ][A-Za-z0-9_\-]{8,}")
_PASSING = (408, 409, 425, 429)
"""The refusals of HTTP (4xx) that a later request may not meet: RFC 9110, RFC 8470 and RFC 6585."""
_SAID_CHARACTERS = 500


class ModelFault(Exception):
    """A request that gave no reply of use although it was tried again where that helps. A status for its ticket.

    `kind` is one or two words, such as "rate limit", "time-out", "malformed", "refused", "context".
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind, self.message = kind, message

    def __reduce__(self) -> tuple[type[ModelFault], tuple[str, str]]:
        return type(self), (self.kind, self.message)


class ModelUnavailable(UnavailableError):
    """A model can not be used: it can not be reached, is not known, or the key is missing, wrong or out of credit.

    Stops the run, which goes on with `--resume` when the remedy was followed.
    """


def judge(model: Model, error: Exception) -> tuple[Exception, float | None]:
    """What an error of a request means, and after how many seconds at least it may be sent again; None for never.

    Raises the error itself where it is a fault of ours, which no retry mends.
    """
    if isinstance(error, ModelFault):
        return error, None if error.kind == "refused" else 0.0
    if isinstance(error, TimeoutError):
        return ModelFault("time-out", f"no reply within {model.timeout_seconds:g} s"), 0.0
    status = getattr(error, "status_code", None)
    said = _said(error)
    if (gone := _unusable(model, error, status, said)) is not None:
        return gone, None
    kind = type(error).__name__
    if kind == "ContextWindowExceededError" or (status == 400 and "context" in said.lower()):
        return ModelFault("context", f"the prompt is too long for the model: {said}"), None
    if kind == "ContentPolicyViolationError":
        return ModelFault("refused", said), None
    if status == 429:
        return ModelFault("rate limit", said), _retry_after(error)
    if _is_unreachable(error):
        at = model.api_base
        remedy = f"Start the server at {at}." if at else "See whether this machine has a network."
        return ModelUnavailable(f"model {model.name} can not be reached: {said}", remedy), 0.0
    final = status is not None and 400 <= status < 500 and status not in _PASSING
    if final or kind in ("BadRequestError", "UnsupportedParamsError", "UnprocessableEntityError"):
        return ModelFault("bad request", said), None
    if kind in ("Timeout", "APITimeoutError"):
        return ModelFault("time-out", said), _retry_after(error)
    if type(error).__module__.partition(".")[0] not in _OF_REQUESTS and not isinstance(error, OSError | ValueError):
        raise error
    return ModelFault(f"error {status}" if status else kind, said), _retry_after(error)


def _unusable(model: Model, error: Exception, status: object, said: str) -> ModelUnavailable | None:
    """That the model can not be used at all with this key, credit or name."""
    if status in (401, 403) or type(error).__name__ in ("AuthenticationError", "PermissionDeniedError"):
        variable = model.api_key_env or f"the variable of its provider (such as {_variable(model.model)})"
        remedy = f"Set {variable} in the environment to a key that may use it."
        return ModelUnavailable(f"model {model.name} is not authorised: {said}", remedy)
    if status == 402 or "insufficient_quota" in said or "exceeded your current quota" in said:
        return ModelUnavailable(f"model {model.name} is out of credit: {said}", "Add credit, or name another model.")
    if status == 404 or "LLM Provider NOT provided" in said:
        remedy = "See what `model` means in docs/models.md: PROVIDER/NAME, as in openai/gpt-5-mini."
        return ModelUnavailable(f"model {model.name} ({model.model}) is not known: {said}", remedy)
    return None


def _said(error: Exception) -> str:
    """An error's own words on one line, without keys and what looks like one."""
    return _KEY.sub("[key]", without_keys(" ".join(str(error).split())))[:_SAID_CHARACTERS]


def _is_unreachable(error: BaseException | None) -> bool:
    """Whether no connection could be made: nobody listens, or the name is not known."""
    while error is not None:
        if isinstance(error, ConnectionRefusedError):
            return True
        if type(error).__name__ in ("ConnectError", "ClientConnectorError"):
            return True
        if "Cannot connect to host" in str(error) or "Name or service not known" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _retry_after(error: Exception) -> float:
    """Seconds that the server asks us to wait; 0 where it does not say, or names a date."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        return min(MAX_RETRY_AFTER_SECONDS, max(0.0, float(headers.get("retry-after", 0))))
    except (TypeError, ValueError):
        return 0.0


def _variable(model: str) -> str:
    provider = model.partition("/")[0] if "/" in model else "openai"
    return f"{provider.upper()}_API_KEY"
