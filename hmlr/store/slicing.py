"""The shape of the function that cuts a message into chunks; the store is given it when it is opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hmlr.store.records import NewChunk

# The same text must give the same chunks, so that a rebuild finds those that are there.
Slicer = Callable[[str], Sequence[NewChunk]]
