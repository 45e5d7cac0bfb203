"""What the model tests share: llmock, a server of our own, settings that point all providers at it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from llmock.chaos import ChaosSettings, StreamChaos
from llmock.ratelimit import LimitSettings
from llmock.simulation import MockResponseSettings
from llmock.testing import LLMockServer

from hmlr.llm.settings import LLMSettings
from tests.llm.own_server import OwnServer

REAL = ("OPENAI_", "ANTHROPIC_", "GEMINI_", "GOOGLE_", "XAI_", "HMLR_LLM_", "HTTPS_PROXY", "https_proxy")
KEY = "test-key-0123456789"

Settings = Callable[..., LLMSettings]


@pytest.fixture(autouse=True)
def no_real_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test may reach a real provider, whoever runs it."""
    for name in list(os.environ):
        if name.startswith(REAL):
            monkeypatch.delenv(name)
    monkeypatch.setitem(LLMSettings.model_config, "env_file", None)


@pytest.fixture(scope="session")
def _llmock_of_the_session() -> Iterator[LLMockServer]:
    with LLMockServer() as server:
        yield server


@pytest.fixture
def llm_server(_llmock_of_the_session: LLMockServer) -> LLMockServer:
    """llmock, with nothing scripted and an empty journal."""
    server = _llmock_of_the_session
    server.state.reset()
    server.state.chaos = server.app.state.chaos_settings = ChaosSettings()
    server.state.limiter.configure(LimitSettings())
    server.state.stream_chaos = StreamChaos()
    server.app.state.mock_response_settings = MockResponseSettings()
    return server


@pytest.fixture(scope="session")
def _own_server_of_the_session() -> Iterator[OwnServer]:
    with OwnServer() as server:
        yield server


@pytest.fixture
def own(_own_server_of_the_session: OwnServer) -> OwnServer:
    """Our own server, with nothing scripted: it answers "ok" in each provider's shape."""
    _own_server_of_the_session.reset()
    return _own_server_of_the_session


@pytest.fixture
def settings(llm_server: LLMockServer) -> Settings:
    """Makes settings for llmock with test keys: `settings(attempts=1)`."""
    return settings_for(llm_server, grok="xai")


@pytest.fixture
def own_settings(own: OwnServer) -> Settings:
    """Makes settings for our own server with test keys."""
    return settings_for(own)


def settings_for(server: LLMockServer | OwnServer, *, grok: str = "grok") -> Settings:
    """Makes settings that point all four providers at a server."""

    def make(**given: Any) -> LLMSettings:
        values: dict[str, Any] = {
            "openai_base_url": server.base_url("openai"),
            "anthropic_base_url": server.base_url("anthropic"),
            "gemini_base_url": server.base_url("gemini"),
            "gemini_api_version": "v1beta",
            "grok_base_url": server.base_url(grok),
            "backoff_s": 0.02,
        }
        values |= {f"{name}_api_key": KEY for name in ("openai", "anthropic", "gemini", "grok")}
        return LLMSettings.load(**values | given)

    return make
