"""The user's own edits of facts: correct, retire, restore; logged, so that a rebuild makes them again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Literal

from pydantic import TypeAdapter

from hmlr.memory.facts.board import Board
from hmlr.memory.facts.keys import is_single_valued, rival_keys, same_subject
from hmlr.memory.facts.values import fold_value
from hmlr.records import Fact, FactEvent, FactId, FactState, MessageId, TurnId
from hmlr.store.records import AddEdit, Change, ChangeFact, Edit, LogFactEvent, PutFact

# Edit kind -> the state in which it leaves the fact.
EDITS: Mapping[str, FactState] = {
    "retire_fact": "superseded",
    "correct_fact": "invalidated",
    "restore_fact": "active",
}
CORRECTED = "corrected by the user"
_Name = Literal["created", "restored", "superseded", "invalidated"]
_FACT: TypeAdapter[Fact] = TypeAdapter(Fact)


def retire(fact: Fact, reason: str, at: datetime) -> list[Change]:
    """The fact held until now and no longer does."""
    return _change(fact, "retire_fact", "superseded", reason, at, valid_to=at, told_until=fact.valid_to)


def correct(old: Fact, value: str, text: str, turn_id: TurnId, at: datetime) -> tuple[list[Change], Fact]:
    """The fact was never right; the new one stands on the text of the correction, a turn's message."""
    message_id = MessageId(f"{turn_id}/0")
    digest = sha256(f"correction:{message_id}".encode()).hexdigest()
    new = replace(
        old,
        fact_id=FactId(f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"),
        value=value,
        quote=text,
        start=0,
        end=len(text),
        turn_id=turn_id,
        message_id=message_id,
        said_by="user",
        owner=True,
        state="active",
        superseded_by=None,
        reason="",
        confirmations=0,
        last_confirmed_at=old.last_confirmed_at,  # it takes the place of what was said then
        occurred_at=at,
        recorded_at=at,
        valid_to=None,
    )
    new = heir(old, new)
    payload = {
        "reason": CORRECTED,
        "at": at.isoformat(),
        "valid_to": None,
        "fact": _FACT.dump_python(new, mode="json"),
    }
    changes: list[Change] = [
        PutFact(fact=new),
        _log(new.fact_id, "created", CORRECTED, at),
        *_effect(old, "invalidated", CORRECTED, at, None, successor=new.fact_id),
        AddEdit(kind="correct_fact", target=old.fact_id, payload=payload, recorded_at=at),
    ]
    return changes, new


def correct_to(old: Fact, standing: Fact, at: datetime) -> list[Change]:
    """The fact was never right, and what is right is known already: that takes its place."""
    payload = {"reason": CORRECTED, "at": at.isoformat(), "valid_to": None, "standing": standing.fact_id}
    return [
        *_effect(old, "invalidated", CORRECTED, at, None, successor=standing.fact_id),
        AddEdit(kind="correct_fact", target=old.fact_id, payload=payload, recorded_at=at),
    ]


def standing(old: Fact, value: str, known: Iterable[Fact]) -> Fact | None:
    """The active fact that says of the same what a correction of `old` would say."""
    said = fold_value(value)
    if old.state != "active":  # the correction of what is past stays in the past
        return None
    return next(
        (
            fact
            for fact in known
            if fact.state == "active"
            and fact.fact_id != old.fact_id
            and fact.key == old.key
            and same_subject(fact.subject, old.subject)
            and fold_value(fact.value) == said != fold_value(old.value)
        ),
        None,
    )


def restore(fact: Fact, at: datetime, known: Iterable[Fact] = (), edits: Iterable[Edit] = ()) -> list[Change]:
    """The fact holds, whatever retired it; of the `known` ones, what stands in its place gives way.

    With the user's `edits`, a fact that was told with an end and then retired has that end again.
    """
    last = next((edit for edit in reversed([*edits]) if edit.target == fact.fact_id), None)
    until, beside = _told_until(last), _stood_before(last)
    made = _change(fact, "restore_fact", "active", "restored by the user", at, valid_to=until, beside=beside)
    for rival in rivals(fact, known, beside=beside):
        until = _gave_way_at(rival, fact, at)
        made += _effect(rival, "superseded", _gives_way(fact), at, until, successor=fact.fact_id)
    return made


def _change(
    fact: Fact,
    kind: str,
    state: FactState,
    reason: str,
    at: datetime,
    *,
    valid_to: datetime | None,
    told_until: datetime | None = None,
    beside: str = "",
) -> list[Change]:
    payload = {"reason": reason, "at": at.isoformat(), "valid_to": valid_to.isoformat() if valid_to else None}
    if told_until is not None:
        payload["told_until"] = told_until.isoformat()
    if beside:
        payload["beside"] = beside
    edit = AddEdit(kind=kind, target=fact.fact_id, payload=payload, recorded_at=at)
    return [*_effect(fact, state, reason, at, valid_to), edit]


def _effect(
    fact: Fact,
    state: FactState,
    reason: str,
    at: datetime,
    valid_to: datetime | None,
    *,
    successor: FactId | None = None,
) -> list[Change]:
    names: dict[FactState, _Name] = {
        "active": "restored",
        "superseded": "superseded",
        "invalidated": "invalidated",
    }
    return [
        ChangeFact(
            fact_id=fact.fact_id,
            expected=fact.state,
            state=state,
            superseded_by=successor,
            reason="" if state == "active" else reason,
            valid_to=valid_to,
        ),
        _log(fact.fact_id, names[state], reason, at),
    ]


def _log(fact_id: FactId, change: _Name, reason: str, at: datetime) -> LogFactEvent:
    return LogFactEvent(
        event=FactEvent(
            fact_id=fact_id, change=change, by="user", reason=reason, turn_id=None, recorded_at=at
        )
    )


def redo(board: Board, edit: Edit) -> None:
    """Do an edit again on facts made anew, or on one that what came before the edit has just moved.

    A fact that stands as it was known has had the effect of the edit, and is left alone.
    """
    fact = board.get(FactId(edit.target))
    if fact is None or edit.kind not in EDITS or not board.moved(fact.fact_id):
        return
    wanted, reason, at = EDITS[edit.kind], str(edit.payload["reason"]), edited_at(edit)
    if "fact" in edit.payload:
        new = heir(fact, _FACT.validate_python(edit.payload["fact"]))
        board.put_edit(new, reason, edit.recorded_at)
        board.edit(fact, wanted, reason, at=at, superseded_by=new.fact_id)
    elif "standing" in edit.payload:
        known = board.get(FactId(str(edit.payload["standing"])))
        board.edit(fact, wanted, reason, at=at, superseded_by=known.fact_id if known else None)
    elif fact.state != wanted:
        if wanted == "active":
            beside = str(edit.payload.get("beside", ""))
            for rival in rivals(fact, board.facts_under(fact.key), beside=beside):
                until = _gave_way_at(rival, fact, at)
                board.edit(
                    rival,
                    "superseded",
                    _gives_way(fact),
                    at=at,
                    superseded_by=fact.fact_id,
                    valid_to=until,
                )
        valid_to = edit.payload.get("valid_to")
        until_then = datetime.fromisoformat(str(valid_to)) if valid_to else None
        board.edit(fact, wanted, reason, at=at, valid_to=until_then)


def _gave_way_at(rival: Fact, restored: Fact, at: datetime) -> datetime:
    """Until when what gives way had held: up to what began after it, else up to the edit."""
    return restored.valid_from if restored.valid_from > rival.valid_from else max(at, rival.valid_from)


def _told_until(last: Edit | None) -> datetime | None:
    """The end with which the fact was told, if it was the user who last changed it, by retiring it."""
    told = last.payload.get("told_until") if last is not None and last.kind == "retire_fact" else None
    return datetime.fromisoformat(str(told)) if told else None


def _stood_before(last: Edit | None) -> str:
    """Id of the fact that had stood by itself before the user said that it is what is right."""
    return str(last.payload.get("standing", "")) if last is not None and last.kind == "correct_fact" else ""


def edited_at(edit: Edit) -> datetime:
    """When the user made the edit."""
    return datetime.fromisoformat(str(edit.payload["at"]))


def heir(old: Fact, new: Fact) -> Fact:
    """The correction in the standing of what it corrects: a value that had given way stays in the past."""
    if old.state != "superseded" or old.superseded_by is None:
        return replace(new, state="active", superseded_by=None, reason="", valid_to=None)
    return replace(
        new,
        state="superseded",
        superseded_by=old.superseded_by,
        reason=old.reason,
        valid_to=old.valid_to,
    )


def rivals(fact: Fact, known: Iterable[Fact], *, beside: str = "") -> list[Fact]:
    """The active facts that give way when `fact` is restored: other single values, and its own successor.

    One that stood `beside` it before gives way as another single value only.
    """
    single = is_single_valued(fact.key)
    return [
        g
        for g in known
        if g.state == "active"
        and g.fact_id != fact.fact_id
        and g.key in rival_keys(fact.key)
        and same_subject(g.subject, fact.subject)
        and (single or g.fact_id == fact.superseded_by != beside)
    ]


def _gives_way(fact: Fact) -> str:
    return f"the user restored: {fact.value}"
