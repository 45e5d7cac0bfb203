"""Who may come in: X09, X10, X18 and T2 at the server's door."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.server.serving import Served, run, server

pytestmark = pytest.mark.security
EVERYWHERE = "0.0.0.0"  # noqa: S104 - what the tests are about


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with server(tmp_path_factory.mktemp("guard") / "memory.db", HMLR_SERVER_FAILURES_PER_MINUTE="1000") as up:
        yield up


def test_the_first_token_is_private_and_opens_the_door(served: Served) -> None:
    file = served.db.with_name("memory.db.token")
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert served.client().get("/healthz").json() == {"status": "ok"}
    assert served.token not in served.db.read_bytes().decode("latin-1")  # only its digest is kept
    assert served.token not in served.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/openapi.json", "/v1/models", "/nothing"])
@pytest.mark.parametrize("token", ["", "Bearer", "Bearer x", "Bearer hmlr_x", "Basic aGk6aGk="])
def test_no_door_opens_without_a_token(served: Served, path: str, token: str) -> None:
    answer = httpx.get(served.url + path, headers={"Authorization": token} if token else {}, trust_env=False)
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "authentication_error"
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.com"}, 421),
        ({"Host": "127.0.0.1.evil.com"}, 421),
        ({"Host": "localhost@evil.com"}, 421),
        ({"Host": ""}, 421),
        ({"Origin": "https://evil.com"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": ""}, 415),
    ],
)
def test_what_another_web_page_may_send_is_refused(
    served: Served, headers: dict[str, str], status: int
) -> None:
    answer = served.client(**headers).post("/v1/recall", content=b'{"query": "x"}')
    assert answer.status_code == status


def test_no_page_elsewhere_may_read_an_answer(served: Served) -> None:
    answer = served.client().get("/healthz")
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    preflight = served.client(Origin="https://evil.com", **{"Access-Control-Request-Method": "POST"})
    assert preflight.options("/v1/recall").status_code == 403


def test_a_body_over_the_limit_is_refused_however_it_comes(served: Served) -> None:
    client = served.client(**{"Content-Type": "application/json"})
    assert client.post("/v1/recall", content=b" " * 4_000_001).status_code == 413

    def pieces() -> Iterator[bytes]:
        for _ in range(41):
            yield b" " * 100_000

    assert client.post("/v1/recall", content=pieces()).status_code == 413
    assert client.get("/healthz").status_code == 200


def test_a_revoked_token_opens_nothing_from_then_on(served: Served) -> None:
    secret = served.new_token("ada")
    with served.client(secret) as client:
        assert client.get("/healthz").status_code == 200
        tokens = json.loads(run("token", "list", "--json", "--db", str(served.db)).stdout)
        (mine,) = [each for each in tokens if each["user_id"] == "ada"]
        assert secret not in json.dumps(tokens)
        run("token", "revoke", mine["token_id"], "--db", str(served.db))
        assert client.get("/healthz").status_code == 401


def test_figures_are_the_administrators(served: Served) -> None:
    assert served.client().get("/metrics").status_code == 403
    page = served.client(served.new_token(None)).get("/metrics").text
    assert 'hmlr_requests_total{method="GET",route="/healthz",status="200"}' in page
    assert "hmlr_open_memories" in page


def logged(served: Served, request_id: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in served.log.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line.get("request_id") == request_id]


def test_the_log_tells_of_requests_but_not_their_content(served: Served) -> None:
    answer = served.client(**{"X-Request-ID": "mine-1"}).get("/canary", params={"q": "canary"})
    assert answer.headers["x-request-id"] == "mine-1"
    ending = time.monotonic() + 5
    while not (found := logged(served, "mine-1")) and time.monotonic() < ending:
        time.sleep(0.01)  # it is written after the answer
    (mine,) = found
    assert (mine["status"], mine["method"]) == (404, "GET")
    assert "canary" not in served.log.read_text(encoding="utf-8")


def test_too_many_requests_are_told_when_to_come_again(tmp_path: Path) -> None:
    limits = {"BURST": "5", "REQUESTS_PER_MINUTE": "6", "FAILURES_PER_MINUTE": "10"}
    with server(tmp_path / "m.db", **{f"HMLR_SERVER_{name}": value for name, value in limits.items()}) as up:
        answers = [up.client().get("/healthz") for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429]
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 10
        guesses = [httpx.get(up.url, trust_env=False) for _ in range(15)]
        assert guesses[-1].status_code == 429
        assert up.stop() == 0


@pytest.mark.parametrize(
    "arguments", [("--host", EVERYWHERE), ("--host", EVERYWHERE, "--allow-network"), ("--host", "::")]
)
def test_no_network_without_tokens_and_the_flag(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        run("serve", "--db", str(tmp_path / "m.db"), "--port", "0", *arguments)
    assert refused.value.returncode == 2
    assert "token create" in refused.value.stderr


def test_the_network_is_served_when_it_is_allowed(tmp_path: Path) -> None:
    db = tmp_path / "m.db"
    secret = run("token", "create", "--user", "ada", "--db", str(db)).stdout.strip()
    with server(db, "--host", EVERYWHERE, "--allow-network") as up:
        here = up.url.replace(EVERYWHERE, "127.0.0.1")
        head = {"Authorization": f"Bearer {secret}"}
        assert httpx.get(f"{here}/healthz", headers=head, trust_env=False).status_code == 200
        for wrong in ({"Host": "evil.com"}, {"Origin": "null"}):
            assert httpx.get(f"{here}/healthz", headers=head | wrong, trust_env=False).status_code in (
                403,
                421,
            )
        assert httpx.get(f"{here}/healthz", trust_env=False).status_code == 401
