"""Every route of the memory API, as a client uses it (D3)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.server.serving import Served, server

SAID = (
    ("2026-03-02T09:00:00Z", "I'm strictly vegetarian and my sister Mia lives in Oslo."),
    ("2026-03-02T09:05:00Z", "The budget of Project Kestrel is 400 euros."),
    ("2026-03-03T10:00:00+01:00", "My sister Mia lives in Bergen now."),
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with server(tmp_path_factory.mktemp("routes") / "memory.db") as up:
        yield up


@pytest.fixture(scope="module")
def client(served: Served) -> httpx.Client:
    """The first user's client, with the conversation stored and learned from."""
    client = served.client()
    messages = [{"content": text, "occurred_at": when, "metadata": {"id": when}} for when, text in SAID]
    receipt = post(client, "/v1/memories", messages=messages, session_id="s1")
    assert (len(receipt["turn_ids"]), receipt["stored"]) == (3, 3)
    assert post(client, "/v1/flush", timeout_s=30) == {"settled": True}
    return client


def get(client: httpx.Client, path: str, **query: Any) -> Any:
    """The answer of a GET that has to succeed."""
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def post(client: httpx.Client, path: str, **body: Any) -> Any:
    """The answer of a POST that has to succeed."""
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_message_comes_back_byte_for_byte(client: httpx.Client) -> None:
    turns = get(client, "/v1/memories")
    assert [turn["messages"][0]["content"] for turn in turns] == [text for _, text in SAID]
    assert turns[2]["occurred_at"] == "2026-03-03T09:00:00Z"  # in UTC
    assert turns[0]["messages"][0]["metadata"] == {"id": SAID[0][0]}
    assert all(datetime.fromisoformat(turn["recorded_at"]).utcoffset() == timedelta(0) for turn in turns)


def test_turns_are_read_by_pages_and_filters(client: httpx.Client) -> None:
    (first,) = get(client, "/v1/memories", limit=1)
    rest = get(client, "/v1/memories", after_seq=first["seq"])
    assert len(rest) == 2
    assert get(client, "/v1/memories", until="2026-03-02T09:05:00Z") == [first]
    assert get(client, "/v1/memories", since="2026-03-03T00:00:00Z") == rest[1:]
    assert get(client, "/v1/memories", session_id="s2") == []
    assert first in get(client, "/v1/memories", block_id=first["block_id"])


def test_a_repeated_call_stores_nothing_twice(served: Served) -> None:
    other = served.client(served.new_token("keys"))
    body = {"messages": [{"content": "One."}, {"content": "Two."}]}
    key = {"Idempotency-Key": "call-1"}
    first = other.post("/v1/memories", json=body, headers=key).json()
    again = other.post("/v1/memories", json=body, headers=key).json()
    assert (first["stored"], again["stored"], again["repeated"]) == (2, 0, 2)
    assert again["turn_ids"] == first["turn_ids"]
    keyed = {"messages": [{"content": "Three.", "idempotency_key": "m3"}]}
    assert [other.post("/v1/memories", json=keyed).json()["stored"] for _ in range(2)] == [1, 0]
    assert other.post("/v1/memories", json=keyed, headers=key).status_code == 422


def test_recall_takes_all_arguments(client: httpx.Client) -> None:
    hits = post(client, "/v1/recall", query="where does my sister live?", explain=True)
    assert hits["degraded"] == ["no embedder: search was lexical"]
    best = hits["items"][0]
    assert "Mia" in best["text"]
    assert best["why"]
    assert sum(best["signals"].values()) == pytest.approx(best["score"], abs=0.1)
    narrowed = post(
        client,
        "/v1/recall",
        query="Mia",
        limit=5,
        kinds=["turn"],
        since="2026-03-03T00:00:00Z",
        until="2026-03-04T00:00:00Z",
        session_id="s1",
        metadata={"id": SAID[2][0]},
    )
    assert [hit["text"] for hit in narrowed["items"]] == [SAID[2][1]]
    assert post(client, "/v1/recall", query="Mia", as_of="2026-03-01T00:00:00Z")["items"] == []
    assert post(client, "/v1/recall", query="Mia", budget_tokens=1)["items"] == []


def test_why_not_tells_what_a_turn_lacks(client: httpx.Client) -> None:
    turn_id = get(client, "/v1/memories")[1]["turn_id"]
    miss = post(client, "/v1/recall/why-not", query="vegetarian", turn_id=turn_id)
    assert miss["turn_id"] == turn_id
    assert miss["reason"]


def test_a_context_and_a_deep_answer(client: httpx.Client) -> None:
    context = post(client, "/v1/context", query="what should I cook?", budget_tokens=500, session_id="s1")
    assert "vegetarian" in context["text"]
    assert [fact["value"] for fact in context["constraints"]] == ["strictly vegetarian"]
    answer = post(client, "/v1/deep-recall", question="Where does my sister live?", max_rounds=2)
    assert "[1]" in answer["text"]
    assert answer["evidence"][0]["turn_ids"]


