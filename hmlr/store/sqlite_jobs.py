"""Background jobs: leased with a token, so that only who holds the lease can finish one."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    exists,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from hmlr.errors import LeaseLost
from hmlr.records import JobKind, TurnId, UserId
from hmlr.store.columns import to_micros
from hmlr.store.records import JobCounts, Lease
from hmlr.store.schema import chunks, jobs, messages, turns, vectors
from hmlr.store.sqlite_rows import among, owned

_MAX_ERROR_CHARS = 300
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
        lease_until = to_micros(since + timedelta(seconds=seconds))
        values |= {
            "state": "leased", "attempts": 1, "lease_until": lease_until, "token": _token(), "held": True,
        }  # fmt: skip
    return values


def claim(
    connection: Connection, user: UserId, kind: JobKind, *, limit: int, lease_s: float, now: datetime
) -> list[Lease]:
    """See JobStore.claim."""
    now_us = to_micros(now)
    mine = and_(jobs.c.user_id == user, jobs.c.kind == kind)
    alive = select(jobs.c.job_id).where(
        mine, jobs.c.state == "leased", jobs.c.lease_until > now_us, ~jobs.c.held
    )
    if connection.execute(alive.limit(1)).first() is not None:
        return []
    # State by state, so that the index gives them in order: one query for both would sort the whole queue.
    due = (
        and_(jobs.c.state == "pending", jobs.c.due_at <= now_us),
        and_(jobs.c.state == "leased", jobs.c.lease_until <= now_us),
    )
    found = select(jobs.c.job_id, jobs.c.turn_id, jobs.c.attempts, jobs.c.seq).where(mine)
    found = found.order_by(jobs.c.seq).limit(limit)
    waiting = [row for state in due for row in connection.execute(found.where(state))]
    rows = sorted(waiting, key=lambda row: row.seq)[:limit]
    if not rows:
        return []
    token = _token()
    connection.execute(
        update(jobs)
        .where(among(jobs.c.job_id, [row.job_id for row in rows]))
        .values(
            state="leased",
            attempts=jobs.c.attempts + 1,
            lease_until=to_micros(now + timedelta(seconds=lease_s)),
            token=token,
            held=False,
        )
    )
    return [
        Lease(job_id=row.job_id, kind=kind, turn_id=row.turn_id, token=token, attempts=row.attempts + 1)
        for row in rows
    ]


def renew(
    connection: Connection, user: UserId, leases: Sequence[Lease], *, lease_s: float, now: datetime
) -> None:
    """See JobStore.renew."""
    lease_until = to_micros(now + timedelta(seconds=lease_s))
    for _, these in _by_token(user, leases):
        connection.execute(update(jobs).where(these).values(lease_until=lease_until))


def finish(connection: Connection, user: UserId, leases: Sequence[Lease]) -> None:
    """Remove the jobs; LeaseLost when one was taken over or its turn is gone."""
    for held, these in _by_token(user, leases):
        if connection.execute(delete(jobs).where(these)).rowcount < len(held):
            raise LeaseLost(f"a {held[0].kind} job was taken over by another worker, or its turn is gone")


def fail(
    connection: Connection, user: UserId, leases: Sequence[Lease], *, error: str, retry_at: datetime | None
) -> None:
    """See JobStore.fail; jobs that were taken over stay with who has them."""
    values = {
        "state": "failed" if retry_at is None else "pending",
        "due_at": 0 if retry_at is None else to_micros(retry_at),
        "token": None,
        "held": False,
        "error": error[:_MAX_ERROR_CHARS],
    }
    for lease in leases:
        connection.execute(update(jobs).where(_holds(user, lease)).values(values))


def add_jobs(connection: Connection, user: UserId, kind: JobKind, turn_ids: Sequence[TurnId]) -> None:
    """See JobStore.add_jobs; turns that are gone get none."""
    connection.execute(
        _put(_of_turns(user, kind).where(among(turns.c.turn_id, turn_ids))).on_conflict_do_nothing()
    )


def restart_jobs(
    connection: Connection, user: UserId, kind: JobKind, turn_ids: Sequence[TurnId] | None = None
) -> None:
    """Make the jobs of these turns (None: of all) due anew.

    A worker that is on such a job has read what is no longer all, so it loses its lease.
    """
    source = _of_turns(user, kind)
    source = source.where(literal(1) == 1 if turn_ids is None else among(turns.c.turn_id, turn_ids))
    again = ["user_id", "kind", "turn_id"]
    connection.execute(_put(source).on_conflict_do_update(index_elements=again, set_=_FRESH))


def take_back(connection: Connection, user: UserId, turn_id: TurnId) -> None:
    """Make the jobs due anew that somebody does now: who has read the turn as it was can't finish them."""
    running = and_(jobs.c.user_id == user, jobs.c.turn_id == turn_id, jobs.c.state == "leased")
    connection.execute(update(jobs).where(running).values(_FRESH))


