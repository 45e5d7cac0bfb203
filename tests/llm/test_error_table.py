"""Errors are told apart by status and the provider's own code, never by words within a sentence (L8)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmlr.errors import (
    AuthenticationFailed,
    BrokenReply,
    ContentRefused,
    ContextTooLong,
    ModelError,
    ModelTimeout,
    Overloaded,
    RateLimited,
    RequestRejected,
    UnknownModel,
    Unreachable,
)
from hmlr.llm.faults import from_event, from_status
from tests.llm.asking import ask
from tests.llm.conftest import KEY, Settings
from tests.llm.own_server import Answer, OwnServer, reply
from tests.llm.shapes import PROVIDERS, SHAPES

Row = tuple[int, str, str, type[ModelError]]  # status, message, the provider's own code, what it is

# The same from every provider. The words are traps: the status decides.
COMMON: Sequence[Row] = (
    (400, "author not found", "", RequestRejected),
    (400, "invoice 14290: the unauthorized field is rate limited", "", RequestRejected),
    (400, "we said: prompt is too long", "", RequestRejected),
    (401, "overloaded, try again in 429 s", "", AuthenticationFailed),
    (403, "not found", "", AuthenticationFailed),
    (404, "author not found", "", UnknownModel),
    (408, "took too long", "", ModelTimeout),
    (413, "request exceeds the maximum size", "", ContextTooLong),
    (422, "can't process", "", RequestRejected),
    (429, "slow down", "", RateLimited),
    (500, "authentication service failed", "", Overloaded),
    (502, "bad gateway", "", Overloaded),
    (503, "rate limit service is down", "", Overloaded),
    (504, "timeout", "", ModelTimeout),
    (529, "overloaded", "", Overloaded),
)
OWN: Mapping[str, Sequence[Row]] = {
    "openai": (
        (401, "Incorrect API key provided: sk-12*****89.", "invalid_api_key", AuthenticationFailed),
        (403, "Project `p` does not have access to model `m`", "model_not_found", UnknownModel),
        (
            400,
            "This model's maximum context length is 128000 tokens. However, you sent 130000.",
            "context_length_exceeded",
            ContextTooLong,
        ),
        (400, "Your request was rejected by the filter", "content_policy_violation", ContentRefused),
        (429, "You exceeded your current quota", "insufficient_quota", RateLimited),
    ),
    "anthropic": (
        (400, "prompt is too long: 213000 tokens > 200000 maximum", "", ContextTooLong),
        (
            400,
            "input length and `max_tokens` exceed context limit: 199000 + 20000 > 200000",
            "",
            ContextTooLong,
        ),
        (400, "Output blocked by content filtering policy", "", ContentRefused),
        (402, "no credit", "billing_error", AuthenticationFailed),
        (400, "max_tokens: 999999 > 64000", "", RequestRejected),
    ),
    "gemini": (
        (400, "API key not valid. Please pass a valid API key.", "API_KEY_INVALID", AuthenticationFailed),
        (
            400,
            "The input token count (2000000) exceeds the maximum number of tokens allowed (1048576).",
            "",
            ContextTooLong,
        ),
        (403, "Method doesn't allow unregistered callers", "", AuthenticationFailed),
        (429, "Resource has been exhausted (e.g. check quota).", "RATE_LIMIT_EXCEEDED", RateLimited),
        (503, "The model is overloaded. Please try again later.", "", Overloaded),
    ),
    "grok": (
        (400, "Incorrect API key provided: xx***yz. You can obtain one.", "", AuthenticationFailed),
        (
            400,
            "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
            "",
            ContextTooLong,
        ),
        (403, "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO", "", ContentRefused),
        (404, "The model grok-x does not exist", "Some requested entity was not found", UnknownModel),
        (429, "Your team has reached its limit", "Some resource has been exhausted", RateLimited),
    ),
}
TABLE = [(provider, row) for provider in PROVIDERS for row in (*COMMON, *OWN[provider])]


@pytest.mark.parametrize(("provider", "row"), TABLE, ids=lambda part: str(part)[:50])
async def test_a_reply_maps_to_its_error(
    provider: str, row: Row, own: OwnServer, own_settings: Settings
) -> None:
    status, message, code, kind = row
    own.always(reply(SHAPES[provider].error(status, message, code=code), status=status))

    with pytest.raises(ModelError) as caught:
        await ask(provider, own_settings(attempts=1))

    assert (type(caught.value), caught.value.status) == (kind, status)


OTHERS: Mapping[str, tuple[Answer, type[ModelError]]] = {
    "hang": (Answer(raw=b"", end="hang"), ModelTimeout),
    "close": (Answer(raw=b"", end="close"), Unreachable),
    "junk": (reply(b"{}"), BrokenReply),
}


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("name", OTHERS)
async def test_what_has_no_status_maps_to_its_error(
    provider: str, name: str, own: OwnServer, own_settings: Settings
) -> None:
    answer, kind = OTHERS[name]
    own.always(answer)

    with pytest.raises(kind):
        await ask(provider, own_settings(attempts=1, timeout_s=0.3))


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_nobody_listens(provider: str, own_settings: Settings) -> None:
    nowhere = own_settings(attempts=1, **{f"{provider}_base_url": "http://127.0.0.1:9"})

    with pytest.raises(Unreachable) as caught:
        await ask(provider, nowhere)

    assert (caught.value.status, caught.value.retryable) == (None, True)


async def test_a_used_up_quota_is_not_asked_again(own: OwnServer, own_settings: Settings) -> None:
    body = SHAPES["openai"].error(429, "You exceeded your current quota", code="insufficient_quota")
    own.always(reply(body, status=429))

    with pytest.raises(RateLimited, match="billing") as caught:
        await ask("openai", own_settings())

    assert (len(own.requests), caught.value.retryable) == (1, False)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.security
async def test_a_providers_words_are_one_short_line_without_the_key(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    said = f"no {KEY} sk-proj-abcdefgh123 \n" + "so " * 1000
    own.always(reply(SHAPES[provider].error(400, said), status=400))

    with pytest.raises(RequestRejected) as caught:
        await ask(provider, own_settings())

    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 300
    assert KEY not in text
    assert "abcdefgh" not in text


KEYS = st.sampled_from(["error", "code", "details", "message", "retryDelay"])
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
)


@given(st.integers(200, 599), ANY_JSON, st.dictionaries(st.sampled_from(["retry-after"]), st.text()))
def test_any_body_makes_an_error(status: int, body: Any, headers: Mapping[str, str]) -> None:
    error = from_status("openai:m", status, headers, json.dumps(body).encode("utf-8", "surrogatepass"))
    assert error.status == status


@given(ANY_JSON)
def test_any_event_makes_an_error(event: Any) -> None:
    assert from_event("openai:m", event).provider == "openai"
