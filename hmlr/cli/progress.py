"""What is shown on stderr while something takes long; bars only where stderr is a terminal."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING

from hmlr.cli.streams import dim, note

if TYPE_CHECKING:
    from hmlr.settings import Settings

_PATIENCE_S = 1.5  # shorter waits need no words
PREPARING = "preparing the embedding model, once on this machine (about 15 s) …"


@contextmanager
def counting(label: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar with rate and remaining time, a spinner without total; yields the step function."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from hmlr.cli.bars import bar  # imports rich

    with bar(counted=total is not None) as shown:
        task = shown.add_task(label, total=total)
        yield lambda step: shown.advance(task, step)


@asynccontextmanager
async def first_use(settings: Settings) -> AsyncIterator[None]:
    """Say why it takes long when the embedding model has yet to be prepared."""
    if not unprepared(settings):
        yield
        return
    import asyncio  # not needed for help

    async def tell() -> None:
        await asyncio.sleep(_PATIENCE_S)
        note(dim(PREPARING))

    teller = asyncio.create_task(tell())
    try:
        yield
    finally:
        teller.cancel()
        with suppress(asyncio.CancelledError):
            await teller


def unprepared(settings: Settings) -> bool:
    """Whether the first use of the embedding model on this machine is still to come."""
    return settings.embedder == "minilm" and not any(settings.cache.glob("*/manifest.json"))


def degraded(stages: tuple[str, ...], settings: Settings) -> None:
    """One line that names what did not take part, except for what the user has chosen to do without."""
    if not stages:
        return
    from hmlr.memory.retrieval.lattice import LEXICAL_ONLY  # the client has imported it by now

    chosen = {LEXICAL_ONLY} if settings.embedder == "none" else set()
    if missed := [stage for stage in stages if stage not in chosen]:
        note(dim(f"without: {'; '.join(missed)}"))
