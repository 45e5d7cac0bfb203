"""Key and prompt go to the configured address and nowhere else (X11)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hmlr.errors import ConfigurationError, RequestRejected
from hmlr.llm.http import checked_base_url
from hmlr.llm.opening import open_gateway
from tests.llm.asking import ask, listen
from tests.llm.conftest import KEY, Settings
from tests.llm.own_server import Answer, OwnServer
from tests.llm.shapes import PROVIDERS

pytestmark = pytest.mark.security

CODES = (301, 302, 303, 307, 308)


@pytest.fixture(scope="module")
def _elsewhere_of_the_module() -> Iterator[OwnServer]:
    with OwnServer() as server:
        yield server


@pytest.fixture
def elsewhere(_elsewhere_of_the_module: OwnServer) -> OwnServer:
    """A server that nothing may reach."""
    _elsewhere_of_the_module.connections = 0
    return _elsewhere_of_the_module


@pytest.fixture
def servers(own: OwnServer, elsewhere: OwnServer) -> tuple[OwnServer, OwnServer]:
    """The configured server and the other one."""
    return own, elsewhere


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("where", ["elsewhere", "the same host"])
async def test_a_redirect_is_an_error_and_nothing_reaches_its_target(
    provider: str, code: int, where: str, servers: tuple[OwnServer, OwnServer], own_settings: Settings
) -> None:
    own, elsewhere = servers
    target = elsewhere.base_url(provider) if where == "elsewhere" else "/openai/v1/chat/completions"
    own.always(Answer(status=code, headers={"location": target}))

    for how in (ask, listen):
        with pytest.raises(RequestRejected, match="redirect") as caught:
            await how(provider, own_settings())
        assert caught.value.status == code

    assert len(own.requests) == 2
    assert elsewhere.connections == 0


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_proxies_of_the_environment_get_nothing_of_a_local_call(
    provider: str, elsewhere: OwnServer, own_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{elsewhere.port}")
        monkeypatch.setenv(name.lower(), f"http://127.0.0.1:{elsewhere.port}")

    await ask(provider, own_settings())

    assert elsewhere.connections == 0


# What the SDKs would read from the environment by themselves.
STRAY = {
    "OPENAI_ORG_ID": "stray-canary",
    "OPENAI_PROJECT_ID": "stray-canary",
    "OPENAI_ADMIN_KEY": "stray-canary",
    "OPENAI_CUSTOM_HEADERS": "x-stray: stray-canary",
    "ANTHROPIC_AUTH_TOKEN": "stray-canary",
    "ANTHROPIC_CUSTOM_HEADERS": "x-stray: stray-canary",
    "ANTHROPIC_PROFILE": "stray-canary",
    "GOOGLE_GENAI_USE_VERTEXAI": "true",
    "GOOGLE_GENAI_USE_ENTERPRISE": "true",
    "GOOGLE_CLOUD_PROJECT": "stray-canary",
    "GOOGLE_CLOUD_LOCATION": "stray-canary",
    "GOOGLE_GENAI_API_VERSION": "stray-canary",
    "GOOGLE_API_KEY": "stray-canary",
    "GEMINI_API_KEY": "stray-canary-2",
    "XAI_API_KEY": "stray-canary",
}


@pytest.fixture
def stray_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that are meant for others."""
    for name, value in STRAY.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("stray_environment")
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_sdk_adds_nothing_from_the_environment(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    settings = own_settings()

    await ask(provider, settings)
    await listen(provider, settings)

    for received in own.requests:
        sent = f"{received.path} {received.headers} {received.body!r}"
        assert "stray" not in sent
        assert KEY in sent


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/v1",
        "http://10.0.0.1/v1",
        "http://127.0.0.1.evil.example/v1",
        "http://localhost.evil.example/v1",
        "http://0.0.0.0/v1",
        "http://[2001:db8::1]/v1",
        "http://user:secretword@127.0.0.1/v1",
        "https://secretword@example.com/v1",
        "http://127.0.0.1@evil.example/v1",
        "ftp://127.0.0.1/v1",
        "file:///etc/passwd",
        "//127.0.0.1/v1",
        "127.0.0.1:80",
        "https://",
        "http://[::1",
    ],
)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_address_that_is_not_safe_is_refused(provider: str, url: str, own_settings: Settings) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_gateway(f"{provider}:m1", own_settings(**{f"{provider}_base_url": url}))

    assert "secretword" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/v1",
        "http://127.0.0.1:80",
        "http://127.9.9.9/",
        "http://[::1]:80/v1",
        "http://localhost",
    ],
)
def test_https_and_this_machine_are_allowed(url: str) -> None:
    assert checked_base_url("X", url) == url.rstrip("/")


def test_http_to_others_is_a_setting(own_settings: Settings) -> None:
    open_gateway("openai:m1", own_settings(openai_base_url="http://10.0.0.1/v1", allow_http=True))


def test_user_info_is_refused_even_then(own_settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="password"):
        open_gateway("openai:m1", own_settings(openai_base_url="http://u:p@10.0.0.1/v1", allow_http=True))
