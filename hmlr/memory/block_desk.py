"""The desk where a user arranges bridge blocks: rename, merge, split, resume."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from hmlr.errors import Conflict, InvalidInput, NotFound
from hmlr.memory.blocks import header_of, new_block, new_block_id
from hmlr.memory.intake import check_label
from hmlr.memory.paging import pages
from hmlr.memory.retrieval.topics import RESUME
from hmlr.records import Block, BlockId, Turn, TurnId, UserId
from hmlr.store.port import Store
from hmlr.store.records import AddEdit, AssignTurn, Change, Edit, PutBlock, StoredBlock, TurnQuery

PLACE = "place_turn"
RENAME = "rename_block"
# A running conversation may change a block between our reading and our writing it; then we read again.
TRIES = 12
WAIT_S = 0.01
HINT = "`blocks` lists them with their ids"


class _Opening(NamedTuple):
    """What an edit needs of a turn."""

    turn_id: TurnId
    seq: int
    occurred_at: datetime
    text: str  # of its first message

    @classmethod
    def of(cls, turn: Turn) -> _Opening:
        return cls(turn.turn_id, turn.seq, turn.occurred_at, turn.messages[0].content)


class BlockDesk:
    """Blocks of one user. Every edit is logged, so that a rebuild makes it again."""

    def __init__(self, store: Store, user: UserId, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._user = user
        self._clock = clock
        self._editing = asyncio.Lock()

    async def blocks(self) -> list[Block]:
        """All blocks, the one with the latest turn first."""
        return [entry.block for entry in await self._store.blocks(self._user)]

    async def rename(self, block_id: BlockId, label: str) -> Block:
        """Give a block a label of the user's own, which then stays, and with it the turns it stands for."""
        check_label(label, what="the label")
        return await self._again(lambda: self._rename(block_id, label))

    async def _rename(self, block_id: BlockId, label: str) -> Block:
        entry = await self._one(block_id)
        block = replace(entry.block, label=label, renamed=True)
        edit = AddEdit(kind=RENAME, target=block_id, payload={"label": label}, recorded_at=self._clock())
        # A rebuild may cut topics otherwise: a name whose turns went elsewhere would be lost.
        places = [
            change for change in self._moves(await self._turns(block_id), block_id) if _is_place(change)
        ]
        await self._store.apply(self._user, [PutBlock(block=block, version=entry.version), edit, *places])
        return block

    async def merge(self, block_id: BlockId, into: BlockId) -> Block:
        """Move all turns of a block into another one; the emptied block goes."""
        if block_id == into:
            raise InvalidInput("a block can't be merged into itself")
        return await self._again(lambda: self._merge(block_id, into))

    async def _merge(self, block_id: BlockId, into: BlockId) -> Block:
        await self._one(block_id)
        target = await self._one(into)
        both = [*await self._turns(into), *await self._turns(block_id)]
        turns = sorted(both, key=lambda turn: turn.seq)
        header = await self._header(target.block, turns)
        changes = [PutBlock(block=_to_garden(header), version=target.version), *self._moves(turns, into)]
        await self._store.apply(self._user, changes)
        return (await self._one(into)).block

    async def split(self, block_id: BlockId, at_turn: TurnId) -> Block:
        """Move a block's turns from the given one on into a new block."""
        return await self._again(lambda: self._split(block_id, at_turn))

    async def _split(self, block_id: BlockId, at_turn: TurnId) -> Block:
        entry = await self._one(block_id)
        turns = await self._turns(block_id)
        ids = [turn.turn_id for turn in turns]
        if at_turn not in ids:
            raise NotFound(f"there is no turn {at_turn!r} in that block")
        place = ids.index(at_turn)
        if place == 0:
            raise InvalidInput("the block begins with that turn", hint="Name a later one")
        stay, move = turns[:place], turns[place:]
        opened = replace(new_block(at_turn, move[0].occurred_at), block_id=await self._free_id(at_turn))
        new = await self._header(opened, move)
        changes: list[Change] = [
            PutBlock(block=_to_garden(await self._header(entry.block, stay)), version=entry.version),
            PutBlock(block=new, version=0),
            *self._moves(stay, block_id),
            *self._moves(move, new.block_id),
        ]
        await self._store.apply(self._user, changes)
        return (await self._one(new.block_id)).block

    async def resume(self, block_id: BlockId) -> Block:
        """Make a block the active one. A session that begins with the next turn takes it for its topic:
        that turn continues it unless it speaks of something else.
        """
        return await self._again(lambda: self._resume(block_id))

    async def _resume(self, block_id: BlockId) -> Block:
        entry = await self._one(block_id)
        turns = await self._turns(block_id)
        changes: list[Change] = [
            PutBlock(block=entry.block, version=entry.version),
            AssignTurn(turn_id=turns[-1].turn_id, block_id=block_id, by="user"),
            AddEdit(kind=RESUME, target=block_id, payload={}, recorded_at=self._clock()),
        ]
        await self._store.apply(self._user, changes)
        return (await self._one(block_id)).block

    def _moves(self, turns: Sequence[_Opening], block_id: BlockId) -> list[Change]:
        """Put turns into a block, each by an edit of its own, so that forgetting one keeps the others."""
        now = self._clock()
        changes: list[Change] = []
        for turn in turns:
            changes.append(AssignTurn(turn_id=turn.turn_id, block_id=block_id, by="user", activate=False))
            changes.append(
                AddEdit(kind=PLACE, target=turn.turn_id, payload={"block_id": block_id}, recorded_at=now)
            )
        return changes

    async def _again(self, work: Callable[[], Awaitable[Block]]) -> Block:
        """Do it, again when it met a conflict; Conflict when it always does."""
        async with self._editing:  # edits need not disturb each other: conversations do that enough
            for attempt in range(1, TRIES):
                try:
                    return await work()
                except Conflict:
                    await asyncio.sleep(WAIT_S * attempt)
            return await work()

    async def _free_id(self, at_turn: TurnId) -> BlockId:
        """The id of the block that the turn opens, or one made from it when that is taken."""
        wanted = new_block_id(at_turn)
        while await self._store.blocks(self._user, block_ids=[wanted]):
            wanted = new_block_id(TurnId(f"{wanted}:{at_turn}"))
        return wanted

    async def _one(self, block_id: BlockId) -> StoredBlock:
        found = await self._store.blocks(self._user, block_ids=[block_id])
        if not found:
            raise NotFound(f"there is no block {block_id!r}", hint=HINT)
        return found[0]

    async def _turns(self, block_id: BlockId) -> list[_Opening]:
        found = pages(self._store, self._user, TurnQuery(block_id=block_id))
        return [_Opening.of(turn) async for page in found for turn in page]

    @staticmethod
    async def _header(block: Block, turns: Sequence[_Opening]) -> Block:
        """The header that these turns make, under the label of the user's own if there is one."""
        made = await asyncio.to_thread(header_of, block, [turn.text for turn in turns])
        return replace(made, label=block.label, renamed=True) if block.renamed else made


def _to_garden(block: Block) -> Block:
    """A block whose turns have changed is to be gardened again: its tags may have come or gone with them."""
    return replace(block, state="PAUSED") if block.state == "GARDENED" else block


def _is_place(change: Change) -> bool:
    return isinstance(change, AddEdit) and change.kind == PLACE


@dataclass(frozen=True, kw_only=True)
class Arrangement:
    """Where the user has put turns, and how blocks are named; a rebuild routes by it first."""

    places: Mapping[TurnId, BlockId] = field(default_factory=dict)
    labels: Mapping[BlockId, str] = field(default_factory=dict)

    @classmethod
    def of(cls, edits: Sequence[Edit]) -> Arrangement:
        """The arrangement that the edits add up to; later ones win."""
        return cls(
            places={
                TurnId(edit.target): BlockId(str(edit.payload["block_id"]))
                for edit in edits
                if edit.kind == PLACE
            },
            labels={
                BlockId(edit.target): str(edit.payload["label"]) for edit in edits if edit.kind == RENAME
            },
        )
