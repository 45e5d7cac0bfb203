"""Deep recall: what takes several steps is answered with citations, by an agent or by a chain of facts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from hmlr.core.tasks.fence import nonce
from hmlr.deep_records import DeepAnswer, Evidence
from hmlr.errors import ModelError
from hmlr.memory.deep.chain import MAX_TURNS, Known, Step, chain
from hmlr.memory.deep.evidence import Numbered
from hmlr.memory.deep.places import Memory
from hmlr.memory.facts.book import FactBook
from hmlr.memory.intake import check_query
from hmlr.memory.retrieval.hydration import tokens_of
from hmlr.memory.retrieval.recall import RecallRequest
from hmlr.records import Usage
from hmlr.store.records import FactQuery, TurnQuery

if TYPE_CHECKING:
    from hmlr.llm.gateway import Gateway

NOTHING = "I have nothing on that yet."
NO_MODEL = "deep recall: this model takes no tools"


class DeepRecall:
    """Answers a user's questions; writes nothing. Without a gateway, or when it fails, by the chain."""

    def __init__(
        self, memory: Memory, book: FactBook, gateway: Gateway | None, *, toolless: bool = False
    ) -> None:
        """`toolless`: there is a model, but no way to give it tools."""
        self._memory = memory
        self._book = book
        self._gateway = gateway
        self._toolless = toolless

    async def __call__(
        self, question: str, *, now: datetime, max_rounds: int, budget_tokens: int
    ) -> DeepAnswer:
        """See `HMLRClient.deep_recall`."""
        check_query(question)
        if not question.strip():
            return DeepAnswer(question=question, text=NOTHING, evidence=(), by="rule")
        if self._gateway is None:
            degraded = (NO_MODEL,) if self._toolless else ()
            return await self._by_chain(question, now, budget_tokens, degraded=degraded)
        try:
            return await self._by_model(self._gateway, question, now, max_rounds, budget_tokens)
        except ModelError as error:
            spent = Usage(
                calls=error.calls, input_tokens=error.input_tokens, output_tokens=error.output_tokens
            )
            degraded = (f"deep recall: {error}",)
            return await self._by_chain(question, now, budget_tokens, degraded=degraded, usage=spent)

    async def _by_model(
        self, gateway: Gateway, question: str, now: datetime, max_rounds: int, budget_tokens: int
    ) -> DeepAnswer:
        # Imported here: HTTP takes long to import, and the chain never needs it.
        from hmlr.memory.deep.agent import Agent
        from hmlr.memory.deep.tools import Tools

        hidden = await self._book.hidden(question, now)
        numbered = Numbered(nonce(), hidden=hidden)
        tools = Tools(memory=self._memory, numbered=numbered, now=now, budget_tokens=budget_tokens)
        said = await Agent(gateway, self._memory.user, tools, max_rounds).answer(question)
        return DeepAnswer(
            question=question,
            text=said.text or NOTHING,
            evidence=said.evidence,
            by=said.completion.model,
            usage=said.completion.usage,
            tool_calls=tools.calls,
            refused=said.refused,
        )

    async def _by_chain(
        self,
        question: str,
        now: datetime,
        budget_tokens: int,
        *,
        degraded: tuple[str, ...] = (),
        usage: Usage | None = None,
    ) -> DeepAnswer:
        memory = self._memory
        facts, hits, aliases = await asyncio.gather(
            memory.store.facts(memory.user, FactQuery(states=None)),
            memory.recall(RecallRequest(query=question, limit=MAX_TURNS, now=now)),
            self._book.aliases(),
        )
        events = await memory.store.fact_events(memory.user, [fact.fact_id for fact in facts])
        steps = await asyncio.to_thread(chain, question, Known(facts, events, aliases), hits.items)
        numbered = Numbered(nonce(), hidden=await self._book.hidden(question, now))
        text, evidence = await self._told(steps, numbered, budget_tokens)
        return DeepAnswer(
            question=question,
            text=text,
            evidence=evidence,
            by="rule",
            usage=usage or Usage(),
            degraded=(*degraded, *hits.degraded),
        )

    async def _told(
        self, steps: Sequence[Step], numbered: Numbered, budget_tokens: int
    ) -> tuple[str, tuple[Evidence, ...]]:
        """The chain as text, nearest first, as far as the budget goes."""
        memory = self._memory
        ids = tuple({step.turn_id for step in steps if step.turn_id})
        stored = await memory.store.turns(memory.user, TurnQuery(turn_ids=ids)) if ids else []
        turns = {turn.turn_id: turn for turn in stored}
        numbers: dict[str, int] = {}
        lines: list[str] = []
        evidence: list[Evidence] = []
        for step in steps:
            via = numbers.get(step.via) if step.via else None
            if step.fact:
                each = numbered.fact(step.fact, step, via)
            elif step.turn_id in turns:
                each = numbered.turn(turns[step.turn_id], step.text, step, via)
            else:
                continue
            numbers[step.key] = each.number
            if each in evidence:  # another fact of the same words
                continue
            line = _line(each)
            if tokens_of("\n".join((*lines, line))) > budget_tokens:
                break
            lines.append(line)
            evidence.append(each)
        return "\n".join(lines) or NOTHING, tuple(evidence)


def _line(each: Evidence) -> str:
    """One step of the chain: "[3] 2025-01-19 user: “…” (took its place, from [2]; superseded: …)"."""
    way = f"{each.link}, from [{each.via}]" if each.via else each.link
    about = "; ".join(part for part in (way, each.note) if part)
    words = " ".join(each.text.split())
    return f"[{each.number}] {each.occurred_at:%Y-%m-%d} {each.said_by}: “{words}” ({about})"
