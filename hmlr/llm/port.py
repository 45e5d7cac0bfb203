"""What a language model is to HMLR: one request, one reply, whole or streamed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pydantic import BaseModel

from hmlr.records import Usage

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True, kw_only=True)
class ModelRequest:
    """One call: system rules apart from the data, so that data can't pose as a rule."""

    task: str  # which task asks; goes into traces and the usage ledger
    system: str  # constant per task, first for the sake of prompt caches
    user: str  # the rendered input, remembered text fenced
    output: type[BaseModel] | None  # schema of the answer; None: plain text
    timeout_s: float | None = None  # total; None: the settings'
    # Raises ValueError, with the reason, for an answer that can't be used; a model may then mend it.
    check: Callable[[str], object] = lambda text: None


@dataclass(frozen=True, kw_only=True)
class ModelResponse:
    """The reply to one call."""

    text: str
    model: str
    finish_reason: FinishReason = "stop"
    usage: Usage = field(default_factory=lambda: Usage(calls=1))


@dataclass(frozen=True, kw_only=True)
class ModelPart:
    """A piece of a streamed reply; the last one carries the response."""

    text: str
    response: ModelResponse | None = None


class Model(Protocol):
    """A language model.

    Natively async: no thread waits for a reply. Raises ModelError only. Cancelling closes the connection.
    A stream that ends without its last part raises ModelError: a cut answer is never a short answer.
    """

    name: str  # "provider:model"

    async def complete(self, request: ModelRequest) -> ModelResponse:
        """The whole reply."""

    def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        """The reply in pieces."""
