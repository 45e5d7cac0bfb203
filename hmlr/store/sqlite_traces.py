"""What an erasure leaves behind: facts that a gone one had replaced, and texts that repeat what is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from sqlalchemy import Connection, and_, func, insert, or_, select, update

from hmlr.language.blanking import blank
from hmlr.records import Role, UserId
from hmlr.store.schema import blocks, edits, fact_events, facts
from hmlr.store.sqlite_rows import among

_MOVES = ("superseded", "invalidated", "restored")
# Where an edit holds words of the user's; ids and times beside them stay as they are.
_WORDED = frozenset({"reason", "label", "value", "quote", "subject"})
# What stands for no name or reason of anybody's; a role in `said_by` is one.
_NO_WORDS = ("", *get_args(Role))
_HEADER = ("label", "summary", "keywords", "open_loops", "decisions")


def mend_facts(
    connection: Connection, user: UserId, turn_ids: Sequence[str], fact_ids: Sequence[str], now: datetime
) -> None:
    """Let the facts that stay stand as if the erased turns and facts had never been; before these go.

    A fact whose successor goes is succeeded by that one's successor, or is active again. So is one that an
    erased turn ended without a successor.
    """
    caused = set(_caused(connection, user, turn_ids))
    _empty_events(connection, user, turn_ids, fact_ids)
    gone = set(fact_ids)
    mine = facts.c.user_id == user
    every = (facts.c.fact_id, facts.c.state, facts.c.superseded_by, facts.c.valid_from, facts.c.valid_to)
    stand = {
        row.fact_id: _Standing(row.state, row.superseded_by, row.valid_from, row.valid_to)
        for row in connection.execute(select(*every).where(mine))
    }
    for fact_id, fact in stand.items():
        if fact_id in gone:
            continue
        if fact.successor in gone:
            after = _without(fact, stand, gone)
        elif fact_id in caused and fact.successor is None and fact.state != "active":
            after = _ACTIVE
        else:
            continue
        values = {"state": after.state, "superseded_by": after.successor, "valid_to": after.until}
        this = and_(mine, facts.c.fact_id == fact_id)
        connection.execute(update(facts).where(this).values(reason="", **values))
        if after is _ACTIVE:
            _log_restored(connection, user, fact_id, now)
    connection.execute(update(facts).where(mine, among(facts.c.fact_id, caused)).values(reason=""))


@dataclass(frozen=True)
class _Standing:
    """How a fact stands; `since` and `until` are its valid_from and valid_to."""

    state: str
    successor: str | None
    since: datetime | None
    until: datetime | None


_ACTIVE = _Standing("active", None, None, None)


def _without(fact: _Standing, stand: dict[str, _Standing], gone: set[str]) -> _Standing:
    """How a fact stands once its successor is gone."""
    seen: set[str] = set()
    heir = fact
    while heir.successor in gone and heir.successor not in seen:
        seen.add(heir.successor)
        heir = stand[heir.successor]
    if heir.successor is not None and heir.successor not in gone:
        return _Standing(fact.state, heir.successor, fact.since, stand[heir.successor].since)
    if heir.state == "superseded":  # the last of those that go had ended without a successor itself
        return _Standing(fact.state, None, fact.since, heir.until)
    return _ACTIVE


def _caused(connection: Connection, user: UserId, turn_ids: Sequence[str]) -> Sequence[str]:
    """Facts whose present state comes from one of the turns."""
    mine = fact_events.c.user_id == user
    latest = select(func.max(fact_events.c.event_no)).where(mine, fact_events.c.change.in_(_MOVES))
    found = select(fact_events.c.fact_id).where(
        mine,
        fact_events.c.event_no.in_(latest.group_by(fact_events.c.fact_id)),
        among(fact_events.c.turn_id, turn_ids),
    )
    return list(connection.execute(found).scalars())


def _log_restored(connection: Connection, user: UserId, fact_id: str, now: datetime) -> None:
    values = {"change": "restored", "by": "rule", "reason": "", "turn_id": None, "recorded_at": now}
    connection.execute(insert(fact_events).values(user_id=user, fact_id=fact_id, **values))


def _empty_events(
    connection: Connection, user: UserId, turn_ids: Sequence[str], fact_ids: Sequence[str]
) -> None:
    """Empty the events that erased turns caused, or that tell of an erased successor: they may quote them."""
    replaced = and_(facts.c.user_id == user, among(facts.c.superseded_by, fact_ids))
    touched = select(facts.c.fact_id).where(replaced)
    caused = or_(among(fact_events.c.turn_id, turn_ids), fact_events.c.fact_id.in_(touched))
    events = and_(fact_events.c.user_id == user, caused)
    connection.execute(update(fact_events).where(events).values(reason="", turn_id=None))


def blank_words(connection: Connection, user: UserId, words: Sequence[str]) -> None:
    """Blank the words in every reason, name of who said a fact, edit and block header of the user."""
    if not words:
        return
    for key, column in (
        (facts.c.fact_id, facts.c.reason),
        (facts.c.fact_id, facts.c.said_by),
        (fact_events.c.event_no, fact_events.c.reason),
    ):
        mine = column.table.c.user_id == user
        given = select(key, column).where(mine, column.not_in(_NO_WORDS))
        for number, said in connection.execute(given).all():
            if (left := blank(said, words)) != said:
                this = update(column.table).where(mine, key == number)
                connection.execute(this.values({column: left}))
    _blank_edits(connection, user, words)
    _blank_headers(connection, user, words)


def _blank_edits(connection: Connection, user: UserId, words: Sequence[str]) -> None:
    mine = edits.c.user_id == user
    for seq, payload in connection.execute(select(edits.c.seq, edits.c.payload).where(mine)).all():
        left = {name: _blanked(value, words, name in _WORDED) for name, value in payload.items()}
        if left != payload:
            connection.execute(update(edits).where(mine, edits.c.seq == seq).values(payload=left))


def _blank_headers(connection: Connection, user: UserId, words: Sequence[str]) -> None:
    mine = blocks.c.user_id == user
    columns = (blocks.c.block_id, *(blocks.c[name] for name in _HEADER))
    for row in connection.execute(select(*columns).where(mine)).mappings().all():
        header = {name: row[name] for name in _HEADER}
        left = {name: _blanked(value, words, worded=True) for name, value in header.items()}
        if left != header:
            this = and_(mine, blocks.c.block_id == row["block_id"])
            connection.execute(update(blocks).where(this).values(version=blocks.c.version + 1, **left))


def _blanked(value: Any, words: Sequence[str], worded: bool) -> Any:
    """A JSON value with the words blanked in its texts, as far as they are words of the user's."""
    if isinstance(value, str):
        return blank(value, words) if worded else value
    if isinstance(value, list):
        return [_blanked(each, words, worded) for each in value]
    if isinstance(value, dict):
        return {name: _blanked(each, words, name in _WORDED) for name, each in value.items()}
    return value
