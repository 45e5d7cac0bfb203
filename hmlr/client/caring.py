"""The client for the care of a memory: garden, forget, move, make anew, look after."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Literal, Unpack, overload

from hmlr.client.base import ClientBase
from hmlr.core import gardening, health, worker
from hmlr.core.gardening import GardenArguments, checked_options
from hmlr.core.services import open_errands
from hmlr.core.worker import checked_shift
from hmlr.errands.port import QUEUES
from hmlr.errors import InvalidInput
from hmlr.garden_records import GardenPlan, GardenProgress, GardenReport, GardenRun
from hmlr.memory.intake import check_name, check_time, check_wait
from hmlr.memory.portability import export_file, export_lines, import_file, import_lines
from hmlr.records import (
    Audit,
    Backup,
    Certificate,
    Health,
    Queue,
    RunId,
    Stats,
    UserId,
    WorkState,
)
from hmlr.store.records import TurnQuery


def _opened_by(speaker: str, since: datetime | None, until: datetime | None) -> TurnQuery:
    check_name(speaker, what="the speaker's name")
    return TurnQuery(
        speaker=speaker,
        since=since and check_time(since, what="since"),
        until=until and check_time(until, what="until"),
    )


class Caring(ClientBase):
    """Consolidate, erase, carry over and check what is stored."""

    @overload
    async def garden(
        self, *, dry_run: Literal[True], all_users: bool = False, **options: Unpack[GardenArguments]
    ) -> GardenPlan: ...
    @overload
    async def garden(
        self,
        *,
        dry_run: Literal[False] = False,
        all_users: bool = False,
        progress: Callable[[GardenProgress], None] | None = None,
        **options: Unpack[GardenArguments],
    ) -> GardenReport: ...
    async def garden(
        self,
        *,
        dry_run: bool = False,
        all_users: bool = False,
        progress: Callable[[GardenProgress], None] | None = None,
        **options: Unpack[GardenArguments],
    ) -> GardenPlan | GardenReport:
        """Turn finished topics into long-term memory: tags, section rules, facts in dossiers.

        The topic that is talked about now waits, unless `include_active`. `all_users` gardens every memory
        of the database, `concurrency` of them, and as many model calls, at a time. `budget_tokens` and
        `budget_usd` are hard limits of this run: it stops before the call that would pass them. It stops as
        well before it changes much of what was in order, unless `allow_large` (docs/gardening.md), and once
        the model calls of a user have come to `daily_tokens` or `daily_usd` on this day (UTC). What could
        not be done, because the model is down or the budget spent, stays pending; the report says so.
        With `dry_run` nothing is written or sent: the plan shows the changes as the rules see them, and the
        model calls that they would take. Safe to repeat, and to kill: the next run goes on.
        """
        member = self._member
        users = await member.services.store.users() if all_users else [self.user_id]
        chosen = checked_options(**options)
        if dry_run:
            return await gardening.plan(member.services, users, chosen)
        return await gardening.run(member.services, users, chosen, progress)

    async def work(
        self,
        *,
        stop: asyncio.Event | None = None,
        queues: Sequence[Queue] = QUEUES,
        concurrency: int = 8,
        every_s: float | None = None,
        daily_tokens: int | None = None,
        daily_usd: float | None = None,
    ) -> None:
        """Work for all users of the database until `stop` is set, beside any number of other workers.

        Of the queue `learn` it takes background work that was left over, of `garden` what has become
        finished, looked for every `every_s` (the setting `garden_every_s`); `concurrency` users at a time. At
        the stop it finishes the topics that it is at, and gives back what takes longer than the setting
        `worker_grace_s`. What a worker had that was killed is taken over by another one
        (docs/workers.md). The daily limits are those of `garden`. Raises MissingPackage, ConfigurationError.
        """
        services = self._member.services
        options = checked_options(concurrency=concurrency, daily_tokens=daily_tokens, daily_usd=daily_usd)
        await worker.work(
            services,
            checked_shift(services.settings, queues, concurrency, every_s),
            options,
            stop or asyncio.Event(),
        )

    async def work_state(self) -> WorkState:
        """What the workers of the database have before them, over all users; for the operator's own tools."""
        async with aclosing(await open_errands(self._member.services)) as errands:
            return await errands.state()

    async def undo(self, run_id: str) -> GardenRun:
        """Take back what a garden run changed in this user's memory: an export is as it was before.

        Raises NotFound; Conflict when a later run has built on it; InvalidInput when something that it
        stands on was forgotten since.
        """
        return await self._member.services.store.undo_run(self.user_id, RunId(run_id), now=self._clock())

    async def garden_runs(self) -> list[GardenRun]:
        """The runs of the gardener over this user's memory, the latest first."""
        return await self._member.services.store.garden_runs(self.user_id)

    async def forget(
        self,
        *,
        turn_id: str | None = None,
        fact_id: str | None = None,
        session_id: str | None = None,
        speaker: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        everything: bool = False,
    ) -> Certificate:
        """Erase exactly one thing: a turn, a fact, a session, a speaker's turns, or everything of this user.

        May take seconds. Nothing of it is left in the database, its indexes or its files, nor of what was
        learned from it; the certificate says what went. The turns of a `speaker` are those that it opened,
        with the replies to them; `since` (inclusive) and `until` (exclusive) bound their event time. As in
        `recall` the case of the name does not count, and a role's name means unnamed messages of that role:
        "tool" is what unnamed tools said. Raises NotFound when there is nothing of it.
        """
        named = (turn_id, fact_id, session_id, speaker, everything or None)
        if sum(each is not None for each in named) != 1:
            raise InvalidInput(
                "forget takes exactly one of turn_id, fact_id, session_id, speaker and everything=True",
                hint="Name what is to be forgotten",
            )
        if speaker is not None:
            return await self._member.forget_speaker(_opened_by(speaker, since, until))
        if since is not None or until is not None:
            raise InvalidInput("forget takes since and until with a speaker only")
        return await self._member.forget(turn_id=turn_id, fact_id=fact_id, session_id=session_id)

    async def export(self, path: str | Path) -> int:
        """Write everything of this user to a file (JSON Lines); the number of records."""
        member = self._member
        return await export_file(member.services.store, self.user_id, Path(path))

    async def import_(self, path: str | Path) -> int:
        """Take in an exported file under this user, all or nothing; the number of records that were new."""
        member = self._member
        count = await import_file(member.services.store, self.user_id, Path(path))
        member.background.notify()
        return count

    async def export_lines(self) -> AsyncGenerator[str, None]:
        """What `export` writes, some whole lines at a time; a snapshot is held until the end or `aclose`."""
        member = self._member
        async with aclosing(export_lines(member.services.store, self.user_id)) as pieces:
            async for lines in pieces:
                yield lines

    async def import_lines(self, lines: bytes) -> int:
        """Take in what `export_lines` gave, in UTF-8, as `import_` does."""
        member = self._member
        count = await import_lines(member.services.store, self.user_id, lines)
        member.background.notify()
        return count

    async def backup(self, path: str | Path, *, overwrite: bool = False) -> Backup:
        """Copy the memories of all users of this database into one file (mode 0600), while others use it.

        It is as all was at one moment, and appears when it was read through and found sound;
        `restore-backup` puts it back. What is forgotten later is still in it: delete old backups, too.
        Raises InvalidInput when the file exists, unless `overwrite`; StorageCorrupt when what was copied is
        damaged.
        """
        return await self._member.services.store.backup(Path(path), overwrite=overwrite)

    async def rebuild(self) -> int:
        """Make everything derived anew from the turns and the user's edits; the number of messages read."""
        return await self._member.rebuild()

    async def retry(self) -> int:
        """Make parked background jobs due again; the number of them."""
        return await self._member.retry()

    async def flush(self, timeout_s: float | None = None) -> bool:
        """Wait for the background work that can be done; whether none is left, parked jobs included."""
        return await self._member.background.drain(check_wait(timeout_s))

    async def stats(self) -> Stats:
        """How much is stored for this user, and what the model calls of this client cost and took."""
        services = self._member.services
        if services.day_book is not None:
            await services.day_book.settle()
        stored = await services.store.stats(self.user_id)
        if services.opened_model is None:
            return stored
        gateway = services.opened_model.gateway
        spending, latencies = gateway.ledger.entries(), gateway.metrics.latencies()
        return replace(stored, spending=spending, latencies=latencies)

    async def audit(self) -> Audit:
        """How many facts are duplicates, contradicted, stale, echoes, unsourced or secret, with examples.

        Reads every message of the user; changes nothing.
        """
        return await self._member.audit()

    async def health(self, *, database: bool = True) -> Health:
        """What is configured, whether it works, and what to do where it does not.

        Without `database` only what concerns this user: the file, which all users share, is not read through.
        """
        member = self._member
        return await health.check(member.services, self.user_id, database=database)

    async def users(self) -> list[UserId]:
        """Whose memories are in this database; for the operator's own tools only."""
        return await self._member.services.store.users()
