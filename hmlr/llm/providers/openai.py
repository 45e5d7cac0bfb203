"""OpenAI and servers that speak its protocol, through AsyncOpenAI."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from openai import AsyncOpenAI, OpenAIError

from hmlr.llm.providers.base import Endpoint, parse, translated
from hmlr.llm.providers.openai_wire import (
    Assembly,
    WireBill,
    WireChunk,
    WireReply,
    body_of,
    completion_of,
)
from hmlr.llm.records import ChatRequest, Completion, StreamPart


class OpenAIProvider:
    """The port `Provider` on AsyncOpenAI's chat completions."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.model = endpoint.model
        self._endpoint = endpoint
        # Compatible servers know only the older name.
        self._max_tokens_name = "max_tokens" if endpoint.base_url else "max_completion_tokens"
        self._sdk = AsyncOpenAI(
            api_key=endpoint.secret,
            base_url=endpoint.base_url or "https://api.openai.com/v1",
            max_retries=0,
            timeout=endpoint.http.timeout,
            http_client=endpoint.http,
        )
        # The SDK reads these from the environment; what is sent, and where to, is for our settings to say.
        self._sdk.organization = self._sdk.project = None
        self._sdk._custom_headers = {}

    async def complete(self, request: ChatRequest) -> Completion:
        """See the port."""
        body = body_of(request, model=self._endpoint.name, max_tokens_name=self._max_tokens_name)
        with translated(self._endpoint, OpenAIError) as seen:
            raw = await self._sdk.chat.completions.with_raw_response.create(**_whole(body))
            sent_as = seen.head(raw.headers)
            reply = parse(self._endpoint, WireReply, raw.content, bill=WireBill)
            return completion_of(self._endpoint, reply, sent_as)

    async def stream(self, request: ChatRequest) -> AsyncIterator[StreamPart]:
        """See the port."""
        body = body_of(request, model=self._endpoint.name, max_tokens_name=self._max_tokens_name)
        assembly = Assembly(self._endpoint)
        with translated(self._endpoint, OpenAIError, spent=lambda: assembly.usage) as seen:
            chunks = await self._sdk.chat.completions.create(
                **_whole(body), stream=True, stream_options={"include_usage": True}
            )
            async with chunks:
                assembly.request_id = seen.head(chunks.response.headers)
                async for chunk in chunks:
                    wire = parse(self._endpoint, WireChunk, chunk.to_dict(warnings=False), bill=WireBill)
                    if text := assembly.take(wire):
                        yield StreamPart(text=text)
            yield StreamPart(text="", completion=assembly.completion())


def _whole(body: dict[str, Any]) -> dict[str, Any]:
    """The body, sent as it is: the SDK would walk through it, which costs more than the rest of a call."""
    return {"model": body["model"], "messages": (), "extra_body": body}