def test_facts_are_found_corrected_retired_and_restored(client: httpx.Client) -> None:
    (budget,) = get(client, "/v1/facts", subject="Project Kestrel", states="active")
    fact_id = budget["fact_id"]
    retired = post(client, f"/v1/facts/{fact_id}/retire", reason="cancelled")
    assert (retired["state"], get(client, "/v1/facts", subject="Project Kestrel")) == ("superseded", [])
    assert client.post(f"/v1/facts/{fact_id}/restore").json()["state"] == "active"
    new = post(client, f"/v1/facts/{fact_id}/correct", value="500 euros")
    states = {
        fact["fact_id"]: fact["state"] for fact in get(client, f"/v1/facts/{new['fact_id']}/history")["facts"]
    }
    assert (states[fact_id], states[new["fact_id"]]) == ("invalidated", "active")
    every = client.get("/v1/facts", params=[("states", "active"), ("states", "invalidated")]).json()
    assert {fact_id, new["fact_id"]} <= {fact["fact_id"] for fact in every}
    assert get(client, "/v1/facts", known_at="2020-01-01T00:00:00Z") == []


def test_views_of_what_is_known(client: httpx.Client) -> None:
    timeline = get(client, "/v1/timeline/Mia")
    values = [fact["value"] for fact in timeline["facts"]]
    assert values.index("Oslo") < values.index("Bergen")
    assert get(client, "/v1/timeline/AC%2FDC")["entity"] == "AC/DC"
    assert [fact["value"] for fact in get(client, "/v1/profile")["constraints"]] == ["strictly vegetarian"]
    assert get(client, "/v1/contradictions") == []
    assert {check["name"] for check in get(client, "/v1/audit")["checks"]} >= {"duplicate", "secret"}


def test_topics_and_days(client: httpx.Client) -> None:
    blocks = get(client, "/v1/blocks")
    one = blocks[0]["block_id"]
    assert post(client, f"/v1/blocks/{one}/rename", label="My own")["label"] == "My own"
    assert client.post(f"/v1/blocks/{one}/resume").json()["state"] == "ACTIVE"
    days = get(client, "/v1/days", since="2026-03-01T00:00:00Z", until="2026-03-04T00:00:00Z")
    assert [day["date"] for day in days] == ["2026-03-03", "2026-03-02"]
    day = get(client, "/v1/days/2026-03-02")
    told = [turn["messages"][0]["content"] for topic in day["topics"] for turn in topic["turns"]]
    assert sorted(told) == sorted(text for when, text in SAID if when.startswith("2026-03-02"))
    assert get(client, "/v1/days/1999-01-01") == {"date": "1999-01-01", "turn_count": 0, "topics": []}


def test_topics_are_merged_and_split(served: Served) -> None:
    other = served.client(served.new_token("topics"))
    texts = [
        "The cat is ill.",
        "The cat sees the vet.",
        "Quantum tunnels are strange.",
        "So are tunnel diodes.",
    ]
    post(other, "/v1/memories", messages=[{"content": text} for text in texts])
    post(other, "/v1/flush", timeout_s=30)
    turns = get(other, "/v1/memories")
    while len(blocks := get(other, "/v1/blocks")) > 1:
        post(other, f"/v1/blocks/{blocks[0]['block_id']}/merge", into=blocks[1]["block_id"])
    new = post(other, f"/v1/blocks/{blocks[0]['block_id']}/split", at_turn=turns[2]["turn_id"])
    assert new["turn_count"] == 2
    assert len(get(other, "/v1/blocks")) == 2


def test_gardening_from_plan_to_undo(served: Served) -> None:
    other = served.client(served.new_token("gardener"))
    said = [*[text for _, text in SAID], "My colleague Tom likes tea.", "Tom plays the cello."]
    post(other, "/v1/memories", messages=[{"content": text} for text in said])
    post(other, "/v1/flush", timeout_s=30)
    before = other.get("/v1/export").content
    plan = post(other, "/v1/garden/plan", include_active=True)
    assert plan["lines"]
    assert get(other, "/v1/dossiers") == []
    report = post(other, "/v1/garden", include_active=True)
    assert report["done"]["created"]
    dossiers = get(other, "/v1/dossiers")
    one = max(dossiers, key=lambda each: each["facts"])["dossier_id"]
    file = get(other, f"/v1/dossiers/{one}")
    assert file["entries"][0]["fact"]["turn_id"]
    assert post(other, f"/v1/dossiers/{one}/rename", title="Mine")["dossier"]["title"] == "Mine"
    if len(file["entries"]) > 1:
        parted = post(other, f"/v1/dossiers/{one}/split", fact_ids=[file["entries"][0]["fact"]["fact_id"]])
        post(other, f"/v1/dossiers/{parted['dossier']['dossier_id']}/merge", into=one)
    for run in get(other, "/v1/garden/runs"):
        assert other.post(f"/v1/garden/runs/{run['run_id']}/undo").json()["undone_at"]
    assert other.get("/v1/export").content == before


