"""The page's way in, without a browser: what is open, what the cookie is, what the policy says."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.acceptance.conftest import python_example
from tests.server.browsing import source_files
from tests.server.serving import ROOT, Served, server

pytestmark = [pytest.mark.security, pytest.mark.timeout(60)]
BROWSER = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    limits = {"HMLR_SERVER_PAGE": "true", "HMLR_SERVER_FAILURES_PER_MINUTE": "1000"}
    with server(tmp_path_factory.mktemp("login") / "memory.db", **limits) as up:
        yield up


def login(served: Served, token: str, **headers: str) -> httpx.Response:
    return httpx.post(f"{served.url}/login", data={"token": token}, headers=headers, trust_env=False)


def test_a_token_becomes_a_cookie_that_only_the_server_sees(served: Served) -> None:
    answer = login(served, served.token)
    assert (answer.status_code, answer.headers["location"]) == (303, "/page/")
    cookie = SimpleCookie(answer.headers["set-cookie"])["hmlr_token"]
    assert cookie.value == served.token
    assert (cookie["httponly"], cookie["samesite"].lower(), cookie["path"]) == (True, "strict", "/")
    with httpx.Client(base_url=served.url, cookies={"hmlr_token": served.token}, trust_env=False) as client:
        assert client.get("/", headers=BROWSER).headers["location"] == "/page/"
        assert client.get("/page/", headers=BROWSER).status_code == 200
        assert client.get("/lattice.svg").headers["content-type"].startswith("image/svg+xml")
        out = client.get("/logout")
        assert (out.status_code, out.headers["location"]) == (303, "/login#out")
        assert "Max-Age=0" in out.headers["set-cookie"]


def test_without_a_token_there_is_the_sign_in_and_nothing_else(served: Served) -> None:
    asked = httpx.get(f"{served.url}/page/", headers=BROWSER, trust_env=False)
    assert (asked.status_code, asked.headers["location"]) == (303, "/login")
    assert httpx.get(f"{served.url}/page/", trust_env=False).status_code == 401
    with served.client() as client:
        page = client.get("/page/", headers=BROWSER).text
    assets = set(re.findall(r'"(/page/_nicegui/[^"]+\.js)"', page))
    assert len(assets) > 3
    for path in (*assets, "/logout", "/lattice.svg"):
        assert httpx.get(served.url + path, trust_env=False).status_code == 401, path
    where = f"ws://{urlsplit(served.url).netloc}/page/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    with pytest.raises(InvalidStatus), connect(where, proxy=None):
        pass


def test_a_websocket_shows_only_a_page_of_its_own_token(served: Served) -> None:
    other = served.new_token("bob")
    assert "The whole memory of" in _shown(served, served.token, served.token)
    assert "The whole memory of" not in _shown(served, served.token, other)


def _shown(served: Served, opens: str, connects: str) -> str:
    """What comes over the websocket of a page, opened with one token and connected with another."""
    with served.client(opens) as client:
        page = client.get("/page/?view=forget", headers=BROWSER).text
    (client_id,) = re.findall(r"client_id.{1,4}([0-9a-f-]{36})", page)
    asked = {"EIO": "4", "transport": "websocket", "client_id": client_id, "implicit_handshake": "true"}
    asked |= {"document_id": "d", "tab_id": "t", "next_message_id": "0"}
    where = f"ws://{urlsplit(served.url).netloc}/page/_nicegui_ws/socket.io/?{urlencode(asked)}"
    came: list[str] = []
    with connect(where, proxy=None, additional_headers={"Cookie": f"hmlr_token={connects}"}) as socket:
        socket.send("40")
        with suppress(TimeoutError, ConnectionClosed):
            while "The whole memory of" not in "".join(came):
                came.append(str(socket.recv(timeout=3)))
    return "".join(came)


def test_wrong_tokens_are_refused(served: Served) -> None:
    wrong = login(served, "hmlr_<script>alert(1)</script>")
    assert wrong.status_code == 401
    assert "alert(1)" not in wrong.text
    assert "token list" in wrong.text
    assert login(served, served.token, Origin="https://evil.com").status_code == 403
    assert login(served, served.token, Origin="null").status_code == 403
    assert login(served, served.token, Host="evil.com").status_code == 421


def test_guesses_are_soon_slowed_down(tmp_path: Path) -> None:
    limits = {"HMLR_SERVER_PAGE": "true", "HMLR_SERVER_FAILURES_PER_MINUTE": "3"}
    with server(tmp_path / "memory.db", **limits) as up:
        guesses = [login(up, f"hmlr_{number}") for number in range(10)]
        assert [answer.status_code for answer in guesses[:3]] == [401] * 3
        assert guesses[-1].status_code == 429
        assert 1 <= int(guesses[-1].headers["retry-after"]) <= 60
        assert login(up, up.token).status_code == 303  # whoever has one is let in


def test_the_policy_lets_nothing_in_from_elsewhere(served: Served) -> None:
    with served.client() as client:
        answers = [client.get(path, headers=BROWSER) for path in ("/login", "/page/", "/page/")]
    policies = [answer.headers["content-security-policy"] for answer in answers]
    for answer, policy in zip(answers, policies, strict=True):
        rules = {name: set(values) for name, *values in (rule.split() for rule in policy.split(";"))}
        assert rules["default-src"] == rules["connect-src"] == rules["form-action"] == {"'self'"}
        assert rules["frame-ancestors"] == rules["object-src"] == rules["base-uri"] == {"'none'"}
        assert "'unsafe-inline'" not in rules["script-src"]
        assert not [value for value in rules.values() if {"*", "https:", "http:", "blob:"} & value]
        (nonce,) = re.findall(r"'nonce-([\w-]+)'", policy)
        scripts = re.findall(r"<script[^>]*>", answer.text)
        assert scripts
        assert all(f'nonce="{nonce}"' in script for script in scripts)
    assert "'unsafe-eval'" not in policies[0]
    assert policies[1] != policies[2]


def test_no_view_puts_text_where_it_could_become_code() -> None:
    """Props and classes are read as a language, and the framework's HTML and Markdown as what they are."""
    found = []
    for file in source_files():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            name = node.func.attr
            values = [*node.args, *(each.value for each in node.keywords)]
            plain = all(isinstance(each, ast.Constant) for each in values)
            if name in {"html", "markdown", "restructured_text", "mermaid", "add_slot", "link"} or (
                name in {"props", "run_javascript"} and not plain and not _fixed(file.name, values)
            ):
                found.append(f"{file.name}:{node.lineno} {name}")
    assert found == []


def _fixed(file: str, values: list[ast.expr]) -> bool:
    """Constants of the module, and the one choice among fixed props."""
    names = [ast.unparse(each) for each in values]
    return names == ["TO_END"] or (file == "parts.py" and names == ["f'no-caps dense {props}'"])


def test_nothing_of_the_page_is_loaded_before_it_is_served() -> None:
    loaded = "import sys, hmlr, hmlr.server.run; print('nicegui' in sys.modules)"
    said = subprocess.run(
        (sys.executable, "-c", loaded), cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout.strip() == "False"


def test_the_example_of_the_docs_runs(tmp_path: Path) -> None:
    said = subprocess.run(
        (sys.executable, "-c", python_example("docs/page.md")),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HMLR_EMBEDDER": "none"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert said.stdout.strip() == "200 default-src 'self'", said.stderr
