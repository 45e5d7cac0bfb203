"""A message whose words are forgotten loses them in its metadata and its speaker's name as well."""

from __future__ import annotations

from hmlr.records import MessageId
from hmlr.store.care_records import ErasePlan, Rewrite
from hmlr.store.port import Store
from hmlr.store.records import FactQuery, PutFact, TurnQuery
from hmlr.store.search_records import ChunkFilter
from tests.store.making import ADA, BOB, NOW, fact, message, slices, turn


async def test_messages_are_found_by_metadata_and_speaker(store: Store) -> None:
    said = [
        message("one", metadata={"a": ["x", {"Oslo": 1}]}),
        message("two", speaker="Ann of OSLO"),
        message("three", metadata={"a": {"b": "in oslo"}, "n": 77}),
        message("four", metadata={"n": None, "flag": True}),
    ]
    await store.add_turns(ADA, [turn(each) for each in said])
    await store.add_turns(BOB, [turn(each) for each in said])
    found = await store.messages_containing(ADA, ["oslo"])
    assert [each.content for each in found] == ["one", "two", "three"]
    assert [each.content for each in await store.messages_containing(ADA, ["77", "true"])] == ["three"]


async def test_a_rewrite_changes_speaker_and_metadata_only_when_told(store: Store) -> None:
    given = message("Hello", speaker="Oslo Ann", metadata={"place": "Oslo"})
    added = await store.add_turns(ADA, [turn(given), turn(given)])
    first, second = (MessageId(f"{each.turn_id}/0") for each in added)
    pieces = tuple(slices("Hello"))
    plan = ErasePlan(
        scope="fact",
        target="f",
        rewrites=(
            Rewrite(
                message_id=first, content="Hello", chunks=pieces, speaker="█ Ann", metadata={"place": "█"}
            ),
            Rewrite(message_id=second, content="Hello", chunks=pieces),
        ),
    )
    await store.erase(ADA, plan, now=NOW)
    (one, two) = [each.messages[0] for each in await store.turns(ADA, TurnQuery())]
    assert (one.speaker, one.metadata) == ("█ Ann", {"place": "█"})
    assert (two.speaker, two.metadata) == ("Oslo Ann", {"place": "Oslo"})
    assert len(await store.chunk_ids(ADA, ChunkFilter(speaker="█ ANN"))) == 1


async def test_who_said_a_fact_loses_the_words_but_a_role_stays(store: Store) -> None:
    (added,) = await store.add_turns(ADA, [turn("Oslo and user and tea")])
    others = [
        PutFact(fact=fact(added.turn_id, name, value="tea", said_by=said_by))
        for name, said_by in (("f1", "Oslo Ann"), ("f2", "user"))
    ]
    await store.apply(ADA, [PutFact(fact=fact(added.turn_id, "f3")), *others])
    plan = ErasePlan(scope="fact", target="f3", fact_ids=("f3",), words=("Oslo", "user"))  # type: ignore[arg-type]
    await store.erase(ADA, plan, now=NOW)
    assert {each.said_by for each in await store.facts(ADA, FactQuery())} == {"████ Ann", "user"}
