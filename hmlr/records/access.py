"""Who may use the server's doors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hmlr.records.vocabulary import UserId


@dataclass(frozen=True, kw_only=True)
class AccessToken:
    """A token, without its secret, which only its holder has."""

    token_id: str
    name: str  # what it is for, in the operator's words; may be empty
    user_id: UserId | None  # whose memory it opens; None: an administrator's, who names the user each time
    created_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class IssuedToken:
    """A new token with its secret, which can't be shown again."""

    token: AccessToken
    secret: str

    def __repr__(self) -> str:
        """Without the secret."""
        return f"IssuedToken(token={self.token!r}, secret='***')"