def turns_without_vectors(connection: Connection, user: UserId, model_id: str) -> list[TurnId]:
    """See JobStore.turns_without_vectors."""
    embedded = exists().where(vectors.c.chunk_id == chunks.c.chunk_id, vectors.c.model_id == model_id)
    bare = (
        select(messages.c.turn_id)
        .join(chunks, chunks.c.message_no == messages.c.message_no)
        .where(chunks.c.user_id == user, chunks.c.searchable, ~embedded)
    )
    found = select(turns.c.turn_id).where(turns.c.user_id == user, turns.c.turn_id.in_(bare))
    return list(connection.execute(found.order_by(turns.c.seq)).scalars())


def retry_failed(connection: Connection, user: UserId) -> int:
    """See JobStore.retry_failed."""
    parked = and_(jobs.c.user_id == user, jobs.c.state == "failed")
    return connection.execute(update(jobs).where(parked).values(_FRESH)).rowcount


def job_counts(connection: Connection, user: UserId, now: datetime) -> JobCounts:
    """See JobStore.job_counts; an expired lease counts as waiting."""
    now_us = to_micros(now)
    running = and_(jobs.c.state == "leased", jobs.c.lease_until > now_us)
    failed = jobs.c.state == "failed"
    row = connection.execute(
        select(func.count(), func.count().filter(running), func.count().filter(failed)).where(
            jobs.c.user_id == user
        )
    ).one()
    errors = connection.execute(
        select(jobs.c.error)
        .where(jobs.c.user_id == user, jobs.c.error != "")
        .group_by(jobs.c.error)
        .order_by(func.max(jobs.c.job_id).desc())
        .limit(_ERRORS_SHOWN)
    )
    return JobCounts(
        waiting=row[0] - row[1] - row[2], running=row[1], failed=row[2], errors=tuple(errors.scalars())
    )


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
    states = (
        and_(jobs.c.state == "pending", jobs.c.due_at <= to_micros(now)),
        jobs.c.state == "leased",
    )
    found: dict[TurnId, None] = {}
    for kind in kinds:
        for state in states:
            these = and_(jobs.c.user_id == user, jobs.c.kind == kind, state, jobs.c.seq < before_seq)
            waiting = select(jobs.c.turn_id).where(these).order_by(jobs.c.seq).limit(most)
            found |= dict.fromkeys(connection.execute(waiting).scalars())
    return list(found)[:most]


def _of_turns(user: UserId, kind: JobKind) -> Select[Any]:
    fresh = [literal(value, jobs.c[name].type).label(name) for name, value in _FRESH.items()]
    return select(turns.c.user_id, literal(kind), turns.c.turn_id, turns.c.seq, *fresh).where(
        turns.c.user_id == user
    )


def _put(source: Select[Any]) -> Any:
    return insert(jobs).from_select(["user_id", "kind", "turn_id", "seq", *_FRESH], source)


def _by_token(user: UserId, leases: Sequence[Lease]) -> Iterator[tuple[list[Lease], ColumnElement[bool]]]:
    """The leases claim by claim, each with the condition that finds those of its jobs that are still held."""
    by_token: dict[str, list[Lease]] = {}
    for lease in leases:
        by_token.setdefault(lease.token, []).append(lease)
    for token, held in by_token.items():
        mine = and_(owned(jobs.c.user_id, user), jobs.c.token == token, jobs.c.state == "leased")
        yield held, and_(mine, among(jobs.c.job_id, [lease.job_id for lease in held]))


def _holds(user: UserId, lease: Lease) -> ColumnElement[bool]:
    return and_(
        jobs.c.user_id == user,
        jobs.c.job_id == lease.job_id,
        jobs.c.token == lease.token,
        jobs.c.state == "leased",
    )


def _token() -> str:
    return secrets.token_hex(8)
