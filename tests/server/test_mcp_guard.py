"""Who may call /mcp at all: the guard and the SDK's own checks, on every address (X09)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from mcp.server.transport_security import TransportSecurityMiddleware
from starlette.requests import Request

from hmlr.server.mcp.http import _security
from hmlr.server.settings import ServerSettings
from tests.server.mcp_doors import issue
from tests.server.serving import Served, server

pytestmark = [pytest.mark.security, pytest.mark.timeout(180)]
EVERYWHERE = "0.0.0.0"  # noqa: S104 - what the tests are about
HEAD = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
CALL = b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}'


@pytest.fixture(scope="module", params=["127.0.0.1", EVERYWHERE])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    db: Path = tmp_path_factory.mktemp("guard") / "memory.db"
    (secret,) = asyncio.run(issue(db, "ada"))
    with server(db, "--host", request.param, "--allow-network") as up:
        url = up.url.replace(EVERYWHERE, "127.0.0.1")
        yield Served(url=url, token=secret, db=db, log=up.log, process=up.process)


def _post(served: Served, **headers: str) -> httpx.Response:
    head = HEAD | {"Authorization": f"Bearer {served.token}"} | headers
    return httpx.post(f"{served.url}/mcp", headers=head, content=CALL, trust_env=False)


def test_the_owner_of_a_token_gets_the_tools(served: Served) -> None:
    answer = _post(served)
    assert answer.status_code == 200
    assert next(tool["name"] for tool in answer.json()["result"]["tools"]) == "recall"
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert "mcp-session-id" not in answer.headers  # no session that another could take over


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.com"}, 421),
        ({"Host": "127.0.0.1.evil.com"}, 421),
        ({"Origin": "https://evil.com"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer hmlr_x"}, 401),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ],
)
def test_everybody_else_is_refused(served: Served, headers: dict[str, str], status: int) -> None:
    answer = _post(served, **headers)
    assert answer.status_code == status
    assert "recall" not in answer.text


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "HEAD"])
def test_there_is_nothing_but_calls(served: Served, method: str) -> None:
    head = {"Authorization": f"Bearer {served.token}", "Accept": "text/event-stream"}
    assert httpx.request(method, f"{served.url}/mcp", headers=head, trust_env=False).status_code == 405


def test_a_body_over_the_limit_is_refused(served: Served) -> None:
    head = HEAD | {"Authorization": f"Bearer {served.token}"}
    answer = httpx.post(f"{served.url}/mcp", headers=head, content=b" " * 4_000_001, trust_env=False)
    assert answer.status_code == 413


@pytest.mark.parametrize("host", ["127.0.0.1", EVERYWHERE, "::"])
@pytest.mark.parametrize(
    ("name", "origin", "status"),
    [
        ("127.0.0.1:8765", "http://127.0.0.1:8765", None),
        ("[::1]:8765", None, None),
        ("memory.example", "https://app.example", None),
        ("evil.com", None, 421),
        ("localhost.evil.com", None, 421),
        ("localhost:8765", "https://evil.com", 403),
        ("localhost:8765", "null", 403),
    ],
)
async def test_the_sdk_checks_by_itself_as_well(
    host: str, name: str, origin: str | None, status: int | None
) -> None:
    """Without settings of ours it serves any Host on an address that is not local."""
    settings = ServerSettings.load(host=host, hosts=("memory.example",), origins=("https://app.example",))
    headers = {"host": name, "content-type": "application/json"} | ({"origin": origin} if origin else {})
    raw = [(key.encode(), value.encode()) for key, value in headers.items()]
    checking = TransportSecurityMiddleware(_security(settings))
    answer = await checking.validate_request(Request({"type": "http", "headers": raw}), is_post=True)
    assert (answer.status_code if answer else None) == status
