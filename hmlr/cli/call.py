"""One call of the command line: its common options, its settings and its client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from hmlr.cli.progress import first_use
from hmlr.cli.streams import dim, note
from hmlr.errors import HMLRError

if TYPE_CHECKING:
    from hmlr.client import HMLRClient
    from hmlr.settings import Settings


class CommandError(HMLRError):
    """The command could not do its work: one line on stderr, exit code 1."""


class UsageError(HMLRError):
    """The command was called wrongly: one line on stderr, exit code 2."""


@dataclass(frozen=True, kw_only=True)
class Globals:
    """The common options; None means not given."""

    db: str | None = None
    user: str | None = None
    model: str | None = None
    debug: bool = False

    def overridden_by(self, later: Globals) -> Globals:
        """These options, except where `later` says otherwise."""
        return Globals(
            db=self.db if later.db is None else later.db,
            user=self.user if later.user is None else later.user,
            model=self.model if later.model is None else later.model,
            debug=self.debug or later.debug,
        )


class Call:
    """What a command gets besides its own arguments."""

    def __init__(self, options: Globals) -> None:
        self.options = options

    @cached_property
    def settings(self) -> Settings:
        """The settings, with the options of the command line over them."""
        from hmlr.settings import Settings  # not needed for help

        given = self.options
        if given.db is not None and not given.db.strip():
            raise UsageError("--db takes a file or postgresql://…")
        return Settings.load(db_path=given.db, user=given.user, model=given.model)

    @asynccontextmanager
    async def client(self, *, speaker: str | None = None, creates: bool = False) -> AsyncIterator[HMLRClient]:
        """The open client; `speaker` is the owner's name in messages.

        CommandError when a database was named that does not exist, unless the command `creates` one.
        """
        from hmlr.client import HMLRClient  # not needed for help

        if not creates:
            self._refuse_missing()

        async with (
            first_use(self.settings),
            HMLRClient(settings=self.settings, speaker=speaker) as client,
        ):
            yield client

    def _refuse_missing(self) -> None:
        """An empty memory may be read where it is usual, not where somebody meant another file."""
        settings = self.settings
        if settings.db_path and settings.database_url is None and not settings.database.exists():
            raise CommandError(
                f"the database {settings.database} does not exist",
                hint="Check --db and HMLR_DB_PATH; chat, remember and import make a new one",
            )

    async def finish(self, client: HMLRClient, timeout_s: float | None = None) -> None:
        """Wait for background work as long as a one-shot command may; say what is left."""
        wait = self.settings.background_wait_s if timeout_s is None else timeout_s
        if not await client.flush(wait):
            stats = await client.stats()
            if stats.jobs_waiting:
                note(dim(f"{stats.jobs_waiting} background jobs are left; the next command takes them up"))
            if stats.jobs_failed:
                note(dim(f"{stats.jobs_failed} background jobs failed; `doctor` says why"))
