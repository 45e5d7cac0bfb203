"""What all rooms of the client stand on."""

from __future__ import annotations

from hmlr.core.member import Member
from hmlr.core.services import Clock
from hmlr.errors import ClosedError
from hmlr.memory.intake import user_id as checked_user
from hmlr.settings import Settings


class ClientBase:
    """Whose memory it is, by which settings and clock, and the memory itself while it is open."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.user_id = checked_user(settings.user)
        self._clock = clock
        self._open: Member | None = None

    @property
    def _member(self) -> Member:
        if self._open is None:
            raise ClosedError("the client is not open", hint="Use `async with HMLRClient(...) as hmlr:`")
        return self._open
