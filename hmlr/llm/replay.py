"""Model calls written to JSON Lines, and answered from there: the same session without a provider."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

import hmlr.errors
from hmlr.errors import ConfigurationError, ModelError, RequestRejected
from hmlr.llm.providers.base import Provider
from hmlr.llm.records import ChatRequest, Completion, StreamPart

_REQUEST = TypeAdapter(ChatRequest)
_COMPLETION = TypeAdapter(Completion)
# The fences of remembered text carry a random mark per request; the same question has another one each time.
_FENCE_MARK = re.compile(r"⟦(/?)[0-9a-f]{8}")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a recorded request: an answer, or an error's class and fields."""

    completion: Completion | None = None
    error: dict[str, Any] | None = None

    def replayed(self) -> Completion:
        """The answer, or the error raised again."""
        if self.completion is not None:
            return self.completion
        fields = dict(self.error or {})
        kind = getattr(hmlr.errors, str(fields.pop("type", "")), ModelError)
        message = str(fields.pop("message", "a recorded failure"))
        if not (isinstance(kind, type) and issubclass(kind, ModelError)):
            kind = ModelError
        raise kind(message, **fields)


_OUTCOME = TypeAdapter(Outcome)


def digest(model: str, request: ChatRequest) -> str:
    """The same for the same question to the same model, whoever asks."""
    given = _REQUEST.dump_python(request, mode="json")
    given.pop("user")
    given["options"].pop("timeout_s")  # how long one may wait is no part of the question
    text = json.dumps([model, given], sort_keys=True, ensure_ascii=False)
    return sha256(_FENCE_MARK.sub(r"⟦\1", text).encode("utf-8", "surrogatepass")).hexdigest()


class Recording:
    """Appends calls to a file that only its owner can read: it holds prompts and answers."""

    def __init__(self, path: str) -> None:
        self._path = Path(path).expanduser()
        self._lock = asyncio.Lock()

    async def add(self, model: str, request: ChatRequest, outcome: Outcome) -> None:
        """Write one call as a line. ConfigurationError when the file can't be written."""
        line = json.dumps(
            {
                "digest": digest(model, request),
                "model": model,
                "request": _REQUEST.dump_python(request, mode="json"),
                "outcome": _OUTCOME.dump_python(outcome, mode="json"),
            },
            ensure_ascii=True,
        )
        async with self._lock:
            await asyncio.to_thread(self._append, line)

    def _append(self, line: str) -> None:
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            raise ConfigurationError(
                f"record_path {self._path} can't be written: {error.strerror}"
            ) from error
        with os.fdopen(descriptor, "a", encoding="utf-8") as file:
            file.write(line + "\n")


class Recorded:
    """The port `Provider` around another one, writing down what it does."""

    def __init__(self, inner: Provider, recording: Recording) -> None:
        self.model = inner.model
        self._inner = inner
        self._recording = recording

    async def complete(self, request: ChatRequest) -> Completion:
        """See the port."""
        try:
            completion = await self._inner.complete(request)
        except ModelError as error:
            await self._recording.add(self.model, request, Outcome(error=_fields(error)))
            raise
        await self._recording.add(self.model, request, Outcome(completion=completion))
        return completion

    async def stream(self, request: ChatRequest) -> AsyncIterator[StreamPart]:
        """See the port."""
        try:
            async for part in self._inner.stream(request):
                if part.completion is not None:
                    await self._recording.add(self.model, request, Outcome(completion=part.completion))
                yield part
        except ModelError as error:
            await self._recording.add(self.model, request, Outcome(error=_fields(error)))
            raise


def _fields(error: ModelError) -> dict[str, Any]:
    names = ("model", "status", "request_id", "retryable", "retry_after_s", "input_tokens", "output_tokens")
    return {
        "type": type(error).__name__,
        "message": str(error),
        **{name: getattr(error, name) for name in names},
    }


class Replay:
    """The port `Provider` answering from a recording; a question asked once more gets its last answer."""

    def __init__(self, model: str, outcomes: dict[str, deque[Outcome]]) -> None:
        self.model = model
        self._outcomes = outcomes

    @classmethod
    def load(cls, model: str, path: str) -> Replay:
        """Read a recording. ConfigurationError, naming the line, when it is none."""
        outcomes: dict[str, deque[Outcome]] = {}
        try:
            text = Path(path).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"replay_path {path} can't be read: {error}") from error
        for number, line in enumerate(text.splitlines(), 1):
            try:
                row = json.loads(line)
                outcome = _OUTCOME.validate_python(row["outcome"])
                outcomes.setdefault(str(row["digest"]), deque()).append(outcome)
            except (ValueError, TypeError, LookupError, RecursionError, ValidationError) as error:
                raise ConfigurationError(f"line {number} of {path} is no recorded call") from error
        return cls(model, outcomes)

    async def complete(self, request: ChatRequest) -> Completion:
        """See the port."""
        outcomes = self._outcomes.get(digest(self.model, request))
        if not outcomes:
            raise RequestRejected(
                f"{self.model}: the recording has no such call",
                hint="Record the session again with HMLR_LLM_RECORD_PATH",
                model=self.model,
            )
        return (outcomes.popleft() if len(outcomes) > 1 else outcomes[0]).replayed()

    async def stream(self, request: ChatRequest) -> AsyncIterator[StreamPart]:
        """See the port."""
        completion = await self.complete(request)
        if completion.text:
            yield StreamPart(text=completion.text)
        yield StreamPart(text="", completion=completion)
