"""Record and replay: a session written to JSON Lines gives the same answers without a provider."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from llmock.scenarios import Fail, Match
from llmock.testing import LLMockServer
from pydantic import BaseModel

from hmlr.errors import ConfigurationError, RequestRejected
from hmlr.llm import LLM, Completion, LLMSettings
from tests.llm.conftest import KEY, Settings
from tests.llm.play import bodies, calls, says, script

MODEL = "openai:m1"


class Number(BaseModel):
    """A number."""

    number: int


def double(number: int) -> int:
    """Double a number."""
    return number * 2


async def session(settings: LLMSettings) -> list[object]:
    """A conversation with everything: words, tools, a form, a stream, an error."""
    results: list[object] = []
    async with LLM(MODEL, settings=settings, tools=[double], timeout_s=30) as llm:
        results.append(shown(await llm.complete("hello")))
        results.append(shown(await llm.complete("twice 21?")))
        results.append(await llm.structured_complete("as a number?", response_format=Number))
        results.append("".join([part.text async for part in llm.stream("count")]))
        results += [llm.history, llm.usage]
    async with LLM("openai:refusing", settings=settings) as llm:
        with pytest.raises(RequestRejected) as caught:
            await llm.complete("hello")
        results += [str(caught.value), llm.usage]
    return results


def shown(answer: Completion) -> object:
    """What of an answer has to be the same."""
    return answer.text, answer.tool_calls, answer.usage


async def recorded(server: LLMockServer, settings: Settings, path: Path) -> list[object]:
    """The session against llmock, written down."""
    script(server, *says("Hello."), calls(("double", {"number": 21})), *says("42", "none", '{"number": 42}'))
    script(server, *says("one two"), Fail(400, match=Match(model="refusing")))
    return await session(settings(record_path=str(path)))


async def test_a_recorded_session_replays_to_the_same(
    llm_server: LLMockServer, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "session.jsonl"
    first = await recorded(llm_server, settings, path)
    sent = len(bodies(llm_server))
    assert await session(LLMSettings.load(replay_path=str(path))) == first
    assert len(bodies(llm_server)) == sent


async def test_a_recording_is_its_owners_alone_and_holds_no_key(
    llm_server: LLMockServer, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "session.jsonl"
    async with LLM(MODEL, settings=settings(record_path=str(path))) as llm:
        await llm.complete("hello")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (line,) = path.read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["model"] == MODEL
    assert KEY not in line


async def test_a_question_that_was_not_recorded_is_an_error(
    llm_server: LLMockServer, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "session.jsonl"
    async with LLM(MODEL, settings=settings(record_path=str(path))) as llm:
        await llm.complete("hello")
    async with LLM(MODEL, settings=LLMSettings.load(replay_path=str(path))) as llm:
        with pytest.raises(RequestRejected, match="no such call"):
            await llm.complete("goodbye")


@pytest.mark.parametrize("text", ["no JSON\n", '{"digest": 1}\n', "[]\n"])
async def test_a_broken_recording_is_named_with_its_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    path.write_text(text, encoding="utf-8")
    async with LLM(MODEL, settings=LLMSettings.load(replay_path=str(path))) as llm:
        with pytest.raises(ConfigurationError, match="line 1"):
            await llm.complete("hello")
