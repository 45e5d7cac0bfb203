"""The branch of a conversation that its owner last saw: an answer made again, or a question put otherwise,
leaves the old one in the export as another branch."""

from __future__ import annotations

from collections.abc import Mapping

from hmlr.memory.importing.entries import LineError


def branch_to(leaf: str, parents: Mapping[str, str | None]) -> list[str]:
    """The ids from the root down to `leaf`; a parent that is not in the export ends the way up.

    Raises LineError when the way up never ends.
    """
    way: list[str] = []
    seen: set[str] = set()
    at: str | None = leaf
    while at is not None and at in parents:
        if at in seen:
            raise LineError("has messages that are their own parents")
        seen.add(at)
        way.append(at)
        at = parents[at]
    way.reverse()
    return way
