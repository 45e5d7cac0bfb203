"""HMLR as the session of the OpenAI Agents SDK: an agent's history that is a memory at the same time."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

from hmlr.client import HMLRClient
from hmlr.errors import NotFound
from hmlr.integrations.documents import keep, kept
from hmlr.integrations.needs import needs
from hmlr.records import Message, Role, TurnId

with needs("openai-agents>=0.24,<1"):
    from agents import SessionSettings, TResponseInputItem

__all__ = ["HMLRSession"]

_NAME = "openai_agents"  # of our metadata
_ROLES: dict[str, Role] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",
}


class HMLRSession:
    """The items of one session of one user, in order and exactly as they were added.

    `Runner.run(agent, "…", session=HMLRSession(hmlr, "s1"))`. HMLR learns from what user and assistant say;
    tool calls and their outputs have the role `tool`. Only items are seen here: what was said in the session
    through another door is not among them. Errors are those of HMLRClient: TooLarge, say, for an item with
    more than 64 KB beside its text.
    """

    def __init__(
        self, hmlr: HMLRClient, session_id: str, *, session_settings: SessionSettings | None = None
    ) -> None:
        self._hmlr = hmlr
        self.session_id = session_id
        self.session_settings: SessionSettings | None = session_settings or SessionSettings()

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        """The last `limit` items, oldest first; all when neither this nor the settings say how many."""
        if limit is None and self.session_settings is not None:
            limit = self.session_settings.limit
        items = [item for _, item in await self._items()]
        return items if limit is None else items[max(0, len(items) - max(0, limit)) :]

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        """Store the items, all or none; durable when this returns."""
        await self._hmlr.remember(
            [_message(cast("Mapping[str, Any]", item)) for item in items], session_id=self.session_id
        )

    async def pop_item(self) -> TResponseInputItem | None:
        """Forget the last item and give it; None when there is none.

        `HMLRClient.forget` erases it, with what was learned from it, and takes its words out of other
        answers that repeat them.
        """
        while items := await self._items():
            turn_id, item = items[-1]
            with suppress(NotFound):
                # Of two pops at once one finds the turn gone, or erases nothing: it takes the item before.
                if (await self._hmlr.forget(turn_id=turn_id)).turns:
                    return item
        return None

    async def clear_session(self) -> None:
        """Forget the session: `HMLRClient.forget`, which erases what was learned from it, too."""
        with suppress(NotFound):  # nothing was said
            await self._hmlr.forget(session_id=self.session_id)

    async def _items(self) -> list[tuple[TurnId, TResponseInputItem]]:
        turns = await self._hmlr.turns(session_id=self.session_id)
        found = [(turn.turn_id, kept(_NAME, message)) for turn in turns for message in turn.messages]
        return [(turn_id, cast("TResponseInputItem", item)) for turn_id, item in found if item is not None]


def _message(item: Mapping[str, Any]) -> Message:
    role = _ROLES.get(item.get("role", ""), "tool")
    kind = item.get("type", "message")
    called = f"{item['name']}({item.get('arguments', '')})" if "name" in item else f"[{kind}]"
    return keep(_NAME, item, role=role, shown=called)
