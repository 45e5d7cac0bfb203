"""Neither what was said nor a secret stands in a log record at INFO or above (X12, T4)."""

from __future__ import annotations

import logging
import os
import re
import traceback
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hmlr import HMLRClient, Message
from hmlr.core.tasks.fact_scrubbing import task as scrubbing
from hmlr.errors import EmbedderError, HMLRError, ModelError
from hmlr.memory.embeddings.port import EmbedderSpec
from hmlr.testing import HashEmbedder, ScriptedModel
from tests import processes
from tests.faults.doors import Clock, door

pytestmark = pytest.mark.security

ROOT = Path(__file__).parents[2]
TEXT = "canarytext"
SECRET = "sk-canarysecret4711"  # noqa: S105
SAID = f"My sister {TEXT} says that the API key for the wiki is {SECRET}."


class Talkative(HashEmbedder):
    """An embedder whose errors quote what it was given."""

    failing = True

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self.failing:
            raise EmbedderError(f"can't embed {texts}")
        return super().embed(texts)


def records(caplog: pytest.LogCaptureFixture) -> str:
    """Everything that a handler at INFO would write, tracebacks with it."""
    lines = []
    for record in caplog.records:
        if record.levelno >= logging.INFO:
            lines.append(record.getMessage())
            if record.exc_info and record.exc_info[1]:
                lines += traceback.format_exception(record.exc_info[1])
            lines.append(str(record.args))
    return "\n".join(lines)


def clean(text: str) -> bool:
    return TEXT not in text and SECRET not in text


async def every_path(hmlr: HMLRClient) -> None:
    """Good calls and bad ones, all with the canaries in them."""
    await hmlr.chat(SAID)
    await hmlr.remember([Message(content=SAID, speaker=TEXT, metadata={TEXT: SECRET})], session_id=TEXT)
    await hmlr.recall(SAID, kinds=("fact", "turn", "block"))
    await hmlr.context(SAID)
    for bad in (
        hmlr.chat(SAID, session_id=SAID * 100),
        hmlr.chat(f"{SAID}\ud800"),
        hmlr.remember([Message(content=SAID, role=SECRET)]),  # type: ignore[arg-type]
        hmlr.recall(SAID, limit=0),
        hmlr.history(SECRET),
        hmlr.forget(turn_id=SECRET),
        hmlr.forget(),
    ):
        with pytest.raises(HMLRError):
            await bad
    await hmlr.flush(0.3)
    for fact in await hmlr.facts():
        await hmlr.correct(fact.fact_id, f"{TEXT} {SECRET}")
    await hmlr.health()
    await hmlr.forget(session_id=TEXT)
    await hmlr.rebuild()
    await hmlr.flush(0.3)


async def test_no_path_logs_what_was_said(db_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with door(db_path) as hmlr:
        await every_path(hmlr)
    assert clean(records(caplog))


async def test_a_failing_embedder_logs_no_text(db_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    embedder = Talkative(64)
    spec = EmbedderSpec(model_id=embedder.model_id, dim=64, load=lambda: embedder)
    async with door(db_path, embedder=spec, clock=Clock()) as hmlr:
        await every_path(hmlr)
    assert "background embed failed" in records(caplog)
    assert clean(records(caplog))


@pytest.mark.parametrize("error", [KeyError, ValueError, ZeroDivisionError])
async def test_a_failing_job_is_logged_with_its_place_and_without_text(
    db_path: Path, caplog: pytest.LogCaptureFixture, error: type[Exception]
) -> None:
    caplog.set_level(logging.DEBUG)
    rule = scrubbing.FACT_SCRUBBING.offline

    def stumble(given: scrubbing.ScrubInput) -> object:
        raise error(given.message.content)

    object.__setattr__(scrubbing.FACT_SCRUBBING, "offline", stumble)
    try:
        async with door(db_path) as hmlr:
            await hmlr.chat(SAID)
            await hmlr.flush(0.3)
            shown = str((await hmlr.health()).checks)
    finally:
        object.__setattr__(scrubbing.FACT_SCRUBBING, "offline", rule)
    log = records(caplog)
    assert re.search(f"background scrub.* failed.*{error.__name__}", log)
    assert "in stumble" in log
    assert clean(log)
    assert error.__name__ in shown
    assert clean(shown)


async def test_a_failing_model_logs_no_text(db_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    def refuse(request: object) -> Exception:
        return ModelError(f"refused: {request}")

    script = dict.fromkeys(("answer", "routing", "memory_filter", "fact_scrubbing", "scribe"), refuse)
    async with door(db_path, model=ScriptedModel(script)) as hmlr:
        reply = await hmlr.chat(SAID)
        assert reply.degraded
        await hmlr.flush(0.5)
    assert clean(records(caplog))


@pytest.mark.parametrize("arguments", [["chat", SAID], ["recall", SAID], ["forget", "--turn", SECRET]])
def test_the_command_line_writes_it_to_no_log(tmp_path: Path, arguments: list[str]) -> None:
    """What is said stands in the answer on stdout, if anywhere, and in no file but the database."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HMLR_")}
    environment = {**kept, "HMLR_EMBEDDER": "none", "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    command = [processes.MAIN, "--db", str(tmp_path / "memory.db"), *arguments]
    done = processes.run(command, env=environment, cwd=tmp_path)
    if done.returncode == 0:
        assert clean(done.stderr)
    others = [file for file in tmp_path.rglob("*") if file.is_file() and "memory.db" not in file.name]
    assert all(clean(file.read_text(encoding="utf-8", errors="replace")) for file in others)
