"""HMLRClient: the public door of HMLR for Python programs.

Opening and closing stand here; the other methods stand by what a caller does: conversing, knowing, arranging,
caring.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from hmlr.client.arranging import Arranging
from hmlr.client.caring import Caring
from hmlr.client.conversing import Conversing
from hmlr.client.knowing import Knowing
from hmlr.core.access import AccessDesk
from hmlr.core.member import Member
from hmlr.core.services import Clock, open_services, utc_now
from hmlr.exhaustion import told
from hmlr.llm.names import OFFLINE
from hmlr.llm.port import Model
from hmlr.llm.settings import LLMSettings
from hmlr.memory.embeddings.port import EmbedderSpec
from hmlr.settings import Settings

__all__ = ["HMLRClient"]


@told
class HMLRClient(Conversing, Knowing, Arranging, Caring):
    """The memory of one user.

    Use it as an async context manager. Safe for concurrent calls on one event loop; several clients, of the
    same user or of others, may work on one database at the same time. Every method raises InvalidInput for
    arguments that make no sense, StorageError or TryLater when the database fails, ClosedError after closing.
    """

    def __init__(
        self,
        db_path: str | Path | None = None,
        user_id: str | None = None,
        *,
        model: Model | str | None = None,
        llm: LLMSettings | None = None,
        speaker: str | None = None,
        settings: Settings | None = None,
        embedder: EmbedderSpec | None = None,
        clock: Clock = utc_now,
    ) -> None:
        """`model` is "provider:model" or "offline"; None takes the settings' one, else the first provider
        with a key, else offline. `llm` says how models are called. `speaker` is the name under which the
        owner appears in messages, besides none.

        Raises ConfigurationError or InvalidInput; nothing is opened yet.
        """
        given = {"db_path": str(db_path) if db_path is not None else None, "user": user_id}
        given = {name: value for name, value in given.items() if value is not None}
        super().__init__(settings.model_copy(update=given) if settings else Settings.load(**given), clock)
        self._model = model
        self._llm = llm
        self._speaker = speaker
        self._embedder = embedder
        self._host: HMLRClient | None = None  # whose open database this client uses

    @property
    def model(self) -> str:
        """The language model that answers: "provider:model", or "offline" for the rules."""
        model = self._member.services.runner.model
        return OFFLINE if model is None else model.name

    @property
    def access(self) -> AccessDesk:
        """The tokens of the server's doors to this database; they concern all its users."""
        return AccessDesk(self._member.services.store, self._clock)

    def as_user(self, user_id: str, *, speaker: str | None = None) -> HMLRClient:
        """A client for another user of the same open database: `async with hmlr.as_user("bob") as bob`.

        It shares connections, embedder and model with this one, which has to stay open longer. That is how
        one process serves many users. Raises InvalidInput for a user id that makes no sense.
        """
        other = HMLRClient(
            settings=self.settings.model_copy(update={"user": user_id}), speaker=speaker, clock=self._clock
        )
        other._host = self
        return other

    async def __aenter__(self) -> Self:
        """Open the database and take up background work that an earlier process left."""
        if self._host is not None:
            services = self._host._member.services.for_user(self.user_id)
        else:
            services = await open_services(
                self.settings, model=self._model, llm=self._llm, embedder=self._embedder, clock=self._clock
            )
        self._open = Member(services, self.user_id, self._speaker)
        try:
            await self._open.start()
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Finish the running batch of background work and close; the rest stays queued. Safe to repeat."""
        member, self._open = self._open, None
        if member is not None:
            await member.aclose()
