"""The book of facts: kept up to date by what changed, it says what reading everything anew would say."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from hmlr.memory.facts.aliases import AliasIndex
from hmlr.memory.facts.lookup import FactIndex, _kind_asked, _of_somebody_else, _terms, score_facts
from hmlr.memory.facts.question import read
from hmlr.records import Fact
from tests.unit.fact_play import play
from tests.unit.making import fact
from tests.unit.test_fact_lookup import CIPHER, TOLD

QUESTIONS = [
    "Where do I live?", "Where does Bob live?", "What is the weather api key?", "What's my password?",
    "Any steakhouse for dinner?", "What is Styx?", "Which car do I own?", "May I accept a gift?",
    "What is my favourite color?", "Tell me about bees", "zzz", "",
]  # fmt: skip


def facts_told() -> list[Fact]:
    return list(play(TOLD + CIPHER).values())


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_fact_that_is_passed_over_could_score(question: str) -> None:
    facts = facts_told()
    aliases = AliasIndex(facts)
    found = {one.fact_id for one, _ in score_facts(question, facts, aliases)}
    asked = read(question, aliases)
    for one in facts:
        worth = bool((asked.terms | asked.alias_terms) & _terms(one)) or _kind_asked(asked, one) > 0
        left_out = one.category == "secret" or _of_somebody_else(asked, one)
        assert one.fact_id in found or not worth or left_out


@pytest.mark.parametrize("seed", range(20))
def test_an_index_that_was_changed_scores_as_one_made_anew(seed: int) -> None:
    dice = Random(seed)
    facts = facts_told()
    index, kept = FactIndex(), {}
    for _ in range(60):
        one = dice.choice(facts)
        if dice.random() < 0.3:
            index.drop(one.fact_id)
            kept.pop(one.fact_id, None)
        else:
            index.put(one)
            kept[one.fact_id] = one
    aliases = AliasIndex(kept.values())
    for question in QUESTIONS:
        assert index.score(question, aliases) == score_facts(question, kept.values(), aliases)


def test_a_fact_put_again_stands_as_it_was_put_last() -> None:
    oslo = fact("Oslo")
    index = FactIndex([oslo])
    index.put(replace(oslo, value="Bergen"))
    assert index.score("Oslo", AliasIndex()) == []
    assert [one.value for one, _ in index.score("Bergen", AliasIndex())] == ["Bergen"]
