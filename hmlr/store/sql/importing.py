"""Taking exported records: all or none, those present already are left."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from hmlr.errors import InvalidInput
from hmlr.records import UserId
from hmlr.store.columns import to_json
from hmlr.store.edit_rules import fact_of
from hmlr.store.garden_records import RENAME_DOSSIER
from hmlr.store.port import ExportRecord
from hmlr.store.records import NewChunk
from hmlr.store.schema import (
    blocks,
    edits,
    fact_events,
    facts,
    messages,
    tombstones,
    turn_blocks,
    turns,
    users,
)
from hmlr.store.slicing import Slicer
from hmlr.store.sql.batch import message_id
from hmlr.store.sql.blocks import EMPTY, recount
from hmlr.store.sql.export import KINDS, from_record
from hmlr.store.sql.garden_import import import_garden
from hmlr.store.sql.index import add_chunks, chunk_values
from hmlr.store.sql.jobs import add_jobs
from hmlr.store.sql.rows import bump_facts, digest, ensure_user
from hmlr.store.sql.special import special

Values = dict[str, Any]
# Rows written at a time: all of them at once would make the garbage collector hold up every thread.
_PAGE = 500
_BARE: Values = {"label": "conversation", "summary": "", "keywords": [], "open_loops": [], "decisions": []}


@dataclass
class Parcel:
    """Checked records by type, with the chunks of the messages: everything but database work is done."""

    rows: dict[str, list[Values]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    pieces: list[Sequence[NewChunk]] = field(default_factory=list)  # parallel to rows["message"]


def unpack(records: Sequence[ExportRecord], slicer: Slicer) -> Parcel:
    """Check the records and cut the messages; InvalidInput names the first bad record."""
    parcel = Parcel()
    for number, record in enumerate(records, start=1):
        kind, values = from_record(record, number)
        parcel.rows[kind].append(values)
        if kind == "message":
            parcel.pieces.append(slicer(values["content"]))
    return parcel


def import_parcel(connection: Connection, user: UserId, parcel: Parcel) -> int:
    """See CareStore.import_records."""
    try:
        return _import(connection, user, parcel)
    except IntegrityError as error:
        raise InvalidInput("a record stands twice in the file, or lacks what it refers to") from error


def _import(connection: Connection, user: UserId, parcel: Parcel) -> int:
    taker = _Taker(connection, user, bump_facts(connection, user))
    rows = parcel.rows
    return sum(
        (
            taker.turns(rows["turn"], rows["tombstone"]),
            taker.messages(rows["message"], parcel.pieces),
            taker.blocks(rows["block"], rows["turn_block"]),
            taker.facts(rows["fact"], rows["fact_event"]),
            import_garden(connection, user, rows),
            taker.edits(rows["edit"], rows["dossier_entry"]),
            taker.tombstones(rows["tombstone"]),
        )
    )


class _Taker:
    """Adds the rows of one user, one table after another."""

    def __init__(self, connection: Connection, user: UserId, fact_version: int) -> None:
        self._connection = connection
        self._user = user
        self._fact_version = fact_version
        self._owner = ensure_user(connection, user)
        self._seqs: dict[str, int] = {}  # of every turn there is now
        # Turns of the file that are not taken: here under another id, or forgotten here.
        self._left_out: set[str] = set()
        self._buried: set[str] = set()  # ids of what was forgotten here
        self._said: dict[tuple[str, str], str] = {}  # by turn and message, once facts are taken

    def turns(self, rows: list[Values], graves: list[Values]) -> int:
        """A turn keeps its number when that lies ahead, else it gets the next one."""
        stored = self._connection.execute(
            select(turns.c.turn_id, turns.c.seq, turns.c.idempotency_key).where(turns.c.user_id == self._user)
        ).all()
        self._seqs = {row.turn_id: row.seq for row in stored}
        keys = {row.idempotency_key for row in stored} - {None}
        forgotten = self._read_tombstones()
        last, new = self._owner.last_seq, []
        for row in sorted(rows, key=lambda row: int(row["seq"])):
            if row["turn_id"] in self._seqs:
                continue
            if row["turn_id"] in self._buried or any(
                first <= row["seq"] <= last for first, last in forgotten.get(row["session_id"], ())
            ):
                self._buried.add(row["turn_id"])
                self._left_out.add(row["turn_id"])
                continue
            if row["idempotency_key"] in keys:
                self._left_out.add(row["turn_id"])
                continue
            last = max(last + 1, row["seq"])
            self._seqs[row["turn_id"]] = last
            keys |= {row["idempotency_key"]} - {None}
            new.append({**row, "seq": last})
        buried = [pair[-1] for grave in graves for pair in grave["turn_seqs"]]
        self._connection.execute(
            update(users).where(users.c.user_id == self._user).values(last_seq=max([last, *buried]))
        )
        return self._add(turns, new)

    def _read_tombstones(self) -> dict[str, list[tuple[int, int]]]:
        """Note what was forgotten here; the numbers of forgotten turns by session, from first to last.

        After forgetting everything an import is a new start, so that leaves nothing out.
        """
        mine = select(tombstones).where(tombstones.c.user_id == self._user)
        sessions: dict[str, list[tuple[int, int]]] = {}
        for grave in self._connection.execute(mine).mappings():
            if grave["scope"] == "session":
                sessions.setdefault(grave["target"], []).extend(grave["turn_seqs"])
            elif grave["scope"] != "everything":
                self._buried.add(grave["target"])
        return sessions

    def messages(self, rows: list[Values], pieces: list[Sequence[NewChunk]]) -> int:
        """Messages come with their chunks and a job to embed them."""
        here = self._present(messages, ("turn_id", "position"))
        new: list[tuple[Values, Sequence[NewChunk]]] = []
        for row, slices in zip(rows, pieces, strict=True):
            place = (row["turn_id"], row["position"])
            if place in here or not self._belongs("message", row["turn_id"]):
                continue
            here.add(place)
            new.append((row, slices))
        for start in range(0, len(new), _PAGE):
            self._write_messages(new[start : start + _PAGE])
        touched = dict.fromkeys(row["turn_id"] for row, _ in new if not row["echo"])
        add_jobs(self._connection, self._user, "embed", list(touched))
        return len(new)

    def _write_messages(self, new: Sequence[tuple[Values, Sequence[NewChunk]]]) -> None:
        taken = special(self._connection).take_numbers(self._connection, {"messages": len(new)})
        numbered = list(zip(taken["messages"], new, strict=False))
        self._add(messages, [self._message(row, number) for number, (row, _) in numbered])
        cut = [
            values
            for number, (row, slices) in numbered
            for values in chunk_values(self._owner.user_no, number, slices, echo=row["echo"])
        ]
        add_chunks(self._connection, cut)

    def _message(self, row: Values, number: int) -> Values:
        speaker = row["speaker"]
        return {
            **row,
            "message_no": number,
            "message_id": message_id(row["turn_id"], row["position"]),
            "speaker_key": None if speaker is None else speaker.casefold(),
            "sha256": digest(row["content"]),
        }

    def blocks(self, rows: list[Values], places: list[Values]) -> int:
        """Blocks and which turn is in which; a turn that is in one stays there."""
        here = {block_id for (block_id,) in self._present(blocks, ("block_id",))}
        known = here | {row["block_id"] for row in rows}
        for place in places:
            if place["block_id"] not in known:
                raise InvalidInput(
                    f"turn {place['turn_id']} is in block {place['block_id']}, which is missing"
                )
        placed = self._present(turn_blocks, ("turn_id",))
        new = [
            place
            for place in places
            if (place["turn_id"],) not in placed and self._belongs("turn_block", place["turn_id"])
        ]
        # A header holds words of all its turns; of one that was forgotten none may come back.
        tainted = {place["block_id"] for place in places if place["turn_id"] in self._buried}
        wanted = {place["block_id"] for place in new} if tainted else known
        taken = [
            {**row, "version": 1, **(_BARE if row["block_id"] in tainted else {}), **EMPTY}
            for row in rows
            if row["block_id"] in wanted - here
        ]
        added = self._add(blocks, taken)
        added += self._add(turn_blocks, new)
        recount(self._connection, self._user, {place["block_id"] for place in new})
        return added

    def facts(self, rows: list[Values], events: list[Values]) -> int:
        """Facts, and the history of those that were not here."""
        here = self._present(facts, ("fact_id",))
        self._said = {
            (row.turn_id, row.message_id): row.content
            for row in self._connection.execute(
                select(messages.c.turn_id, messages.c.message_id, messages.c.content).where(
                    messages.c.user_id == self._user
                )
            )
        }
        new = []
        for row in rows:
            if (row["fact_id"],) in here or not self._belongs("fact", row["turn_id"]):
                continue
            if row["fact_id"] in self._buried or not self._is_said(row):
                self._buried.add(row["fact_id"])
                continue  # forgotten here: its words were taken out of the message
            derived = {"subject_key": row["subject"].casefold(), "version": self._fact_version}
            new.append({**row, **derived})
        ids = {row["fact_id"] for row in new}
        return self._add(facts, new) + self._add(fact_events, [e for e in events if e["fact_id"] in ids])

    def _is_said(self, fact: Values) -> bool:
        """Whether its quote stands in its message; InvalidInput without that message."""
        content = self._said.get((fact["turn_id"], fact["message_id"]))
        if content is None:
            raise InvalidInput(
                f"fact {fact['fact_id']} comes from message {fact['message_id']}, which is missing"
            )
        return bool(content[fact["start"] : fact["end"]] == fact["quote"])

    def edits(self, rows: list[Values], entries: list[Values]) -> int:
        """The user's edits that were not here; they keep their number when it lies ahead.

        A title that the user gave to a dossier may tell of any fact in it, also of one that is not taken.
        """
        known = {row[0] for row in self._present(facts, ("fact_id",))}
        telling = {entry["dossier_id"] for entry in entries if entry["fact_id"] not in known}
        mine = edits.c.user_id == self._user
        last = self._connection.execute(select(func.max(edits.c.seq)).where(mine)).scalar() or 0
        here, new = self._known(edits, ("kind", "target", "payload", "recorded_at")), []
        for row in rows:
            if any(gone in to_json([row["target"], row["payload"]]) for gone in self._buried):
                continue
            if row["kind"] == RENAME_DOSSIER and row["target"] in telling:
                continue
            made = fact_of(row["kind"], row["payload"])
            if made and not (self._belongs("fact", made["turn_id"]) and self._is_said(made)):
                continue
            if _identity(row, ("kind", "target", "payload", "recorded_at")) not in here:
                last = max(last + 1, row["seq"])
                new.append({**row, "seq": last})
        return self._add(edits, new)

    def tombstones(self, rows: list[Values]) -> int:
        """The tombstones that were not here."""
        names = ("scope", "target", "turn_seqs", "recorded_at")
        here = self._known(tombstones, names)
        new = [row for row in rows if _identity(row, names) not in here]
        return self._add(tombstones, [{**row, "purged": True} for row in new])  # no byte of it was here

    def _belongs(self, kind: str, turn_id: str) -> bool:
        """Whether the record's turn is here; False when the turn was left out."""
        if turn_id in self._seqs:
            return True
        if turn_id in self._left_out:
            return False
        raise InvalidInput(f"a {kind} belongs to turn {turn_id}, which is neither here nor in the file")

    def _present(self, table: Table, names: tuple[str, ...]) -> set[tuple[Any, ...]]:
        found = select(*(table.c[name] for name in names)).where(table.c.user_id == self._user)
        return {tuple(row) for row in self._connection.execute(found)}

    def _known(self, table: Table, names: tuple[str, ...]) -> set[str]:
        found = select(*(table.c[name] for name in names)).where(table.c.user_id == self._user)
        return {_identity(dict(row), names) for row in self._connection.execute(found).mappings()}

    def _add(self, table: Table, rows: list[Values]) -> int:
        for start in range(0, len(rows), _PAGE):
            page = [{"user_id": self._user, **row} for row in rows[start : start + _PAGE]]
            self._connection.execute(insert(table), page)
        return len(rows)


def _identity(row: Values, names: tuple[str, ...]) -> str:
    # A payload's keys come in any order: from a file, and from PostgreSQL.
    values = [str(row[name]) if name == "recorded_at" else row[name] for name in names]
    return json.dumps(values, sort_keys=True)
