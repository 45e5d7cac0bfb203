"""The key stands in no log record, error or repr at any level; what was said in none by default (X12)."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator, Mapping

import pytest
from pydantic import SecretStr

from hmlr.errors import ConfigurationError, HMLRError
from hmlr.llm.gateway import Gateway
from hmlr.llm.opening import open_gateway
from hmlr.llm.records import ChatMessage, ChatRequest
from hmlr.llm.settings import LLMSettings
from tests.llm.asking import question
from tests.llm.conftest import Settings
from tests.llm.own_server import Answer, OwnServer, Received, reply, stream
from tests.llm.shapes import PROVIDERS, SHAPES, sse

pytestmark = pytest.mark.security

KEY = "canarykey-4711-abcdef"
TEXT = "canarytext"
ANSWER = "canaryanswer"


class Everything(logging.Handler):
    """Keeps all that any handler could write of a record."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        parts = [record.getMessage(), repr(record.args), repr(record.__dict__)]
        if record.exc_info:
            parts += traceback.format_exception(record.exc_info[1])
        self.lines.append((record.levelno, " ".join(parts)))

    def text(self, level: int) -> str:
        return "\n".join(line for number, line in self.lines if number >= level)


@pytest.fixture
def everything() -> Iterator[Everything]:
    """All records of all loggers, SDKs and HTTP client included, at DEBUG."""
    handler, root = Everything(), logging.getLogger()
    names = ["", "openai", "anthropic", "google_genai", "httpx2", "httpcore2", "hmlr"]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield handler
    root.removeHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def echo(status: int) -> Callable[[Received], Answer]:
    """An error that quotes key and prompt."""
    return lambda received: reply(
        SHAPES[received.provider].error(status, f"{KEY} said {TEXT}"), status=status
    )


def broken(received: Received) -> Answer:
    """An answer of another shape, with the answer's words in the wrong places."""
    body = sse({"choices": ANSWER, "content": ANSWER, "candidates": ANSWER, "type": ANSWER})
    return stream([body]) if received.streams else reply(body.removeprefix(b"data: ").strip())


def said(received: Received) -> Answer:
    shape = SHAPES[received.provider]
    return stream(shape.events((ANSWER,))) if received.streams else reply(shape.reply(ANSWER))


QUIET: Mapping[str, Callable[[Received], Answer]] = {
    "answers": said,
    "another shape": broken,
    "no JSON": lambda r: stream([sse(f"{{{ANSWER}")]) if r.streams else reply(f"{{{ANSWER}".encode()),
    "HTML": lambda _: Answer(body=f"<html>{ANSWER}".encode(), headers={"content-type": "text/html"}),
    "refused": lambda r: reply(SHAPES[r.provider].reply(ANSWER, finish="refused")),
    "cut": lambda r: reply(SHAPES[r.provider].reply(ANSWER), end="close"),
    "reset": lambda _: Answer(raw=b"", end="reset"),
    "hang": lambda _: Answer(raw=b"", end="hang"),
}
QUOTING = {f"echo {status}": echo(status) for status in (307, 400, 401, 404, 429, 500)}


async def every_way(provider: str, settings: LLMSettings) -> tuple[list[HMLRError], Gateway]:
    """A call and a stream that hold the canaries; the errors that come."""
    request = ChatRequest(
        messages=(ChatMessage(role="system", content=TEXT), ChatMessage(role="user", content=TEXT))
    )
    errors: list[HMLRError] = []
    opened = open_gateway(f"{provider}:m1", settings)
    try:
        await opened.complete(request)
    except HMLRError as error:
        errors.append(error)
    try:
        _ = [part async for part in opened.stream(request)]
    except HMLRError as error:
        errors.append(error)
    await opened.aclose()
    return errors, opened


def canary_settings(make: Settings) -> LLMSettings:
    keys = {f"{provider}_api_key": KEY for provider in PROVIDERS}
    return make(attempts=2, timeout_s=0.15, backoff_s=0.001, **keys)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("name", [*QUIET, *QUOTING])
