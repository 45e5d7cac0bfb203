"""Everything that is known of one entity under any of its names, in the order of event time: pure."""

from __future__ import annotations

from collections.abc import Iterable

from hmlr.memory.facts.aliases import AliasIndex
from hmlr.memory.facts.board import rank
from hmlr.memory.facts.keys import plain_name
from hmlr.memory.facts.values import fold
from hmlr.records import OWNER, Fact, Timeline


def timeline(entity: str, facts: Iterable[Fact], aliases: AliasIndex) -> Timeline:
    """The facts, of any state, whose subject is the entity or whose value names it as whole words.

    For the owner, who is in every message, it is the subject alone.
    """
    names = aliases.names_of(" ".join(entity.split()))
    plain = {plain_name(name) for name in names}
    mentioned = AliasIndex.mentions(names) if OWNER not in plain else None
    found = [
        fact
        for fact in facts
        if plain_name(fact.subject) in plain or (mentioned is not None and mentioned(fact.value))
    ]
    found.sort(key=rank)
    return Timeline(entity=entity, names=tuple(sorted(names, key=fold)), facts=tuple(found))
