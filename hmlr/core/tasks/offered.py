"""What is offered to a model goes under short labels ("F3"), which the check turns back into ids.

A short label costs few tokens, and one that was invented is found out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from hmlr.core.tasks.identity import identities_of, names_of
from hmlr.language.literal import day_words, one_line
from hmlr.records import DossierId, Fact

Id = TypeVar("Id")

_AROUND = " \t\n\"'`[](){}<>#.:,"  # what models put around a label


@dataclass(frozen=True, kw_only=True)
class OfferedFact:
    """A fact as the gardener and the dossier governor offer it to a task."""

    fact: Fact
    statement: str  # the fact as one readable statement
    aliases: tuple[str, ...] = ()  # the other names of its subject

    @cached_property
    def names(self) -> tuple[str, ...]:
        """See identity.names_of."""
        return names_of(self.fact, self.aliases)

    @cached_property
    def identities(self) -> frozenset[str]:
        """See identity.identities_of."""
        return identities_of(self.fact, self.names)


@dataclass(frozen=True, kw_only=True)
class OfferedDossier:
    """A dossier that facts may join."""

    dossier_id: DossierId
    title: str
    search_summary: str
    names: tuple[str, ...]  # subjects of its facts and their other names
    identities: frozenset[str] = frozenset()  # of its facts, see identity.py; empty: by the names
    similarities: tuple[float, ...] = ()  # cosine of each of the group's facts to it; empty without vectors


def labelled(prefix: str, ids: Iterable[Id]) -> dict[str, Id]:
    """Label -> id, in the order given, counted from 1."""
    return {f"{prefix}{number}": known for number, known in enumerate(ids, 1)}


def meant(labels: Mapping[str, Id], said: str) -> Id | None:
    """The id that a label stands for, its prefix may lack; None when it was not offered."""
    plain = said[:20].strip(_AROUND).upper()
    if plain.isascii() and plain.isdigit():
        prefix = next(iter(labels), "").rstrip("0123456789")
        plain = f"{prefix}{int(plain)}"
    return labels.get(plain)


def fact_lines(facts: Iterable[OfferedFact]) -> str:
    """A list of facts under their labels: label, day, who said it, statement, other names, state."""
    return "\n".join(f"F{number} {_line(offered)}" for number, offered in enumerate(facts, 1)) or "none"


def _line(offered: OfferedFact) -> str:
    fact = offered.fact
    parts = [f"[{fact.valid_from:%Y-%m-%d}, {one_line(fact.said_by)}, {fact.category}]"]
    parts.append(one_line(offered.statement))
    if offered.aliases:
        parts.append(f"(also called {', '.join(map(one_line, offered.aliases))})")
    if fact.state != "active":
        parts.append(f"({fact.state}{': ' if fact.reason else ''}{one_line(fact.reason)})")
    return " ".join(parts)


def said_in(facts: Iterable[OfferedFact]) -> list[str]:
    """Everything that the facts say, as sources for a literal text."""
    return [text for offered in facts for text in _texts(offered)]


def _texts(offered: OfferedFact) -> Iterable[str]:
    fact = offered.fact
    yield from (offered.statement, fact.subject, fact.value, fact.quote, fact.reason, *offered.aliases)
    yield fact.key.replace("_", " ")
    if fact.said_by != "user":
        yield fact.said_by
    yield from map(day_words, (fact.valid_from, fact.occurred_at))
    if fact.valid_to:
        yield day_words(fact.valid_to)
    if fact.state != "active":
        yield fact.state
