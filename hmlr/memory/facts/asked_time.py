"""Of which time a question about facts speaks: of now, of a stretch of the past, or of what was before."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from hmlr.language.dates import question_time
from hmlr.memory.facts.keys import is_single_valued, plain_name, rival_keys, same_subject, version_of
from hmlr.records import Fact

_BEFORE = re.compile(
    r"\b(?:before|previous(?:ly)?|former(?:ly)?|used to|originally|prior to|in the past|back then|at first|"
    r"(?:my|our|the) (?:old|ex|last|first|earlier|past)\b(?! (?:name|names|week|month|year|time|night|day|"
    r"one)\b))",
    re.IGNORECASE,
)
_PAST_TENSE = re.compile(
    r"\b(?:did|was|were|had|used to|previous(?:ly)?|former(?:ly)?|old|ex|earlier|past|originally)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class AskedTime:
    """The time that a question is about."""

    kind: Literal["now", "then", "before"]
    since: datetime  # first moment of it
    until: datetime  # first moment after it

    @property
    def past(self) -> bool:
        """Whether what no longer holds is asked for."""
        return self.kind != "now"


def asked_time(question: str, now: datetime) -> AskedTime:
    """The time that a question, asked now, is about; without a sign of another, now."""
    named = question_time(question, now)
    if named is not None and named.span.end <= now and _PAST_TENSE.search(question):
        since, until = named.since or datetime.min.replace(tzinfo=now.tzinfo), named.until or now
        if named.relation == "during":
            return AskedTime(kind="then", since=since, until=until)
    if _BEFORE.search(question) and _PAST_TENSE.search(question):
        return AskedTime(kind="before", since=now, until=now)
    return AskedTime(kind="now", since=now, until=now)


def told_of(time: AskedTime, facts: Iterable[Fact]) -> list[Fact]:
    """The facts to answer from: those that hold, and where values changed, the ones of the time asked.

    `facts` are active and superseded ones. Of a role or key with one value the value that held then stands in
    for the present one; without any from then, the present one stays.
    """
    every = list(facts)
    chosen = [fact for fact in every if fact.state == "superseded" and _held(time, fact)]
    present = [fact for fact in every if fact.state == "active" and not _over(time, fact)]
    if time.kind == "now":
        return [*present, *chosen]
    past = _Past(chosen)
    return [*chosen, *(fact for fact in present if not _gives_way(fact, past, time))]


def _held(time: AskedTime, fact: Fact) -> bool:
    """Whether a fact that no longer holds did so in the time that is asked."""
    if time.kind == "before":
        return fact.valid_to is not None and fact.valid_to <= time.until
    if fact.valid_from >= time.until and time.kind == "then":
        return False
    return fact.valid_from <= time.until and fact.valid_to is not None and fact.valid_to > time.since


def _over(time: AskedTime, fact: Fact) -> bool:
    """Whether a fact was told with an end that has come."""
    return fact.valid_to is not None and fact.valid_to <= time.since


def _gives_way(fact: Fact, past: _Past, time: AskedTime) -> bool:
    if not is_single_valued(fact.key) or (time.kind == "then" and fact.valid_from < time.until):
        return False
    return any(past.has(key, fact.subject) for key in rival_keys(fact.key))


class _Past:
    """What the facts of the time asked are about, by key: comparing each with each takes long."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._names: dict[str, set[str]] = {}
        self._numbered: dict[str, set[str]] = {}  # versions of a policy, which have several names
        for fact in facts:
            self._names.setdefault(fact.key, set()).add(plain_name(fact.subject))
            if version_of(fact.subject) is not None:
                self._numbered.setdefault(fact.key, set()).add(fact.subject)

    def has(self, key: str, subject: str) -> bool:
        """Whether one of them tells this of this subject."""
        if plain_name(subject) in self._names.get(key, ()):
            return True
        numbered = self._numbered.get(key, ()) if version_of(subject) is not None else ()
        return any(same_subject(known, subject) for known in numbered)
