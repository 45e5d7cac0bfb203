"""SearchStore: what search reads is the user's own, complete, and has stable ids."""

from __future__ import annotations

import pytest

from hmlr.errors import InvalidInput, StorageCorrupt
from hmlr.records import ChunkId
from hmlr.store.care_records import ErasePlan
from hmlr.store.port import Store
from hmlr.store.records import AddVectors, NewChunk
from hmlr.store.search_records import UNREAD, ChunkFilter, IndexNews, IndexState
from hmlr.store.sql import news as reading_news
from tests.store.making import ADA, BOB, NOW, encoded, later, message, reply, turn, unit_rows
from tests.store.reading import chunk_ids_of, columns_of, has_vectors, state_of, vectors_of


async def test_an_unknown_user_has_nothing(store: Store) -> None:
    assert await state_of(store, ADA, "m") == IndexState(epoch=0, last_chunk=0, last_vector=0)
    assert len((await columns_of(store, ADA)).chunk_ids) == 0
    assert not await has_vectors(store, ADA, "m")
    assert await store.postings(ADA, ["oslo"]) == {}
    assert await store.chunk_ids(ADA, ChunkFilter()) == []


async def test_columns_hold_paragraphs_of_what_was_no_echo(store: Store) -> None:
    (added,) = await store.add_turns(
        ADA, [turn("One\nTwo", reply("Told", echo=True), reply("New", position=2))]
    )
    columns = await columns_of(store, ADA)
    rows = await store.chunks(ADA, await chunk_ids_of(store, ADA))
    assert [row.text for row in rows] == ["One\n", "Two", "New"]
    assert columns.speakers == ("user", "user", "assistant")
    assert list(columns.owners) == [True, True, False]
    assert set(columns.turn_ids) == {added.turn_id}
    assert columns.sessions == ("s1",) * 3
    assert list(columns.term_counts) == [1, 1, 1]
    assert (await state_of(store, ADA, "m")).last_chunk == columns.chunk_ids[-1]


async def test_postings_count_terms_in_the_users_own_chunks(store: Store) -> None:
    await store.add_turns(ADA, [turn("apple pear apple"), turn("pear")])
    await store.add_turns(BOB, [turn("apple")])
    found = await store.postings(ADA, ["appl", "pear", "plum", '"', "AND", "x' --", "a:b*"])
    first, second = await chunk_ids_of(store, ADA)
    assert set(found) == {"appl", "pear"}
    assert (list(found["appl"].chunk_ids), list(found["appl"].counts)) == ([first], [2])
    assert list(found["pear"].chunk_ids) == [first, second]


async def test_postings_come_in_the_order_of_the_chunks(store: Store) -> None:
    words = ["apple", "plum", "fig", "kiwi", "lime"]
    said = [turn(" ".join(words[number % 4 :] + words[: number % 3])) for number in range(30)]
    await store.add_turns(ADA, said)
    found = await store.postings(ADA, ["appl", "plum", "fig", "kiwi", "lime"])
    assert len(found) == 5
    for postings in found.values():
        assert list(postings.chunk_ids) == sorted(postings.chunk_ids)
    rows = await store.chunks(ADA, found["appl"].chunk_ids.tolist())
    assert [row.text.count("apple") for row in rows] == found["appl"].counts.tolist()


async def test_users_whose_numbers_share_digits_do_not_meet(store: Store) -> None:
    for number in range(1, 13):
        await store.add_turns(f"user{number}", [turn("apple")])  # type: ignore[arg-type]
    for number in (1, 11, 12):
        found = await store.postings(f"user{number}", ["appl", "1:appl", "2:appl"])  # type: ignore[arg-type]
        assert len(found["appl"].chunk_ids) == 1
        assert set(found) == {"appl"}


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (ChunkFilter(), ["a", "b", "c", "d"]),
        (ChunkFilter(session_id="s2"), ["d"]),  # type: ignore[arg-type]
        (ChunkFilter(speaker="user"), ["a", "d"]),
        (ChunkFilter(speaker="Assistant"), ["b"]),
        (ChunkFilter(speaker="ZOË"), ["c"]),
        (ChunkFilter(since=later(days=1)), ["d"]),
        (ChunkFilter(until=later(days=1)), ["a", "b", "c"]),
        (ChunkFilter(known_until=later(hours=-1)), []),
        (ChunkFilter(metadata={"n": 1}), ["a"]),
        (ChunkFilter(metadata={"n": True}), []),
        (ChunkFilter(metadata={"n": 1, "tags": ["x"]}), ["a"]),
        (ChunkFilter(metadata={"n') OR 1=1 --": 1}), []),
        (ChunkFilter(block_id="b1"), []),  # type: ignore[arg-type]
    ],
)
async def test_filters(store: Store, where: ChunkFilter, expected: list[str]) -> None:
    said = message("a", metadata={"n": 1, "tags": ["x"]})
    third = message("c", speaker="Zoë", position=2, owner=False)
    await store.add_turns(ADA, [turn(said, reply("b"), third)])
    await store.add_turns(ADA, [turn(message("d", occurred_at=later(days=2)), session_id="s2")])
    rows = await store.chunks(ADA, await store.chunk_ids(ADA, where))
    assert [row.text for row in rows] == expected


