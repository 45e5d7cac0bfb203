"""The agent of deep recall: a model that looks into memory in rounds, and answers with citations."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import cache

from hmlr.core.tasks.base import Prompt
from hmlr.core.tasks.fence import escape
from hmlr.deep_records import Evidence
from hmlr.errors import InvalidAnswer, ToolLoopExceeded
from hmlr.llm.gateway import Gateway
from hmlr.llm.records import ChatMessage, ChatRequest, Completion
from hmlr.llm.tool_loop import Exchange
from hmlr.llm.tools import Toolbox
from hmlr.memory.deep.evidence import checked
from hmlr.memory.deep.tools import Tools
from hmlr.records import UserId

TASK = "deep_recall"  # its label in the ledger
TIMEOUT_S = 180.0  # of one question, all rounds together
NOTHING = "NOTHING FOUND"  # what the prompt asks to say
_LAST = "There are no more rounds. Answer now, from the evidence that you have, with citations."


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a model answered, its citations checked."""

    text: str  # "" when memory has no answer
    evidence: tuple[Evidence, ...]
    refused: tuple[str, ...]
    completion: Completion


@dataclass
class Agent:
    """One question to a model with tools."""

    gateway: Gateway
    user: UserId
    tools: Tools
    max_rounds: int

    async def answer(self, question: str) -> Said:
        """The model's answer. A wrong citation may be mended once, then it is taken out.

        Raises what the gateway raises, and InvalidAnswer when the answer rests on nothing that was found.
        """
        prompt = await asyncio.to_thread(_prompt)
        data = prompt.render({"question": escape(question), "today": f"{self.tools.now:%Y-%m-%d, %A}"})
        toolbox = Toolbox(self.tools.offered())
        exchange = Exchange(
            request=ChatRequest(
                messages=(
                    ChatMessage(role="system", content=prompt.system),
                    ChatMessage(role="user", content=data),
                ),
                tools=toolbox.specs,
                task=TASK,
                user=self.user,
            ),
            toolbox=toolbox,
            max_rounds=self.max_rounds,
            deadline=asyncio.get_running_loop().time() + TIMEOUT_S,
        )
        completion = await self._asked(exchange)
        said = self._checked(completion)
        if said.refused or not (said.evidence or not said.text):
            completion = await self._mended(exchange, said)
            said = self._checked(completion)
        if said.text and not said.evidence:
            raise InvalidAnswer(f"{completion.model}: the answer cites nothing that was found")
        return said

    async def _asked(self, exchange: Exchange) -> Completion:
        """The answer; after the last round the model is asked once more, without tools."""
        try:
            return await exchange.complete(self.gateway)
        except ToolLoopExceeded:
            return await self._told(exchange, _LAST)

    async def _mended(self, exchange: Exchange, said: Said) -> Completion:
        wrong = ", ".join(said.refused) or "nothing"
        self_said = ChatMessage(role="assistant", content=said.completion.text)
        exchange.request = replace(exchange.request, messages=(*exchange.request.messages, self_said))
        return await self._told(
            exchange,
            f"You cite {wrong}. Cite only evidence that a tool returned to you, by its number, or say "
            f"exactly: {NOTHING}. Write the whole answer again.",
        )

    async def _told(self, exchange: Exchange, text: str) -> Completion:
        """One more answer, without tools; its usage is that of the whole exchange."""
        told = (*exchange.request.messages, ChatMessage(role="user", content=text))
        # The tools stay: a provider refuses calls and results in a conversation that offers none.
        exchange.request = replace(exchange.request, messages=told, tool_choice="none")
        return await exchange.complete(self.gateway)

    def _checked(self, completion: Completion) -> Said:
        nothing = completion.text.strip().strip(".").upper() == NOTHING
        text, cited, refused = checked(
            "" if nothing else completion.text, self.tools.numbered.found, self.tools.shown
        )
        return Said(text=text, evidence=cited, refused=tuple(refused), completion=completion)


@cache
def _prompt() -> Prompt:
    return Prompt.load("hmlr.memory.deep")
