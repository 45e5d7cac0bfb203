"""Whatever comes over the wire in place of an answer is one of our errors, for every provider (F40)."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

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
from hmlr.llm.records import StreamPart
from tests.llm.asking import ask, gateway, listen, question
from tests.llm.conftest import Settings
from tests.llm.own_server import Answer, OwnServer, reply, stream
from tests.llm.shapes import PROVIDERS, SHAPES, Shape, sse

pytestmark = pytest.mark.faults

BY_STATUS: Mapping[int, type[ModelError]] = {
    400: RequestRejected,
    401: AuthenticationFailed,
    403: AuthenticationFailed,
    404: UnknownModel,
    408: ModelTimeout,
    409: Overloaded,
    413: ContextTooLong,
    422: RequestRejected,
    429: RateLimited,
    500: Overloaded,
    502: Overloaded,
    503: Overloaded,
    504: ModelTimeout,
    529: Overloaded,
}
RETRYABLE = {408, 409, 429, 500, 502, 503, 504, 529}
SENTENCE = '{"answer": "half an ans'


@dataclass(frozen=True)
class Fault:
    """What the server does, and what has to come of it."""

    answer: Callable[[Shape], Answer]
    kind: type[ModelError]
    retryable: bool = True
    status: int | None = 200


def broken(body: bytes | Callable[[Shape], bytes], **given: object) -> Fault:
    def answer(shape: Shape) -> Answer:
        return reply(body(shape) if callable(body) else body)

    return Fault(answer, BrokenReply, **given)  # type: ignore[arg-type]


def changed(shape: Shape, old: bytes, new: bytes) -> bytes:
    """The reply with a part of it replaced; the part has to be there."""
    whole = json.dumps(json.loads(shape.reply("ok", tokens=(77, 3)))).encode()
    assert re.search(old, whole)
    return re.sub(old, new, whole)


def with_list(shape: Shape, value: object) -> bytes:
    """The reply with something else in place of its choices, blocks or candidates."""
    whole = json.loads(shape.reply())
    (name,) = {"choices", "content", "candidates"} & whole.keys()
    return json.dumps({**whole, name: value}).encode()


FAULTS: Mapping[str, Fault] = {
    **{
        f"status {status}": Fault(
            lambda shape, status=status: reply(shape.error(status), status=status),  # type: ignore[misc]
            kind,
            status in RETRYABLE,
            status,
        )
        for status, kind in BY_STATUS.items()
    },
    "status 503, HTML": Fault(
        lambda _: Answer(status=503, body=b"<html>busy</html>"), Overloaded, status=503
    ),
    "status 307": Fault(
        lambda _: Answer(status=307, headers={"location": "http://127.0.0.1:9/"}), RequestRejected, False, 307
    ),
    "reset": Fault(lambda _: Answer(raw=b"", end="reset"), Unreachable, status=None),
    "close": Fault(lambda _: Answer(raw=b"", end="close"), Unreachable, status=None),
    "cut body": Fault(lambda s: reply(s.reply(), end="close"), Unreachable, status=None),
    "no HTTP": Fault(lambda _: Answer(raw=b"\x00\x01 hello\r\n\r\n", end="close"), Unreachable, status=None),
    "bad JSON": broken(b'{"choices": [}'),
    "cut JSON": broken(lambda shape: shape.reply()[:-20]),
    "bad UTF-8": broken(b'{"choices": "\xff\xfe"}'),
    "deep JSON": broken(b"[" * 100_000),
    "HTML": Fault(
        lambda _: Answer(body=b"<html>Hello</html>", headers={"content-type": "text/html"}), BrokenReply
    ),
    "empty": broken(b""),
    "no content": Fault(lambda _: Answer(status=204), BrokenReply, status=204),
    "{}": broken(b"{}"),
    "[1,2]": broken(b"[1,2]"),
    "null": broken(b"null"),
    "a string": broken(b'"ok"'),
    "null choices": broken(lambda shape: with_list(shape, None)),
    "no choices": broken(lambda shape: with_list(shape, [])),
    "wrong types": broken(lambda shape: with_list(shape, "ok")),
    "wrong items": broken(lambda shape: with_list(shape, [7, None])),
    "text is a number": broken(lambda shape: changed(shape, b'"ok"', b"7")),
    "negative tokens": broken(lambda s: changed(s, b": 77", b": -77")),
    "unknown end": broken(lambda s: changed(s, b'"(stop|end_turn|STOP)"', b'"SIDEWAYS"')),
    "no text": broken(lambda shape: shape.reply(None)),
    "refused": Fault(lambda s: reply(s.reply(finish="refused")), ContentRefused, False),
    "compressed": Fault(
        lambda s: Answer(body=gzip.compress(s.reply()), headers={"content-encoding": "gzip"}),
        BrokenReply,
        False,
        None,
    ),
}


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_is_one_of_our_errors(
    provider: str, name: str, own: OwnServer, own_settings: Settings
) -> None:
    shape, fault = SHAPES[provider], FAULTS[name]
    answer = fault.answer(shape)
    own.always(Answer(**{**vars(answer), "headers": {**answer.headers, shape.request_id_header: "req-4711"}}))

    with pytest.raises(ModelError) as caught:
        await ask(provider, own_settings(attempts=1))

    error = caught.value
    assert (type(error), error.provider) == (fault.kind, provider)
    assert (error.status, error.retryable) == (fault.status, fault.retryable)
    assert error.request_id == ("req-4711" if fault.status else "")
    assert len(own.requests) == 1


def streamed(*events: bytes, **given: object) -> Answer:
    return stream(events, **given)


def begun(shape: Shape) -> list[bytes]:
    """The events of an answer up to its first words."""
    events = shape.events(("Hello", " there"))
    return events[: next(i for i, event in enumerate(events) if b"Hello" in event) + 1]


STREAM_FAULTS: Mapping[str, Fault] = {
    **{name: fault for name, fault in FAULTS.items() if name.startswith("status ")},
    "reset": FAULTS["reset"],
    "close": FAULTS["close"],
    "no HTTP": FAULTS["no HTTP"],
    "no content": FAULTS["no content"],
    "HTML": FAULTS["HTML"],
    "compressed": FAULTS["compressed"],
    "empty": Fault(lambda _: streamed(), BrokenReply),
    "only comments": Fault(lambda _: streamed(b": busy\n\n" * 3), BrokenReply),
    "bad JSON": Fault(lambda _: streamed(sse('{"choices": [}')), BrokenReply),
    "a list": Fault(lambda _: streamed(sse([1, 2])), BrokenReply),
    "a string": Fault(lambda _: streamed(sse('"ok"')), BrokenReply),
    "{}": Fault(lambda _: streamed(sse({})), BrokenReply),
    "wrong types": Fault(lambda _: streamed(sse({"choices": 7, "candidates": 7, "type": 7})), BrokenReply),
    "only [DONE]": Fault(lambda _: streamed(sse("[DONE]")), BrokenReply),
    "refused": Fault(lambda s: streamed(*s.events((), finish="refused")), ContentRefused, False),
    "overload event": Fault(lambda s: streamed(s.error_event("overload")), Overloaded, status=500),
    "rate limit event": Fault(lambda s: streamed(s.error_event("rate")), RateLimited, status=429),
}
OVERLOADED_AS = {"openai": 500, "grok": 500, "anthropic": 529, "gemini": 503}


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("name", STREAM_FAULTS)
async def test_a_fault_in_place_of_a_stream_is_one_of_our_errors(
    provider: str, name: str, own: OwnServer, own_settings: Settings
) -> None:
    fault = STREAM_FAULTS[name]
    own.always(fault.answer(SHAPES[provider]))

    with pytest.raises(ModelError) as caught:
        await listen(provider, own_settings(attempts=1))

    error = caught.value
    status = OVERLOADED_AS[provider] if name == "overload event" else fault.status
    assert (type(error), error.provider) == (fault.kind, provider)
    assert error.retryable == fault.retryable
    assert error.status in (status, None if status == 200 else status)
    assert len(own.requests) == 1


BROKEN_LATER: Mapping[str, Fault] = {
    "cut": Fault(lambda s: streamed(*begun(s)), BrokenReply),
    "cut before its end": Fault(lambda s: streamed(*[e for e in s.events() if not is_end(e)]), BrokenReply),
    "reset": Fault(lambda s: streamed(*begun(s), end="reset"), Unreachable),
    "closed": Fault(lambda s: streamed(*begun(s), end="close"), Unreachable),
    "bad JSON": Fault(lambda s: streamed(*begun(s), sse('{"choices": [}')), BrokenReply),
    "a list": Fault(lambda s: streamed(*begun(s), sse([1, 2])), BrokenReply),
    "an overload event": Fault(lambda s: streamed(*begun(s), s.error_event("overload")), Overloaded),
    "refused": Fault(lambda s: streamed(*s.events(("Hello",), finish="refused")), ContentRefused, False),
    "too large": Fault(
        lambda s: streamed(*begun(s), b"data: ", *[b"x" * 60_000] * 20), BrokenReply, retryable=False
    ),
}


def is_end(event: bytes) -> bool:
    """Whether an event says why the answer ended."""
    return bool(re.search(rb'(finish_reason|stop_reason|finishReason)": "|"message_stop"', event))


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("name", BROKEN_LATER)
async def test_a_stream_that_breaks_is_an_error_and_not_a_short_answer(
    provider: str, name: str, own: OwnServer, own_settings: Settings
) -> None:
    fault = BROKEN_LATER[name]
    own.always(fault.answer(SHAPES[provider]))
    heard: list[StreamPart] = []

    with pytest.raises(ModelError) as caught:
        async with gateway(provider, own_settings(max_reply_bytes=1_000_000)) as opened:
            async for part in opened.stream(question()):
                heard.append(part)  # noqa: PERF401

    assert (type(caught.value), caught.value.retryable) == (fault.kind, fault.retryable)
    assert "".join(part.text for part in heard)
    assert all(part.completion is None for part in heard)
    assert len(own.requests) == 1  # what was said can't be taken back, so nothing is asked again
