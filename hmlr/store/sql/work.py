"""What is left to do, over all users: whom workers should look at."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from typing import Any, get_args

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    distinct,
    exists,
    func,
    literal,
    or_,
    select,
    type_coerce,
)

from hmlr.records import JobKind, Queue, UserId
from hmlr.store.columns import from_micros, to_micros
from hmlr.store.records import UsersLeft
from hmlr.store.schema import (
    blocks,
    dossier_entries,
    fact_events,
    facts,
    garden_runs,
    jobs,
    turn_blocks,
    turns,
    users,
)
from hmlr.store.sql.rows import mine

# Jobs of turns that are younger are left to the process that stored them: it is at them.
_SETTLED_S = 10.0
_REPORTED = ("created", "superseded", "invalidated", "restored")  # changes of a fact that dossiers tell


def users_left(connection: Connection, queue: Queue, now: datetime) -> list[UserId]:
    """See WorkStore.users_left."""
    asked = {"now": to_micros(now), "settled": now - timedelta(seconds=_SETTLED_S)}
    queries = (_to_learn,) if queue == "learn" else (_unfinished, _changed)
    return sorted(
        {UserId(user) for query in queries for user in connection.execute(query(), asked).scalars()}
    )


@cache
def _to_learn() -> Select[Any]:
    """Users with a learning job that is due, of a turn that is not quite new.

    The oldest such job of each kind answers for all of them: neither one user's backlog of an import nor
    users without jobs cost anything.
    """
    found = _with_jobs()
    settled = bindparam("settled", type_=turns.c.recorded_at.type)
    kinds = [kind for kind in get_args(JobKind) if kind != "garden"]
    oldest = [_recorded(found, kind, free) for free in (_due(), _lost()) for kind in kinds]
    return select(found.c.user_id).where(or_(*(recorded_at <= settled for recorded_at in oldest)))


def _with_jobs() -> CTE:
    """Users with jobs, one by one by the index: DISTINCT would read all jobs. The last row is NULL."""
    found = select(func.min(jobs.c.user_id).label("user_id")).cte("found", recursive=True)
    following = select(func.min(jobs.c.user_id)).where(jobs.c.user_id > found.c.user_id).correlate(found)
    return found.union_all(select(following.scalar_subquery()).where(found.c.user_id.is_not(None)))


def _recorded(found: CTE, kind: JobKind, free: ColumnElement[bool]) -> ColumnElement[Any]:
    """When the turn of a user's oldest free job of a kind was stored.

    An index has the jobs in this order. The turn is asked for within: a join might read all of them.
    """
    turn = and_(turns.c.user_id == jobs.c.user_id, turns.c.turn_id == jobs.c.turn_id)
    recorded_at = select(turns.c.recorded_at).where(turn).correlate(jobs).scalar_subquery()
    of_kind = select(recorded_at).where(jobs.c.user_id == found.c.user_id, jobs.c.kind == kind, free)
    return of_kind.order_by(jobs.c.seq).limit(1).correlate(found).scalar_subquery()


@cache
def _unfinished() -> Select[Any]:
    """Users with a finished block that neither backs off nor is parked nor in somebody's hands."""
    last_turn = and_(turns.c.user_id == blocks.c.user_id, turns.c.seq == blocks.c.last_seq)
    kept = exists().where(
        jobs.c.user_id == turns.c.user_id,
        jobs.c.turn_id == turns.c.turn_id,
        jobs.c.kind == "garden",
        ~_free(),
    )
    return select(blocks.c.user_id).distinct().join(turns, last_turn).where(blocks.c.state == "PAUSED", ~kept)


