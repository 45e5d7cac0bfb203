"""What no client should send, over the wire (F53, F54, X12, X18)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from tests.server.serving import Served, server

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]

CANARY = "zanzibar-canary"
MESSAGE = {"content": "x"}
JSON = {"Content-Type": "application/json"}
MAX_CHARS = 1000


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    limits = {"HMLR_MAX_MESSAGE_CHARS": str(MAX_CHARS), "HMLR_MAX_BATCH_MESSAGES": "5"}
    burst = {"HMLR_SERVER_BURST": "5000"}
    with server(tmp_path_factory.mktemp("inputs") / "memory.db", "--debug", **limits, **burst) as up:
        yield up


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    client = served.client()
    yield client
    assert client.get("/healthz").status_code == 200  # alive
    assert '"level": "error"' not in served.log.read_text(encoding="utf-8")


def metadata(value: str) -> bytes:
    return b'{"messages": [{"content": "x", "metadata": {"a": ' + value.encode() + b"}}]}"


@pytest.mark.parametrize(
    ("body", "status"),
    {
        "deep lists": (metadata("[" * 100_000 + "]" * 100_000), {400}),
        "deep objects": (metadata('{"a":' * 100_000 + "1" + "}" * 100_000), {400}),
        "65 deep": (metadata("[" * 65 + "]" * 65), {413}),
        "long number": (metadata("9" * 5000), {400}),
        "infinite number": (metadata("1e999"), {422}),
        "NaN": (metadata("NaN"), {400}),
        "Infinity": (metadata("-Infinity"), {400}),
        "a name twice": (b'{"query": "a", "query": "b"}', {400}),
        "cut": (b'{"messages": [{"content": "x"', {400}),
        "two documents": (b"{}{}", {400}),
        "no UTF-8": (b'{"messages": [{"content": "\xff"}]}', {400}),
        "lone surrogate": (b'{"messages": [{"content": "\\ud800"}]}', {422}),
        "NUL": (b'{"messages": [{"content": "a\\u0000b"}]}', {422}),
        "surrogate in metadata": (metadata('"\\udfff"'), {422}),
        "list": (b"[]", {422}),
        "number": (b"1", {422}),
        "nothing": (b"", {422}),
    }.values(),
    ids=lambda value: "",
)
def test_json_that_is_none(client: httpx.Client, body: bytes, status: set[int]) -> None:
    answer = client.post("/v1/memories", content=body, headers=JSON)
    assert answer.status_code in status, answer.text[:300]
    assert answer.json()["error"]["request_id"]
    assert client.get("/v1/memories").json() == []


def test_a_hundred_megabytes(client: httpx.Client) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 1_000_000

    assert client.post("/v1/memories", content=b" " * 100_000_000, headers=JSON).status_code == 413
    with suppress(httpx.WriteError):  # it may hang up before all was sent
        assert client.post("/v1/memories", content=pieces(), headers=JSON).status_code == 413


@pytest.mark.parametrize(
    ("path", "body"),
    [
        *(("/v1/recall", {"limit": value}) for value in (-1, 0, 10**9, 10**30, "5", 1.5, True, [])),
        *(("/v1/recall", {"budget_tokens": value}) for value in (-1, 0, 10**9, "5")),
        *(
            ("/v1/recall", {name: value})
            for name in ("as_of", "known_at", "since", "until")
            for value in (
                "0000-01-01T00:00:00Z",
                "10000-01-01T00:00:00Z",
                "9999-12-31T23:59:59-01:00",
                "0001-01-01T00:00:00+01:00",
                "2026-01-01T00:00:00",
                "2026-13-01T00:00:00Z",
                "2026-01-01",
                "yesterday",
                1767225600,
                "1767225600",
                "",
            )
        ),
        ("/v1/recall", {"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}),
        ("/v1/recall", {"kinds": ["secret"]}),
        ("/v1/recall", {"kinds": "turn"}),
        ("/v1/recall", {"metadata": []}),
        ("/v1/recall", {"explain": "yes"}),
        ("/v1/recall", {"query": None}),
        ("/v1/memories", {"messages": []}),
        ("/v1/memories", {"messages": [MESSAGE | {"role": "root"}]}),
        ("/v1/memories", {"messages": [MESSAGE | {"occurred_at": "2026-01-01T00:00:00"}]}),
        ("/v1/memories", {"messages": [MESSAGE | {"speaker": "a\nb"}]}),
        ("/v1/memories", {"messages": [{"content": " "}]}),
        ("/v1/memories", {"messages": [MESSAGE], "session_id": "a\u0000"}),
        ("/v1/memories", {"messages": [MESSAGE], "session_id": "hmlr:corrections"}),
        ("/v1/flush", {"timeout_s": -1}),
        ("/v1/flush", {"timeout_s": 1e9}),
        ("/v1/garden", {"budget_usd": -0.1}),
        ("/v1/garden", {"concurrency": 10**6}),
        ("/v1/deep-recall", {"question": "x", "max_rounds": 0}),
        ("/v1/context", {"query": "x", "session_id": ""}),
    ],
)
def test_values_that_make_no_sense(client: httpx.Client, path: str, body: dict[str, Any]) -> None:
    sent = {"query": "x", **body} if path == "/v1/recall" else body
    answer = client.post(path, json=sent)
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize(
    "path",
    [
        *(f"/v1/memories?limit={value}" for value in ("-1", "0", "1001", "x", "1e3", "9" * 5000)),
        "/v1/memories?since=2026-01-01",
        "/v1/memories?after_seq=-1",
        "/v1/facts?states=forgotten",
        *(f"/v1/days/{day}" for day in ("2026-02-30", "1767225600", "0000-01-01", "9999-12-31T00:00", "x")),
    ],
)
def test_queries_that_make_no_sense(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 422


def test_each_cap_holds_at_its_place(served: Served) -> None:
    """One below and the cap itself are taken, one above is refused (X18)."""
    client = served.client(served.new_token("caps"))

    def status(path: str, **body: Any) -> int:
        return client.post(path, json=body).status_code

    def said(content: str, **more: Any) -> dict[str, Any]:
        return {"messages": [{"content": content, **more}]}

    for size, wanted in ((-1, 200), (0, 200), (1, 413)):
        assert status("/v1/memories", **said("x" * (MAX_CHARS + size))) == wanted
        assert status("/v1/memories", messages=[MESSAGE] * (5 + size)) == wanted
        padded = {"a": "x" * (65_536 - len(json.dumps({"a": ""})) + size)}
        assert status("/v1/memories", **said("x", metadata=padded)) == wanted
    for size, wanted in ((-1, 200), (0, 200), (1, 422)):
        assert status("/v1/memories", **said("x", speaker="s" * (200 + size))) == wanted
        assert status("/v1/memories", **said("x", idempotency_key="k" * (500 + size))) == wanted
        assert status("/v1/memories", **said("x"), session_id="s" * (200 + size)) == wanted
        assert status("/v1/recall", query="q" * (100_000 + size)) == wanted
        assert status("/v1/recall", query="x", limit=1000 + size) == wanted
        assert status("/v1/recall", query="x", budget_tokens=1_000_000 + size) == wanted
        assert client.get("/v1/memories", params={"limit": 1000 + size}).status_code == wanted
    body = json.dumps({"query": "x"}).encode()
    for size, wanted in ((-1, 200), (0, 200), (1, 413)):
        padded_body = body + b" " * (4_000_000 - len(body) + size)
        assert client.post("/v1/recall", content=padded_body, headers=JSON).status_code == wanted


def test_no_word_of_a_request_is_in_a_log_or_an_error(served: Served) -> None:
    """X12, with everything that is logged at DEBUG."""
    secret = served.new_token("quiet")
    client = served.client(secret)
    wrong: list[httpx.Response] = [
        client.post("/v1/memories", json={"messages": [{"content": CANARY, "role": CANARY}]}),
        client.post("/v1/memories", json={"messages": [{"content": CANARY + "\u0000"}]}),
        client.post("/v1/memories", json={"messages": [{"content": CANARY, "occurred_at": CANARY}]}),
        client.post("/v1/recall", json={"query": CANARY, "limit": CANARY}),
        client.post("/v1/recall", json={"query": CANARY, "since": CANARY, "kinds": [CANARY]}),
        client.post("/v1/recall/why-not", json={"query": CANARY, "turn_id": CANARY}),
        client.post("/v1/recall", content=f'{{"query": "{CANARY}'.encode(), headers=JSON),
        client.post("/v1/forget", json={"turn_id": CANARY}),
        client.post("/v1/forget", json={"everything": True, "confirm": CANARY}),
        client.post(f"/v1/facts/{CANARY}/correct", json={"value": CANARY}),
        client.get(f"/v1/dossiers/{CANARY}"),
        client.get(f"/v1/{CANARY}", params={"q": CANARY}),
        client.get("/v1/days/" + CANARY),
        client.get("/v1/facts", params={"states": CANARY}),
        client.get("/v1/memories", params={CANARY: CANARY}),
        client.get("/v1/memories", headers={"Authorization": f"Bearer {CANARY}"}),
    ]
    assert {answer.status_code // 100 for answer in wrong} == {4}
    assert not [answer.text for answer in wrong if CANARY in answer.text]
    said = {"messages": [{"content": f"My name is {CANARY} and the API key is sk-{CANARY}."}]}
    assert client.post("/v1/memories", json=said, headers={"Idempotency-Key": CANARY}).status_code == 200
    assert client.post("/v1/flush", json={"timeout_s": 30}).json()["settled"]
    for path in ("/v1/recall", "/v1/context"):
        assert CANARY in client.post(path, json={"query": CANARY}).text
    client.post("/v1/garden", json={"include_active": True})
    client.post("/v1/deep-recall", json={"question": CANARY})
    log = served.log.read_text(encoding="utf-8")
    assert len(log.splitlines()) > 20
    assert CANARY not in log
    assert secret not in log