async def test_neither_key_nor_text_is_logged(
    provider: str, name: str, own: OwnServer, own_settings: Settings, everything: Everything
) -> None:
    own.always({**QUIET, **QUOTING}[name])

    await every_way(provider, canary_settings(own_settings))

    assert everything.lines
    assert KEY not in everything.text(logging.DEBUG)
    by_default = everything.text(logging.INFO)
    assert TEXT not in by_default
    assert ANSWER not in by_default


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_key_in_the_replys_headers_stays_there(
    provider: str, own: OwnServer, own_settings: Settings, everything: Everything
) -> None:
    shape = SHAPES[provider]
    headers = {shape.request_id_header: KEY, "x-echo": KEY, "location": f"http://127.0.0.1:9/{KEY}"}
    own.always(reply(shape.error(429), status=429, headers=headers))

    errors, _ = await every_way(provider, canary_settings(own_settings))

    assert KEY not in everything.text(logging.INFO)  # the HTTP client tells headers at DEBUG
    assert KEY not in "".join(traceback.format_exception(errors[0])) + repr(vars(errors[0]))


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("name", [*QUIET, *QUOTING])
async def test_an_error_and_its_traceback_hold_no_key(
    provider: str, name: str, own: OwnServer, own_settings: Settings
) -> None:
    own.always({**QUIET, **QUOTING}[name])

    errors, _ = await every_way(provider, canary_settings(own_settings))

    for error in errors:
        written = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
        assert KEY not in written
        if name in QUIET:  # else a provider's words are in it, which may quote
            assert TEXT not in written
            assert ANSWER not in written


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_unreachable_server_gives_no_key_away(
    provider: str, own_settings: Settings, everything: Everything
) -> None:
    nowhere = own_settings(
        attempts=1, **{f"{provider}_base_url": "http://127.0.0.1:9", f"{provider}_api_key": KEY}
    )

    errors, _ = await every_way(provider, nowhere)

    assert len(errors) == 2
    for error in errors:
        assert KEY not in "".join(traceback.format_exception(error))
    assert KEY not in everything.text(logging.DEBUG)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("odd", [f"{KEY}\r\nx: y", f"{KEY}é", f"{KEY}\x00"])
async def test_a_key_that_no_header_can_carry_is_refused_without_being_told(
    provider: str, odd: str, own: OwnServer, own_settings: Settings, everything: Everything
) -> None:
    errors, _ = await every_way(provider, own_settings(**{f"{provider}_api_key": odd}))

    assert [type(error) for error in errors] == [ConfigurationError] * 2
    assert KEY not in "".join(traceback.format_exception(errors[0]))
    assert KEY not in everything.text(logging.DEBUG)
    assert own.requests == []


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_blanks_around_a_key_are_no_part_of_it(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    errors, _ = await every_way(provider, own_settings(**{f"{provider}_api_key": f" {KEY}\n"}))

    assert errors == []
    assert any(KEY in value and not value.endswith(" ") for value in own.requests[0].headers.values())


async def test_settings_and_gateways_do_not_show_their_keys(own: OwnServer, own_settings: Settings) -> None:
    keys = {f"{provider}_api_key": KEY for provider in PROVIDERS}
    settings = own_settings(extra_keys={"openai": (KEY, KEY)}, **keys)
    opened = open_gateway("openai:m1", settings)
    await opened.complete(question())
    await opened.aclose()

    shown = [settings, settings.model_dump(), settings.model_dump_json(), vars(opened), opened]
    assert isinstance(settings.openai_api_key, SecretStr)
    for thing in shown:
        assert KEY not in f"{thing} {thing!r}"


@pytest.mark.parametrize(
    "wrong",
    [
        {"extra_keys": {"openai": KEY}},
        {"extra_keys": KEY},
        {"openai_api_key": (KEY,)},
        {"proxy": (KEY,)},
    ],
    ids=str,
)
def test_wrong_settings_are_refused_without_telling_a_key(
    wrong: Mapping[str, object], own_settings: Settings
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_gateway("openai:m1", own_settings(**wrong))

    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_a_proxys_password_is_not_shown(own_settings: Settings) -> None:
    settings = own_settings(proxy=f"http://user:{KEY}@127.0.0.1:3128")
    assert KEY not in f"{settings} {settings!r} {settings.model_dump_json()}"
