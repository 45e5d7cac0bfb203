"""CareStore: erasing, carrying over, making anew."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hmlr.errors import ClosedError, InvalidInput, NotFound
from hmlr.records import BlockId, FactEvent, FactId, MessageId, TurnId, UserId
from hmlr.store.care_records import ErasePlan, Rewrite
from hmlr.store.port import Store
from hmlr.store.records import (
    AddEdit,
    AddVectors,
    AssignTurn,
    ChangeFact,
    FactQuery,
    LogFactEvent,
    PutBlock,
    PutFact,
    TurnQuery,
)
from hmlr.store.search_records import ChunkFilter
from hmlr.store.sqlite.store import SqliteStore, open_sqlite
from tests.store.making import (
    ADA,
    BOB,
    NOW,
    block,
    encoded,
    fact,
    later,
    message,
    reply,
    slices,
    turn,
    unit_rows,
)
from tests.store.reading import columns_of, state_of, vectors_of


async def fill(store: Store, user: UserId = ADA) -> list[TurnId]:
    """Two turns in a block, with replies, vectors, facts that follow each other, events and edits."""
    added = await store.add_turns(
        user,
        [
            turn("Oslo is home\nI like it", jobs=("scrub",), idempotency_key="k1"),
            turn(message("Bergen is home", speaker="Ann", metadata={"n": 1}), session_id="s2"),
        ],
    )
    first, second = (one.turn_id for one in added)
    await store.add_reply(user, first, reply("Noted: Oslo", echo=True))
    ids = tuple(await store.chunk_ids(user, ChunkFilter()))
    event = FactEvent(
        fact_id=FactId("f1"), change="superseded", by="rule", reason="Bergen", turn_id=second, recorded_at=NOW
    )
    edit = AddEdit(kind="correct", target="f1", payload={"value": "Oslo", "by": ["x"]}, recorded_at=NOW)
    await store.apply(
        user,
        [
            AddVectors(model_id="m", chunk_ids=ids, encoded=encoded(unit_rows(len(ids)))),
            PutBlock(block=block(), version=0),
            *(AssignTurn(turn_id=one, block_id=BlockId("b1"), by="rule") for one in (first, second)),
            PutFact(fact=fact(first)),
            PutFact(fact=fact(second, "f2", value="Bergen", recorded_at=later(days=1))),
            ChangeFact(
                fact_id=FactId("f1"),
                expected="active",
                state="superseded",
                superseded_by=FactId("f2"),
                reason="Bergen now",
                valid_to=None,
            ),
            LogFactEvent(event=event),
            edit,
        ],
    )
    return [first, second]


def plan(**given: Any) -> ErasePlan:
    return ErasePlan(**({"scope": "turn", "target": "x"} | given))


async def export(store: Store, user: UserId = ADA) -> list[Any]:
    return [record async for record in store.export(user)]


async def test_erasing_a_turn_takes_all_that_hangs_on_it(store: Store) -> None:
    await fill(store, BOB)
    others = await export(store, BOB)
    first, second = await fill(store)
    before = await state_of(store, ADA, "m")
    erased = await store.erase(ADA, plan(turn_ids=(second,), target=second), now=NOW)
    assert (erased.turns, erased.messages, erased.chunks, erased.vectors, erased.facts) == (1, 1, 1, 1, 1)
    assert [stored.turn_id for stored in await store.turns(ADA, TurnQuery())] == [first]
    assert await store.postings(ADA, ["bergen"]) == {}
    assert (await state_of(store, ADA, "m")).epoch != before.epoch
    (left,) = await store.facts(ADA, FactQuery(states=None))
    assert (left.state, left.superseded_by, left.reason) == ("active", None, "")
    event, again = await store.fact_events(ADA, [left.fact_id])
    assert (event.reason, event.turn_id) == ("", None)
    assert (again.change, again.by, again.reason) == ("restored", "rule", "")
    assert "Bergen" not in str(await export(store))
    assert await export(store, BOB) == others


async def test_a_block_goes_with_its_last_turn(store: Store) -> None:
    turn_ids = await fill(store)
    await store.erase(ADA, plan(turn_ids=tuple(turn_ids)), now=NOW)
    assert await store.blocks(ADA) == []
    assert {record["type"] for record in await export(store)} == {"tombstone"}
    (after,) = await store.add_turns(ADA, [turn()])
    assert after.seq == 3


async def test_erasing_a_fact_rewrites_what_quotes_it(store: Store) -> None:
    first, _ = await fill(store)
    content = "████ is home\nI like it"
    rewrite = Rewrite(message_id=MessageId(f"{first}/0"), content=content, chunks=tuple(slices(content)))
    header = block(label="Homes", renamed=False)
    given = plan(
        scope="fact",
        target="f1",
        fact_ids=(FactId("f1"),),
        rewrites=(rewrite,),
        blocks=(header,),
        requoted=((FactId("f2"), "██████"),),
    )
    erased = await store.erase(ADA, given, now=NOW)
    assert (erased.turns, erased.facts, erased.rewrites, erased.vectors) == (0, 1, 1, 2)
    (stored, _) = await store.turns(ADA, TurnQuery())
    assert stored.messages[0].content == content
    assert "oslo" not in await store.postings(ADA, ["oslo", "like"])
    assert [row.text for row in await store.turn_chunks(ADA, [first])] == ["████ is home\n", "I like it"]
    assert [found.quote for found in await store.facts(ADA, FactQuery(states=None))] == ["██████"]
    assert (await store.blocks(ADA))[0].block.label == "Homes"
    assert await store.edits(ADA) == []
    assert [lease.turn_id for lease in await store.claim(ADA, "embed", limit=9, lease_s=9, now=NOW)] == [
        first
    ]
    assert all(check.ok for check in await store.check() if check.name != "quotes")


async def test_erasing_everything_leaves_one_tombstone_and_the_others(store: Store) -> None:
    await fill(store, BOB)
    others = await export(store, BOB)
    await fill(store)
    erased = await store.erase(ADA, plan(scope="everything", everything=True), now=NOW)
    assert (erased.turns, erased.messages, erased.facts, erased.vectors) == (2, 3, 2, 3)
    (tombstone,) = await export(store)
    assert tombstone["turn_seqs"] == [[1, 2]]
    stats = await store.stats(ADA)
    assert (stats.turns, stats.chunks, stats.blocks, stats.facts, stats.jobs_waiting) == (0, 0, 0, {}, 0)
    assert await export(store, BOB) == others
    assert await store.users() == [BOB]
    assert all(check.ok for check in await store.check())


async def test_an_empty_or_foreign_deletion_deletes_nothing(store: Store) -> None:
    turn_ids = await fill(store)
    before = await export(store)
    with pytest.raises(InvalidInput):
        await store.erase(ADA, plan(), now=NOW)
    for user, given in ((BOB, plan(turn_ids=tuple(turn_ids))), (ADA, plan(fact_ids=(FactId("f9"),)))):
        with pytest.raises(NotFound):
            await store.erase(user, given, now=NOW)
    missing = Rewrite(message_id=MessageId("t/9"), content="", chunks=())
    with pytest.raises(NotFound):
        await store.erase(ADA, plan(turn_ids=(turn_ids[0],), rewrites=(missing,)), now=NOW)
    assert await export(store) == before


async def test_an_export_imported_gives_the_same_export(store: Store, tmp_path: Path) -> None:
    turn_ids = await fill(store)
    await store.add_turns(ADA, [turn("Third")])
    await store.erase(ADA, plan(turn_ids=(turn_ids[1],), target=turn_ids[1]), now=NOW)
    records = await export(store)
    assert {record["type"] for record in records} >= {"turn", "message", "block", "fact", "tombstone"}
    other = await open_sqlite(tmp_path / "other.db", slicer=slices)
    try:
        assert await other.import_records(ADA, records) == len(records)
        assert await export(other) == records
        assert await other.import_records(ADA, records) == 0
        assert all(check.ok for check in await other.check())
        (added,) = await other.add_turns(ADA, [turn()])
        assert added.seq == 4
    finally:
        await other.aclose()


async def test_an_export_can_be_imported_for_another_user_of_the_same_file(store: Store) -> None:
    await fill(store)
    records = await export(store)
    assert await store.import_records(BOB, records) == len(records)
    assert await export(store, BOB) == records
    assert len((await store.postings(BOB, ["oslo"]))["oslo"].chunk_ids) == 1
    assert (await store.job_counts(BOB, NOW)).waiting == 2
    assert await store.turns_without_vectors(BOB, "m") != []


async def test_imported_turns_are_numbered_after_those_that_are_here(store: Store) -> None:
    await fill(store, BOB)
    await store.add_turns(ADA, [turn("Mine")])
    await store.import_records(ADA, await export(store, BOB))
    turns = await store.turns(ADA, TurnQuery())
    assert [(one.seq, one.messages[0].content[:4]) for one in turns] == [
        (1, "Mine"),
        (2, "Oslo"),
        (3, "Berg"),
    ]


@pytest.mark.parametrize(
    ("number", "change", "named"),
    [
        (0, {"type": "turnip"}, "type"),
        (0, {"seq": "1"}, "seq"),
        (0, {"seq": True}, "seq"),
        (0, {"occurred_at": "2026-01-01T00:00:00"}, "occurred_at"),
        (0, {"session_id": None}, "session_id"),
        (2, {"turn_id": "gone"}, "gone"),
        (2, {"owner": 1}, "owner"),
        (2, {"surprise": 1}, "surprise"),
        (2, {"metadata": "x"}, "'metadata' must be an object"),
        (2, {"metadata": {"a": [float("nan")]}}, "'metadata' must be JSON without"),
        (5, {"keywords": ""}, "'keywords' must be a list"),
        (-2, {"payload": "x"}, "'payload' must be an object"),
        (
            -2,
            {"kind": "rename_block"},
            "record 12 .* 'payload' must be that of rename_block, with a fit 'label'",
        ),
        (-2, {"kind": "retire_fact", "payload": {"reason": "", "at": "2026-01-01"}}, "with a fit 'at'"),
        (-1, {"turn_seqs": "x"}, "record 13 .* 'turn_seqs' must be a list of pairs"),
        (-1, {"turn_seqs": [["1", "2"]]}, "'turn_seqs' must be a list of pairs"),
        (-1, {"turn_seqs": [[2, 1]]}, "'turn_seqs' must be a list of pairs"),
        (-1, {"turn_seqs": [[0, 1]]}, "'turn_seqs' must be a list of pairs"),
        (-1, {"turn_seqs": [[1, 2**53 + 1]]}, "'turn_seqs' must be a list of pairs"),
    ],
)
async def test_a_bad_record_is_named_and_nothing_imported(
    store: Store, number: int, change: dict[str, Any], named: str
) -> None:
    await fill(store, BOB)
    (gone,) = await store.add_turns(BOB, [turn("Gone")])
    await store.erase(BOB, plan(turn_ids=(gone.turn_id,), target=gone.turn_id), now=NOW)
    records = await export(store, BOB)
    records[number] = {**records[number], **change}
    with pytest.raises(InvalidInput, match=named):
        await store.import_records(ADA, records)
    assert await export(store) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [({"message_id": "gone"}, "gone"), ({"start": -1}, "'start'"), ({"valid_from": 5}, "'valid_from'")],
)
async def test_the_fact_of_a_correction_is_checked_as_others_are(
    store: Store, change: dict[str, Any], named: str
) -> None:
    await fill(store, BOB)
    records = await export(store, BOB)
    made = next(each for each in records if each["type"] == "fact")
    payload = {"reason": "", "at": NOW.isoformat(), "fact": {**made, **change}}
    records[-1] = {**records[-1], "kind": "correct_fact", "payload": payload}
    with pytest.raises(InvalidInput, match=named):
        await store.import_records(ADA, records)
    assert await export(store) == []


async def test_an_export_is_one_snapshot(store: Store) -> None:
    await fill(store)
    running = store.export(ADA)
    first = await anext(running)
    await store.add_turns(ADA, [turn("Later")])
    rest = [record async for record in running]
    assert "Later" not in str([first, *rest])


async def test_closing_ends_an_export(db_path: Path) -> None:
    opened = await open_sqlite(db_path, slicer=slices)
    await opened.add_turns(ADA, [turn(f"turn {n}") for n in range(1200)])
    running = opened.export(ADA)
    await anext(running)
    await opened.aclose()
    with pytest.raises(ClosedError):
        async for _ in running:
            pass


async def test_a_rebuild_makes_the_same_index_and_keeps_vectors(store: SqliteStore, db_path: Path) -> None:
    await fill(store)
    columns, postings = await columns_of(store, ADA), await store.postings(ADA, ["oslo", "home"])
    vectors = await vectors_of(store, ADA, "m")
    epoch = (await state_of(store, ADA, "m")).epoch
    with sqlite3.connect(db_path) as raw:
        raw.execute("INSERT INTO chunk_terms(chunk_terms) VALUES ('delete-all')")
        raw.execute("DELETE FROM chunks WHERE chunk_id = (SELECT max(chunk_id) FROM chunks)")
    raw.close()
    assert not all(check.ok for check in await store.check())
    assert await store.rebuild_search() == 3
    assert all(check.ok for check in await store.check())
    again = await columns_of(store, ADA)
    assert list(again.chunk_ids) == list(columns.chunk_ids)
    found = await store.postings(ADA, ["oslo", "home"])
    assert {term: list(p.chunk_ids) for term, p in found.items()} == {
        term: list(p.chunk_ids) for term, p in postings.items()
    }
    assert (await vectors_of(store, ADA, "m")).encoded.parts() == vectors.encoded.parts()
    assert (await state_of(store, ADA, "m")).epoch == epoch + 1
    assert (await store.stats(ADA)).chunks == 3
    assert (await store.job_counts(ADA, NOW)).waiting == 1  # nothing to embed anew


async def test_a_rebuild_with_another_slicer_asks_for_new_vectors(store: Store, db_path: Path) -> None:
    turn_ids = await fill(store)
    await store.aclose()
    opened = await open_sqlite(db_path, slicer=lambda text: [replace(slices(text)[0], end=len(text))])
    try:
        await opened.rebuild_search()
        leases = await opened.claim(ADA, "embed", limit=9, lease_s=9, now=NOW)
        assert [lease.turn_id for lease in leases] == turn_ids[:1]
        assert all(check.ok for check in await opened.check())
    finally:
        await opened.aclose()


async def test_dropping_knowledge_leaves_the_turns_and_asks_for_learning(store: Store) -> None:
    await fill(store)
    version = (await store.fact_changes(ADA, 0)).version
    await store.drop_knowledge(ADA)
    assert await store.facts(ADA, FactQuery(states=None)) == []
    assert await store.blocks(ADA) == []
    changes = await store.fact_changes(ADA, version)
    assert (changes.version > version, changes.facts, changes.whole) == (True, (), True)
    assert len(await store.turns(ADA, TurnQuery())) == 2
    assert len(await store.edits(ADA)) == 1
    for kind in ("route", "scrub", "scribe"):
        assert len(await store.claim(ADA, kind, limit=9, lease_s=9, now=NOW)) == 2  # type: ignore[arg-type]
    assert await store.claim(ADA, "embed", limit=9, lease_s=9, now=NOW) == []


async def test_statistics_count_the_users_own(store: Store) -> None:
    await fill(store)
    await fill(store, BOB)
    stats = await store.stats(ADA)
    assert (stats.turns, stats.messages, stats.chunks, stats.vectors, stats.blocks) == (2, 3, 3, 3, 1)
    assert stats.facts == {"active": 1, "superseded": 1}
    assert (stats.jobs_waiting, stats.jobs_failed) == (1, 0)
    assert stats.database_bytes > 0
    assert await store.users() == [ADA, BOB]
