"""Moving whole memories from one database to another, so that a killed move goes on where it was.

Each user is copied from one snapshot in one transaction, which proves the copy before it ends: a user is in
the target wholly or not at all. What is noted of the move in the target lets the next run go on. At the end
the source is read once more, and users who have changed meanwhile are copied again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing

from hmlr.core.services import Clock
from hmlr.errors import Conflict, NotFound
from hmlr.records import MoveReport, UserId
from hmlr.store.move_records import Arriving
from hmlr.store.port import Store

ROUNDS = 3  # how often users who go on changing are copied
PASSES = 3  # over each row: stored, proved, compared with the source at the end
Progress = Callable[[int, int], None]  # steps done, and all of them


class Move:
    """One run of a move. The source is only read."""

    def __init__(self, source: Store, target: Store, *, clock: Clock, progress: Progress) -> None:
        self._source = source
        self._target = target
        self._clock = clock
        self._progress = progress
        self._steps = [0, 0]
        self._digests: dict[UserId, str] = {}  # of the copies in the target
        self._stale: set[UserId] = set()

    async def run(self, only: UserId | None) -> MoveReport:
        """Move a user, or all of them with all tokens.

        NotFound when the source has none. Conflict when the target holds another memory of a user, before
        anything was copied. CopyDiffers when a copy is not what was read; the users before it are moved.
        """
        users = await self._users(only)
        self._steps = [0, PASSES * await self._source.row_count(only)]
        self._progress(*self._steps)
        begun = await self._target.moves()
        self._stale = {user for user in users if user in begun}
        waiting = await self._not_here(users, begun)
        here = len(users) - len(waiting)
        await self._target.begin_moves(users, self._clock())
        for _ in range(ROUNDS):
            for user in waiting:
                await self._copy(user)
            waiting = await self._changed(await self._users(only))
            if not waiting:
                break
            self._stale |= self._digests.keys() & set(waiting)
            await self._target.begin_moves(waiting, self._clock())
        if await self._target.purge_pending():
            await self._target.purge_files()
        tokens = await self._move_tokens(only)
        if not waiting:
            await self._target.end_moves(list(self._digests))
        moved = [user for user in self._digests if user not in waiting]
        return MoveReport(
            users=tuple(moved), here=here, left=tuple(waiting), rows=self._steps[1] // PASSES, tokens=tokens
        )

    async def _users(self, only: UserId | None) -> list[UserId]:
        users = await self._source.every_user()
        if only is None and users:
            return users
        if only not in users:
            who = "any user" if only is None else f"the user {only}"
            raise NotFound(f"the source holds nothing of {who}", hint="Check --from and --user")
        return [only]

    async def _not_here(self, users: Sequence[UserId], begun: dict[UserId, str]) -> list[UserId]:
        """The users who are not in the target as they are in the source. Conflict for another memory."""
        present = set(await self._target.every_user())
        waiting = []
        for user in users:
            if user not in present:
                waiting.append(user)
                continue
            source, target = await self._source.tally(user), await self._target.tally(user)
            self._digests[user] = target.digest
            if source == target:
                self._step((PASSES - 1) * source.rows)
            elif begun.get(user) == target.digest:
                waiting.append(user)
            else:
                raise Conflict(
                    f"the target holds another memory of {user}: {', '.join(source.differing(target))}",
                    hint="Memories are never merged: name another target, or use export and import",
                )
        return waiting

    async def _copy(self, user: UserId) -> None:
        arriving = Arriving(user=user, over=self._digests.get(user, ""), stale=user in self._stale)
        async with aclosing(self._source.pages(user)) as pages:
            self._digests[user] = await self._target.take_in(arriving, pages, self._step)

    async def _changed(self, users: Sequence[UserId]) -> list[UserId]:
        """The users who are not in the source any more as they were copied."""
        changed = []
        for user in users:
            tally = await self._source.tally(user)
            self._step(tally.rows)
            if self._digests.get(user) != tally.digest:
                changed.append(user)
        return changed

    async def _move_tokens(self, only: UserId | None) -> int:
        """Issue the tokens in the target too, and revoke those that were; how many were new."""
        there = {token.token_id: token for token in await self._target.tokens()}
        new = 0
        for token, digest in await self._source.token_digests():
            if only is not None and token.user_id != only:
                continue
            known = there.get(token.token_id)
            if known is None:
                await self._target.add_token(token, digest)
                new += 1
            elif token.revoked_at is not None and known.revoked_at is None:
                await self._target.revoke_token(token.token_id, token.revoked_at)
        return new

    def _step(self, rows: int) -> None:
        self._steps[0] = min(self._steps[0] + rows, self._steps[1])
        self._progress(*self._steps)
