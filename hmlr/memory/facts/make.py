"""From draft to fact: an identity that does not depend on when it is made, and offsets of its quote."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

from hmlr.core.tasks.drafts import FactDraft
from hmlr.records import OWNER, Fact, FactId, StoredMessage


def pin(draft: FactDraft, message: StoredMessage, *, recorded_at: datetime) -> Fact | None:
    """The fact that the draft states, pinned to its quote; None when that does not stand in the message."""
    start = message.content.find(draft.quote)
    if start < 0:
        return None
    end = start + len(draft.quote)
    return Fact(
        fact_id=fact_id(message, start, end, draft),
        subject=draft.subject,
        key=draft.key,
        value=draft.value,
        category=draft.category,
        quote=draft.quote,
        start=start,
        end=end,
        turn_id=message.turn_id,
        message_id=message.message_id,
        said_by=OWNER if message.owner else (message.speaker or message.role),
        owner=message.owner,
        state="active",
        superseded_by=None,
        reason="",
        confirmations=0,
        last_confirmed_at=message.occurred_at,
        occurred_at=message.occurred_at,
        valid_from=_zoned(draft.valid_from) or message.occurred_at,
        valid_to=_zoned(draft.valid_to),
        recorded_at=recorded_at,
    )


def _zoned(moment: datetime | None) -> datetime | None:
    """The moment with a zone: a model may leave it out, and then UTC is meant."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def fact_id(message: StoredMessage, start: int, end: int, draft: FactDraft) -> FactId:
    """An id in the shape of a UUID that is the same whenever the same words are read again."""
    parts = (message.message_id, str(start), str(end), draft.subject.casefold(), draft.key, draft.value)
    digest = sha256("\x1f".join(parts).encode()).hexdigest()[:32]
    return FactId("-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:])))
