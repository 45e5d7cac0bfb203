"""Facts, their history, and the user's edits."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Update,
    bindparam,
    case,
    func,
    select,
    update,
)

from hmlr.errors import Conflict, NotFound
from hmlr.records import Fact, FactEvent, FactId, UserId
from hmlr.store.columns import UtcMicros
from hmlr.store.records import AddEdit, ChangeFact, ConfirmFact, Edit, FactChanges, FactQuery
from hmlr.store.schema import edits, fact_events, facts, messages, users
from hmlr.store.sql.rows import given, into, listed, mine, the
from hmlr.store.sql.words import Upsert, upsert

_DERIVED = {"user_id", "subject_key", "version"}
_FACT_FIELDS = tuple(name for name in facts.c.keys() if name not in _DERIVED)  # noqa: SIM118
_EVENT_FIELDS = ("fact_id", "change", "by", "reason", "turn_id", "recorded_at")


def read_facts(connection: Connection, user: UserId, query: FactQuery) -> list[Fact]:
    """See KnowledgeStore.facts."""
    asked = given(query)
    if query.subject is not None:
        asked["subject"] = query.subject.casefold()
    found = connection.execute(_matching(frozenset(asked)), {"user": user, **asked})
    return [_fact(row) for row in found]


@cache
def _matching(asked: frozenset[str]) -> Select[Any]:
    """The facts under these conditions of a FactQuery."""
    conditions: dict[str, ColumnElement[bool]] = {
        "fact_ids": listed(facts.c.fact_id, "fact_ids"),
        "subject": facts.c.subject_key == bindparam("subject"),
        "key": facts.c.key == bindparam("key"),
        "keys": listed(facts.c.key, "keys"),
        "categories": listed(facts.c.category, "categories"),
        "states": listed(facts.c.state, "states"),
        "turn_ids": listed(facts.c.turn_id, "turn_ids"),
    }
    found = _all_facts().where(*(made for name, made in conditions.items() if name in asked))
    return found.order_by(facts.c.valid_from, facts.c.recorded_at, facts.c.fact_id)


def _all_facts() -> Select[Any]:
    return select(*(facts.c[name] for name in _FACT_FIELDS)).where(mine(facts))


def fact_changes(connection: Connection, user: UserId, after: int) -> FactChanges:
    """See KnowledgeStore.fact_changes."""
    row = connection.execute(_versions(), {"user": user}).one_or_none()
    if row is None or row.fact_version == after:
        return FactChanges(version=after, facts=(), whole=False)
    if not max(row.facts_removed, 1) <= after <= row.fact_version:
        active = read_facts(connection, user, FactQuery())
        return FactChanges(version=row.fact_version, facts=tuple(active), whole=True)
    found = connection.execute(_changed(), {"user": user, "after": after})
    return FactChanges(version=row.fact_version, facts=tuple(_fact(each) for each in found), whole=False)


@cache
def _versions() -> Select[Any]:
    return select(users.c.fact_version, users.c.facts_removed).where(mine(users))


@cache
def _changed() -> Select[Any]:
    return _all_facts().where(facts.c.version > bindparam("after")).order_by(facts.c.fact_id)


def read_events(connection: Connection, user: UserId, fact_ids: Sequence[FactId]) -> list[FactEvent]:
    """See KnowledgeStore.fact_events."""
    rows = connection.execute(_events(), {"user": user, "ids": fact_ids})
    return [FactEvent(**row) for row in rows.mappings()]


@cache
def _events() -> Select[Any]:
    found = select(*(fact_events.c[name] for name in _EVENT_FIELDS))
    found = found.where(mine(fact_events), listed(fact_events.c.fact_id, "ids"))
    return found.order_by(fact_events.c.event_no)


def read_edits(connection: Connection, user: UserId) -> list[Edit]:
    """See KnowledgeStore.edits."""
    return [Edit(**row) for row in connection.execute(_edits(), {"user": user}).mappings()]


@cache
def _edits() -> Select[Any]:
    columns = (edits.c.seq, edits.c.kind, edits.c.target, edits.c.payload, edits.c.recorded_at)
    return select(*columns).where(mine(edits)).order_by(edits.c.seq)


def put_facts(connection: Connection, user: UserId, new: Sequence[Fact], version: int) -> None:
    """Store new facts; NotFound when a source message is not this user's or is gone."""
    wanted = {"user": user, "ids": [fact.message_id for fact in new]}
    there = {tuple(row) for row in connection.execute(_sources(), wanted)}
    for fact in new:
        if (fact.message_id, fact.turn_id) not in there:
            raise NotFound(f"there is no message {fact.message_id} for a fact to come from")
    rows = [fact_values(user, fact, version) for fact in new]
    connection.execute(_put_facts(), rows)


