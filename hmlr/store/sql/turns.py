"""Turns: stored with their messages, chunks, index rows and jobs in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.exc import IntegrityError

from hmlr.errors import Conflict, InvalidInput, NotFound
from hmlr.language.json_texts import texts_in
from hmlr.language.needles import Needles
from hmlr.records import JobKind, StoredMessage, Turn, TurnId, UserId
from hmlr.store.records import AddedTurn, DayCount, NewMessage, NewTurn, TurnQuery
from hmlr.store.schema import messages, turn_blocks, turns, users
from hmlr.store.sql.batch import Batch, kinds
from hmlr.store.sql.jobs import restart_jobs
from hmlr.store.sql.rows import (
    among,
    by_speaker,
    change_user,
    digest,
    ensure_user,
    given,
    in_pages,
    listed,
    mine,
    select_messages,
    stored_message,
)
from hmlr.store.sql.special import special

# Rows read at a time: a list of all of them would make the garbage collector hold up every thread.
_PAGE = 500
_DAY: ColumnElement[int] = literal_column("86400000000", BigInteger)
_EARLIEST, _LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_Said = tuple[int, str, str | None, str]  # position, role, speaker, digest: what a repeat must equal


def add_turns(connection: Connection, user: UserId, new: Sequence[NewTurn]) -> list[AddedTurn]:
    """See TurnStore.add_turns."""
    owner = ensure_user(connection, user)
    known = _known_keys(connection, user, new, owner.erasures)
    # For all of them: which are known already shows on the way.
    counts = {
        "messages": sum(len(turn.messages) for turn in new),
        "jobs": sum(len(kinds(turn)) for turn in new),
    }
    numbers = special(connection).take_numbers(connection, counts)
    batch = Batch(
        user=user,
        user_no=owner.user_no,
        message_nos=numbers["messages"],
        job_ids=numbers["jobs"],
        erasures=owner.erasures,
    )
    seq = owner.last_seq
    added: list[AddedTurn] = []
    for turn in new:
        key = turn.idempotency_key
        if key is not None and key in known:
            stored, said = known[key]
            _require_same(turn, said)
            added.append(stored)
            continue
        seq += 1
        answer = batch.add_turn(turn, seq)
        added.append(answer)
        if key is not None:
            known[key] = (
                replace(answer, created=False, leases=()),
                {_said(message) for message in turn.messages},
            )
    batch.write(connection)
    change_user(connection, user, last_seq=seq)
    return added


def add_reply(
    connection: Connection,
    user: UserId,
    turn_id: TurnId,
    reply: NewMessage,
    *,
    jobs: Sequence[JobKind],
    erasures: int | None,
) -> None:
    """See TurnStore.add_reply."""
    owner = connection.execute(_owner_of(), {"user": user, "turn": turn_id}).one_or_none()
    if owner is None:
        raise NotFound(f"there is no turn {turn_id}", hint="It was forgotten, or was never stored")
    if erasures is not None and owner.erasures != erasures:
        raise Conflict("something was forgotten while the reply was written, and the reply may repeat it")
    numbers = special(connection).take_numbers(connection, {"messages": 1})
    batch = Batch(user=user, user_no=owner.user_no, message_nos=numbers["messages"])
    batch.add_message(turn_id, reply)
    try:
        batch.write(connection)
    except IntegrityError as error:
        raise Conflict(f"turn {turn_id} has a reply already") from error
    for kind in jobs:
        restart_jobs(connection, user, kind, [turn_id])


@cache
def _owner_of() -> Select[Any]:
    """The user, if the turn is there."""
    found = select(users.c.user_no, users.c.erasures).join(turns, turns.c.user_id == users.c.user_id)
    return found.where(mine(users), mine(turns), turns.c.turn_id == bindparam("turn"))


def read_turns(connection: Connection, user: UserId, query: TurnQuery) -> list[Turn]:
    """See TurnStore.turns."""
    asked = by_speaker(given(query))
    newest = asked.pop("newest")
    matching = connection.execute(_matching(frozenset(asked), newest=newest), {"user": user, **asked})
    found: list[Turn] = []
    for rows in matching.partitions(_PAGE):
        found += _with_messages(connection, user, rows)
    return found


def _with_messages(connection: Connection, user: UserId, rows: Sequence[Row[Any]]) -> list[Turn]:
    said: dict[str, list[StoredMessage]] = defaultdict(list)
    turn_ids = [row.turn_id for row in rows]
    for row in connection.execute(_said_in(), {"user": user, "turns": turn_ids}).all():
        said[row.turn_id].append(stored_message(row))
    return [_turn(row, said[row.turn_id]) for row in rows]


@cache
def _said_in() -> Select[Any]:
    said = select_messages(mine(messages), listed(messages.c.turn_id, "turns"))
    return said.order_by(messages.c.message_no)


def read_days(
    connection: Connection, user: UserId, since: datetime | None, until: datetime | None
) -> list[DayCount]:
    """See TurnStore.day_counts."""
    bounds = {"since": since or _EARLIEST, "until": until or _LATEST}
    rows = connection.execute(_day_counts(), {"user": user, **bounds})
    return [DayCount(**row) for row in rows.mappings()]


@cache
def _day_counts() -> Select[Any]:
    # Microseconds since 1970 to whole days, rounded down before 1970 as well: SQL's division rounds to 0.
    at = type_coerce(turns.c.occurred_at, BigInteger)
    rest = (at % _DAY + _DAY) % _DAY
    day = ((at - rest) // _DAY).label("day")
    first = func.min(turns.c.occurred_at).label("started_at")
    found = select(
        day,
        turn_blocks.c.block_id,
        turns.c.session_id,
        func.count().label("turns"),
        first,
        func.max(turns.c.occurred_at).label("last_at"),
    )
    same = and_(turn_blocks.c.user_id == turns.c.user_id, turn_blocks.c.turn_id == turns.c.turn_id)
    found = found.select_from(turns.outerjoin(turn_blocks, same)).where(
        mine(turns),
        turns.c.occurred_at >= bindparam("since"),
        turns.c.occurred_at < bindparam("until"),
    )
    return found.group_by(day, turn_blocks.c.block_id, turns.c.session_id).order_by(day, first)


def messages_containing(connection: Connection, user: UserId, needles: Sequence[str]) -> list[StoredMessage]:
    """See CareStore.messages_containing."""
    wanted = Needles(needles)
    if not wanted:
        return []
    # In Python, since SQLite folds the case of ASCII alone.
    said = (messages.c.message_no, messages.c.content, messages.c.speaker, messages.c.metadata)
    numbers = [
        number
        for number, content, speaker, metadata in in_pages(
            connection, select(*said).where(messages.c.user_id == user)
        )
        if any(map(wanted.stand_in, (content, speaker or "", *texts_in(metadata))))
    ]
    found = select_messages(messages.c.user_id == user, among(messages.c.message_no, numbers))
    return [stored_message(row) for row in connection.execute(found.order_by(messages.c.message_no))]


def _known_keys(
    connection: Connection, user: UserId, new: Iterable[NewTurn], erasures: int
) -> dict[str, tuple[AddedTurn, set[_Said]]]:
    """Turns that were stored under the keys before, with what was said in them."""
    keys = [turn.idempotency_key for turn in new if turn.idempotency_key is not None]
    if not keys:
        return {}
    # Two steps: joined, SQLite walks through all of the user's messages and looks each one's turn up.
    stored = {row.turn_id: row for row in connection.execute(_under(), {"user": user, "keys": keys})}
    if not stored:
        return {}
    known: dict[str, tuple[AddedTurn, set[_Said]]] = {}
    for turn_id, *said in connection.execute(_said_before(), {"user": user, "turns": list(stored)}):
        row = stored[turn_id]
        answer = AddedTurn(turn_id=turn_id, seq=row.seq, created=False, leases=(), erasures=erasures)
        known.setdefault(row.idempotency_key, (answer, set()))[1].add((said[0], said[1], said[2], said[3]))
    return known


@cache
def _under() -> Select[Any]:
    """The turns that were stored under the keys."""
    found = select(turns.c.turn_id, turns.c.seq, turns.c.idempotency_key)
    return found.where(mine(turns), listed(turns.c.idempotency_key, "keys"))


@cache
def _said_before() -> Select[Any]:
    """What a repeat is compared with."""
    columns = (messages.c.position, messages.c.role, messages.c.speaker, messages.c.sha256)
    found = select(messages.c.turn_id, *columns)
    return found.where(mine(messages), listed(messages.c.turn_id, "turns"))


def _require_same(turn: NewTurn, stored: set[_Said]) -> None:
    """A repeat says what was said first; a reply that came since is no difference."""
    if not {_said(message) for message in turn.messages} <= stored:
        raise InvalidInput(
            f"the idempotency key {turn.idempotency_key!r} was used for other content",
            hint="Use a new key for a new message",
        )


def _said(message: NewMessage) -> _Said:
    return (message.position, message.role, message.speaker, digest(message.content))


@cache
def _matching(asked: frozenset[str], *, newest: bool) -> Select[Any]:
    """The turns under these conditions of a TurnQuery."""
    of_turn = (turn_blocks.c.user_id == turns.c.user_id) & (turn_blocks.c.turn_id == turns.c.turn_id)
    found = select(turns, turn_blocks.c.block_id).outerjoin(turn_blocks, of_turn).where(mine(turns))
    found = found.where(*(made for name, made in _conditions().items() if name in asked))
    # Few turns are sorted; by the bare number SQLite would walk through all of the user's turns for them.
    few = "turn_ids" in asked or "block_id" in asked
    seq = turns.c.seq + 0 if few else turns.c.seq
    found = found.order_by(seq.desc() if newest else seq)
    return found.limit(bindparam("limit")) if "limit" in asked else found


def _conditions() -> dict[str, ColumnElement[bool]]:
    return {
        "turn_ids": listed(turns.c.turn_id, "turn_ids"),
        "session_id": turns.c.session_id == bindparam("session_id"),
        "block_id": turn_blocks.c.block_id == bindparam("block_id"),
        "speaker": _opened(messages.c.speaker_key == bindparam("speaker")),
        "role": _opened(and_(messages.c.speaker.is_(None), messages.c.role == bindparam("role"))),
        "since": turns.c.occurred_at >= bindparam("since"),
        "until": turns.c.occurred_at < bindparam("until"),
        "after_seq": turns.c.seq > bindparam("after_seq"),
        "before_seq": turns.c.seq < bindparam("before_seq"),
    }


def _opened(by: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether the turn's first message is one of these."""
    first = and_(messages.c.user_id == turns.c.user_id, messages.c.turn_id == turns.c.turn_id)
    return select(messages.c.message_no).where(first, messages.c.position == 0, by).exists()


def _turn(row: Row[Any], said: Sequence[StoredMessage]) -> Turn:
    return Turn(
        turn_id=row.turn_id,
        seq=row.seq,
        session_id=row.session_id,
        block_id=row.block_id,
        occurred_at=row.occurred_at,
        recorded_at=row.recorded_at,
        messages=tuple(said),
    )
