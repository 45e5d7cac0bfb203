"""No route without a scope, nothing foreign through any, nothing set that may not be (X06, X11)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from hmlr.server import errors, memory
from hmlr.server.app import ROUTERS
from hmlr.server.auth import admin_of, memory_of
from tests.faults.figures import FULL
from tests.server.serving import Served, server

pytestmark = [pytest.mark.security, pytest.mark.timeout(120)]

OPEN_TO_EVERY_TOKEN = {"/healthz"}  # tells of no memory
EVERY_ROUTE = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
ROUTES = [route for router in memory.ROUTERS for route in router.routes if isinstance(route, APIRoute)]
IDS = {
    "fact_id": "a1b2c3d4-0000-4000-8000-000000000000",
    "block_id": "a1b2c3d4-0000-4000-8000-000000000001",
    "dossier_id": "a1b2c3d4-0000-4000-8000-000000000002",
    "run_id": "a1b2c3d4-0000-4000-8000-000000000003",
}


def _calls(dependant: Dependant) -> Iterator[object]:
    yield dependant.call
    for each in dependant.dependencies:
        yield from _calls(each)


def test_every_route_has_a_scope() -> None:
    """Also those that the document does not show."""
    document = FastAPI(title="all")
    errors.install(document)
    for router in ROUTERS:
        document.include_router(router)
    shown = {(path, method.upper()) for path, item in document.openapi()["paths"].items() for method in item}
    assert shown <= {(route.path_format, method) for route in EVERY_ROUTE for method in route.methods}
    scopes = {memory_of, admin_of}
    bare = {route.path_format for route in EVERY_ROUTE if not scopes & set(_calls(route.dependant))}
    assert bare == OPEN_TO_EVERY_TOKEN


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with server(tmp_path_factory.mktemp("scope") / "memory.db") as up:
        yield up


@pytest.fixture(scope="module")
def ada(served: Served) -> httpx.Client:
    """A user with something of every kind."""
    client = served.client(served.new_token("ada"))
    said = ["My sister Mia lives in Oslo.", "I am strictly vegetarian.", "My colleague Tom likes tea."]
    client.post("/v1/memories", json={"messages": [{"content": text} for text in said]}).raise_for_status()
    client.post("/v1/flush", json={"timeout_s": 30}).raise_for_status()
    client.post("/v1/garden", json={"include_active": True}).raise_for_status()
    return client


@pytest.fixture(scope="module")
def bob(served: Served) -> httpx.Client:
    """A user with nothing."""
    return served.client(served.new_token("bob"))


def owned(ada: httpx.Client) -> dict[str, str]:
    """An id of each kind that is Ada's."""
    return {
        "turn_id": ada.get("/v1/memories").json()[0]["turn_id"],
        "fact_id": ada.get("/v1/facts").json()[0]["fact_id"],
        "block_id": ada.get("/v1/blocks").json()[0]["block_id"],
        "dossier_id": ada.get("/v1/dossiers").json()[0]["dossier_id"],
        "run_id": ada.get("/v1/garden/runs").json()[0]["run_id"],
    }


def by_id(ids: dict[str, str]) -> Iterator[tuple[str, str, Any]]:
    """Every request that names something by its id."""
    fact, block, dossier = ids["fact_id"], ids["block_id"], ids["dossier_id"]
    yield "GET", f"/v1/facts/{fact}/history", None
    yield "POST", f"/v1/facts/{fact}/correct", {"value": "x"}
    yield "POST", f"/v1/facts/{fact}/retire", {"reason": "x"}
    yield "POST", f"/v1/facts/{fact}/restore", None
    yield "POST", f"/v1/blocks/{block}/rename", {"label": "x"}
    yield "POST", f"/v1/blocks/{block}/merge", {"into": "other"}
    yield "POST", f"/v1/blocks/{block}/split", {"at_turn": ids["turn_id"]}
    yield "POST", f"/v1/blocks/{block}/resume", None
    yield "GET", f"/v1/dossiers/{dossier}", None
    yield "POST", f"/v1/dossiers/{dossier}/rename", {"title": "x"}
    yield "POST", f"/v1/dossiers/{dossier}/merge", {"into": "other"}
    yield "POST", f"/v1/dossiers/{dossier}/split", {"fact_ids": [fact]}
    yield "POST", f"/v1/garden/runs/{ids['run_id']}/undo", None
    yield "POST", "/v1/forget", {"turn_id": ids["turn_id"]}
    yield "POST", "/v1/forget", {"fact_id": fact}
    yield "POST", "/v1/recall/why-not", {"query": "x", "turn_id": ids["turn_id"]}


def test_foreign_and_unknown_are_one_answer(ada: httpx.Client, bob: httpx.Client) -> None:
    foreign, unknown = owned(ada), {**IDS, "turn_id": "a1b2c3d4-0000-4000-8000-000000000004"}
    before = ada.get("/v1/export").content
    asked = zip(by_id(foreign), by_id(unknown), strict=True)
    for (method, path, body), (_, no_path, no_body) in asked:
        answers = [
            bob.request(method, path, json=body),
            bob.request(method, no_path, json=no_body),
        ]
        told = [(each.status_code, {**each.json()["error"], "request_id": ""}) for each in answers]
        assert told[0][0] == 404, (path, answers[0].text)
        assert told[0] == told[1]
        assert not [each for each in foreign.values() if each in answers[0].text]
    assert ada.get("/v1/export").content == before


def test_every_route_by_id_is_asked() -> None:
    asked = {re.sub(r"/a1b2c3d4[^/]*", "/{}", path) for _, path, _ in by_id({**IDS, "turn_id": "t"})}
    routes = {re.sub(r"\{\w+_id\}", "{}", route.path_format) for route in ROUTES if "_id}" in route.path}
    assert routes <= asked


def test_what_a_body_or_query_may_not_set(bob: httpx.Client) -> None:
    """No address, path, model, embedder or user comes from a request (X11)."""
    values = {"base_url": "http://evil.example", "path": "/tmp/x", "model": "openai:x", "embedder": "x"}  # noqa: S108
    names = [*values.items(), ("user_id", "ada"), ("user", "ada"), ("db", "x")]
    for number, route in enumerate(ROUTES):
        path = re.sub(r"\{\w+\}", "x", route.path_format)
        for name, value in names if FULL else [names[number % len(names)]]:
            for method in route.methods:
                refused = {403, 422} if admin_of in set(_calls(route.dependant)) else {422}
                answer = bob.request(method, path, params={name: value})
                assert answer.status_code in refused, (path, name, answer.text)
                if route.body_field is not None:
                    answer = bob.request(method, path, json={name: value})
                    assert answer.status_code in refused, (path, name, answer.text)
                    assert "evil" not in answer.text


def test_a_user_named_otherwise_than_the_token_is_refused(bob: httpx.Client) -> None:
    for route in ROUTES:
        if memory_of in set(_calls(route.dependant)):
            path = re.sub(r"\{\w+\}", "x", route.path_format)
            for method in route.methods:
                assert bob.request(method, path, headers={"X-HMLR-User": "ada"}).status_code == 403
