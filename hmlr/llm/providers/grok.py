"""Grok by xAI's REST API: OpenAI's protocol over HTTP, without an SDK."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2

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

_DONE = "[DONE]"


class GrokProvider:
    """The port `Provider` on POST /chat/completions."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.model = endpoint.model
        self._endpoint = endpoint
        self._url = f"{endpoint.base_url or 'https://api.x.ai/v1'}/chat/completions"
        self._headers = {"authorization": f"Bearer {endpoint.secret}"}

    async def complete(self, request: ChatRequest) -> Completion:
        """See the port."""
        with translated(self._endpoint) as seen:
            reply = await self._endpoint.http.send(self._post(request, {}))
            sent_as = seen.head(reply.headers)
            wire = parse(self._endpoint, WireReply, reply.content, bill=WireBill)
            return completion_of(self._endpoint, wire, sent_as)

    async def stream(self, request: ChatRequest) -> AsyncIterator[StreamPart]:
        """See the port."""
        extra = {"stream": True, "stream_options": {"include_usage": True}}
        assembly = Assembly(self._endpoint)
        with translated(self._endpoint, spent=lambda: assembly.usage) as seen:
            reply = await self._endpoint.http.send(self._post(request, extra), stream=True)
            try:
                assembly.request_id = seen.head(reply.headers)
                async for event in httpx2.EventSource(reply):
                    if event.data == _DONE:
                        break
                    wire = parse(self._endpoint, WireChunk, event.data, bill=WireBill)
                    if text := assembly.take(wire):
                        yield StreamPart(text=text)
            finally:
                await reply.aclose()
            yield StreamPart(text="", completion=assembly.completion())

    def _post(self, request: ChatRequest, extra: dict[str, Any]) -> httpx2.Request:
        body = body_of(request, model=self._endpoint.name, max_tokens_name="max_completion_tokens")
        return self._endpoint.http.build_request("POST", self._url, headers=self._headers, json=body | extra)
