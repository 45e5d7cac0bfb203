"""Facts and dossiers as they are offered to the consolidating tasks."""

from __future__ import annotations

from typing import Any

from hmlr.core.tasks.offered import OfferedDossier, OfferedFact
from hmlr.memory.facts.statement import state
from hmlr.records import DossierId, FactId
from tests.unit.making import fact

_COUNT = iter(range(10**9))


def offered(subject: str, key: str, value: str, category: str = "entity", **given: Any) -> OfferedFact:
    """A fact with its statement; `aliases` are the other names of its subject."""
    aliases = given.pop("aliases", ())
    values = {"fact_id": FactId(f"id-{next(_COUNT)}"), "quote": f"{subject} {value}", "category": category}
    made = fact(value, subject=subject, key=key, **{**values, **given})
    return OfferedFact(fact=made, statement=state(made), aliases=tuple(aliases))


def alias(subject: str, other: str, **given: Any) -> OfferedFact:
    """A fact that gives a thing another name."""
    return offered(subject, "also_called", other, "alias", **given)


def policy(subject: str, value: str, **given: Any) -> OfferedFact:
    """A fact about a policy."""
    return offered(subject, "policy", value, "policy", **given)


def dossier(name: str, summary: str = "", **given: Any) -> OfferedDossier:
    """A dossier with its title for an id."""
    values = {"dossier_id": DossierId(f"d-{name}"), "title": name, "search_summary": summary, "names": ()}
    return OfferedDossier(**{**values, **given})
