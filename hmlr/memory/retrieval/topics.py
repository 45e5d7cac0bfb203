"""Topics: the latest blocks of a user as the router sees them, kept fresh from the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hmlr.core.tasks.routing.task import Topic
from hmlr.language.blanking import blank
from hmlr.memory.blocks import HeaderWords, topic_words
from hmlr.memory.labels import secrets_in
from hmlr.memory.retrieval.index import UserIndex
from hmlr.records import Block, BlockId, SessionId, Turn, UserId
from hmlr.store.port import Store
from hmlr.store.records import StoredBlock, TurnQuery

MAX_TOPICS = 12  # how many blocks a turn may resume
RECENT = 4  # messages by which a topic is known
COUNTED = 48  # messages by which a block's words are counted again; its label needs the first few only
RESUME = "resume_block"  # the edit by which the user takes a topic up
ROUTED_CHARS = 4000  # of a message: its beginning tells the topic


@dataclass
class TopicState:
    """One block with what the router compares."""

    block: Block
    version: int
    last_seq: int = 0  # of its latest turn
    words: HeaderWords = field(default_factory=HeaderWords)
    texts: list[str] = field(default_factory=list)  # latest messages of its users, oldest first
    vectors: list[NDArray[np.float32]] = field(default_factory=list)  # theirs, as far as there are any
    model_id: str | None = None  # whose vectors they are
    _stems: frozenset[str] | None = None  # made when first asked for, dropped with the next message
    _said: str = ""  # made with them
    _compared: NDArray[np.float32] | None = None  # (RECENT + 1, dim): the vectors and their centre

    def remember(self, text: str, vector: NDArray[np.float32] | None, model_id: str | None) -> None:
        """Take a message as the latest, after the header has grown with it."""
        self.texts = [*self.texts, text][-RECENT:]
        if vector is not None:
            kept = self.vectors if self.model_id == model_id else []
            self.vectors, self.model_id = [*kept, vector][-RECENT:], model_id
        self._stems = self._compared = None

    def topic(self, vector: NDArray[np.float32] | None, model_id: str | None) -> Topic:
        """The router's view, with the nearness of the message's vector."""
        if self._stems is None:
            self._stems = topic_words(self.block, self.texts)
            self._said = _without_secrets(self.texts[-1]) if self.texts else ""
        return Topic(
            block_id=self.block.block_id,
            label=self.block.label,
            keywords=self.block.keywords,
            words=self._stems,
            similarity=self._similarity(vector) if model_id == self.model_id else 0.0,
            said=self._said,
        )

    def _similarity(self, vector: NDArray[np.float32] | None) -> float:
        """Cosine to the nearest of the latest messages or to their centre."""
        if vector is None or not self.vectors or len(vector) != len(self.vectors[0]):
            return 0.0
        if self._compared is None:
            centre = np.mean(self.vectors, axis=0)
            norm = np.linalg.norm(centre) or np.float32(1)
            self._compared = np.stack([*self.vectors, centre / norm])
        return round(float((self._compared @ vector).max()), 4)


def _without_secrets(text: str) -> str:
    """A message as a model reads it beside another one, which asks for nothing in it."""
    return blank(text, secrets_in(text))


class TopicBook:
    """The latest topics of one user in memory; what another process changed is read again."""

    def __init__(self, store: Store, user: UserId) -> None:
        self._store = store
        self._user = user
        self._states: dict[BlockId, TopicState] = {}
        self._model_id: str | None = None

    async def latest(self, index: UserIndex) -> list[TopicState]:
        """The topics, the one with the latest turn first."""
        stored = await self._store.blocks(self._user, limit=MAX_TOPICS)
        if index.model_id != self._model_id:  # their vectors are another model's
            self._states, self._model_id = {}, index.model_id
        kept: dict[BlockId, TopicState] = {}  # not the book's own: another call may clear that meanwhile
        for entry in stored:
            state = self._states.get(entry.block.block_id)
            if state is None or state.version != entry.version:
                state = await self._load(entry, index)
            state.block, state.last_seq = entry.block, entry.last_seq
            kept[entry.block.block_id] = state
        self._states = kept
        return list(kept.values())

    async def current(self, session_id: SessionId, before_seq: int | None) -> BlockId | None:
        """The block of the session's latest routed turn."""
        query = TurnQuery(session_id=session_id, before_seq=before_seq, newest=True, limit=RECENT)
        for turn in await self._store.turns(self._user, query):
            if turn.block_id is not None:
                return turn.block_id
        return None

    def keep(self, states: Mapping[BlockId, TopicState], written: Mapping[BlockId, int]) -> None:
        """Note the topics as this process has just written them; `written` has the versions read before."""
        for block_id, version in written.items():
            states[block_id].version = version + 1
        self._states = dict(list(states.items())[:MAX_TOPICS])

    def clear(self) -> None:
        """Read everything again next time."""
        self._states = {}

    async def _load(self, entry: StoredBlock, index: UserIndex) -> TopicState:
        query = TurnQuery(block_id=entry.block.block_id, newest=True, limit=COUNTED)
        turns = list(reversed(await self._store.turns(self._user, query)))
        state = TopicState(block=entry.block, version=entry.version, last_seq=entry.last_seq)
        if entry.block.turn_count > len(turns):  # what was said before them is known by its keywords
            for keyword in entry.block.keywords:
                state.words.add(keyword)
        for turn in turns:
            state.words.add(first_words(turn))
        for turn in turns[-RECENT:]:
            state.remember(first_words(turn), vector_of(index, turn), index.model_id)
        return state

    async def load(self, block_ids: Sequence[BlockId], index: UserIndex) -> dict[BlockId, TopicState]:
        """Those of the blocks that are there, however long ago they were talked about."""
        stored = await self._store.blocks(self._user, block_ids=block_ids) if block_ids else []
        return {entry.block.block_id: await self._load(entry, index) for entry in stored}

    async def resumed(self, before: Turn) -> BlockId | None:
        """The block that the user resumed since the last turn before this one, of any session."""
        edits = await self._store.edits(self._user)
        resumes = [edit for edit in edits if edit.kind == RESUME and edit.recorded_at <= before.recorded_at]
        if not resumes:
            return None
        query = TurnQuery(before_seq=before.seq, newest=True, limit=1)
        for turn in await self._store.turns(self._user, query):
            if turn.recorded_at > resumes[-1].recorded_at:
                return None
        return BlockId(resumes[-1].target)


def first_words(turn: Turn) -> str:
    """The text by which a turn is routed: the message that opens it."""
    return turn.messages[0].content[:ROUTED_CHARS] if turn.messages else ""


def vector_of(index: UserIndex, turn: Turn) -> NDArray[np.float32] | None:
    """The vector of a turn's first paragraph, None while there is none."""
    rows: Sequence[int] = index.rows_of_turn.get(turn.turn_id, ())
    return index.vectors.row(rows[0]) if rows else None
