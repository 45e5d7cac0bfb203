"""Provider adapters by the provider's name."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from hmlr.llm.providers.base import Endpoint, Provider

_ADAPTERS = {
    "openai": ("hmlr.llm.providers.openai", "OpenAIProvider"),
    "anthropic": ("hmlr.llm.providers.anthropic", "AnthropicProvider"),
    "gemini": ("hmlr.llm.providers.gemini", "GeminiProvider"),
    "grok": ("hmlr.llm.providers.grok", "GrokProvider"),
}


def adapter(provider: str) -> Callable[[Endpoint], Provider]:
    """The adapter's class. Imports its SDK, which takes up to a second: call it off the event loop."""
    module, name = _ADAPTERS[provider]
    made: Callable[[Endpoint], Provider] = getattr(import_module(module), name)
    return made
