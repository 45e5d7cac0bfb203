"""The OpenAI-compatible door: any OpenAI client gets memory by its base URL and key."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from hmlr.client import HMLRClient
from hmlr.core.relay_records import RelayPart, RelayReply, RelayRequest
from hmlr.errors import HMLRError, InvalidInput, UnknownModel
from hmlr.llm.chat_completion import ChatCompletion, messages_of
from hmlr.llm.records import FinishReason, Options, OutputSchema, ToolCall, ToolSpec
from hmlr.llm.settings import PROVIDERS
from hmlr.records import SessionId
from hmlr.server.auth import Memory
from hmlr.server.completions_shape import (
    Chunk,
    ChunkChoice,
    CompletionBody,
    Delta,
    MemoryUsed,
    RelayedCompletion,
    completion_of,
    whole,
)
from hmlr.server.errors import described, error_of, request_id_of

router = APIRouter(tags=["openai"])
OWN_NAME = "hmlr"  # the server's own model, whatever it is

Session = Annotated[
    str | None,
    Header(description="The conversation; without it, conversations that begin alike are one."),
]
Key = Annotated[str | None, Header(description="A repeated request with the same key is the same turn.")]


class ModelEntry(BaseModel):
    """A model that a request may name."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str


class ModelList(BaseModel):
    """The models that are known by name; others of the server's providers answer, too."""

    object: Literal["list"] = "list"
    data: list[ModelEntry]


@router.get("/v1/models", responses=described())
async def models(request: Request, memory: Memory) -> ModelList:
    """The models that a request may name."""
    named = dict.fromkeys((OWN_NAME, memory.model, *request.app.state.settings.models))
    return ModelList(data=[ModelEntry(id=each, owned_by=each.partition(":")[0]) for each in named])


@router.get("/v1/models/{model}", responses=described(404))
async def model(model: str, request: Request, memory: Memory) -> ModelEntry:
    """One of these models."""
    found = [each for each in (await models(request, memory)).data if each.id == model]
    if not found:
        raise UnknownModel("there is no such model here", hint="GET /v1/models lists those known by name")
    return found[0]


@router.post(
    "/v1/chat/completions",
    response_model=RelayedCompletion,
    responses=described(400, 404, 502) | {200: {"content": {"text/event-stream": {}}}},
)
async def chat_completions(
    body: CompletionBody,
    request: Request,
    memory: Memory,
    x_hmlr_session: Session = None,
    idempotency_key: Key = None,
) -> RelayedCompletion | StreamingResponse:
    """Answer a conversation with memory. The user's last message is stored before the model is asked."""
    asked = relay_request(body, memory, request.app.state.settings.models)
    asked = _named(asked, session=x_hmlr_session, key=idempotency_key)
    if not body.stream:
        async with aclosing(memory.relay(asked)) as parts:
            replies = [part.reply async for part in parts if part.reply is not None]
        return whole(replies[-1])
    parts = memory.relay(asked, whole=False)
    first = await anext(parts)  # an error until here is an answer of its own
    usage = body.stream_options is not None and body.stream_options.include_usage
    stream = _Stream(asked.model or memory.model)
    events = _events(first, parts, stream, request_id=request_id_of(request), usage=usage)
    return StreamingResponse(events, media_type="text/event-stream")


def relay_request(body: CompletionBody, memory: HMLRClient, allowed: tuple[str, ...]) -> RelayRequest:
    """The request in our words. InvalidInput for what can't be done, UnknownModel for the model."""
    form = body.response_format
    if form is not None and form.type == "json_schema" and form.json_schema is None:
        raise InvalidInput("response_format json_schema needs its json_schema")
    schema = form.json_schema if form is not None else None
    stop = (body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ()) or None
    choice = body.tool_choice
    asking = [each for each in body.messages if each.role == "user"]
    return RelayRequest(
        messages=messages_of([each.model_dump() for each in body.messages]),
        speaker=asking[-1].name if asking else None,
        model=chosen_model(body.model, memory.model, allowed),
        tools=tuple(
            ToolSpec(
                name=each.function.name,
                description=each.function.description,
                parameters=each.function.parameters,
            )
            for each in body.tools
        ),
        tool_choice=choice if isinstance(choice, str) else choice.function.name,
        output=OutputSchema(name=schema.name, schema=schema.json_schema) if schema is not None else None,
        options=Options(
            temperature=body.temperature,
            top_p=body.top_p,
            max_tokens=body.max_completion_tokens or body.max_tokens,
            reasoning_effort=body.reasoning_effort,
            seed=body.seed,
            stop=stop,
        ),
    )


def chosen_model(wanted: str, own: str, allowed: tuple[str, ...]) -> str | None:
    """The model to ask: one of the server's own provider may be named without it; None is the server's.

    A server without a model answers by rules whatever is wanted: its answers say that they are offline.
    """
    if not wanted or wanted in (OWN_NAME, own) or own == "offline":
        return None
    named = wanted.partition(":")[0] in PROVIDERS and ":" in wanted
    full = wanted if named else f"{own.partition(':')[0]}:{wanted}"
    if allowed and full not in allowed:
        raise UnknownModel(
            "that model is not offered here", hint=f"Offered: {', '.join((OWN_NAME, *allowed))}"
        )
    return None if full == own else full


def _named(asked: RelayRequest, *, session: str | None, key: str | None) -> RelayRequest:
    session_id = SessionId(session) if session is not None else None
    return replace(asked, session_id=session_id, idempotency_key=key)


class _Stream:
    """An answer as OpenAI streams it: events, of which the last but one may tell the usage."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._id = f"chatcmpl-{uuid4().hex}"
        self._created = int(time.time())

    def delta(self, delta: Delta, finish_reason: FinishReason | None = None, **more: Any) -> str:
        """What came to the answer."""
        return self._event([ChunkChoice(delta=delta, finish_reason=finish_reason)], **more)

    def usage(self, reply: RelayReply) -> str:
        """What the answer cost."""
        return self._event([], usage=ChatCompletion.of(completion_of(reply)).usage)

    def ending(self, reply: RelayReply) -> Iterator[str]:
        """The calls of tools, if any, and why the answer ends."""
        if reply.tool_calls:
            yield self.delta(Delta(tool_calls=[_call(at, each) for at, each in enumerate(reply.tool_calls)]))
        yield self.delta(Delta(), reply.finish_reason, hmlr=MemoryUsed.of(reply))

    def _event(self, choices: list[ChunkChoice], **more: Any) -> str:
        return Chunk(id=self._id, created=self._created, model=self._model, choices=choices, **more).event()


async def _events(
    first: RelayPart, rest: AsyncGenerator[RelayPart, None], stream: _Stream, *, request_id: str, usage: bool
) -> AsyncIterator[str]:
    """The events of a stream; an error on the way is one, and then the last."""
    yield stream.delta(Delta(role="assistant", content=""))
    try:
        part: RelayPart | None = first
        while part is not None:
            if part.text:
                yield stream.delta(Delta(content=part.text))
            if part.reply is not None:
                for event in stream.ending(part.reply):
                    yield event
                if usage:
                    yield stream.usage(part.reply)
            part = await anext(rest, None)
    except HMLRError as error:
        yield f"data: {error_of(error, request_id).model_dump_json()}\n\n"
        return
    finally:
        await rest.aclose()
    yield "data: [DONE]\n\n"


def _call(at: int, call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"index": at, "id": call.id, "type": "function", "function": function}
