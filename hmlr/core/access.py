"""Who may use the server's doors: tokens are issued, checked and revoked here."""

from __future__ import annotations

import hashlib
import secrets

import uuid_utils

from hmlr.core.services import Clock
from hmlr.errors import InvalidInput
from hmlr.memory.intake import user_id as checked_user
from hmlr.records import AccessToken, IssuedToken
from hmlr.store.port import AccessStore

PREFIX = "hmlr_"  # so that a secret that lies around is known for what it is
SECRET_BYTES = 32  # of randomness: nothing slower than SHA-256 is needed to keep it from being guessed
MAX_NAME_CHARS = 100


class AccessDesk:
    """The tokens of one database."""

    def __init__(self, store: AccessStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def issue(self, *, user_id: str | None = None, name: str = "") -> IssuedToken:
        """A new token for one user's memory, or an administrator's. Its secret is told only here."""
        if len(name) > MAX_NAME_CHARS or not name.isprintable():
            raise InvalidInput(f"a token's name has at most {MAX_NAME_CHARS} printable characters")
        secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
        token = AccessToken(
            token_id=str(uuid_utils.uuid7()),
            name=name,
            user_id=None if user_id is None else checked_user(user_id),
            created_at=self._clock(),
        )
        await self._store.add_token(token, _digest(secret))
        return IssuedToken(token=token, secret=secret)

    async def holder(self, secret: str) -> AccessToken | None:
        """The token with this secret; None when there is none, or it is revoked.

        The secret's digest is what is looked up: how long that takes tells nothing about the secret.
        """
        return await self._store.token_of(_digest(secret)) if secret.startswith(PREFIX) else None

    async def tokens(self) -> list[AccessToken]:
        """All tokens, revoked ones included, the oldest first."""
        return await self._store.tokens()

    async def revoke(self, token_id: str) -> AccessToken:
        """End a token, at once and for good. NotFound."""
        return await self._store.revoke_token(token_id, self._clock())


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
