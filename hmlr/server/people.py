"""The open memories of the users of one server: opened when first needed, closed when long unused."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from hmlr.client import HMLRClient


@dataclass
class _Place:
    """One user's memory; `users` counts the requests that work with it now."""

    client: HMLRClient
    users: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    opened: bool = False


class People:
    """Hands out the open client of a user. Safe for concurrent requests of one event loop."""

    def __init__(self, host: HMLRClient, *, most: int) -> None:
        """`host` is open and stays open longer; the `most` latest users stay open between requests."""
        self.host = host
        self._most = most
        self._places: OrderedDict[str, _Place] = OrderedDict()
        self._closing: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """How many are open."""
        return len(self._places)

    @asynccontextmanager
    async def client(self, user: str) -> AsyncIterator[HMLRClient]:
        """The user's open client, at least as long as the block runs. InvalidInput for an impossible id."""
        place = self._places.get(user)
        if place is None:
            place = self._places[user] = _Place(self.host.as_user(user))
        self._places.move_to_end(user)
        place.users += 1
        try:
            async with place.lock:
                if not place.opened:
                    await place.client.__aenter__()
                    place.opened = True
            yield place.client
        finally:
            place.users -= 1
            if not place.opened and not place.users:
                self._places.pop(user, None)
            self._close_idle()

    def _close_idle(self) -> None:
        """Close who was used longest ago, while there are too many and nobody works with them."""
        for user in list(self._places):
            if len(self._places) <= self._most:
                return
            if not self._places[user].users:
                place = self._places.pop(user)
                task = asyncio.create_task(place.client.aclose())
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)

    async def aclose(self) -> None:
        """Close all: running batches of background work are finished, the rest stays queued."""
        places = list(self._places.values())
        self._places.clear()
        closing = [place.client.aclose() for place in places if place.opened]
        await asyncio.gather(*closing, *self._closing)
