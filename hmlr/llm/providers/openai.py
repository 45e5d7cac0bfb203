"""OpenAI and servers that speak its protocol, through AsyncOpenAI."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
from openai import AsyncOpenAI, AsyncStream, OpenAIError

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
    """The port `Provider` on AsyncOpenAI, by its `post`.

    Its `chat.completions` would walk through the body and build typed replies of the same JSON that our wire
    models check: two thirds of a call's time.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.model = endpoint.model
        self._endpoint = endpoint
        # Compatible servers know only the older name.
        self._max_tokens_name = "max_tokens" if endpoint.base_url else "max_completion_tokens"
        base_url = endpoint.base_url or "https://api.openai.com/v1"
        self._url = f"{base_url}/chat/completions"  # whole: the SDK would join it for every call
        self._sdk = AsyncOpenAI(
            api_key=endpoint.secret,
            base_url=base_url,
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
            raw = await self._sdk.post(self._url, cast_to=httpx2.Response, body=body)
            sent_as = seen.head(raw.headers)
            reply = parse(self._endpoint, WireReply, raw.content, bill=WireBill)
            return completion_of(self._endpoint, reply, sent_as)

    async def stream(self, request: ChatRequest) -> AsyncIterator[StreamPart]:
        """See the port."""
        body = body_of(request, model=self._endpoint.name, max_tokens_name=self._max_tokens_name)
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        assembly = Assembly(self._endpoint)
        with translated(self._endpoint, OpenAIError, spent=lambda: assembly.usage) as seen:
            chunks = await self._sdk.post(
                self._url, cast_to=object, body=body, stream=True, stream_cls=AsyncStream[object]
            )
            async with chunks:
                assembly.request_id = seen.head(chunks.response.headers)
                async for chunk in chunks:
                    wire = parse(self._endpoint, WireChunk, chunk, bill=WireBill)
                    if text := assembly.take(wire):
                        yield StreamPart(text=text)
            yield StreamPart(text="", completion=assembly.completion())