async def test_chunks_come_in_the_order_asked_and_only_the_users(store: Store) -> None:
    await store.add_turns(ADA, [turn("One\nTwo")])
    await store.add_turns(BOB, [turn("Three")])
    first, second = await chunk_ids_of(store, ADA)
    (foreign,) = await chunk_ids_of(store, BOB)
    rows = await store.chunks(ADA, [second, foreign, ChunkId(7), first])
    assert [(row.text, row.message.content, row.seq) for row in rows] == [
        ("Two", "One\nTwo", 1),
        ("One\n", "One\nTwo", 1),
    ]
    assert await store.turn_chunks(BOB, [rows[0].message.turn_id]) == []


async def test_vectors_come_back_as_they_were_given(store: Store) -> None:
    await store.add_turns(ADA, [turn("One\nTwo"), turn("Three")])
    ids = await chunk_ids_of(store, ADA)
    given = encoded(unit_rows(3), tokens=[unit_rows(n) for n in (2, 0, 1)], pieces=[(7, 65535), (), (3,)])
    await store.apply(ADA, [AddVectors(model_id="m", chunk_ids=ids, encoded=given)])
    batch = await vectors_of(store, ADA, "m")
    assert list(batch.chunk_ids) == list(ids)
    assert batch.encoded.parts() == given.parts()
    state = await state_of(store, ADA, "m")
    assert state.last_vector == batch.vector_nos[-1]
    assert not await has_vectors(store, ADA, "other")


async def test_news_are_what_has_come_since_the_state_that_is_known(store: Store) -> None:
    assert (await store.index_news(ADA, "m", UNREAD)).state == IndexState(
        epoch=0, last_chunk=0, last_vector=0
    )
    await store.add_turns(ADA, [turn("One\nTwo")])
    first = await chunk_ids_of(store, ADA)
    await store.apply(ADA, [AddVectors(model_id="m", chunk_ids=first, encoded=encoded(unit_rows(2)))])
    news = await store.index_news(ADA, "m", UNREAD)
    assert told(news) == ([*first], [*first])
    assert told(await store.index_news(ADA, None, UNREAD)) == ([*first], [])
    assert told(await store.index_news(ADA, "m", news.state)) == ([], [])
    await store.add_turns(ADA, [turn("Three")])
    later_ids = (await chunk_ids_of(store, ADA))[2:]
    newer = await store.index_news(ADA, "m", news.state)
    assert told(newer) == ([*later_ids], [])
    vectors = AddVectors(model_id="m", chunk_ids=(*later_ids, first[0]), encoded=encoded(unit_rows(2)))
    await store.apply(ADA, [vectors])
    assert told(await store.index_news(ADA, "m", newer.state)) == ([], [*later_ids, first[0]])


async def test_where_rows_have_gone_the_news_are_that_all_has_to_be_read_again(store: Store) -> None:
    one, two = await store.add_turns(ADA, [turn("One"), turn("Two")])
    known = (await store.index_news(ADA, "m", UNREAD)).state
    await store.erase(ADA, ErasePlan(scope="turn", target=one.turn_id, turn_ids=(one.turn_id,)), now=NOW)
    news = await store.index_news(ADA, "m", known)
    assert news.columns is None
    assert news.state.epoch != known.epoch
    columns = (await store.index_news(ADA, "m", UNREAD)).columns
    assert columns is not None
    assert columns.turn_ids == (two.turn_id,)


