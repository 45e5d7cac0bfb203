"""Background jobs leased with a token, so that only who holds the lease can finish one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Select,
    Update,
    and_,
    bindparam,
    case,
    delete,
    select,
    update,
)

from hmlr.errors import LeaseLost
from hmlr.records import JobKind, UserId
from hmlr.store.columns import to_micros
from hmlr.store.records import Lease
from hmlr.store.schema import jobs
from hmlr.store.sql.jobs import after, new_token, of_kind
from hmlr.store.sql.rows import listed, owned

_MAX_ERROR_CHARS = 300


def claim(
    connection: Connection, user: UserId, kind: JobKind, *, limit: int, lease_s: float, now: datetime
) -> list[Lease]:
    """See JobStore.claim."""
    asked = {"user": user, "of": kind, "now": to_micros(now), "limit": limit}
    if connection.execute(_claimed(), asked).first() is not None:
        return []
    # State by state, so that the index gives them in order: one query for both would sort the whole queue.
    waiting = [row for due in (_due(), _expired()) for row in connection.execute(due, asked)]
    rows = sorted(waiting, key=lambda row: row.seq)[:limit]
    if not rows:
        return []
    token = new_token()
    taken = {"ids": [row.job_id for row in rows], "lease_until": after(now, lease_s), "token": token}
    connection.execute(_take(), taken)
    return [
        Lease(job_id=row.job_id, kind=kind, turn_id=row.turn_id, token=token, attempts=row.attempts + 1)
        for row in rows
    ]


@cache
def _claimed() -> Select[Any]:
    alive = and_(jobs.c.state == "leased", jobs.c.lease_until > bindparam("now"), ~jobs.c.held)
    return select(jobs.c.job_id).where(of_kind(), alive).limit(1)


@cache
def _due() -> Select[Any]:
    return _oldest(jobs.c.state == "pending", jobs.c.due_at <= bindparam("now"))


@cache
def _expired() -> Select[Any]:
    return _oldest(jobs.c.state == "leased", jobs.c.lease_until <= bindparam("now"))


def _oldest(*where: ColumnElement[bool]) -> Select[Any]:
    found = select(jobs.c.job_id, jobs.c.turn_id, jobs.c.attempts, jobs.c.seq).where(of_kind(), *where)
    return found.order_by(jobs.c.seq).limit(bindparam("limit"))


@cache
def _take() -> Update:
    values = {"state": "leased", "attempts": jobs.c.attempts + 1, "held": False}
    return update(jobs).where(listed(jobs.c.job_id, "ids")).values(values)


def renew(
    connection: Connection, user: UserId, leases: Sequence[Lease], *, lease_s: float, now: datetime
) -> None:
    """See JobStore.renew."""
    for _, these in _by_token(user, leases):
        connection.execute(_change_held(), {**these, "lease_until": after(now, lease_s)})


def finish(connection: Connection, user: UserId, leases: Sequence[Lease]) -> None:
    """Remove the jobs; LeaseLost when one was taken over or its turn is gone."""
    for held, these in _by_token(user, leases):
        if connection.execute(_remove_held(), these).rowcount < len(held):
            raise LeaseLost(f"a {held[0].kind} job was taken over by another worker, or its turn is gone")


def fail(
    connection: Connection,
    user: UserId,
    leases: Sequence[Lease],
    *,
    error: str,
    retry_at: datetime | None,
    tried: bool,
) -> None:
    """See JobStore.fail; jobs that were taken over stay with who has them."""
    values = {
        "state": "failed" if retry_at is None else "pending",
        "due_at": 0 if retry_at is None else to_micros(retry_at),
        "token": None,
        "held": False,
        "error": error[:_MAX_ERROR_CHARS],
    }
    given_back = _change_held() if tried else _untried()
    for _, these in _by_token(user, leases):
        connection.execute(given_back, these | values)


def _by_token(user: UserId, leases: Sequence[Lease]) -> Iterator[tuple[list[Lease], dict[str, object]]]:
    """The leases claim by claim, each with the parameters that name its jobs."""
    by_token: dict[str, list[Lease]] = {}
    for lease in leases:
        by_token.setdefault(lease.token, []).append(lease)
    for token, held in by_token.items():
        yield held, {"user": user, "holder": token, "ids": [lease.job_id for lease in held]}


def _still_held() -> ColumnElement[bool]:
    under = and_(owned(jobs), jobs.c.token == bindparam("holder"), jobs.c.state == "leased")
    return and_(under, listed(jobs.c.job_id, "ids"))


@cache
def _change_held() -> Update:
    return update(jobs).where(_still_held())


@cache
def _untried() -> Update:
    fewer = case((jobs.c.attempts > 0, jobs.c.attempts - 1), else_=0)
    return _change_held().values(attempts=fewer)


@cache
def _remove_held() -> Delete:
    return delete(jobs).where(_still_held())
