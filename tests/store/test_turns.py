"""TurnStore: stored in order, once, byte for byte, for one user."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hmlr.errors import Conflict, InvalidInput, NotFound
from hmlr.records import TurnId, UserId
from hmlr.store.port import Store
from hmlr.store.records import AssignTurn, PutBlock, TurnQuery
from tests.store.making import ADA, BOB, NOW, block, later, message, reply, turn


async def test_turns_get_the_next_number_of_their_user(store: Store) -> None:
    first = await store.add_turns(ADA, [turn(), turn()])
    other = await store.add_turns(BOB, [turn()])
    assert [added.seq for added in first] == [1, 2]
    assert [added.seq for added in other] == [1]


async def test_a_turn_comes_back_as_it_was_given(store: Store) -> None:
    said = message("Hi\r\n  there ", speaker="Ann", metadata={"id": "D1:3", "n": [1, None]}, owner=False)
    (added,) = await store.add_turns(ADA, [turn(said)])
    (stored,) = await store.turns(ADA, TurnQuery())
    (back,) = stored.messages
    assert stored.turn_id == added.turn_id
    assert (stored.occurred_at, stored.session_id, stored.block_id) == (NOW, "s1", None)
    for name in ("content", "role", "speaker", "occurred_at", "recorded_at", "metadata", "owner", "echo"):
        assert getattr(back, name) == getattr(said, name)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(min_size=1).filter(lambda text: "\0" not in text))  # which intake refuses
async def test_any_text_is_returned_equal_or_refused(store: Store, text: str) -> None:
    given_turn = turn(message(text, metadata={"text": text}))
    try:
        text.encode()
    except UnicodeEncodeError:
        with pytest.raises(InvalidInput):
            await store.add_turns(ADA, [given_turn])
        return
    await store.add_turns(ADA, [given_turn])
    (stored,) = await store.turns(ADA, TurnQuery(turn_ids=(given_turn.turn_id,)))
    assert stored.messages[0].content == text
    assert stored.messages[0].metadata == {"text": text}
    pieces = await store.turn_chunks(ADA, [given_turn.turn_id])
    assert "".join(piece.text for piece in pieces) == text


async def test_a_lone_surrogate_stores_nothing(store: Store) -> None:
    with pytest.raises(InvalidInput):
        await store.add_turns(ADA, [turn("fine"), turn(message("\ud800", chunks=()))])
    assert await store.turns(ADA, TurnQuery()) == []


async def test_a_naive_time_is_refused(store: Store) -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - the point of the test
    with pytest.raises(InvalidInput, match="zone"):
        await store.add_turns(ADA, [turn(message(occurred_at=naive))])


async def test_a_known_key_stores_no_second_turn(store: Store) -> None:
    (first,) = await store.add_turns(ADA, [turn("Once", idempotency_key="k")])
    await store.add_reply(ADA, first.turn_id, reply())
    (again,) = await store.add_turns(
        ADA, [turn("Once", idempotency_key="k", jobs=("embed",), held=("embed",))]
    )
    assert again == replace(first, created=False, leases=())
    assert len(await store.turns(ADA, TurnQuery())) == 1


async def test_a_key_twice_in_one_call_is_one_turn(store: Store) -> None:
    first, second = await store.add_turns(
        ADA, [turn("x", idempotency_key="k"), turn("x", idempotency_key="k")]
    )
    assert (first.created, second.created) == (True, False)
    assert first.turn_id == second.turn_id


async def test_a_key_used_for_other_content_is_refused_and_nothing_stored(store: Store) -> None:
    await store.add_turns(ADA, [turn("Once", idempotency_key="k")])
    with pytest.raises(InvalidInput, match="other content"):
        await store.add_turns(ADA, [turn("New"), turn("Twice", idempotency_key="k")])
    assert len(await store.turns(ADA, TurnQuery())) == 1


async def test_keys_and_turn_ids_of_another_user_are_free(store: Store) -> None:
    given_turn = turn("Mine", idempotency_key="k")
    await store.add_turns(ADA, [given_turn])
    (added,) = await store.add_turns(BOB, [replace(given_turn, messages=(message("Mine too"),))])
    assert added.created
    assert [t.messages[0].content for t in await store.turns(ADA, TurnQuery())] == ["Mine"]


async def test_a_turn_id_stored_already_is_refused(store: Store) -> None:
    given_turn = turn()
    await store.add_turns(ADA, [given_turn])
    with pytest.raises(InvalidInput, match="id"):
        await store.add_turns(ADA, [given_turn])


async def test_a_reply_joins_its_turn(store: Store) -> None:
    (added,) = await store.add_turns(ADA, [turn("Q")])
    await store.add_reply(ADA, added.turn_id, reply("A"))
    (stored,) = await store.turns(ADA, TurnQuery())
    assert [(m.position, m.role, m.content) for m in stored.messages] == [
        (0, "user", "Q"),
        (1, "assistant", "A"),
    ]


async def test_a_second_reply_is_a_conflict_and_an_unknown_turn_not_found(store: Store) -> None:
    (added,) = await store.add_turns(ADA, [turn()])
    await store.add_reply(ADA, added.turn_id, reply("first"))
    with pytest.raises(Conflict):
        await store.add_reply(ADA, added.turn_id, reply("second"))
    with pytest.raises(NotFound):
        await store.add_reply(ADA, TurnId("nowhere"), reply())
    with pytest.raises(NotFound):
        await store.add_reply(BOB, added.turn_id, reply())


async def test_queries_narrow_and_order(store: Store) -> None:
    days = [turn(message(f"day {n}", occurred_at=later(days=n)), session_id=f"s{n % 2}") for n in range(6)]
    await store.add_turns(ADA, days)

    async def numbers(**where: object) -> list[int]:
        return [stored.seq for stored in await store.turns(ADA, TurnQuery(**where))]  # type: ignore[arg-type]

    assert await numbers() == [1, 2, 3, 4, 5, 6]
    assert await numbers(newest=True, limit=2) == [6, 5]
    assert await numbers(session_id="s1") == [2, 4, 6]
    assert await numbers(since=later(days=1), until=later(days=3)) == [2, 3]
    assert await numbers(after_seq=2, before_seq=5) == [3, 4]
    assert await numbers(turn_ids=(days[3].turn_id, TurnId("gone"))) == [4]
    assert await numbers(turn_ids=()) == []
    assert await numbers(block_id="none") == []


async def test_turns_are_found_by_who_opened_them(store: Store) -> None:
    spoken = [message(speaker=name) for name in ("Page", "PAGE", "Straße", None)]
    unnamed = [message(role="tool", speaker=name) for name in (None, "page", "tool")]
    added = await store.add_turns(ADA, [turn(each) for each in (*spoken, *unnamed)])
    await store.add_reply(ADA, added[3].turn_id, reply())

    async def numbers(speaker: str) -> list[int]:
        return [stored.seq for stored in await store.turns(ADA, TurnQuery(speaker=speaker))]

    assert await numbers("pAGe") == [1, 2, 6]
    assert await numbers("STRASSE") == [3]
    assert await numbers("user") == [4]
    assert await numbers("Tool") == [5]
    assert await numbers("assistant") == []  # a reply opens nothing
    assert await numbers("nobody") == []


async def test_user_ids_compare_byte_by_byte(store: Store) -> None:
    twins = [
        UserId(name) for name in ("Ada", "ada", "ada ", "Zo\u00eb", "Zoe\u0308", "a%", "a_", "x' OR '1'='1")
    ]
    for number, user in enumerate(twins):
        await store.add_turns(user, [turn(f"secret {number}")])
    for number, user in enumerate(twins):
        (stored,) = await store.turns(user, TurnQuery())
        assert stored.messages[0].content == f"secret {number}"


async def test_long_lists_of_ids_are_no_problem(store: Store) -> None:
    await store.add_turns(ADA, [turn()])
    ids = tuple(TurnId(f"none{n}") for n in range(40_000))
    assert await store.turns(ADA, TurnQuery(turn_ids=ids)) == []


async def test_messages_are_found_by_the_words_in_them(store: Store) -> None:
    await store.add_turns(ADA, [turn("Rosebud lies here"), turn("rosebud"), turn("50% off_")])
    await store.add_turns(BOB, [turn("Rosebud too")])

    async def found(*needles: str) -> list[str]:
        return [m.content for m in await store.messages_containing(ADA, needles)]

    assert await found("Rosebud", "nothing") == ["Rosebud lies here", "rosebud"]
    assert await found("0% off_", "bud") == ["Rosebud lies here", "rosebud", "50% off_"]
    assert await found("") == []
    assert await found() == []


async def test_days_are_counted_by_topic_and_session(store: Store) -> None:
    moments = [
        NOW.replace(hour=23, minute=59),
        NOW.replace(hour=1),
        datetime(1969, 12, 31, 23, tzinfo=NOW.tzinfo),
    ]
    added = await store.add_turns(
        ADA, [turn(message(f"m{n}", occurred_at=at)) for n, at in enumerate(moments)]
    )
    await store.add_turns(BOB, [turn()])
    await store.apply(
        ADA,
        [
            PutBlock(block=block(), version=0),
            AssignTurn(turn_id=added[1].turn_id, block_id=block().block_id, by="rule"),
        ],
    )
    counts = await store.day_counts(ADA)
    today = (NOW.date() - date(1970, 1, 1)).days
    assert [(each.day, each.block_id, each.turns) for each in counts] == [
        (-1, None, 1),
        (today, block().block_id, 1),
        (today, None, 1),
    ]
    assert counts[1].started_at == counts[1].last_at == moments[1]
    assert [each.day for each in await store.day_counts(ADA, since=NOW.replace(hour=0))] == [today, today]
    assert await store.day_counts(ADA, since=NOW.replace(hour=2), until=NOW.replace(hour=3)) == []
