"""Memory for a conversation that another program holds: its prompt goes on to the model, with memory in it.

The user's last message is stored first and learned from like any other; memory goes beside it, as data; the
rest of the prompt stays as it is. A reply that asks for tools is not the turn's reply: the program runs them
and asks again, and it is the same turn.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta

from hmlr.core.conversation_engine import ConversationEngine
from hmlr.core.relay_records import RelayPart, RelayReply, RelayRequest
from hmlr.core.services import Clock, Services
from hmlr.core.tasks.answer.task import ANSWER, AnswerText
from hmlr.core.tasks.base import Answer, Prompt
from hmlr.core.turn_preparing import Prepared
from hmlr.core.turn_trace import TurnTrace
from hmlr.errors import InvalidInput
from hmlr.llm.names import OFFLINE
from hmlr.llm.records import ChatMessage, ChatRequest, Completion, StreamPart
from hmlr.memory.intake import session_id as checked_session
from hmlr.records import Message, Usage

# A program that did not hear the answer asks again within this time, and means the same message.
SAME_TURN_S = 600
MAX_KEYS = 1000  # conversations of one user that are known to be going on
PACKAGE = "hmlr.core.tasks.answer.relayed"


class Relay:
    """Relays the conversations of one user. Safe for concurrent ones."""

    def __init__(self, services: Services, engine: ConversationEngine) -> None:
        self._services = services
        self._engine = engine
        self._keys = _Keys(services.clock)
        self._prompt: Prompt | None = None

    async def run(self, request: RelayRequest, *, whole: bool) -> AsyncGenerator[RelayPart, None]:
        """Answer the conversation; the last part carries the whole reply, which is stored by then.

        `whole` asks for the reply in one piece: retries then go on until it is there. Raises InvalidInput
        before anything is stored, and ModelError with the user's message stored.
        """
        at, said = _last_said(request.messages)
        talk = [each for each in request.messages[: at + 1] if each.role != "system"]
        session_id = checked_session(request.session_id or _session(talk))
        trace = TurnTrace()
        with trace.timed("total"), self._engine.foreground():
            message = Message(content=said.content, speaker=request.speaker, metadata=request.metadata)
            key = request.idempotency_key or self._keys.key(f"{session_id}\n{_digest(talk)}")
            told = frozenset(each.content for each in talk[:-1] if each.role == "user")
            async with self._engine.stored(message, session_id, trace, key) as (turn, added):
                prepared = await self._engine.preparing.prepare(turn, added, trace, told=told)
            completion: Completion | None = None
            with trace.timed("answer"):
                async for piece in self._answered(request, at, prepared, whole=whole):
                    completion = piece.completion
                    if piece.text:
                        yield RelayPart(text=piece.text)
            assert completion is not None  # noqa: S101 - a stream ends with its completion, by contract
            answer = Answer(
                value=AnswerText.model_construct(text=completion.text),
                by="rule" if completion.model == OFFLINE else completion.model,
                usage=completion.usage,
            )
            trace.count("answer", answer)
            if not completion.tool_calls and completion.text.strip():
                await self._engine.keep(prepared, answer, trace)
        yield RelayPart(text="", reply=_reply(prepared, completion, trace))

    async def _answered(
        self, request: RelayRequest, at: int, prepared: Prepared, *, whole: bool
    ) -> AsyncIterator[StreamPart]:
        """The answer's pieces, by the model or, without one, by rule."""
        model = self._services.opened_model
        if model is None:
            async for part in self._services.runner.stream(ANSWER, prepared.given):
                done = part.answer
                yield StreamPart(text=part.text, completion=_by_rule(done) if done else None)
            return
        asked = ChatRequest(
            messages=await self._with_memory(request.messages, at, prepared),
            tools=request.tools,
            tool_choice=request.tool_choice,
            output=request.output,
            options=request.options,
            task=ANSWER.name,
        )
        if whole:
            completion = await model.relay(asked, request.model)
            yield StreamPart(text=completion.text, completion=completion)
            return
        async for piece in model.relay_stream(asked, request.model):
            yield piece

    async def _with_memory(
        self, messages: tuple[ChatMessage, ...], at: int, prepared: Prepared
    ) -> tuple[ChatMessage, ...]:
        """The prompt with memory beside the message at `at`, and how to read it before everything."""
        context = prepared.given.context.text
        if not context:
            return messages
        if self._prompt is None:  # it reads a file
            self._prompt = await asyncio.to_thread(Prompt.load, PACKAGE)
        content = self._prompt.render({"context": context, "message": messages[at].content})
        rules = ChatMessage(role="system", content=self._prompt.system)
        return (rules, *messages[:at], replace(messages[at], content=content), *messages[at + 1 :])


def _last_said(messages: Sequence[ChatMessage]) -> tuple[int, ChatMessage]:
    """Where the user's last message stands, and what it is. InvalidInput when nobody waits for an answer."""
    if not messages or messages[-1].role not in ("user", "tool"):
        raise InvalidInput("the last message has to be the user's, or the result of a tool")
    for at in range(len(messages) - 1, -1, -1):
        if messages[at].role == "user":
            return at, messages[at]
    raise InvalidInput("there is no message of the user")


def _session(talk: Sequence[ChatMessage]) -> str:
    """A conversation that names no session is known by how the user begins it."""
    first = next(each for each in talk if each.role == "user")
    return f"relay-{_digest([first])[:24]}"


class _Keys:
    """Idempotency keys of conversations: the same while a program asks again about the same message."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._begun: OrderedDict[str, tuple[int, datetime]] = OrderedDict()  # (first asked, last asked)

    def key(self, conversation: str) -> str:
        """The key of a conversation as it stands; the same words after SAME_TURN_S are another message."""
        now = self._clock()
        digest = hashlib.sha256(conversation.encode()).hexdigest()[:32]
        begun, asked = self._begun.pop(digest, (0, now))
        if not begun or now - asked > timedelta(seconds=SAME_TURN_S):
            # Rounded, so that another process comes to the same key, but for the end of a span.
            begun = int(now.timestamp()) // SAME_TURN_S
        self._begun[digest] = begun, now
        self._forget(now - timedelta(seconds=SAME_TURN_S))
        return f"relay:{begun}:{digest}"

    def _forget(self, before: datetime) -> None:
        """Drop what was last asked before that, and the oldest of too many."""
        while self._begun:
            digest, (_, asked) = next(iter(self._begun.items()))
            if asked >= before and len(self._begun) <= MAX_KEYS:
                return
            del self._begun[digest]


def _digest(messages: Sequence[ChatMessage]) -> str:
    told = json.dumps([asdict(each) for each in messages])
    return hashlib.sha256(told.encode()).hexdigest()


def _by_rule(answer: Answer[AnswerText]) -> Completion:
    return Completion(text=answer.value.text, model=OFFLINE, finish_reason="stop", usage=Usage())


def _reply(prepared: Prepared, completion: Completion, trace: TurnTrace) -> RelayReply:
    return RelayReply(
        text=completion.text,
        tool_calls=completion.tool_calls,
        finish_reason=completion.finish_reason,
        model=completion.model,
        usage=completion.usage,
        total_usage=trace.usage,
        turn_id=prepared.turn.turn_id,
        session_id=prepared.turn.session_id,
        block_id=prepared.block_id,
        hits=prepared.hits.items,
        timings_ms=trace.timings_ms,
        degraded=tuple(dict.fromkeys(trace.degraded)),
    )
