"""Aids for testing programs that use HMLR: a deterministic embedder and a scripted model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

from hmlr.errors import ModelError
from hmlr.llm.port import ModelPart, ModelRequest, ModelResponse
from hmlr.memory.embeddings.hashed import HashEmbedder
from hmlr.memory.embeddings.port import EmbedderSpec

__all__ = ["HashEmbedder", "ScriptedModel", "hash_embedder"]

# What a script may say to one request: a text, an answer object, or an error to raise.
Line = str | BaseModel | Mapping[str, object] | Exception


def hash_embedder(*, dim: int = 64, delay_s: float = 0.0) -> EmbedderSpec:
    """A deterministic embedder without a model; `delay_s` makes every call that slow."""
    return EmbedderSpec(model_id=f"hash-{dim}", dim=dim, load=lambda: HashEmbedder(dim=dim, delay_s=delay_s))


@dataclass
class ScriptedModel:
    """A model that says what a test wrote for each task; a task without a line fails with ModelError."""

    script: Mapping[str, Line | Callable[[ModelRequest], Line]]
    name: str = "scripted:model"
    delay_s: float = 0.0
    requests: list[ModelRequest] = field(default_factory=list)  # everything that was asked, in order

    async def complete(self, request: ModelRequest) -> ModelResponse:
        """The line for the request's task."""
        self.requests.append(request)
        await asyncio.sleep(self.delay_s)
        line = self.script.get(request.task, ModelError(f"the script has no line for {request.task}"))
        if callable(line):
            line = line(request)
        if isinstance(line, Exception):
            raise line
        if isinstance(line, BaseModel):
            line = line.model_dump_json()
        text = line if isinstance(line, str) else json.dumps(line)
        return ModelResponse(text=text, model=self.name)

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        """The line, word by word."""
        response = await self.complete(request)
        for word in response.text.split(" "):
            yield ModelPart(text=f"{word} ")
        yield ModelPart(text="", response=response)
