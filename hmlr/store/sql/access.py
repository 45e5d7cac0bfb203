"""Tokens of the server's doors, found by the digest of their secret."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, RowMapping, select

from hmlr.errors import NotFound
from hmlr.records import AccessToken, UserId
from hmlr.store.schema import access_tokens
from hmlr.store.sql.gate import Gate


class SqlAccess:
    """AccessStore on a relational database."""

    _gate: Gate

    async def add_token(self, token: AccessToken, digest: str) -> None:
        """See AccessStore."""
        await self._gate.write(None, lambda c: add_token(c, token, digest))

    async def token_of(self, digest: str) -> AccessToken | None:
        """See AccessStore."""
        return await self._gate.read(None, lambda c: token_of(c, digest))

    async def tokens(self) -> list[AccessToken]:
        """See AccessStore."""
        return await self._gate.read(None, read_tokens)

    async def token_digests(self) -> list[tuple[AccessToken, str]]:
        """See AccessStore."""
        return await self._gate.read(None, read_digests)

    async def revoke_token(self, token_id: str, now: datetime) -> AccessToken:
        """See AccessStore."""
        return await self._gate.write(None, lambda c: revoke_token(c, token_id, now))


def add_token(connection: Connection, token: AccessToken, digest: str) -> None:
    """Keep it."""
    connection.execute(
        access_tokens.insert().values(
            token_id=token.token_id,
            digest=digest,
            user_id=token.user_id,
            name=token.name,
            created_at=token.created_at,
            revoked_at=token.revoked_at,
        )
    )


def token_of(connection: Connection, digest: str) -> AccessToken | None:
    """See AccessStore."""
    table = access_tokens.c
    wanted = select(access_tokens).where(table.digest == digest, table.revoked_at.is_(None))
    row = connection.execute(wanted).mappings().one_or_none()
    return None if row is None else _token(row)


def read_tokens(connection: Connection) -> list[AccessToken]:
    """See AccessStore."""
    rows = connection.execute(select(access_tokens).order_by(access_tokens.c.token_id)).mappings()
    return [_token(row) for row in rows]


def read_digests(connection: Connection) -> list[tuple[AccessToken, str]]:
    """See AccessStore.token_digests."""
    rows = connection.execute(select(access_tokens).order_by(access_tokens.c.token_id)).mappings()
    return [(_token(row), row["digest"]) for row in rows]


def revoke_token(connection: Connection, token_id: str, now: datetime) -> AccessToken:
    """See AccessStore."""
    own = access_tokens.c.token_id == token_id
    connection.execute(
        access_tokens.update().where(own, access_tokens.c.revoked_at.is_(None)).values(revoked_at=now)
    )
    row = connection.execute(select(access_tokens).where(own)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no token {token_id}", hint="`token list` shows them")
    return _token(row)


def _token(row: RowMapping) -> AccessToken:
    user = row["user_id"]
    return AccessToken(
        token_id=row["token_id"],
        name=row["name"],
        user_id=None if user is None else UserId(user),
        created_at=row["created_at"],
        revoked_at=row["revoked_at"],
    )
