"""The engine's own entry to language models: any provider, one reply shape, asynchronous or blocking."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from threading import Lock
from types import TracebackType
from typing import Any, Self, Unpack

from anyio import to_thread
from anyio.from_thread import BlockingPortal, start_blocking_portal
from pydantic import BaseModel

from hmlr.errors import ClosedError
from hmlr.llm.asking import CallOptions, chat_request
from hmlr.llm.chat_completion import ChatCompletion, messages_of
from hmlr.llm.gateway import Gateway
from hmlr.llm.opening import addressed, beside, open_gateway
from hmlr.llm.records import ChatMessage, ChatRequest, Completion, ToolCall
from hmlr.llm.settings import LLMSettings
from hmlr.llm.structured import schema_of, structured
from hmlr.llm.tools import Tool, Toolbox
from hmlr.records import Spending

Messages = str | Sequence[ChatMessage | Mapping[str, Any]]
Tools = Iterable[Tool | Callable[..., Any]]


class ExternalAPIClient:
    """Asks models and answers in OpenAI's chat-completion shape, whoever the provider is.

    `model` is "provider:model"; None takes the first provider that has a key. Use it as a context manager,
    asynchronous or not. Both twins take the same arguments and give the same results; the blocking one works
    on an event loop of its own, with connections, ledger and budget of its own, and may be called from any
    thread. Raises ConfigurationError here for a model without a key, ModelError from calls.
    """

    def __init__(self, model: str | None = None, settings: LLMSettings | None = None) -> None:
        self.model, self._settings = addressed(model, settings or LLMSettings.load())
        self._gateways: dict[str, Gateway] = {self.model: open_gateway(self.model, self._settings)}
        self._lock = Lock()  # around opening and closing the blocking twin
        self._blocking: tuple[BlockingPortal, ExternalAPIClient] | None = None
        self._stack = ExitStack()
        self._closed = False

    async def query_external_api_async(
        self,
        messages: Messages,
        *,
        model: str | None = None,
        response_format: type[BaseModel] | None = None,
        tools: Tools = (),
        tool_choice: str = "auto",
        **options: Unpack[CallOptions],
    ) -> ChatCompletion:
        """The answer to a prompt or to messages, which may be in OpenAI's shape.

        `model` asks another one for this call. With `response_format` the content is JSON that fits the
        pydantic model; broken answers are repaired. `tools` are offered, not run: the calls are in the
        reply. `tool_choice` is auto, none, required or a tool's name.
        """
        request = replace(
            chat_request(messages_of(messages), options),
            tools=Toolbox(tools).specs,
            tool_choice=tool_choice,
            output=schema_of(response_format) if response_format else None,
        )
        gateway = self._gateway(model or self.model)
        if response_format is None:
            return ChatCompletion.of(await gateway.complete(request))
        return await _fitting(gateway, request, response_format)

    def query_external_api(
        self,
        messages: Messages,
        *,
        model: str | None = None,
        response_format: type[BaseModel] | None = None,
        tools: Tools = (),
        tool_choice: str = "auto",
        **options: Unpack[CallOptions],
    ) -> ChatCompletion:
        """The same, blocking. An event loop that runs in the calling thread stands still meanwhile."""
        portal, twin = self._opened()
        answer = portal.start_task_soon(
            partial(
                twin.query_external_api_async,
                messages,
                model=model,
                response_format=response_format,
                tools=tools,
                tool_choice=tool_choice,
                **options,
            )
        )
        try:
            return answer.result()
        except BaseException:
            answer.cancel()  # on Ctrl-C the call ends, too
            raise

    @property
    def ledger(self) -> tuple[Spending, ...]:
        """What was spent by both twins, by task, user and model."""
        blocking = self._blocking[1].ledger if self._blocking else ()
        return self._gateways[self.model].ledger.entries() + blocking

    async def aclose(self) -> None:
        """Close the connections of both twins. Safe to repeat."""
        self._closed = True
        await self._gateways[self.model].aclose()
        if self._blocking is not None:
            await to_thread.run_sync(self.close)

    def close(self) -> None:
        """Close the blocking twin and its event loop; later calls raise ClosedError. Safe to repeat."""
        self._closed = True
        with self._lock:
            self._blocking = None
            self._stack.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _gateway(self, model: str) -> Gateway:
        """The gateway to a model; all share connections, limits and ledger."""
        self._check_open()
        if model not in self._gateways:
            self._gateways[model] = beside(self._gateways[self.model], model, self._settings)
        return self._gateways[model]

    def _opened(self) -> tuple[BlockingPortal, ExternalAPIClient]:
        """The event loop of the blocking twin, and the client in it; opened at the first call."""
        with self._lock:
            self._check_open()
            if self._blocking is None:
                twin = ExternalAPIClient(self.model, self._settings)
                with ExitStack() as stack:
                    portal = stack.enter_context(start_blocking_portal())
                    stack.enter_context(portal.wrap_async_context_manager(twin))
                    self._stack = stack.pop_all()
                self._blocking = portal, twin
            return self._blocking

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError("the client is closed", hint="Use it within `with` or `async with`")


async def _fitting(gateway: Gateway, request: ChatRequest, model: type[BaseModel]) -> ChatCompletion:
    """An answer whose content fits the model; one that calls tools instead is handed on as it is."""
    calls: tuple[ToolCall, ...] = ()

    async def ask(asked: ChatRequest) -> Completion:
        nonlocal calls
        completion = await gateway.complete(asked)
        calls = completion.tool_calls
        return completion

    def check(text: str) -> None:
        if not calls:
            model.model_validate_json(text)

    answer = await structured(ask, request, check)
    return ChatCompletion.of(answer.completion)
