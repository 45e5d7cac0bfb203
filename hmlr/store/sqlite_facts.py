"""Facts, their history, and the user's edits."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, and_, case, func, literal, select, update
from sqlalchemy.dialects.sqlite import insert

from hmlr.errors import Conflict, NotFound
from hmlr.records import Fact, FactEvent, FactId, UserId
from hmlr.store.columns import UtcMicros
from hmlr.store.records import AddEdit, ChangeFact, ConfirmFact, Edit, FactChanges, FactQuery
from hmlr.store.schema import edits, fact_events, facts, messages, users
from hmlr.store.sqlite_rows import among

_DERIVED = {"user_id", "subject_key", "version"}
_FACT_FIELDS = tuple(name for name in facts.c.keys() if name not in _DERIVED)  # noqa: SIM118
_EVENT_FIELDS = ("fact_id", "change", "by", "reason", "turn_id", "recorded_at")


def read_facts(connection: Connection, user: UserId, query: FactQuery) -> list[Fact]:
    """See KnowledgeStore.facts."""
    found = select(facts).where(facts.c.user_id == user)
    if query.fact_ids is not None:
        found = found.where(among(facts.c.fact_id, query.fact_ids))
    if query.subject is not None:
        found = found.where(facts.c.subject_key == query.subject.casefold())
    if query.key is not None:
        found = found.where(facts.c.key == query.key)
    if query.keys is not None:
        found = found.where(among(facts.c.key, query.keys))
    if query.categories is not None:
        found = found.where(facts.c.category.in_(query.categories))
    if query.states is not None:
        found = found.where(facts.c.state.in_(query.states))
    if query.turn_ids is not None:
        found = found.where(among(facts.c.turn_id, query.turn_ids))
    order = (facts.c.valid_from, facts.c.recorded_at, facts.c.fact_id)
    return [_fact(row) for row in connection.execute(found.order_by(*order)).mappings()]


def fact_changes(connection: Connection, user: UserId, after: int) -> FactChanges:
    """See KnowledgeStore.fact_changes."""
    versions = select(users.c.fact_version, users.c.facts_removed).where(users.c.user_id == user)
    row = connection.execute(versions).one_or_none()
    if row is None or row.fact_version == after:
        return FactChanges(version=after, facts=(), whole=False)
    if not max(row.facts_removed, 1) <= after <= row.fact_version:
        active = read_facts(connection, user, FactQuery())
        return FactChanges(version=row.fact_version, facts=tuple(active), whole=True)
    changed = select(facts).where(facts.c.user_id == user, facts.c.version > after)
    found = connection.execute(changed.order_by(facts.c.fact_id)).mappings()
    return FactChanges(version=row.fact_version, facts=tuple(_fact(each) for each in found), whole=False)


def read_events(connection: Connection, user: UserId, fact_ids: Sequence[FactId]) -> list[FactEvent]:
    """See KnowledgeStore.fact_events."""
    rows = connection.execute(
        select(*(fact_events.c[name] for name in _EVENT_FIELDS))
        .where(fact_events.c.user_id == user, among(fact_events.c.fact_id, fact_ids))
        .order_by(fact_events.c.event_no)
    )
    return [FactEvent(**row) for row in rows.mappings()]


def read_edits(connection: Connection, user: UserId) -> list[Edit]:
    """See KnowledgeStore.edits."""
    columns = (edits.c.seq, edits.c.kind, edits.c.target, edits.c.payload, edits.c.recorded_at)
    rows = connection.execute(select(*columns).where(edits.c.user_id == user).order_by(edits.c.seq))
    return [Edit(**row) for row in rows.mappings()]


def put_facts(connection: Connection, user: UserId, new: Sequence[Fact], version: int) -> None:
    """Store new facts; NotFound when a source message is not this user's or is gone."""
    wanted = [fact.message_id for fact in new]
    sources = select(messages.c.message_id, messages.c.turn_id)
    sources = sources.where(messages.c.user_id == user, among(messages.c.message_id, wanted))
    there = {tuple(row) for row in connection.execute(sources)}
    for fact in new:
        if (fact.message_id, fact.turn_id) not in there:
            raise NotFound(f"there is no message {fact.message_id} for a fact to come from")
    rows = [fact_values(user, fact, version) for fact in new]
    connection.execute(insert(facts).on_conflict_do_nothing(), rows)


def fact_values(user: UserId, fact: Fact, version: int) -> dict[str, object]:
    """The row of a fact."""
    values = {name: getattr(fact, name) for name in _FACT_FIELDS}
    return {"user_id": user, "subject_key": fact.subject.casefold(), "version": version, **values}


def change_fact(connection: Connection, user: UserId, change: ChangeFact, version: int) -> None:
    """Move a fact to another state; NotFound, or Conflict when it is not in the state expected."""
    mine = and_(facts.c.user_id == user, facts.c.fact_id == change.fact_id)
    moved = connection.execute(
        update(facts)
        .where(mine, facts.c.state == change.expected)
        .values(
            state=change.state,
            superseded_by=change.superseded_by,
            reason=change.reason,
            valid_to=change.valid_to,
            version=version,
        )
    )
    if moved.rowcount:
        return
    state = connection.execute(select(facts.c.state).where(mine)).scalar()
    if state is None:
        raise _no_fact(change.fact_id)
    raise Conflict(f"fact {change.fact_id} is {state}, not {change.expected}", hint="Read it again")


def confirm_fact(connection: Connection, user: UserId, change: ConfirmFact, version: int) -> None:
    """Count a repetition; the latest event time stays."""
    at = literal(change.occurred_at, UtcMicros)
    later = case((facts.c.last_confirmed_at < at, at), else_=facts.c.last_confirmed_at)
    counted = connection.execute(
        update(facts)
        .where(facts.c.user_id == user, facts.c.fact_id == change.fact_id)
        .values(confirmations=facts.c.confirmations + 1, last_confirmed_at=later, version=version)
    )
    if not counted.rowcount:
        raise _no_fact(change.fact_id)


def log_events(connection: Connection, user: UserId, events: Sequence[FactEvent]) -> None:
    """Append to the history of facts, in this order."""
    wanted = among(facts.c.fact_id, [event.fact_id for event in events])
    there = set(connection.execute(select(facts.c.fact_id).where(facts.c.user_id == user, wanted)).scalars())
    for event in events:
        if event.fact_id not in there:
            raise _no_fact(event.fact_id)
    rows = [{"user_id": user, **{name: getattr(event, name) for name in _EVENT_FIELDS}} for event in events]
    connection.execute(insert(fact_events), rows)


def add_edit(connection: Connection, user: UserId, edit: AddEdit) -> None:
    """Append one of the user's own edits."""
    last = connection.execute(select(func.max(edits.c.seq)).where(edits.c.user_id == user)).scalar() or 0
    connection.execute(
        insert(edits).values(
            user_id=user,
            seq=last + 1,
            kind=edit.kind,
            target=edit.target,
            payload=dict(edit.payload),
            recorded_at=edit.recorded_at,
        )
    )


def _fact(row: RowMapping) -> Fact:
    return Fact(**{name: row[name] for name in _FACT_FIELDS})


def _no_fact(fact_id: str) -> NotFound:
    return NotFound(f"there is no fact {fact_id}")