async def test_a_large_memory_comes_in_parts_its_chunks_before_their_vectors(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.add_turns(ADA, [turn("One\nTwo"), turn("Three\nFour"), turn("Five")])
    ids = [*await chunk_ids_of(store, ADA)]
    given = [ids[3], *ids[:3], ids[4]]
    vectors = AddVectors(model_id="m", chunk_ids=tuple(given), encoded=encoded(unit_rows(5)))
    await store.apply(ADA, [vectors])
    monkeypatch.setattr(reading_news, "PART", 2)
    parts, state, more = [], UNREAD, True
    while more:
        news = await store.index_news(ADA, "m", state)
        parts.append(told(news))
        state, more = news.state, news.more
    assert parts == [
        (ids[:2], []), (ids[2:4], []), (ids[4:], given[:2]), ([], given[2:4]), ([], given[4:]),
    ]  # fmt: skip
    assert told(await store.index_news(ADA, "m", state)) == ([], [])


def told(news: IndexNews) -> tuple[list[int], list[int]]:
    """The chunks that are told, and those whose vectors are."""
    assert news.columns is not None
    vectors = [] if news.vectors is None else news.vectors.chunk_ids.tolist()
    return news.columns.chunk_ids.tolist(), vectors


async def test_a_vector_is_replaced_and_that_of_a_missing_or_foreign_chunk_skipped(store: Store) -> None:
    await store.add_turns(ADA, [turn("One")])
    await store.add_turns(BOB, [turn("Two")])
    (mine,), (foreign,) = await chunk_ids_of(store, ADA), await chunk_ids_of(store, BOB)
    await store.apply(ADA, [AddVectors(model_id="m", chunk_ids=(mine,), encoded=encoded(unit_rows(1)))])
    before = await state_of(store, ADA, "m")
    given = AddVectors(model_id="m", chunk_ids=(ChunkId(5), foreign, mine), encoded=encoded(unit_rows(3)))
    await store.apply(ADA, [given])
    batch = await vectors_of(store, ADA, "m")
    assert list(batch.chunk_ids) == [mine]
    assert batch.encoded.parts() == encoded(unit_rows(3)).parts()[2:]
    assert batch.vector_nos[0] > before.last_vector
    assert not await has_vectors(store, BOB, "m")


async def test_vectors_that_are_not_one_for_each_chunk_are_refused(store: Store) -> None:
    await store.add_turns(ADA, [turn("One")])
    vectors = encoded(unit_rows(2))
    with pytest.raises(InvalidInput):
        await store.apply(
            ADA, [AddVectors(model_id="m", chunk_ids=await chunk_ids_of(store, ADA), encoded=vectors)]
        )
    assert not await has_vectors(store, ADA, "m")


async def test_a_vector_of_another_length_than_its_model_is_damage(store: Store) -> None:
    await store.add_turns(ADA, [turn("One"), turn("Two")])
    for chunk_id, dim in zip(await chunk_ids_of(store, ADA), (8, 16), strict=True):
        vectors = AddVectors(model_id="m", chunk_ids=(chunk_id,), encoded=encoded(unit_rows(1, dim)))
        await store.apply(ADA, [vectors])
    with pytest.raises(StorageCorrupt, match="rebuild"):
        await vectors_of(store, ADA, "m")


async def test_columns_tell_length_and_traits(store: Store) -> None:
    chunks = (
        NewChunk(ordinal=0, start=0, end=4, asks=True),
        NewChunk(ordinal=1, start=4, end=9, of_self=True),
    )
    await store.add_turns(ADA, [turn(message("Who? I am.", chunks=chunks))])
    columns = await columns_of(store, ADA)
    assert [list(columns.lengths), list(columns.asks), list(columns.of_self)] == [
        [4, 5],
        [True, False],
        [False, True],
    ]


async def test_turns_without_vectors_of_a_model(store: Store) -> None:
    first, second = await store.add_turns(ADA, [turn("One"), turn("Two")])
    ids = await chunk_ids_of(store, ADA)
    await store.apply(ADA, [AddVectors(model_id="m", chunk_ids=ids[:1], encoded=encoded(unit_rows(1)))])
    assert await store.turns_without_vectors(ADA, "m") == [second.turn_id]
    assert await store.turns_without_vectors(ADA, "n") == [first.turn_id, second.turn_id]
    assert await store.turns_without_vectors(BOB, "m") == []
