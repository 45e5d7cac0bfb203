"""Remembered text in a prompt: fenced, attributed, dated, and unable to open or close a fence itself."""

from __future__ import annotations

import re
import secrets
from datetime import datetime

# Fence marks, and characters that could hide or reorder what a reader sees (C0/C1 controls but tab and
# newline, zero-width, bidirectional overrides).
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_MARKS = re.compile(r"⟦|⟧")
# A line that poses as a heading of ours or as a change of role.
_POSING = re.compile(
    r"^(\s*)(?=={3,}|#{1,6}\s|<\|?/?\s*(?:system|user|assistant|tool)|(?:system|assistant|user)\s*:)",
    re.IGNORECASE | re.MULTILINE,
)


def nonce() -> str:
    """A fresh mark for the fences of one request."""
    return secrets.token_hex(4)


def escape(text: str) -> str:
    """The prompt's view of a text: no fence marks, no invisible characters, posing lines quoted."""
    return _POSING.sub(r"\1> ", _MARKS.sub("|", _INVISIBLE.sub("", text)))


def fence(text: str, *, mark: str, said_by: str, at: datetime | None) -> str:
    """One remembered text as a block of data with its speaker and date."""
    when = f", {at:%Y-%m-%d}" if at else ""
    speaker = _MARKS.sub("|", _INVISIBLE.sub("", said_by)).replace("\n", " ")[:80]
    return f"⟦{mark} said by {speaker}{when}⟧\n{escape(text)}\n⟦/{mark}⟧"
