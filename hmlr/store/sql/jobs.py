"""Background jobs: how they are queued, made due anew and counted."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Update,
    and_,
    bindparam,
    exists,
    func,
    literal,
    select,
    update,
)

from hmlr.records import JobKind, TurnId, UserId
from hmlr.store.columns import to_micros
from hmlr.store.records import JobCounts
from hmlr.store.schema import chunks, jobs, messages, turns, vectors
from hmlr.store.sql.index import numbered, of_model
from hmlr.store.sql.rows import listed, mine, some
from hmlr.store.sql.words import Upsert, upsert

_ERRORS_SHOWN = 5
# What a job looks like when it waits to be done now; 0 is due whatever a jumping clock says.
_FRESH: dict[str, Any] = {
    "state": "pending",
    "attempts": 0,
    "due_at": 0,
    "lease_until": 0,
    "token": None,
    "held": False,
    "error": "",
}


def job_values(
    user: UserId, kind: JobKind, turn_id: TurnId, seq: int, *, holds: tuple[datetime, float] | None = None
) -> dict[str, object]:
    """The row of a new job; `holds` (since, seconds) leases it to the caller at once."""
    values: dict[str, object] = {"user_id": user, "kind": kind, "turn_id": turn_id, "seq": seq, **_FRESH}
    if holds is not None:
        since, seconds = holds
        lease_until = after(since, seconds)
        values |= {
            "state": "leased", "attempts": 1, "lease_until": lease_until, "token": new_token(), "held": True,
        }  # fmt: skip
    return values


def of_kind() -> ColumnElement[bool]:
    """The user's jobs of the kind in the parameter `of`."""
    return and_(mine(jobs), jobs.c.kind == bindparam("of"))


def after(now: datetime, seconds: float) -> int:
    """So many seconds later, in microseconds."""
    return to_micros(now + timedelta(seconds=seconds))


def new_token() -> str:
    """What only the holder of a lease knows."""
    return secrets.token_hex(8)


def add_jobs(connection: Connection, user: UserId, kind: JobKind, turn_ids: Sequence[TurnId]) -> None:
    """See JobStore.add_jobs; turns that are gone get none."""
    connection.execute(_add_jobs(), {"user": user, "of": kind, "turns": turn_ids})


def restart_jobs(
    connection: Connection, user: UserId, kind: JobKind, turn_ids: Sequence[TurnId] | None = None
) -> None:
    """Make the jobs of these turns (None: of all) due anew.

    A worker that is on such a job has read what is no longer all, so it loses its lease.
    """
    asked: dict[str, object] = {"user": user, "of": kind}
    if turn_ids is not None:
        asked["turns"] = turn_ids
    connection.execute(_restart_jobs(everywhere=turn_ids is None), asked)


@cache
def _add_jobs() -> Upsert:
    return _put(_of_turns().where(listed(turns.c.turn_id, "turns"))).on_conflict_do_nothing()


@cache
def _restart_jobs(*, everywhere: bool) -> Upsert:
    source = _of_turns() if everywhere else _of_turns().where(listed(turns.c.turn_id, "turns"))
    again = ["user_id", "kind", "turn_id"]
    return _put(source).on_conflict_do_update(index_elements=again, set_=_FRESH)


def _of_turns() -> Select[Any]:
    fresh = [literal(value, jobs.c[name].type).label(name) for name, value in _FRESH.items()]
    kind = bindparam("of", type_=jobs.c.kind.type)
    return select(turns.c.user_id, kind, turns.c.turn_id, turns.c.seq, *fresh).where(mine(turns))


def _put(source: Select[Any]) -> Upsert:
    return upsert(jobs).from_select(["user_id", "kind", "turn_id", "seq", *_FRESH], source)


def take_back(connection: Connection, user: UserId, turn_ids: Sequence[TurnId]) -> None:
    """Make the jobs due anew that somebody does now: who has read the old words can't finish them."""
    connection.execute(_take_back(), {"user": user, "of": turn_ids})