@cache
def _sources() -> Select[Any]:
    found = select(messages.c.message_id, messages.c.turn_id)
    return found.where(mine(messages), listed(messages.c.message_id, "ids"))


@cache
def _put_facts() -> Upsert:
    return upsert(facts).on_conflict_do_nothing()


def fact_values(user: UserId, fact: Fact, version: int) -> dict[str, object]:
    """The row of a fact."""
    values = {name: getattr(fact, name) for name in _FACT_FIELDS}
    return {"user_id": user, "subject_key": fact.subject.casefold(), "version": version, **values}


def change_fact(connection: Connection, user: UserId, change: ChangeFact, version: int) -> None:
    """Move a fact to another state; NotFound, or Conflict when it is not in the state expected."""
    this = {"user": user, "of": change.fact_id}
    values = {
        "state": change.state,
        "superseded_by": change.superseded_by,
        "reason": change.reason,
        "valid_to": change.valid_to,
        "version": version,
    }
    moved = connection.execute(_move_fact(), {**this, "expected": change.expected, **values})
    if moved.rowcount:
        return
    state = connection.execute(_state(), this).scalar()
    if state is None:
        raise _no_fact(change.fact_id)
    raise Conflict(f"fact {change.fact_id} is {state}, not {change.expected}", hint="Read it again")


@cache
def _move_fact() -> Update:
    return update(facts).where(the(facts, "fact_id"), facts.c.state == bindparam("expected"))


@cache
def _state() -> Select[Any]:
    return select(facts.c.state).where(the(facts, "fact_id"))


def confirm_fact(connection: Connection, user: UserId, change: ConfirmFact, version: int) -> None:
    """Count a repetition; the latest event time stays."""
    again = {"user": user, "of": change.fact_id, "at": change.occurred_at, "version": version}
    if not connection.execute(_confirm_fact(), again).rowcount:
        raise _no_fact(change.fact_id)


@cache
def _confirm_fact() -> Update:
    at = bindparam("at", type_=UtcMicros)
    later = case((facts.c.last_confirmed_at < at, at), else_=facts.c.last_confirmed_at)
    values = {"confirmations": facts.c.confirmations + 1, "last_confirmed_at": later}
    return update(facts).where(the(facts, "fact_id")).values(values)


def log_events(connection: Connection, user: UserId, events: Sequence[FactEvent]) -> None:
    """Append to the history of facts, in this order."""
    wanted = {"user": user, "ids": [event.fact_id for event in events]}
    there = set(connection.execute(_named(), wanted).scalars())
    for event in events:
        if event.fact_id not in there:
            raise _no_fact(event.fact_id)
    rows = [{"user_id": user, **{name: getattr(event, name) for name in _EVENT_FIELDS}} for event in events]
    connection.execute(into(fact_events), rows)


@cache
def _named() -> Select[Any]:
    return select(facts.c.fact_id).where(mine(facts), listed(facts.c.fact_id, "ids"))


def add_edit(connection: Connection, user: UserId, edit: AddEdit) -> None:
    """Append one of the user's own edits."""
    last = connection.execute(_last_edit(), {"user": user}).scalar() or 0
    row = {
        "user_id": user,
        "seq": last + 1,
        "kind": edit.kind,
        "target": edit.target,
        "payload": dict(edit.payload),
        "recorded_at": edit.recorded_at,
    }
    connection.execute(into(edits), row)


@cache
def _last_edit() -> Select[Any]:
    return select(func.max(edits.c.seq)).where(mine(edits))


def _fact(row: Sequence[Any]) -> Fact:
    return Fact(**dict(zip(_FACT_FIELDS, row, strict=True)))


def _no_fact(fact_id: str) -> NotFound:
    return NotFound(f"there is no fact {fact_id}")
