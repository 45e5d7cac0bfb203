"""What a user may write for an id or for himself: the first characters of an id, as in git, and "me"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from hmlr.cli.call import CommandError

if TYPE_CHECKING:
    from hmlr.client import HMLRClient

# Ids of turns begin with their time: fewer characters are those of a whole hour.
MIN_PREFIX = 6
_WHOLE = 36
_PREFIX = re.compile(rf"[0-9a-f-]{{{MIN_PREFIX},{_WHOLE - 1}}}")
_OWNER = frozenset(("me", "myself", "i", "owner"))


def owner(name: str | None) -> str | None:
    """A name, where "me" is the owner of the memory."""
    return "user" if name is not None and name.strip().casefold() in _OWNER else name


async def fact_id(client: HMLRClient, given: str) -> str:
    """The id of the one fact whose id begins so; what is no beginning of any is given back."""
    if not _may_begin(given):
        return given
    facts = await client.facts(states=("active", "superseded", "invalidated"))
    return _chosen("fact", given, (fact.fact_id for fact in facts))


async def turn_id(client: HMLRClient, given: str) -> str:
    """The id of the one turn whose id begins so; what is no beginning of any is given back."""
    if not _may_begin(given):
        return given
    return _chosen("turn", given, (turn.turn_id for turn in await client.turns()))


async def block_id(client: HMLRClient, given: str) -> str:
    """The id of the one topic whose id begins so; what is no beginning of any is given back."""
    if not _may_begin(given):
        return given
    return _chosen("topic", given, (block.block_id for block in await client.blocks()))


async def dossier_id(client: HMLRClient, given: str) -> str:
    """The id of the one dossier whose id begins so; what is no beginning of any is given back."""
    if not _may_begin(given):
        return given
    return _chosen("dossier", given, (dossier.dossier_id for dossier in await client.dossiers()))


async def run_id(client: HMLRClient, given: str) -> str:
    """The id of the one garden run whose id begins so; what is no beginning of any is given back."""
    if not _may_begin(given):
        return given
    return _chosen("run", given, (run.run_id for run in await client.garden_runs()))


def _may_begin(given: str) -> bool:
    return _PREFIX.fullmatch(given) is not None


def _chosen(what: str, given: str, ids: Iterable[str]) -> str:
    found = sorted(each for each in ids if each.startswith(given))
    if len(found) > 1:
        some = ", ".join(found[:3]) + (", …" if len(found) > 3 else "")
        raise CommandError(f"{given} begins the ids of {len(found)} {what}s: {some}", hint="Write more of it")
    return found[0] if found else given
