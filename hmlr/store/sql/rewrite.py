"""Messages that stay, with other words, when something that is forgotten is in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from hmlr.errors import NotFound
from hmlr.records import UserId
from hmlr.store.care_records import Rewrite
from hmlr.store.schema import messages
from hmlr.store.sql.index import add_chunks, chunk_values, remove_chunks
from hmlr.store.sql.jobs import restart_jobs, take_back
from hmlr.store.sql.rows import change_the, digest, ensure_user, some


def rewrite_messages(connection: Connection, user: UserId, rewrites: Sequence[Rewrite]) -> tuple[int, int]:
    """Give messages other words and chunks; the numbers of chunks and vectors removed.

    NotFound for a message that is not there.
    """
    if not rewrites:
        return 0, 0
    known = _known(connection, user, rewrites)
    removed = remove_chunks(connection, [row.message_no for row in known.values()])
    _put_words(connection, user, rewrites)
    number = ensure_user(connection, user).user_no
    rows = [
        values
        for rewrite in rewrites
        for row in (known[rewrite.message_id],)
        for values in chunk_values(number, row.message_no, rewrite.chunks, echo=row.echo)
    ]
    add_chunks(connection, rows)
    take_back(connection, user, list({row.turn_id for row in known.values()}))
    heard = list({row.turn_id for row in known.values() if not row.echo})
    restart_jobs(connection, user, "embed", heard)
    return removed


def _known(connection: Connection, user: UserId, rewrites: Sequence[Rewrite]) -> Mapping[str, Row[Any]]:
    ids = [rewrite.message_id for rewrite in rewrites]
    known = {row.message_id: row for row in connection.execute(_messages(), {"user": user, "of": ids})}
    for message_id in ids:
        if message_id not in known:
            raise NotFound(f"there is no message {message_id}")
    return known


@cache
def _messages() -> Select[Any]:
    names = ("message_id", "message_no", "turn_id", "echo")
    return select(*(messages.c[name] for name in names)).where(some(messages, "message_id"))


def _put_words(connection: Connection, user: UserId, rewrites: Sequence[Rewrite]) -> None:
    """Write what was said, and by whom and with what metadata where those change: alike rows together."""
    alike: dict[tuple[str, ...], list[dict[str, object]]] = {}
    for rewrite in rewrites:
        values: dict[str, object] = {"content": rewrite.content, "sha256": digest(rewrite.content)}
        if rewrite.speaker is not None:
            values |= {"speaker": rewrite.speaker, "speaker_key": rewrite.speaker.casefold()}
        if rewrite.metadata is not None:
            values |= {"metadata": dict(rewrite.metadata)}
        row = {"user": user, "of": rewrite.message_id, **values}
        alike.setdefault(tuple(values), []).append(row)
    for rows in alike.values():
        connection.execute(change_the(messages, "message_id"), rows)
