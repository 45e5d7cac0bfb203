"""Forgetting in dossiers, tags and the runs' way back: what stands on a forgotten thing goes with it.

A dossier that told of something forgotten loses its texts and its vector in the same transaction. What is
left of it is told anew from the facts that stay; until then it has no text, rather than a wrong one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, Table, delete, or_, select, update

from hmlr.language.blanking import BLANK, blank
from hmlr.language.json_texts import blank_json, texts_in
from hmlr.language.tokens import content_words
from hmlr.records import UserId
from hmlr.store.garden_records import RENAME_DOSSIER, told_of
from hmlr.store.records import FactQuery
from hmlr.store.schema import (
    dossier_entries,
    dossier_events,
    dossiers,
    edits,
    garden_images,
    garden_runs,
    messages,
    tags,
)
from hmlr.store.sqlite_facts import read_facts
from hmlr.store.sqlite_garden import read_places
from hmlr.store.sqlite_garden_step import bump_garden
from hmlr.store.sqlite_rows import among

_ALL = (dossier_entries, dossiers, dossier_events, tags, garden_images, garden_runs)


def dossiers_of(connection: Connection, user: UserId, fact_ids: Collection[str]) -> set[str]:
    """The dossiers in which the facts have their places; to be asked before the facts go."""
    held = select(dossier_entries.c.dossier_id).where(
        dossier_entries.c.user_id == user, among(dossier_entries.c.fact_id, fact_ids)
    )
    return set(connection.execute(held).scalars())


def drop_garden(connection: Connection, user: UserId) -> None:
    """Remove all that gardening made of a user's memory."""
    if any(_has(connection, user, table) for table in _ALL):
        for table in _ALL:
            connection.execute(delete(table).where(table.c.user_id == user))
        bump_garden(connection, user)


def _has(connection: Connection, user: UserId, table: Table) -> bool:
    there = select(table.c.user_id).where(table.c.user_id == user).limit(1)
    return connection.execute(there).first() is not None


def forget_in_garden(
    connection: Connection,
    user: UserId,
    *,
    touched: Collection[str],
    gone: Collection[str],
    words: Sequence[str],
) -> None:
    """Let nothing stand that told of what is gone.

    `touched` are the dossiers that lost a fact, `gone` the ids of facts, turns and messages that went or
    were rewritten.
    """
    if not any(_has(connection, user, table) for table in (dossiers, dossier_events, tags, garden_images)):
        _drop_titles(connection, user, (), words)
        return
    changed = _changed_facts(connection, user)
    empty = {*touched, *dossiers_of(connection, user, changed), *_saying(connection, user, words)}
    _drop_titles(connection, user, empty, words)
    mine = dossiers.c.user_id == user
    blanked = {"title": "", "summary": "", "search_summary": "", "model_id": None, "vector": None}
    connection.execute(
        update(dossiers)
        .where(mine, among(dossiers.c.dossier_id, empty))
        .values(version=dossiers.c.version + 1, **blanked)
    )
    held = (dossier_entries.c.user_id == user, among(dossier_entries.c.dossier_id, empty))
    connection.execute(update(dossier_entries).where(*held).values(statement="", told=""))
    _drop_bare(connection, user, gone)
    _trim_tags(connection, user)
    _seal(connection, user, {*gone, *changed, *empty}, words)
    bump_garden(connection, user)


def _changed_facts(connection: Connection, user: UserId) -> set[str]:
    """Facts that read otherwise than when their dossiers told of them."""
    told = {place.fact_id: place.told for place in read_places(connection, user)}
    if not told:
        return set()
    every = read_facts(connection, user, FactQuery(fact_ids=tuple(told), states=None))
    return {fact.fact_id for fact in every if told_of(fact) != told[fact.fact_id]}


