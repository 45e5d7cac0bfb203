"""What a prompt must not tell: the secrets that its question does not ask for, blanked where they stand."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from hmlr.core.tasks.answer.talks import Talks
from hmlr.language.blanking import blank
from hmlr.language.tokens import query_terms
from hmlr.memory.facts.keys import secret_parts
from hmlr.memory.facts.kinds import SECRET_WORDS
from hmlr.memory.labels import secrets_in
from hmlr.records import Fact, Hit, Hits, OutdatedFact, TurnId

_SECRET_TERMS = frozenset(query_terms(" ".join(sorted(SECRET_WORDS)), limit=len(SECRET_WORDS)))


@dataclass(frozen=True, kw_only=True)
class Hidden:
    """Secrets of any state that nobody has asked for. What is stored, and what a search finds, stays whole.

    A value goes from the turn that told it. Elsewhere it may be any word or number: there it goes when it
    looks like a key, or when the text speaks of secrets or of what this one opens.
    """

    secrets: tuple[Fact, ...] = ()

    def text(self, text: str, turn_ids: Collection[TurnId] = ()) -> str:
        """A text that was said in these turns, or was made of them, without the values."""
        if not self.secrets:
            return text
        terms = frozenset(query_terms(text, limit=len(text)))
        gone = {
            fact.value
            for fact in self.secrets
            if fact.turn_id in turn_ids or _looks_like_a_key(fact.value) or _speaks_of(terms, fact.key)
        }
        return blank(text, gone) if gone else text

    def facts(self, facts: Iterable[Fact]) -> tuple[Fact, ...]:
        """The facts without these secrets; the others without their values."""
        if not self.secrets:
            return tuple(facts)
        gone = {fact.fact_id for fact in self.secrets}
        return tuple(self._fact(fact) for fact in facts if fact.fact_id not in gone)

    def _fact(self, fact: Fact) -> Fact:
        quote, value = (self.text(text, (fact.turn_id,)) for text in (fact.quote, fact.value))
        if fact.category == "secret":  # it is asked for
            return replace(fact, quote=quote)
        return replace(fact, quote=quote, value=value)

    def hits(self, hits: Hits) -> Hits:
        """The hits with what they quote, and what held for their turns, without the values."""
        return replace(hits, items=tuple(map(self._hit, hits))) if self.secrets else hits

    def _hit(self, hit: Hit) -> Hit:
        tags = tuple(replace(tag, text=self.text(tag.text, hit.turn_ids)) for tag in hit.tags)
        outdated = tuple(self._outdated(each, hit.turn_ids) for each in hit.outdated)
        return replace(hit, text=self.text(hit.text, hit.turn_ids), tags=tags, outdated=outdated)

    def _outdated(self, gone: OutdatedFact, turn_ids: Collection[TurnId]) -> OutdatedFact:
        statement, reason = (self.text(text, turn_ids) for text in (gone.statement, gone.reason))
        return replace(gone, statement=statement, reason=reason)

    def talks(self, talks: Talks | None) -> Talks | None:
        """What was talked about on some days, without the values."""
        if talks is None or not self.secrets:
            return talks
        turn_ids = {fact.turn_id for fact in self.secrets}
        topics = tuple(
            replace(talk, quotes=tuple(self.text(quote, turn_ids) for quote in talk.quotes))
            for talk in talks.topics
        )
        return replace(talks, topics=topics)


def not_asked(secrets: Iterable[Fact], shown: Iterable[Fact]) -> Hidden:
    """The secrets but for those that answer a question, whatever the others with the same value are."""
    asked = {fact.value for fact in shown if fact.category == "secret"}
    return Hidden(secrets=tuple(fact for fact in secrets if fact.value not in asked))


@lru_cache(maxsize=1024)
def _looks_like_a_key(value: str) -> bool:
    return bool(secrets_in(value))


def _speaks_of(terms: frozenset[str], key: str) -> bool:
    opens = _opens(key)
    return not _SECRET_TERMS.isdisjoint(terms) or (bool(opens) and opens <= terms)


@lru_cache(maxsize=1024)
def _opens(key: str) -> frozenset[str]:
    """The terms for what a secret opens."""
    parts = secret_parts(key)
    return frozenset(query_terms(" ".join(sorted(parts[1])))) if parts else frozenset()
