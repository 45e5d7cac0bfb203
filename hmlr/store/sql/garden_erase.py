"""Forgetting in dossiers, tags and the runs' way back: what stands on a forgotten thing goes with it.

A dossier that told of something forgotten loses its texts and its vector in the same transaction. What is
left of it is told anew from the facts that stay; until then it has no text, rather than a wrong one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Delete, Select, Table, Update, delete, or_, select, update

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
from hmlr.store.sql.facts import read_facts
from hmlr.store.sql.garden import read_places
from hmlr.store.sql.garden_images import TEXTS
from hmlr.store.sql.garden_step import bump_garden
from hmlr.store.sql.rows import change_the, listed, mine, remove_all, remove_some, some

_ALL = (dossier_entries, dossiers, dossier_events, tags, garden_images, garden_runs)


def dossiers_of(connection: Connection, user: UserId, fact_ids: Collection[str]) -> set[str]:
    """The dossiers in which the facts have their places; to be asked before the facts go."""
    return set(connection.execute(_holding(), {"user": user, "of": list(fact_ids)}).scalars())


@cache
def _holding() -> Select[Any]:
    return select(dossier_entries.c.dossier_id).where(some(dossier_entries, "fact_id"))


def drop_garden(connection: Connection, user: UserId) -> None:
    """Remove all that gardening made of a user's memory."""
    if any(_has(connection, user, table) for table in _ALL):
        for table in _ALL:
            connection.execute(remove_all(table), {"user": user})
        bump_garden(connection, user)


def _has(connection: Connection, user: UserId, table: Table) -> bool:
    return connection.execute(_any(table), {"user": user}).first() is not None


@cache
def _any(table: Table) -> Select[Any]:
    return select(table.c.user_id).where(mine(table)).limit(1)


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
    for blanked in (_blanked_dossiers(), _blanked_entries()) if empty else ():
        connection.execute(blanked, {"user": user, "of": list(empty)})
    _drop_bare(connection, user, gone)
    _trim_tags(connection, user)
    _seal(connection, user, {*gone, *changed, *empty}, words)
    bump_garden(connection, user)


@cache
def _blanked_dossiers() -> Update:
    none = {"title": "", "summary": "", "search_summary": "", "model_id": None, "vector": None}
    return update(dossiers).where(some(dossiers, "dossier_id")).values(version=dossiers.c.version + 1, **none)


@cache
def _blanked_entries() -> Update:
    return update(dossier_entries).where(some(dossier_entries, "dossier_id")).values(statement="", told="")


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
    return {
        dossier_id
        for statement in (_texts(), _statements())
        for dossier_id, *texts in connection.execute(statement, {"user": user})
        if any(blank(text, words) != text for text in texts)
    }


@cache
def _texts() -> Select[Any]:
    return select(dossiers.c.dossier_id, *(dossiers.c[name] for name in TEXTS)).where(mine(dossiers))


@cache
def _statements() -> Select[Any]:
    return select(dossier_entries.c.dossier_id, dossier_entries.c.statement).where(mine(dossier_entries))


def _drop_titles(connection: Connection, user: UserId, empty: Collection[str], words: Sequence[str]) -> None:
    """Titles of the user's own may name what is gone in words of his own.

    So those go that share a word with it, of dossiers that told of it, and of those that are still to be made
    again. The others come back when their dossiers are told anew.
    """
    rows = connection.execute(_renamings(), {"user": user}).all()
    if not rows:
        return
    there = set(connection.execute(_dossiers(), {"user": user}).scalars())
    said = content_words("\n".join(words))
    gone = [
        row.seq
        for row in rows
        if (row.target in empty or row.target not in there)
        and (BLANK in row.payload["label"] or said & content_words(row.payload["label"]))
    ]
    if gone:
        connection.execute(remove_some(edits, "seq"), {"user": user, "of": gone})


@cache
def _renamings() -> Select[Any]:
    columns = edits.c.seq, edits.c.target, edits.c.payload
    return select(*columns).where(mine(edits), edits.c.kind == RENAME_DOSSIER)


@cache
def _dossiers() -> Select[Any]:
    return select(dossiers.c.dossier_id).where(mine(dossiers))


def _drop_bare(connection: Connection, user: UserId, gone: Collection[str]) -> None:
    """Dossiers without facts go, and the log entries that name what is gone."""
    connection.execute(_remove_bare(), {"user": user})
    connection.execute(_remove_events(), {"user": user, "gone": list(gone)})


@cache
def _remove_bare() -> Delete:
    held = select(dossier_entries.c.dossier_id).where(mine(dossier_entries))
    return delete(dossiers).where(mine(dossiers), dossiers.c.dossier_id.not_in(held))


@cache
def _remove_events() -> Delete:
    other, there = dossier_events.c.other, _dossiers()
    left = dossier_events.c.dossier_id.not_in(there) & or_(other.is_(None), other.not_in(there))
    named = listed(dossier_events.c.fact_id, "gone")
    return delete(dossier_events).where(mine(dossier_events), or_(named, left))


def _trim_tags(connection: Connection, user: UserId) -> None:
    """Tags whose quote no longer stands go, and section rules of which no turn is left."""
    rows = connection.execute(_quotes(), {"user": user}).all()
    if not rows:
        return
    named = {turn_id for row in rows for turn_id in row.turn_ids}
    there = set(connection.execute(_known_turns(), {"user": user, "of": list(named)}).scalars())
    gone, changed = [], []
    for row in rows:
        kept = [turn_id for turn_id in row.turn_ids if turn_id in there]
        if row.quote not in row.content or (row.turn_ids and not kept):
            gone.append(row.tag_id)
        elif kept != row.turn_ids:
            changed.append({"user": user, "of": row.tag_id, "turn_ids": kept})
    if gone:
        connection.execute(remove_some(tags, "tag_id"), {"user": user, "of": gone})
    if changed:
        connection.execute(change_the(tags, "tag_id"), changed)


@cache
def _quotes() -> Select[Any]:
    of_message = (messages.c.user_id == tags.c.user_id) & (messages.c.message_id == tags.c.message_id)
    found = select(tags.c.tag_id, tags.c.quote, tags.c.turn_ids, messages.c.content)
    return found.join(messages, of_message).where(mine(tags))


@cache
def _known_turns() -> Select[Any]:
    return select(messages.c.turn_id).where(some(messages, "turn_id"))


def _seal(connection: Connection, user: UserId, ids: Collection[str], words: Sequence[str]) -> None:
    """Take the way back from runs that kept something of what is gone."""
    named, sealed = set(ids), set[str]()
    for run_id, target, before in connection.execute(_images(), {"user": user}):
        if run_id in sealed:
            continue
        told = {target, *texts_in(before)}
        if not named.isdisjoint(told) or blank_json(before, words) != before:
            sealed.add(run_id)
    if sealed:
        these = {"user": user, "of": list(sealed)}
        connection.execute(remove_some(garden_images, "run_id"), these)
        connection.execute(_sealed(), these)


@cache
def _images() -> Select[Any]:
    columns = garden_images.c.run_id, garden_images.c.target, garden_images.c.before
    return select(*columns).where(mine(garden_images))


@cache
def _sealed() -> Update:
    return update(garden_runs).where(some(garden_runs, "run_id")).values(sealed=True)
