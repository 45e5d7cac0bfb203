"""The client while one converses: say, keep, ask memory, take it along in a prompt."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Unpack

from hmlr.client.base import ClientBase
from hmlr.client.importing import Progress, store, survey
from hmlr.core.relay_records import RelayPart, RelayRequest
from hmlr.deep_records import DeepAnswer
from hmlr.errors import InvalidInput
from hmlr.memory.importing import ChatFile
from hmlr.memory.intake import MAX_BUDGET_TOKENS, check_key, check_limit, check_messages
from hmlr.memory.intake import session_id as checked_session
from hmlr.memory.retrieval.recall import Filters, RecallRequest
from hmlr.records import (
    BlockId,
    Context,
    Hits,
    ImportReport,
    Message,
    Miss,
    NodeKind,
    Receipt,
    Reply,
    ReplyPart,
    SessionId,
    TurnId,
)

DEFAULT_SESSION = "default"
MAX_ROUNDS = 100  # of tools, in one deep recall


class Conversing(ClientBase):
    """Talk, store what was said, and recall it."""

    async def chat(
        self,
        message: str,
        *,
        session_id: str = DEFAULT_SESSION,
        occurred_at: datetime | None = None,
        metadata: Mapping[str, object] | None = None,
        idempotency_key: str | None = None,
    ) -> Reply:
        """Store the message, answer it from memory, store the answer.

        The message is durable before anything else is tried; what failed on the way stands in
        `reply.degraded`. When this user forgets anything while the answer is written, the answer is given
        and not stored, since it may repeat what was forgotten; `degraded` says so.
        With a key a repeated call stores the message once: it gives the reply that was stored, or answers
        when there is none yet. InvalidInput when the key was used for another message.
        """
        reply: Reply | None = None
        async for part in self.chat_stream(
            message,
            session_id=session_id,
            occurred_at=occurred_at,
            metadata=metadata,
            idempotency_key=idempotency_key,
        ):
            reply = part.reply or reply
        assert reply is not None  # noqa: S101 - the last part carries it, by contract
        return reply

    async def chat_stream(
        self,
        message: str,
        *,
        session_id: str = DEFAULT_SESSION,
        occurred_at: datetime | None = None,
        metadata: Mapping[str, object] | None = None,
        idempotency_key: str | None = None,
    ) -> AsyncIterator[ReplyPart]:
        """Like `chat`, piece by piece; the last part carries the whole reply."""
        member = self._member
        said = Message(content=message, occurred_at=occurred_at, metadata=metadata or {})
        key = check_key(idempotency_key) if idempotency_key is not None else None
        try:
            async for part in member.engine.run(said, checked_session(session_id), key):
                yield part
        finally:
            member.background.notify()

    async def relay(self, request: RelayRequest, *, whole: bool = True) -> AsyncGenerator[RelayPart, None]:
        """Answer a conversation that another program holds, with memory in its prompt.

        The user's last message is stored and learned from as in `chat`, before anything else is tried; so is
        the answer, unless it asks for tools: the program runs them and asks again with their results. Its own
        system messages, history, tools and options go to the model unchanged. Raises ModelError when the
        model fails, so that the program may try again: the same conversation within ten minutes is the same
        turn. Without a model the answer is the rules', and tools are not asked for. With `whole` it comes in
        one piece.
        """
        member = self._member
        try:
            async with aclosing(member.relay.run(request, whole=whole)) as parts:
                async for part in parts:
                    yield part
        finally:
            member.background.notify()

    async def remember(
        self,
        messages: Sequence[Message],
        *,
        session_id: str = DEFAULT_SESSION,
        idempotency_key: str | None = None,
        idempotency_keys: Sequence[str] | None = None,
    ) -> Receipt:
        """Store messages as turns of one message each, all or none; durable when this returns.

        With a key (one for the call, or one a message) a repeated call stores nothing twice.
        """
        check_messages(messages)
        keys = _keys(len(messages), idempotency_key, idempotency_keys)
        return await self._member.remember(messages, checked_session(session_id), keys)

    async def import_chats(
        self,
        path: str | Path | BinaryIO,
        *,
        format: str | None = None,  # noqa: A002 - the usual word
        session_id: str | None = None,
        occurred_at: datetime | None = None,
        skip_bad: bool = False,
        progress: Progress | None = None,
    ) -> ImportReport:
        """Take in a file of conversations (docs/importing.md), each message once however often it is read.

        JSON Lines, a transcript, or an export of ChatGPT, Claude or mem0 (zip or JSON), told apart by what is
        in it, unless `format` names one. `session_id` and `occurred_at` hold where the file names none. With
        one bad message nothing is stored, unless `skip_bad`. An import that was cut short goes on where it
        was when it is repeated. An open binary file is read whole into memory.

        Raises InvalidInput, which names the place, before anything is stored.
        """
        file = ChatFile(path, format=format, session=session_id, at=occurred_at)
        found = await survey(file, self.settings.max_message_chars)
        found.refuse(file.name, skip_bad=skip_bad)
        most = self.settings.max_batch_messages
        return await store(self.remember, file, found, most=most, progress=progress)

    async def recall(
        self,
        query: str,
        *,
        limit: int | None = None,
        budget_tokens: int | None = None,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        kinds: Sequence[NodeKind] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        session_id: str | None = None,
        block_id: str | None = None,
        speaker: str | None = None,
        metadata: Mapping[str, object] | None = None,
        explain: bool = False,
    ) -> Hits:
        """The best matching memories, best first; `hits.degraded` names what did not take part.

        `as_of` is event time, `known_at` record time: what had been said, or was known, by then. `since`
        (inclusive) and `until` (exclusive) bound event time. Without `kinds`: turns, and paragraphs of long
        ones. With `budget_tokens` the hits' texts fit into it together. `hit.outdated` names what its words
        say that is no longer so.
        """
        member = self._member
        if limit is None:  # a budget is filled from as many hits as it may take
            limit = self.settings.recall_limit if budget_tokens is None else 100
        request = RecallRequest(
            query=query,
            limit=limit,
            now=self._clock() if as_of is None else as_of,
            budget_tokens=budget_tokens,
            as_of=as_of,
            known_at=known_at,
            kinds=kinds,
            since=since,
            until=until,
            session_id=SessionId(session_id) if session_id is not None else None,
            block_id=BlockId(block_id) if block_id is not None else None,
            speaker=speaker,
            metadata=metadata or {},
            explain=explain,
        )
        return await member.recall(request)

    async def why_not(
        self, query: str, turn_id: str, *, limit: int | None = None, **filters: Unpack[Filters]
    ) -> Miss:
        """Why `recall` with these filters does not give a turn: its place in the ranking and what it lacks.

        Raises NotFound when there is no such turn.
        """
        request = RecallRequest(
            query=query,
            limit=self.settings.recall_limit if limit is None else limit,
            now=filters.get("as_of") or self._clock(),
            **filters,
        )
        return await self._member.recall.why_not(request, TurnId(turn_id))

    async def context(
        self, query: str, *, budget_tokens: int | None = None, session_id: str | None = None
    ) -> Context:
        """Memory for a prompt: fenced, dated and attributed, within the budget, constraints first."""
        return await self._member.context(
            query,
            budget_tokens=self.settings.budget_tokens
            if budget_tokens is None
            else check_limit(budget_tokens, what="budget_tokens", most=MAX_BUDGET_TOKENS),
            session_id=checked_session(session_id) if session_id is not None else None,
        )

    async def deep_recall(
        self, question: str, *, max_rounds: int = 8, budget_tokens: int = 8000
    ) -> DeepAnswer:
        """An answer that takes several steps, with a citation for each; every citation was found in memory.

        A model looks into memory with tools, in at most `max_rounds` rounds, in which it is shown at most
        `budget_tokens`. Without a model the answer is a chain of facts and quotes, two links deep, of at
        most `budget_tokens`. When a model fails, so it is too, and `degraded` says so. Nothing is stored.
        """
        return await self._member.deep_recall(
            question,
            now=self._clock(),
            max_rounds=check_limit(max_rounds, what="max_rounds", most=MAX_ROUNDS),
            budget_tokens=check_limit(budget_tokens, what="budget_tokens", most=MAX_BUDGET_TOKENS),
        )


def _keys(count: int, key: str | None, keys: Sequence[str] | None) -> list[str | None]:
    if key is not None and keys is not None:
        raise InvalidInput("give idempotency_key or idempotency_keys, not both")
    if keys is not None:
        if len(keys) != count:
            raise InvalidInput(f"{count} messages but {len(keys)} idempotency_keys")
        return [check_key(each) for each in keys]
    return [check_key(f"{key}:{number}") if key is not None else None for number in range(count)]