def _saying(connection: Connection, user: UserId, words: Sequence[str]) -> set[str]:
    """Dossiers in whose texts the words stand all the same."""
    if not words:
        return set()
    names = (dossiers.c.dossier_id, dossiers.c.title, dossiers.c.summary, dossiers.c.search_summary)
    found = {
        row.dossier_id
        for row in connection.execute(select(*names).where(dossiers.c.user_id == user))
        if any(blank(text, words) != text for text in row[1:])
    }
    held = select(dossier_entries.c.dossier_id, dossier_entries.c.statement)
    for row in connection.execute(held.where(dossier_entries.c.user_id == user)):
        if blank(row.statement, words) != row.statement:
            found.add(row.dossier_id)
    return found


def _drop_titles(connection: Connection, user: UserId, empty: Collection[str], words: Sequence[str]) -> None:
    """Titles of the user's own may name what is gone in words of his own.

    So those go that share a word with it, of dossiers that told of it, and of those that are still to be made
    again. The others come back when their dossiers are told anew.
    """
    mine = (edits.c.user_id == user, edits.c.kind == RENAME_DOSSIER)
    rows = connection.execute(select(edits.c.seq, edits.c.target, edits.c.payload).where(*mine)).all()
    if not rows:
        return
    there = set(connection.execute(select(dossiers.c.dossier_id).where(dossiers.c.user_id == user)).scalars())
    said = content_words("\n".join(words))
    gone = [
        row.seq
        for row in rows
        if (row.target in empty or row.target not in there)
        and (BLANK in row.payload["label"] or said & content_words(row.payload["label"]))
    ]
    connection.execute(delete(edits).where(edits.c.user_id == user, among(edits.c.seq, gone)))


def _drop_bare(connection: Connection, user: UserId, gone: Collection[str]) -> None:
    """Dossiers without facts go, and the log entries that name what is gone."""
    held = select(dossier_entries.c.dossier_id).where(dossier_entries.c.user_id == user)
    connection.execute(delete(dossiers).where(dossiers.c.user_id == user, dossiers.c.dossier_id.not_in(held)))
    mine = dossier_events.c.user_id == user
    there = select(dossiers.c.dossier_id).where(dossiers.c.user_id == user)
    left = dossier_events.c.dossier_id.not_in(there) & or_(
        dossier_events.c.other.is_(None), dossier_events.c.other.not_in(there)
    )
    connection.execute(delete(dossier_events).where(mine, or_(among(dossier_events.c.fact_id, gone), left)))


def _trim_tags(connection: Connection, user: UserId) -> None:
    """Tags whose quote no longer stands go, and section rules of which no turn is left."""
    of_message = (messages.c.user_id == tags.c.user_id) & (messages.c.message_id == tags.c.message_id)
    found = select(tags.c.tag_id, tags.c.quote, tags.c.turn_ids, messages.c.content)
    rows = connection.execute(found.join(messages, of_message).where(tags.c.user_id == user)).all()
    if not rows:
        return
    said = select(messages.c.turn_id).where(messages.c.user_id == user)
    there = set(connection.execute(said).scalars())
    for row in rows:
        this = (tags.c.user_id == user, tags.c.tag_id == row.tag_id)
        kept = [turn_id for turn_id in row.turn_ids if turn_id in there]
        if row.quote not in row.content or (row.turn_ids and not kept):
            connection.execute(delete(tags).where(*this))
        elif kept != row.turn_ids:
            connection.execute(update(tags).where(*this).values(turn_ids=kept))


def _seal(connection: Connection, user: UserId, ids: Collection[str], words: Sequence[str]) -> None:
    """Take the way back from runs that kept something of what is gone."""
    mine = garden_images.c.user_id == user
    found = select(garden_images.c.run_id, garden_images.c.target, garden_images.c.before).where(mine)
    named, sealed = set(ids), set[str]()
    for run_id, target, before in connection.execute(found):
        if run_id in sealed:
            continue
        told = {target, *texts_in(before)}
        if not named.isdisjoint(told) or blank_json(before, words) != before:
            sealed.add(run_id)
    of_runs = among(garden_images.c.run_id, sealed)
    connection.execute(delete(garden_images).where(mine, of_runs))
    own = (garden_runs.c.user_id == user, among(garden_runs.c.run_id, sealed))
    connection.execute(update(garden_runs).where(*own).values(sealed=True))
