"""What is done to whole memories: erasing, moving, checking, and who may come in."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from hmlr.records import AccessToken, Backup, Check, Stats, StoredMessage, UserId
from hmlr.store.care_records import Erased, ErasePlan
from hmlr.store.move_records import Arriving, Page, Tally

ExportRecord = Mapping[str, object]


class CareStore(Protocol):
    """Erasure, portability, repair."""

    async def messages_containing(self, user: UserId, needles: Sequence[str]) -> list[StoredMessage]:
        """Messages in which any of the texts stands, in any case; by message number.

        Looks at content, speaker and metadata, whose keys and numbers count as texts.

        Reads all messages of the user: seconds for a large memory.
        """

    async def erase(self, user: UserId, plan: ErasePlan, *, now: datetime) -> Erased:
        """Remove in one transaction, leaving tombstones without content.

        A fact whose successor is removed is succeeded by that one's successor, or is active again, and so is
        one that a removed turn had ended. Reasons that came from removed turns or facts are emptied, and the
        plan's words blanked in all others, in edits and in headers. Blocks of the plan replace the stored
        headers under a new version; a block without turns goes. Edits that name a removed fact go too.
        Whoever works on a job of a rewritten message loses the lease, and the job is due anew.
        A dossier that told of anything removed or changed loses its texts and vector, tags whose quote no
        longer stands go, and a garden run that kept any of it can't be undone any more.
        """

    async def purge_files(self) -> bool:
        """Rewrite the database files without removed content (full-text segments, free pages, WAL).

        False when another process kept a snapshot open, so that it must be repeated. Every erasure is
        pending, from its own transaction on, until this was done after it.
        """

    async def purge_pending(self) -> bool:
        """Whether the files may hold what was erased, by any user, since nobody finished the purge; cheap."""

    def export(self, user: UserId) -> AsyncGenerator[ExportRecord, None]:
        """Everything of the user but what search derives, as plain JSON values, in a fixed order."""

    async def import_records(self, user: UserId, records: Sequence[ExportRecord]) -> int:
        """Take exported records, under this user; those present already are left. The number added.

        What was forgotten here, turn by turn, session by session or fact by fact, is not taken again, nor are
        the texts of a dossier that told of it.
        Chunks, index rows and embed jobs are made anew; no other job is.
        """

    async def rebuild_search(self) -> int:
        """Make chunks, index rows and vectors' bookkeeping anew from the messages, for all users.

        The new rows are complete before the old are dropped. The number of messages indexed.
        """

    async def drop_knowledge(self, user: UserId) -> None:
        """Drop facts, blocks, dossiers and tags, which are derived, with all garden runs; put a job of each
        kind that learns for every turn.
        """

    async def stats(self, user: UserId) -> Stats:
        """How much is stored."""

    async def check(self) -> list[Check]:
        """Whether the database is sound: integrity, content hashes, gaps, index against messages."""

    async def backup(self, target: Path, *, overwrite: bool) -> Backup:
        """Copy the memories of all users as they are at one moment, while others read and write.

        The file appears when it was read through and found sound. InvalidInput when there is one already, or
        none can be; StorageCorrupt when what was copied is damaged.
        """

    async def users(self) -> list[UserId]:
        """Whose memories are here; for the operator's own tools only."""


class AccessStore(Protocol):
    """Tokens of the server's doors. They belong to the operator: no memory is read or changed by these."""

    async def add_token(self, token: AccessToken, digest: str) -> None:
        """Keep a new token under the digest of its secret."""

    async def token_of(self, digest: str) -> AccessToken | None:
        """The token of a secret; None when there is none, or it is revoked. Called for every request."""

    async def tokens(self) -> list[AccessToken]:
        """All tokens, revoked ones included, the oldest first."""

    async def token_digests(self) -> list[tuple[AccessToken, str]]:
        """All tokens with the digests of their secrets, to be moved."""

    async def revoke_token(self, token_id: str, now: datetime) -> AccessToken:
        """End a token; one that is ended already stays as it is. NotFound."""


class MoveStore(Protocol):
    """Whole memories on their way to another database; for the operator's own tools only."""

    async def every_user(self) -> list[UserId]:
        """Users of whom there is anything, be it a tombstone; by name."""

    async def row_count(self, user: UserId | None) -> int:
        """How many rows a move of this user takes, or of all."""

    async def tally(self, user: UserId) -> Tally:
        """How many rows there are of the user in each table, and what they hold, hashed."""

    def pages(self, user: UserId) -> AsyncGenerator[Page, None]:
        """Everything of the user, search data, jobs and counters included; from one snapshot."""

    async def take_in(
        self, arriving: Arriving, pages: AsyncIterator[Page], told: Callable[[int], None]
    ) -> str:
        """Store the pages of a user in one transaction, prove them by a tally, and give its digest.

        `told` hears of rows that were stored, and once more when they were proved.
        Conflict when the user's memory here may not be replaced; CopyDiffers when the proof fails.
        """

    async def begin_moves(self, users: Sequence[UserId], now: datetime) -> None:
        """Note that users are on their way here; those that are noted stay as they are."""

    async def moves(self) -> dict[UserId, str]:
        """The users that are on their way here, with the digest of their copy, empty while there is none."""

    async def end_moves(self, users: Sequence[UserId]) -> None:
        """Their move is done: what is here is a memory like any other."""
