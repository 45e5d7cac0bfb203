"""The rows of new turns: gathered first, then written table by table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection, Table
from sqlalchemy.exc import IntegrityError

from hmlr.errors import InvalidInput
from hmlr.records import JobKind, MessageId, TurnId, UserId
from hmlr.store.records import AddedTurn, Lease, NewMessage, NewTurn
from hmlr.store.schema import jobs, messages, turns
from hmlr.store.sql.index import ChunkValues, add_chunks, chunk_values
from hmlr.store.sql.jobs import job_values
from hmlr.store.sql.rows import digest, into


@dataclass
class Batch:
    """The rows that one call adds, gathered so that each table is written once."""

    user: UserId
    user_no: int
    message_nos: Iterator[int]
    job_ids: Iterator[int] = field(default_factory=lambda: iter(()))
    erasures: int = 0  # of the user so far
    turns: list[dict[str, object]] = field(default_factory=list)
    messages: list[dict[str, object]] = field(default_factory=list)
    chunks: list[ChunkValues] = field(default_factory=list)
    jobs: list[dict[str, object]] = field(default_factory=list)

    def add_turn(self, turn: NewTurn, seq: int) -> AddedTurn:
        """Take a turn with all that hangs on it. InvalidInput for one without a message."""
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
        leases = {kind: self._add_job(turn, seq, kind) for kind in kinds(turn)}
        held = tuple(lease for kind in turn.held if (lease := leases[kind]))
        return AddedTurn(turn_id=turn.turn_id, seq=seq, created=True, leases=held, erasures=self.erasures)

    def add_message(self, turn_id: TurnId, message: NewMessage) -> None:
        """Take a message with its chunks."""
        number = next(self.message_nos)
        self.messages.append(_message_values(self.user, turn_id, number, message))
        self.chunks += chunk_values(self.user_no, number, message.chunks, echo=message.echo)

    def _add_job(self, turn: NewTurn, seq: int, kind: JobKind) -> Lease | None:
        number = next(self.job_ids)
        holds = (turn.messages[0].recorded_at, turn.hold_s) if kind in turn.held else None
        values = job_values(self.user, kind, turn.turn_id, seq, holds=holds) | {"job_id": number}
        self.jobs.append(values)
        if holds is None:
            return None
        return Lease(job_id=number, kind=kind, turn_id=turn.turn_id, token=str(values["token"]), attempts=1)

    def write(self, connection: Connection) -> None:
        """Store what was taken. InvalidInput for a turn id that is there; IntegrityError for a message."""
        try:
            _insert(connection, turns, self.turns)
        except IntegrityError as error:
            raise InvalidInput(
                "a turn with this id is stored already", hint="Give every turn a new id"
            ) from error
        _insert(connection, messages, self.messages)
        add_chunks(connection, self.chunks)
        _insert(connection, jobs, self.jobs)


def _message_values(user: UserId, turn_id: TurnId, message_no: int, message: NewMessage) -> dict[str, object]:
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


def kinds(turn: NewTurn) -> list[JobKind]:
    """The jobs that come with a turn."""
    return list(dict.fromkeys((*turn.jobs, *turn.held)))


def message_id(turn_id: str, position: int) -> MessageId:
    """The id of the message at a position of a turn."""
    return MessageId(f"{turn_id}/{position}")


def _insert(connection: Connection, table: Table, rows: list[dict[str, object]]) -> None:
    if rows:
        connection.execute(into(table), rows)
