"""Homes: the dossiers of what the owner says of himself and nothing else goes with. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from hmlr.core.tasks.offered import OfferedFact
from hmlr.records import OWNER, Category

# By kind: a dossier for each such fact would be a list of facts and no file.
HOMES: dict[Category, str] = {
    "identity": "The user: identity",
    "preference": "The user: preferences",
    "constraint": "The user: constraints",
    "project": "The user: projects",
    "secret": "The user: credentials",
}


def home_of(group: Sequence[OfferedFact]) -> str:
    """The title of the home of what the owner says of himself; empty for facts that have names."""
    kinds = {each.fact.category for each in group}
    own = all(each.fact.owner and each.fact.subject.casefold() == OWNER and not each.names for each in group)
    return HOMES.get(kinds.pop(), "") if own and len(kinds) == 1 else ""
