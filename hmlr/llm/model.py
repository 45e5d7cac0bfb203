"""The engine's view of a gateway: the port `Model`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

from hmlr.errors import ConfigurationError, UnknownModel
from hmlr.llm.gateway import Gateway
from hmlr.llm.opening import beside
from hmlr.llm.port import FinishReason, ModelPart, ModelRequest, ModelResponse
from hmlr.llm.records import ChatMessage, ChatRequest, Completion, Options, StreamPart
from hmlr.llm.structured import schema_of, structured
from hmlr.records import DayLimit

# An answer that is wrong twice goes to the rule: a turn should not wait for more.
ATTEMPTS = 2


class GatewayModel:
    """The port `Model` on a gateway, for one user's calls."""

    def __init__(self, gateway: Gateway, user: str, day_limit: DayLimit | None = None) -> None:
        """`day_limit` holds for these calls, beside that of the settings."""
        self.name = gateway.models[0]
        self.gateway = gateway
        self._user = user
        self._day_limit = day_limit or DayLimit()

    def for_user(self, user: str, day_limit: DayLimit | None = None) -> GatewayModel:
        """The same way to the model, counted for another user."""
        return GatewayModel(self.gateway, user, day_limit)

    async def complete(self, request: ModelRequest) -> ModelResponse:
        """See the port; an answer that `request.check` refuses is repaired once."""
        asked = self._chat(request)
        if request.output is None:
            return _response(await self.gateway.complete(asked))
        answer = await structured(
            self.gateway.complete, asked, lambda text: (request.check(text), text)[1], attempts=ATTEMPTS
        )
        return _response(answer.completion, text=answer.value)

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelPart]:
        """See the port."""
        async for part in self.gateway.stream(self._chat(request)):
            response = _response(part.completion) if part.completion else None
            yield ModelPart(text=part.text, response=response)

    async def relay(self, request: ChatRequest, model: str | None = None) -> Completion:
        """A request as it stands, counted for this user; to another model when one is named.

        Raises as Gateway does, UnknownModel for a model without a key.
        """
        return await self._to(model).complete(self._counted(request))

    async def relay_stream(self, request: ChatRequest, model: str | None = None) -> AsyncIterator[StreamPart]:
        """`relay`, in pieces."""
        async with aclosing(self._to(model).stream(self._counted(request))) as parts:
            async for part in parts:
                yield part

    def _to(self, model: str | None) -> Gateway:
        if model is None or model == self.name:
            return self.gateway
        try:
            return beside(self.gateway, model, self.gateway.settings)
        except ConfigurationError as error:
            raise UnknownModel(str(error), model=model) from error

    def _counted(self, request: ChatRequest) -> ChatRequest:
        return replace(request, user=self._user, day_limit=self._day_limit)

    async def aclose(self) -> None:
        """Close the gateway's connections."""
        await self.gateway.aclose()

    def _chat(self, request: ModelRequest) -> ChatRequest:
        return ChatRequest(
            messages=(
                ChatMessage(role="system", content=request.system),
                ChatMessage(role="user", content=request.user),
            ),
            output=schema_of(request.output) if request.output is not None else None,
            options=Options(timeout_s=request.timeout_s),
            task=request.task,
            user=self._user,
            day_limit=self._day_limit,
        )


def _response(completion: Completion, *, text: str | None = None) -> ModelResponse:
    finish: FinishReason = "length" if completion.finish_reason == "length" else "stop"
    return ModelResponse(
        text=completion.text if text is None else text,
        model=completion.model,
        finish_reason=finish,
        usage=completion.usage,
    )