@pytest.mark.parametrize(("body", "headers"), [({"stream": True}, {}), ({}, {"Accept": "text/event-stream"})])
def test_a_run_tells_how_far_it_is(
    client: httpx.Client, body: dict[str, Any], headers: dict[str, str]
) -> None:
    with client.stream("POST", "/v1/garden", json=body, headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = [each.partition("\n") for each in answer.read().decode().strip().split("\n\n")]
    names = [name.removeprefix("event: ") for name, _, _ in events]
    assert names[0] == "progress"
    assert names[-1] == "report"
    told = [json.loads(data.removeprefix("data: ")) for _, _, data in events]
    assert set(told[0]) == {"done", "total"}
    assert told[-1]["run_id"]


def test_forgetting_is_exact_and_certified(served: Served) -> None:
    user = served.new_token("forgetful")
    other = served.client(user)
    post(other, "/v1/memories", messages=[{"content": "The canary word is zanzibar."}], session_id="a")
    post(
        other, "/v1/memories", messages=[{"content": "My name is Ada."}, {"content": "Tea."}], session_id="b"
    )
    post(other, "/v1/flush", timeout_s=30)
    first, second, _ = get(other, "/v1/memories")
    for wrong in ({}, {"turn_id": "a", "fact_id": "b"}, {"everything": True}, {"confirm": "forgetful"}):
        assert other.post("/v1/forget", json=wrong).status_code == 422, wrong
    refused = other.post("/v1/forget", json={"everything": True, "confirm": "default"})
    assert refused.status_code == 422
    certificate = post(other, "/v1/forget", turn_id=first["turn_id"])
    assert (certificate["scope"], certificate["turns"], certificate["verified"]) == ("turn", 1, True)
    assert "zanzibar" not in other.post("/v1/recall", json={"query": "zanzibar"}).text
    for file in served.db.parent.glob("memory.db*"):
        assert b"zanzibar" not in file.read_bytes(), file.name  # X08
    fact = get(other, "/v1/facts")[0]
    assert post(other, "/v1/forget", fact_id=fact["fact_id"])["facts"] == 1
    assert get(other, "/v1/memories")[0]["turn_id"] == second["turn_id"]
    assert post(other, "/v1/forget", session_id="b")["turns"] == 2
    assert post(other, "/v1/forget", everything=True, confirm="forgetful")["scope"] == "everything"
    assert get(other, "/v1/stats")["turns"] == 0


def test_what_a_speaker_said_is_forgotten_as_one(served: Served) -> None:
    other = served.client(served.new_token("roller"))
    said = [
        {"content": f"The page of day {day} says zanzibar.", "speaker": "Page", "role": "tool",
         "occurred_at": f"2026-02-0{day}T09:00:00Z"}
        for day in (1, 2, 3)
    ]  # fmt: skip
    post(other, "/v1/memories", messages=[{"content": "My name is Ada."}, *said])
    post(other, "/v1/flush", timeout_s=30)
    for wrong in ({"speaker": "Page", "session_id": "a"}, {"since": "2026-02-01T00:00:00Z"}):
        assert other.post("/v1/forget", json=wrong).status_code == 422, wrong
    assert other.post("/v1/forget", json={"speaker": "nobody"}).status_code == 404
    bounds = {"since": "2026-02-02T00:00:00Z", "until": "2026-02-03T00:00:00Z"}
    assert post(other, "/v1/forget", speaker="page", **bounds)["turns"] == 1
    certificate = post(other, "/v1/forget", speaker="page")
    assert (certificate["scope"], certificate["turns"], certificate["verified"]) == ("speaker", 2, True)
    assert [turn["messages"][0]["content"] for turn in get(other, "/v1/memories")] == ["My name is Ada."]


def test_the_care_of_ones_own_memory(client: httpx.Client, served: Served) -> None:
    stats = get(client, "/v1/stats")
    assert stats["turns"] >= 3
    assert "database_bytes" not in stats
    own = {check["name"] for check in get(client, "/v1/health")["checks"]}
    assert "integrity" not in own  # it reads all memories: the operator's
    admin = served.client(served.new_token(None), **{"X-HMLR-User": "default"})
    health = admin.get("/v1/health")
    assert "integrity" in {check["name"] for check in health.json()["checks"]}
    assert str(served.db.parent) not in health.text


def test_what_an_administrator_may(served: Served, client: httpx.Client) -> None:
    admin = served.client(served.new_token(None))
    assert "default" in get(admin, "/v1/users")
    assert post(admin, "/v1/users/garden/plan")["model"] == "offline"
    assert post(admin, "/v1/users/garden", concurrency=2)["pending"] == 0
    assert admin.get("/v1/memories").status_code == 422  # whose?
    assert admin.get("/v1/memories", headers={"X-HMLR-User": "default"}).json()
    for path in ("/v1/users/garden/plan", "/v1/users/garden"):
        assert client.post(path, json={}).status_code == 403
    assert client.get("/v1/users").status_code == 403
    assert client.get("/v1/memories", headers={"X-HMLR-User": "ada"}).status_code == 403
