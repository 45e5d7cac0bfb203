"""HMLR as the chat history of LangChain: the messages of one session of one user."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Sequence
from contextlib import suppress

from hmlr import sync
from hmlr.client import HMLRClient
from hmlr.errors import InvalidInput, NotFound
from hmlr.integrations.documents import canonical, keep, kept
from hmlr.integrations.needs import needs
from hmlr.records import Message, Role, StoredMessage, Turn

with needs("langchain-core>=1.8,<2"):
    from langchain_core.chat_history import BaseChatMessageHistory
    from langchain_core.messages import (
        AIMessage,
        BaseMessage,
        ChatMessage,
        HumanMessage,
        SystemMessage,
        message_to_dict,
        messages_from_dict,
    )

__all__ = ["HMLRChatMessageHistory"]

_NAME = "langchain"  # of our metadata
_ROLES: dict[str, Role] = {"human": "user", "ai": "assistant", "system": "system"}


class HMLRChatMessageHistory(BaseChatMessageHistory):
    """What was said in a session, in order, each message as it was added; HMLR learns from it meanwhile.

    With `hmlr.HMLRClient` the asynchronous methods work, with `hmlr.sync.HMLRClient` both kinds. A message
    with an id that is added again is stored once. What was said in the session through another door is a
    message, too. The name of a HumanMessage is its speaker: one that is not the client's `speaker` is that of
    a third party. Errors are those of HMLRClient: TooLarge, say, for more than 64 KB beside the text.
    """

    def __init__(self, hmlr: HMLRClient | sync.HMLRClient, session_id: str) -> None:
        self._hmlr = hmlr
        self.session_id = session_id

    @property
    def messages(self) -> list[BaseMessage]:  # type: ignore[override]
        """All messages, oldest first."""
        return _from_turns(self._blocking().turns(session_id=self.session_id))

    async def aget_messages(self) -> list[BaseMessage]:
        """All messages, oldest first."""
        if isinstance(self._hmlr, sync.HMLRClient):
            return await asyncio.to_thread(lambda: self.messages)
        return _from_turns(await self._hmlr.turns(session_id=self.session_id))

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Store the messages, all or none."""
        new, keys = self._new(messages)
        self._blocking().remember(new, session_id=self.session_id, idempotency_keys=keys)

    async def aadd_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Store the messages, all or none."""
        if isinstance(self._hmlr, sync.HMLRClient):
            await asyncio.to_thread(self.add_messages, messages)
            return
        new, keys = self._new(messages)
        await self._hmlr.remember(new, session_id=self.session_id, idempotency_keys=keys)

    def clear(self) -> None:
        """Forget the session: `HMLRClient.forget`, which erases what was learned from it, too."""
        with suppress(NotFound):  # nothing was said
            self._blocking().forget(session_id=self.session_id)

    async def aclear(self) -> None:
        """Forget the session: `HMLRClient.forget`, which erases what was learned from it, too."""
        if isinstance(self._hmlr, sync.HMLRClient):
            await asyncio.to_thread(self.clear)
            return
        with suppress(NotFound):  # nothing was said
            await self._hmlr.forget(session_id=self.session_id)

    def _blocking(self) -> sync.HMLRClient:
        if isinstance(self._hmlr, sync.HMLRClient):
            return self._hmlr
        raise InvalidInput(
            "this history has an asynchronous client",
            hint="Use aget_messages, aadd_messages and aclear, or give it hmlr.sync.HMLRClient",
        )

    def _new(self, messages: Sequence[BaseMessage]) -> tuple[list[Message], list[str]]:
        return [_message(each) for each in messages], [_key(each, self.session_id) for each in messages]


def _message(message: BaseMessage) -> Message:
    """A message as HMLR keeps it; what has no text is shown by its tool calls."""
    document = message_to_dict(message)
    role = _ROLES.get(message.type, "tool")
    if isinstance(message, ChatMessage) and message.role in (*_ROLES.values(), "tool"):
        role = message.role
    calls = [f"{call['name']}({canonical(call['args'])})" for call in getattr(message, "tool_calls", ())]
    found = keep(
        _NAME,
        document["data"],
        role=role,
        shown="\n".join(calls) or f"[{message.type} message]",
        speaker=(message.name or None) if isinstance(message, HumanMessage) else None,
    )
    return Message(
        content=found.content,
        role=found.role,
        speaker=found.speaker,
        metadata={**found.metadata, "langchain_type": document["type"]},
    )


def _from_turns(turns: Sequence[Turn]) -> list[BaseMessage]:
    return [_framework_message(message) for turn in turns for message in turn.messages]


def _framework_message(message: StoredMessage) -> BaseMessage:
    document = kept(_NAME, message)
    if document is not None:
        return messages_from_dict([{"type": message.metadata["langchain_type"], "data": document}])[0]
    kinds: dict[str, type[BaseMessage]] = {
        "user": HumanMessage,
        "assistant": AIMessage,
        "system": SystemMessage,
    }
    if message.role not in kinds:
        return ChatMessage(content=message.content, role=message.role, id=message.message_id)
    return kinds[message.role](content=message.content, id=message.message_id, name=message.speaker)


def _key(message: BaseMessage, session_id: str) -> str:
    """One for one message: a message without an id is new each time."""
    if not message.id:
        return f"langchain:{uuid.uuid4()}"
    said = f"{session_id}\x00{message.type}\x00{canonical(message_to_dict(message))}"
    return "langchain:" + hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()
