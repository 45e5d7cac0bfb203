"""Files of conversations, taken in portion by portion: the event loop waits for none of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from itertools import islice
from typing import Protocol, TypeVar

from hmlr.memory.importing import ChatFile, Survey, batches
from hmlr.records import ImportReport, Message, Receipt

Progress = Callable[[int], None]  # so many messages more are stored
_T = TypeVar("_T")
_BATCH = 256
_READ_AT_ONCE = 1000


class Remember(Protocol):
    """`HMLRClient.remember`."""

    async def __call__(
        self, messages: Sequence[Message], *, session_id: str, idempotency_keys: Sequence[str]
    ) -> Receipt:
        """Store messages of one session, each under its key."""


async def survey(file: ChatFile, max_message_chars: int) -> Survey:
    """Read a file once: what is good and what is bad in it. InvalidInput when it can't be read at all."""
    found = Survey(max_message_chars)
    async for some in _portions(file.entries(), _READ_AT_ONCE):
        for each in some:
            found.add(each)
    return found


async def store(
    remember: Remember, file: ChatFile, found: Survey, *, most: int, progress: Progress | None = None
) -> ImportReport:
    """Store the good messages of a surveyed file, at most `most` a call; what is stored already stays."""
    stored = repeated = 0
    async for some in _portions(batches(found.kept(file.entries()), min(_BATCH, most)), 1):
        for batch in some:
            receipt = await remember(
                [entry.message for entry in batch.entries],
                session_id=batch.session_id,
                idempotency_keys=[entry.key for entry in batch.entries],
            )
            stored, repeated = stored + receipt.stored, repeated + receipt.repeated
            if progress is not None:
                progress(len(batch.entries))
    return ImportReport(
        stored=stored, repeated=repeated, bad=tuple(map(str, found.bad)), left_out=found.left_out
    )


async def _portions(whole: Iterable[_T], size: int) -> AsyncIterator[list[_T]]:
    """The elements, made in a thread, `size` at a time."""
    iterator = iter(whole)
    while some := await asyncio.to_thread(lambda: list(islice(iterator, size))):
        yield some