@cache
def _changed() -> Select[Any]:
    """Users whose latest change of a fact came after their last run, or is a fact that has no dossier yet
    though its topic is gardened: it bears the time of its turn, so that one learned late looks older.

    None of a topic that goes on. One fact a user is looked at: whatever else has changed is found with it,
    or with the topic that goes on.
    """
    # Not the user's own version: it is that of no fact after one was forgotten.
    other = facts.alias()
    version = select(func.max(other.c.version)).where(other.c.user_id == users.c.user_id).correlate(users)
    latest = and_(facts.c.user_id == users.c.user_id, facts.c.version == version.scalar_subquery())
    last_run = select(func.max(garden_runs.c.started_at)).where(
        garden_runs.c.user_id == users.c.user_id, garden_runs.c.undone_at.is_(None)
    )
    of_fact = and_(fact_events.c.user_id == facts.c.user_id, fact_events.c.fact_id == facts.c.fact_id)
    at = select(func.max(fact_events.c.recorded_at)).where(of_fact, fact_events.c.change.in_(_REPORTED))
    placed = exists().where(
        dossier_entries.c.user_id == facts.c.user_id, dossier_entries.c.fact_id == facts.c.fact_id
    )
    in_topic = and_(turn_blocks.c.user_id == blocks.c.user_id, turn_blocks.c.block_id == blocks.c.block_id)
    of_turn = and_(turn_blocks.c.user_id == facts.c.user_id, turn_blocks.c.turn_id == facts.c.turn_id)
    state = func.coalesce(
        select(blocks.c.state).join(turn_blocks, in_topic).where(of_turn).scalar_subquery(), ""
    )
    last = and_(turns.c.user_id == blocks.c.user_id, turns.c.seq == blocks.c.last_seq)
    last_turn = select(turns.c.turn_id).join(blocks, last).join(turn_blocks, in_topic).where(of_turn)
    stands_for_it = or_(
        jobs.c.turn_id == facts.c.turn_id,
        and_(jobs.c.kind == "garden", jobs.c.turn_id == last_turn.correlate(facts).scalar_subquery()),
    )
    at_work = exists().where(
        jobs.c.user_id == facts.c.user_id,
        stands_for_it,
        or_(jobs.c.kind == "route", and_(jobs.c.kind == "garden", ~_free())),
    )
    since: ColumnElement[Any] = func.coalesce(last_run.scalar_subquery(), literal(0, BigInteger))
    newer = type_coerce(at.scalar_subquery(), BigInteger) > type_coerce(since, BigInteger)
    return (
        select(users.c.user_id)
        .join(facts, latest)
        .where(or_(newer, and_(state == "GARDENED", ~placed)), state != "ACTIVE", ~at_work)
    )


def users_stalled(connection: Connection, queue: Queue, now: datetime) -> list[UserId]:
    """See WorkStore.users_stalled."""
    found = connection.execute(_stalled(queue), {"now": to_micros(now)}).scalars()
    return [UserId(user) for user in found]


@cache
def _stalled(queue: Queue) -> Select[Any]:
    over = and_(jobs.c.state == "leased", jobs.c.lease_until <= bindparam("now"))
    return select(jobs.c.user_id).distinct().where(_of(queue), over)


def next_due(connection: Connection, user: UserId, queue: Queue) -> datetime | None:
    """See WorkStore.next_due."""
    due = connection.execute(_next_due(queue), {"user": user}).scalar()
    return None if due is None else from_micros(due)


@cache
def _next_due(queue: Queue) -> Select[Any]:
    at = case((jobs.c.state == "leased", jobs.c.lease_until), else_=jobs.c.due_at)
    return select(func.min(at)).where(mine(jobs), _of(queue), jobs.c.state != "failed")


def work_left(connection: Connection, now: datetime) -> dict[Queue, UsersLeft]:
    """See WorkStore.work_left."""
    asked = {"now": to_micros(now)}
    found: dict[Queue, UsersLeft] = {}
    for queue in _queues():
        row = connection.execute(_states(queue), asked).one()
        found[queue] = UsersLeft(
            waiting=len(users_left(connection, queue, now)),
            running=row.running,
            failed=row.failed,
            stalled=row.stalled,
        )
    return found


def _queues() -> Iterable[Queue]:
    return ("learn", "garden")


@cache
def _states(queue: Queue) -> Select[Any]:
    leased = jobs.c.state == "leased"
    alive = jobs.c.lease_until > bindparam("now")

    def users_with(*state: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count(distinct(case((and_(*state), jobs.c.user_id))))

    columns: list[ColumnElement[Any]] = [
        users_with(leased, alive).label("running"),
        users_with(jobs.c.state == "failed").label("failed"),
        users_with(leased, ~alive).label("stalled"),
    ]
    return select(*columns).where(_of(queue))


def _of(queue: Queue) -> ColumnElement[bool]:
    return _learning() if queue == "learn" else jobs.c.kind == "garden"


def _learning() -> ColumnElement[bool]:
    return jobs.c.kind != "garden"


def _free() -> ColumnElement[bool]:
    """Jobs that anybody may take now."""
    return or_(_due(), _lost())


def _due() -> ColumnElement[bool]:
    return and_(jobs.c.state == "pending", jobs.c.due_at <= bindparam("now"))


def _lost() -> ColumnElement[bool]:
    """Jobs of somebody who has ended, or sleeps."""
    return and_(jobs.c.state == "leased", jobs.c.lease_until <= bindparam("now"))
