"""What an erasure leaves behind: facts that a gone one had replaced, and texts that repeat what is gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, get_args

from sqlalchemy import Connection, Select, Table, Update, func, or_, select, update

from hmlr.language.blanking import blank
from hmlr.records import FactId, Role, UserId
from hmlr.store.records import AddEdit
from hmlr.store.schema import blocks, edits, fact_events, facts
from hmlr.store.sql.blocks import newer_block
from hmlr.store.sql.facts import add_edit
from hmlr.store.sql.rows import change_the, into, listed, mine, some

_MOVES = ("superseded", "invalidated", "restored")
# Where an edit holds words of the user's; ids and times beside them stay as they are.
_WORDED = frozenset({"reason", "label", "value", "quote", "subject"})
# What stands for no name or reason of anybody's; a role in `said_by` is one.
_NO_WORDS = ("", *get_args(Role))
_HEADER = ("label", "summary", "keywords", "open_loops", "decisions")
# Columns with words in them beside those: the table, its key and the column.
_SAID = ((facts, "fact_id", "reason"), (facts, "fact_id", "said_by"), (fact_events, "event_no", "reason"))


def mend_facts(
    connection: Connection, user: UserId, turn_ids: Sequence[str], fact_ids: Sequence[str], now: datetime
) -> tuple[FactId, ...]:
    """Let the facts that stay stand as if the erased turns and facts had never been; before these go.

    A fact whose successor goes is succeeded by that one's successor, or is active again. So is one that an
    erased turn ended without a successor. Not a secret: an old password does not come back. The facts that
    are active again.
    """
    caused = set(_caused(connection, user, turn_ids))
    _empty_events(connection, user, turn_ids, fact_ids)
    gone = set(fact_ids)
    stand = {
        row.fact_id: _Standing(
            row.state, row.superseded_by, row.valid_from, row.valid_to, row.category == "secret"
        )
        for row in connection.execute(_standing(), {"user": user})
    }
    changed: dict[str, _Standing] = {}
    for fact_id, fact in stand.items():
        if fact_id in gone:
            continue
        if fact.successor in gone:
            changed[fact_id] = _without(fact, stand, gone)
        elif fact_id in caused and fact.successor is None and fact.state != "active":
            changed[fact_id] = _ACTIVE
        if fact.secret and changed.get(fact_id) is _ACTIVE and fact.state == "superseded":
            changed[fact_id] = _Standing("superseded", None, fact.since, fact.until or now)
            _keep_retired(connection, user, fact_id, fact.until or now, now)
    _change_standing(connection, user, changed, now)
    if caused:
        connection.execute(_empty_reasons(), {"user": user, "of": list(caused)})
    return tuple(FactId(fact_id) for fact_id, after in changed.items() if after is _ACTIVE)


def _keep_retired(connection: Connection, user: UserId, fact_id: str, until: datetime, now: datetime) -> None:
    """Retire a secret for good: what had taken its place is gone, and a rebuild would find it active."""
    payload = {"reason": "", "at": now.isoformat(), "valid_to": until.isoformat()}
    add_edit(connection, user, AddEdit(kind="retire_fact", target=fact_id, payload=payload, recorded_at=now))


@cache
def _standing() -> Select[Any]:
    names = ("fact_id", "state", "superseded_by", "valid_from", "valid_to", "category")
    return select(*(facts.c[name] for name in names)).where(mine(facts))


@cache
def _empty_reasons() -> Update:
    return update(facts).where(some(facts, "fact_id")).values(reason="")


@dataclass(frozen=True)
class _Standing:
    """How a fact stands; `since` and `until` are its valid_from and valid_to."""

    state: str
    successor: str | None
    since: datetime | None
    until: datetime | None
    secret: bool = False


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


def _change_standing(
    connection: Connection, user: UserId, changed: Mapping[str, _Standing], now: datetime
) -> None:
    """Write how the facts stand now; those that are active again are logged in this order."""
    if not changed:
        return
    rows = [
        {
            "user": user,
            "of": fact_id,
            "state": after.state,
            "superseded_by": after.successor,
            "valid_to": after.until,
            "reason": "",
        }
        for fact_id, after in changed.items()
    ]
    connection.execute(change_the(facts, "fact_id"), rows)
    event = {"change": "restored", "by": "rule", "reason": "", "turn_id": None, "recorded_at": now}
    restored = [fact_id for fact_id, after in changed.items() if after is _ACTIVE]
    if restored:
        events = [{"user_id": user, "fact_id": fact_id, **event} for fact_id in restored]
        connection.execute(into(fact_events), events)


def _caused(connection: Connection, user: UserId, turn_ids: Sequence[str]) -> Sequence[str]:
    """Facts whose present state comes from one of the turns."""
    if not turn_ids:
        return ()
    return list(connection.execute(_moved_by(), {"user": user, "of": turn_ids}).scalars())


@cache
def _moved_by() -> Select[Any]:
    latest = select(func.max(fact_events.c.event_no)).where(
        mine(fact_events), fact_events.c.change.in_(_MOVES)
    )
    return select(fact_events.c.fact_id).where(
        fact_events.c.event_no.in_(latest.group_by(fact_events.c.fact_id)), some(fact_events, "turn_id")
    )


def _empty_events(
    connection: Connection, user: UserId, turn_ids: Sequence[str], fact_ids: Sequence[str]
) -> None:
    """Empty the events that erased turns caused, or that tell of an erased successor: they may quote them."""
    connection.execute(_empty_these_events(), {"user": user, "turns": turn_ids, "facts": fact_ids})


@cache
def _empty_these_events() -> Update:
    touched = select(facts.c.fact_id).where(mine(facts), listed(facts.c.superseded_by, "facts"))
    caused = or_(listed(fact_events.c.turn_id, "turns"), fact_events.c.fact_id.in_(touched))
    return update(fact_events).where(mine(fact_events), caused).values(reason="", turn_id=None)


def blank_words(connection: Connection, user: UserId, words: Sequence[str]) -> None:
    """Blank the words in every reason, name of who said a fact, edit and block header of the user."""
    if not words:
        return
    for table, key, name in _SAID:
        rows = [
            {"user": user, "of": number, name: left}
            for number, said in connection.execute(_worded(table, key, name), {"user": user}).all()
            if (left := blank(said, words)) != said
        ]
        if rows:
            connection.execute(change_the(table, key), rows)
    _blank_edits(connection, user, words)
    _blank_headers(connection, user, words)


@cache
def _worded(table: Table, key: str, name: str) -> Select[Any]:
    return select(table.c[key], table.c[name]).where(mine(table), table.c[name].not_in(_NO_WORDS))


def _blank_edits(connection: Connection, user: UserId, words: Sequence[str]) -> None:
    rows = []
    for seq, payload in connection.execute(_payloads(), {"user": user}):
        left = {name: _blanked(value, words, name in _WORDED) for name, value in payload.items()}
        if left != payload:
            rows.append({"user": user, "of": seq, "payload": left})
    if rows:
        connection.execute(change_the(edits, "seq"), rows)


@cache
def _payloads() -> Select[Any]:
    return select(edits.c.seq, edits.c.payload).where(mine(edits))


def _blank_headers(connection: Connection, user: UserId, words: Sequence[str]) -> None:
    rows = []
    for row in connection.execute(_headers(), {"user": user}).mappings():
        header = {name: row[name] for name in _HEADER}
        left = {name: _blanked(value, words, worded=True) for name, value in header.items()}
        if left != header:
            rows.append({"user": user, "of": row["block_id"], **left})
    if rows:
        connection.execute(newer_block(), rows)


@cache
def _headers() -> Select[Any]:
    return select(blocks.c.block_id, *(blocks.c[name] for name in _HEADER)).where(mine(blocks))


def _blanked(value: Any, words: Sequence[str], worded: bool) -> Any:
    """A JSON value with the words blanked in its texts, as far as they are words of the user's."""
    if isinstance(value, str):
        return blank(value, words) if worded else value
    if isinstance(value, list):
        return [_blanked(each, words, worded) for each in value]
    if isinstance(value, dict):
        return {name: _blanked(each, words, name in _WORDED) for name, each in value.items()}
    return value
