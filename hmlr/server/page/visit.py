"""One open page in one browser: whose memory it shows, and whether its token still opens it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from hmlr.client import HMLRClient
from hmlr.errors import TryLater
from hmlr.records import UserId
from hmlr.server.people import People
from hmlr.server.rates import Rates


class SignedOut(Exception):
    """The token was revoked, or opens another memory."""


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What a page needs to reach the memory; nothing in it is shared with another visit but the server's."""

    people: People
    rates: Rates  # of the page's actions, by token
    secret: str = field(repr=False)  # checked anew before each action
    user: UserId
    is_admin: bool

    @asynccontextmanager
    async def memory(self) -> AsyncIterator[HMLRClient]:
        """The user's open memory, for one action. SignedOut; TryLater when there are too many actions."""
        token = await self.people.host.access.holder(self.secret)
        if token is None or token.user_id not in (None, self.user):
            raise SignedOut
        if wait := self.rates.take(token.token_id):
            raise TryLater("too many actions", hint=f"Try again in {max(1, round(wait))} s")
        async with self.people.client(self.user) as client:
            yield client
