"""Turns: stored with their messages, chunks, index rows and jobs in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, bindparam, select
from sqlalchemy.exc import IntegrityError

from hmlr.errors import Conflict, InvalidInput, NotFound
from hmlr.language.json_texts import texts_in
from hmlr.language.needles import Needles
from hmlr.records import JobKind, MessageId, StoredMessage, Turn, TurnId, UserId
from hmlr.store.records import AddedTurn, Lease, NewMessage, NewTurn, TurnQuery
from hmlr.store.schema import jobs, messages, turn_blocks, turns
from hmlr.store.sqlite_index import ChunkValues, add_chunks, chunk_values
from hmlr.store.sqlite_jobs import job_values, restart_jobs
from hmlr.store.sqlite_rows import (
    among,
    change_user,
    digest,
    ensure_user,
    given,
    into,
    last_numbers,
    listed,
    mine,
    select_messages,
    stored_message,
)

# Rows read at a time: a list of all of them would make the garbage collector hold up every thread.
_PAGE = 500
_Said = tuple[int, str, str | None, str]  # position, role, speaker, digest: what a repeat must equal


@dataclass
class _Batch:
    """The rows that one call adds, gathered so that each table is written once."""

    user: UserId
    message_no: int  # the last one given out
    job_id: int = 0  # the last one given out
    erasures: int = 0  # of the user so far
    turns: list[dict[str, object]] = field(default_factory=list)
    messages: list[dict[str, object]] = field(default_factory=list)
    chunks: list[ChunkValues] = field(default_factory=list)
    jobs: list[dict[str, object]] = field(default_factory=list)

    def add_turn(self, turn: NewTurn, seq: int) -> AddedTurn:
        if not turn.messages:
            raise InvalidInput("a turn must have a message")
        first = turn.messages[0]
        self.turns.append(
            {
                "user_id": self.user,
                "turn_id": turn.turn_id,
                "seq": seq,
                "session_id": turn.session_id,
                "occurred_at": first.occurred_at,
                "recorded_at": first.recorded_at,
                "idempotency_key": turn.idempotency_key,
            }
        )
        for message in turn.messages:
            self.add_message(turn.turn_id, message)
        leases = {kind: self._add_job(turn, seq, kind) for kind in dict.fromkeys((*turn.jobs, *turn.held))}
        held = tuple(lease for kind in turn.held if (lease := leases[kind]))
        return AddedTurn(turn_id=turn.turn_id, seq=seq, created=True, leases=held, erasures=self.erasures)

    def add_message(self, turn_id: TurnId, message: NewMessage) -> None:
        self.message_no += 1
        self.messages.append(message_values(self.user, turn_id, self.message_no, message))
        self.chunks += chunk_values(self.user, self.message_no, message.chunks, echo=message.echo)

    def _add_job(self, turn: NewTurn, seq: int, kind: JobKind) -> Lease | None:
        self.job_id += 1
        holds = (turn.messages[0].recorded_at, turn.hold_s) if kind in turn.held else None
        values = job_values(self.user, kind, turn.turn_id, seq, holds=holds) | {"job_id": self.job_id}
        self.jobs.append(values)
        if holds is None:
            return None
        return Lease(
            job_id=self.job_id, kind=kind, turn_id=turn.turn_id, token=str(values["token"]), attempts=1
        )

    def write(self, connection: Connection, user_no: int) -> None:
        try:
            _insert(connection, turns, self.turns)
        except IntegrityError as error:
            raise InvalidInput(
                "a turn with this id is stored already", hint="Give every turn a new id"
            ) from error
        _insert(connection, messages, self.messages)
        add_chunks(connection, user_no, self.chunks)
        _insert(connection, jobs, self.jobs)


def add_turns(connection: Connection, user: UserId, new: Sequence[NewTurn]) -> list[AddedTurn]:
    """See TurnStore.add_turns."""
    owner = ensure_user(connection, user)
    known = _known_keys(connection, user, new, owner.erasures)
    last = last_numbers(connection)
    batch = _Batch(
        user=user, message_no=last.get("messages", 0), job_id=last.get("jobs", 0), erasures=owner.erasures
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
    batch.write(connection, owner.user_no)
    change_user(connection, user, last_seq=seq)
    return added


def add_reply(
    connection: Connection,
    user: UserId,
    turn_id: TurnId,
    reply: NewMessage,
    *,
    kinds: Sequence[JobKind],
    erasures: int | None,
) -> None:
    """See TurnStore.add_reply."""
    if connection.execute(_turn_there(), {"user": user, "turn": turn_id}).one_or_none() is None:
        raise NotFound(f"there is no turn {turn_id}", hint="It was forgotten, or was never stored")
    owner = ensure_user(connection, user)
    if erasures is not None and owner.erasures != erasures:
        raise Conflict("something was forgotten while the reply was written, and the reply may repeat it")
    batch = _Batch(user=user, message_no=last_numbers(connection).get("messages", 0))
    batch.add_message(turn_id, reply)
    try:
        batch.write(connection, owner.user_no)
    except IntegrityError as error:
        raise Conflict(f"turn {turn_id} has a reply already") from error
    for kind in kinds:
        restart_jobs(connection, user, kind, [turn_id])


@cache
def _turn_there() -> Select[Any]:
    return select(turns.c.seq).where(mine(turns), turns.c.turn_id == bindparam("turn"))


def read_turns(connection: Connection, user: UserId, query: TurnQuery) -> list[Turn]:
    """See TurnStore.turns."""
    asked = given(query)
    newest = asked.pop("newest")
    matching = connection.execute(_matching(frozenset(asked), newest=newest), {"user": user, **asked})
    found: list[Turn] = []
    for rows in matching.partitions(_PAGE):
        found += _with_messages(connection, user, rows)
    return found


def _with_messages(connection: Connection, user: UserId, rows: Sequence[Row[Any]]) -> list[Turn]:
    said: dict[str, list[StoredMessage]] = defaultdict(list)
    turn_ids = [row.turn_id for row in rows]
    for row in connection.execute(_said_in(), {"user": user, "turns": turn_ids}):
        said[row.turn_id].append(stored_message(row))
    return [_turn(row, said[row.turn_id]) for row in rows]


@cache
def _said_in() -> Select[Any]:
    said = select_messages(mine(messages), listed(messages.c.turn_id, "turns"))
    return said.order_by(messages.c.message_no)


def messages_containing(connection: Connection, user: UserId, needles: Sequence[str]) -> list[StoredMessage]:
    """See CareStore.messages_containing."""
    wanted = Needles(needles)
    if not wanted:
        return []
    # In Python, since SQLite folds the case of ASCII alone.
    said = (messages.c.message_no, messages.c.content, messages.c.speaker, messages.c.metadata)
    numbers = [
        number
        for rows in connection.execute(select(*said).where(messages.c.user_id == user)).partitions(_PAGE)
        for number, content, speaker, metadata in rows
        if any(map(wanted.stand_in, (content, speaker or "", *texts_in(metadata))))
    ]
    found = select_messages(messages.c.user_id == user, among(messages.c.message_no, numbers))
    return [stored_message(row) for row in connection.execute(found.order_by(messages.c.message_no))]


def message_values(user: UserId, turn_id: TurnId, message_no: int, message: NewMessage) -> dict[str, object]:
    """The row of a message."""
    return {
        "message_no": message_no,
        "user_id": user,
        "turn_id": turn_id,
        "position": message.position,
        "message_id": message_id(turn_id, message.position),
        "role": message.role,
        "speaker": message.speaker,
        "speaker_key": None if message.speaker is None else message.speaker.casefold(),
        "content": message.content,
        "occurred_at": message.occurred_at,
        "recorded_at": message.recorded_at,
        "metadata": dict(message.metadata),
        "owner": message.owner,
        "echo": message.echo,
        "sha256": digest(message.content),
    }


def message_id(turn_id: str, position: int) -> MessageId:
    """The id of the message at a position of a turn."""
    return MessageId(f"{turn_id}/{position}")


def _insert(connection: Connection, table: Table, rows: list[dict[str, object]]) -> None:
    if rows:
        connection.execute(into(table), rows)


def _known_keys(
    connection: Connection, user: UserId, new: Iterable[NewTurn], erasures: int
) -> dict[str, tuple[AddedTurn, set[_Said]]]:
    """Turns that were stored under the keys before, with what was said in them."""
    keys = [turn.idempotency_key for turn in new if turn.idempotency_key is not None]
    if not keys:
        return {}
    # Two steps: joined, SQLite walks through all of the user's messages and looks each one's turn up.
    under = select(turns.c.turn_id, turns.c.seq, turns.c.idempotency_key).where(
        turns.c.user_id == user, among(turns.c.idempotency_key, keys)
    )
    stored = {row.turn_id: row for row in connection.execute(under)}
    columns = (messages.c.position, messages.c.role, messages.c.speaker, messages.c.sha256)
    rows = select(messages.c.turn_id, *columns).where(
        messages.c.user_id == user, among(messages.c.turn_id, list(stored))
    )
    known: dict[str, tuple[AddedTurn, set[_Said]]] = {}
    for turn_id, *said in connection.execute(rows) if stored else ():
        row = stored[turn_id]
        answer = AddedTurn(turn_id=turn_id, seq=row.seq, created=False, leases=(), erasures=erasures)
        known.setdefault(row.idempotency_key, (answer, set()))[1].add((said[0], said[1], said[2], said[3]))
    return known


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
        "since": turns.c.occurred_at >= bindparam("since"),
        "until": turns.c.occurred_at < bindparam("until"),
        "after_seq": turns.c.seq > bindparam("after_seq"),
        "before_seq": turns.c.seq < bindparam("before_seq"),
    }


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