@cache
def _take_back() -> Update:
    return update(jobs).where(some(jobs, "turn_id"), jobs.c.state == "leased").values(_FRESH)


def turns_without_vectors(connection: Connection, user: UserId, model_id: str) -> list[TurnId]:
    """See JobStore.turns_without_vectors."""
    return list(connection.execute(_bare_turns(), {"user": user, "model": model_id}).scalars())


@cache
def _bare_turns() -> Select[Any]:
    embedded = exists().where(vectors.c.chunk_id == chunks.c.chunk_id, of_model())
    cut = numbered(select(chunks.c.chunk_id).where(mine(chunks), ~embedded))
    bare = select(messages.c.turn_id).join_from(cut, messages, messages.c.message_no == cut.c.message_no)
    found = select(turns.c.turn_id).where(mine(turns), turns.c.turn_id.in_(bare))
    return found.order_by(turns.c.seq)


def hasten(connection: Connection, user: UserId, kind: JobKind) -> None:
    """See JobStore.hasten."""
    waiting = and_(jobs.c.user_id == user, jobs.c.kind == kind, jobs.c.state.in_(("pending", "failed")))
    connection.execute(update(jobs).where(waiting).values(_FRESH))


def retry_failed(connection: Connection, user: UserId) -> int:
    """See JobStore.retry_failed."""
    parked = and_(jobs.c.user_id == user, jobs.c.state == "failed")
    return connection.execute(update(jobs).where(parked).values(_FRESH)).rowcount


def job_counts(connection: Connection, user: UserId, now: datetime) -> JobCounts:
    """See JobStore.job_counts; an expired lease counts as waiting."""
    asked = {"user": user, "now": to_micros(now)}
    every, running, failed, reasons = connection.execute(_counts(), asked).one()
    errors = connection.execute(_errors(), {"user": user}).scalars() if reasons else ()
    return JobCounts(waiting=every - running - failed, running=running, failed=failed, errors=tuple(errors))


@cache
def _counts() -> Select[Any]:
    each: Any = func.count()
    running = each.filter(jobs.c.state == "leased", jobs.c.lease_until > bindparam("now"))
    failed, reasons = each.filter(jobs.c.state == "failed"), each.filter(jobs.c.error != "")
    return select(each, running, failed, reasons).where(mine(jobs), _learning())


def _learning() -> ColumnElement[bool]:
    """Jobs that the background does; gardening is done when somebody asks for it."""
    return jobs.c.kind != "garden"


@cache
def _errors() -> Select[Any]:
    latest = func.max(jobs.c.job_id).desc()
    found = select(jobs.c.error).where(mine(jobs), _learning(), jobs.c.error != "").group_by(jobs.c.error)
    return found.order_by(latest).limit(_ERRORS_SHOWN)


def waiting_turns(
    connection: Connection,
    user: UserId,
    kinds: Sequence[JobKind],
    *,
    before_seq: int,
    most: int,
    now: datetime,
) -> list[TurnId]:
    """See JobStore.waiting_turns; kind by kind and state by state, so that the index answers."""
    asked = {"user": user, "before": before_seq, "limit": most, "now": to_micros(now)}
    found: dict[TurnId, None] = {}
    for kind in kinds:
        for waiting in (_due_before(), _running_before()):
            found |= dict.fromkeys(connection.execute(waiting, asked | {"of": kind}).scalars())
    return list(found)[:most]


@cache
def _due_before() -> Select[Any]:
    return _before(jobs.c.state == "pending", jobs.c.due_at <= bindparam("now"))


@cache
def _running_before() -> Select[Any]:
    return _before(jobs.c.state == "leased")


def _before(*where: ColumnElement[bool]) -> Select[Any]:
    found = select(jobs.c.turn_id).where(of_kind(), *where, jobs.c.seq < bindparam("before"))
    return found.order_by(jobs.c.seq).limit(bindparam("limit"))
