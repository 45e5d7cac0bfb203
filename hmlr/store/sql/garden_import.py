"""Taking dossiers, tags and their log from an export: what is here stays, what was forgotten is not told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from hmlr.records import UserId
from hmlr.store.schema import blocks, dossier_entries, dossier_events, dossiers, facts, messages, tags
from hmlr.store.sql.garden_step import bump_garden

Values = dict[str, Any]
_UNTOLD = {"title": "", "summary": "", "search_summary": ""}


def import_garden(connection: Connection, user: UserId, rows: Mapping[str, Sequence[Values]]) -> int:
    """Take the rows of `dossier`, `dossier_entry`, `dossier_event` and `tag`; the number added.

    A dossier with a fact that is not here was told of it, so its texts are left out and are to be told anew.
    So are those of a dossier that gains facts.
    """
    known = _ids(connection, user, facts, "fact_id")
    placed = _ids(connection, user, dossier_entries, "fact_id")
    here = _ids(connection, user, dossiers, "dossier_id")
    entries = [row for row in rows["dossier_entry"] if row["fact_id"] in known - placed]
    wanted = {row["dossier_id"] for row in entries}
    taken = {row["fact_id"] for row in entries}
    partly = {row["dossier_id"] for row in rows["dossier_entry"] if row["fact_id"] not in taken}
    new = [
        {**row, **(_UNTOLD if row["dossier_id"] in partly else {}), "version": 1}
        for row in rows["dossier"]
        if row["dossier_id"] in wanted - here
    ]
    there = here | {row["dossier_id"] for row in new}
    behind = partly | here
    entries = [
        {**row, **({"statement": "", "told": ""} if row["dossier_id"] in behind else {})}
        for row in entries
        if row["dossier_id"] in there
    ]
    logged = _with_merged({row["dossier_id"] for row in new}, rows["dossier_event"], here)
    events = [
        row
        for row in rows["dossier_event"]
        if (row["dossier_id"] in logged or row["other"] in logged)
        and (row["fact_id"] is None or row["fact_id"] in known)
    ]
    held = _tags(connection, user, rows["tag"])
    parts = ((dossiers, new), (dossier_entries, entries), (dossier_events, events), (tags, held))
    count = sum(_add(connection, user, table, list(each)) for table, each in parts)
    if count:
        bump_garden(connection, user)
    return count


def _with_merged(dossier_ids: set[str], events: Sequence[Values], here: set[str]) -> set[str]:
    """These dossiers, and those that went into them: their log is the beginning of the others'."""
    found, more = set(dossier_ids), dossier_ids
    while more:
        more = {row["dossier_id"] for row in events if row["other"] in more} - found - here
        found |= more
    return found


def _tags(connection: Connection, user: UserId, rows: Sequence[Values]) -> list[Values]:
    """The tags whose block is here and whose quote still stands."""
    if not rows:
        return []
    here, there = _ids(connection, user, tags, "tag_id"), _ids(connection, user, blocks, "block_id")
    found = select(messages.c.message_id, messages.c.content).where(messages.c.user_id == user)
    said = {row.message_id: row.content for row in connection.execute(found)}
    return [
        row
        for row in rows
        if row["tag_id"] not in here
        and row["block_id"] in there
        and row["quote"] in said.get(row["message_id"], "")
    ]


def _ids(connection: Connection, user: UserId, table: Table, name: str) -> set[str]:
    return set(connection.execute(select(table.c[name]).where(table.c.user_id == user)).scalars())


def _add(connection: Connection, user: UserId, table: Table, rows: list[Values]) -> int:
    if rows:
        connection.execute(insert(table), [{"user_id": user, **row} for row in rows])
    return len(rows)
