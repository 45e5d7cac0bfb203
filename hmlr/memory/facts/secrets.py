"""Which secrets a question asks for: of one thing or kind, and none unless it asks for a secret."""

from __future__ import annotations

from collections.abc import Callable

from hmlr.language.tokens import query_terms
from hmlr.memory.facts.keys import secret_parts
from hmlr.memory.facts.kinds import KINDS_OF_SECRET
from hmlr.memory.facts.question import Question
from hmlr.records import Fact

Scored = list[tuple[Fact, float]]
Terms = Callable[[Fact], frozenset[str]]


def only_asked_secrets(asked: Question, scored: Scored, terms: Terms) -> Scored:
    """Leave out the secrets of other things or kinds when the question names a thing or a kind."""
    if (
        not asked.secret
    ):  # "what's the wifi at home?" asks for it with every word, "the guest wifi's name" does not
        return [
            (fact, score)
            for fact, score in scored
            if fact.category != "secret" or (len(asked.terms) > 1 and asked.terms <= terms(fact))
        ]
    secrets = [fact for fact, _ in scored if fact.category == "secret"]
    if shared := [fact for fact in secrets if asked.terms & _purpose(fact)]:
        most = max(len(asked.terms & _purpose(fact)) for fact in shared)
        secrets = [fact for fact in shared if len(asked.terms & _purpose(fact)) == most]
    kinds = {kind for word in asked.words for kind in KINDS_OF_SECRET.get(word.removesuffix("s"), ())}
    secrets = [fact for fact in secrets if kinds & _kind_words(fact)] or secrets
    kept = {fact.fact_id for fact in secrets}
    # "The wifi password at home" asks for no home: beside a secret stands only what shares a word with it.
    return [
        (fact, score)
        for fact, score in scored
        if (fact.fact_id in kept if fact.category == "secret" else not kept or asked.terms & terms(fact))
    ]


def _kind_words(fact: Fact) -> frozenset[str]:
    parts = secret_parts(fact.key)
    return frozenset(parts[0].split("_") if parts else fact.key.split("_"))


def _purpose(fact: Fact) -> frozenset[str]:
    """The terms for what a secret opens: "weather" of an API key, "alarm" of an alarm code."""
    parts = secret_parts(fact.key)
    if parts is None:
        return frozenset()
    words = parts[1] | (_kind_words(fact) - KINDS_OF_SECRET.keys() - {"api"})
    return frozenset(query_terms(" ".join(sorted(words))))
