"""The user's own edits of facts: correct, retire, restore; logged, so that a rebuild makes them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Literal

from pydantic import TypeAdapter

from hmlr.records import Fact, FactEvent, FactId, FactState, MessageId, TurnId
from hmlr.store.records import AddEdit, Change, ChangeFact, Edit, LogFactEvent, PutFact

# Edit kind -> the state in which it leaves the fact.
EDITS: Mapping[str, FactState] = {
    "retire_fact": "superseded",
    "correct_fact": "invalidated",
    "restore_fact": "active",
}
_Name = Literal["created", "restored", "superseded", "invalidated"]
_FACT: TypeAdapter[Fact] = TypeAdapter(Fact)


def retire(fact: Fact, reason: str, at: datetime) -> list[Change]:
    """The fact held until now and no longer does."""
    return _change(fact, "retire_fact", "superseded", reason, at, valid_to=at)


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
        last_confirmed_at=at,
        occurred_at=at,
        recorded_at=at,
        valid_to=None,
    )
    reason = "corrected by the user"
    payload = {
        "reason": reason,
        "at": at.isoformat(),
        "valid_to": None,
        "fact": _FACT.dump_python(new, mode="json"),
    }
    changes: list[Change] = [
        PutFact(fact=new),
        _log(new.fact_id, "created", reason, at),
        *_effect(old, "invalidated", reason, at, old.valid_to, successor=new.fact_id),
        AddEdit(kind="correct_fact", target=old.fact_id, payload=payload, recorded_at=at),
    ]
    return changes, new


def restore(fact: Fact, at: datetime) -> list[Change]:
    """The fact holds, whatever retired it."""
    return _change(fact, "restore_fact", "active", "restored by the user", at, valid_to=None)


def _change(
    fact: Fact, kind: str, state: FactState, reason: str, at: datetime, *, valid_to: datetime | None
) -> list[Change]:
    payload = {"reason": reason, "at": at.isoformat(), "valid_to": valid_to.isoformat() if valid_to else None}
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


def replay(edits: Sequence[Edit], fresh: set[FactId], changes: Sequence[Change]) -> list[Change]:
    """The changes that bring facts made anew (`fresh`) to where the user's last edit left them."""
    last = {FactId(edit.target): edit for edit in edits if edit.kind in EDITS and edit.target in fresh}
    facts = {change.fact.fact_id: change.fact for change in changes if isinstance(change, PutFact)}
    states = {fact_id: fact.state for fact_id, fact in facts.items()}
    for change in changes:
        if isinstance(change, ChangeFact) and change.fact_id in states:
            states[change.fact_id] = change.state
    made: list[Change] = []
    for fact_id, edit in last.items():
        successor = _FACT.validate_python(edit.payload["fact"]) if "fact" in edit.payload else None
        if successor is not None:
            made += [
                PutFact(fact=successor),
                _log(successor.fact_id, "created", "corrected by the user", edit.recorded_at),
            ]
        wanted = EDITS[edit.kind]
        if states[fact_id] == wanted:
            continue
        valid_to = edit.payload.get("valid_to")
        made += _effect(
            replace(facts[fact_id], state=states[fact_id]),
            wanted,
            str(edit.payload["reason"]),
            datetime.fromisoformat(str(edit.payload["at"])),
            datetime.fromisoformat(str(valid_to)) if valid_to else None,
            successor=successor.fact_id if successor else None,
        )
    return made
