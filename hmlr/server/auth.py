"""Who calls: the token behind a request, and the memory it opens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request
from starlette.exceptions import HTTPException

from hmlr.client import HMLRClient
from hmlr.records import AccessToken, UserId
from hmlr.server.people import People

USER_HEADER = "X-HMLR-User"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who makes a request."""

    token: AccessToken

    @property
    def is_admin(self) -> bool:
        """Whether it may act for every user."""
        return self.token.user_id is None

    def user(self, wanted: str | None) -> UserId:
        """Whose memory is meant. 403 for another's than the token's, 422 when an administrator names none."""
        own = self.token.user_id
        if own is None:
            if not wanted:
                raise HTTPException(422, f"an administrator's token needs the header {USER_HEADER}")
            return UserId(wanted)
        if wanted is not None and wanted != own:
            raise HTTPException(403, "this token opens another user's memory")
        return own


def known_caller(request: Request) -> Caller:
    """The caller whom the guard let in."""
    return Caller(token=request.scope["state"]["token"])


async def caller_of(request: Request) -> Caller:  # async: other dependencies run in threads
    """The caller whom the guard let in."""
    return known_caller(request)


async def admin_of(caller: Annotated[Caller, Depends(caller_of)]) -> Caller:
    """The caller, if it is an administrator. 403."""
    if not caller.is_admin:
        raise HTTPException(403, "this needs an administrator's token")
    return caller


async def memory_of(
    request: Request,
    caller: Annotated[Caller, Depends(caller_of)],
    x_hmlr_user: Annotated[
        str | None, Header(description="Whose memory; only an administrator's token needs it.")
    ] = None,
) -> AsyncIterator[HMLRClient]:
    """The open memory that this request is about: the token's user's, nobody else's."""
    people: People = request.app.state.people
    async with people.client(caller.user(x_hmlr_user)) as client:
        yield client


Admin = Annotated[Caller, Depends(admin_of)]
AnyCaller = Annotated[Caller, Depends(caller_of)]
Memory = Annotated[HMLRClient, Depends(memory_of)]
