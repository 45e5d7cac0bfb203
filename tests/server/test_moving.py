"""Export and import over HTTP: byte-equal, all or nothing, and a bad file harms nobody (X16, X23)."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.faults.figures import FULL, figure
from tests.server.serving import Served, server

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600 if FULL else 120)]

LINES = {"Content-Type": "application/x-ndjson"}
Change = Callable[[list[dict[str, Any]]], object]
READS = (
    "memories", "facts", "blocks", "days", "dossiers", "profile", "contradictions", "timeline/user", "audit",
    "garden/runs", "stats", "health", "export",
)  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    unlimited = {"HMLR_SERVER_BURST": "1000000"}
    with server(tmp_path_factory.mktemp("moving") / "memory.db", **unlimited) as up:
        yield up


@pytest.fixture(scope="module")
def admin(served: Served) -> httpx.Client:
    return served.client(served.new_token(None))


@pytest.fixture(scope="module")
def exported(admin: httpx.Client) -> list[dict[str, Any]]:
    """The records of a memory with something of every kind."""
    fill(admin, "origin", random.Random(1))
    return [json.loads(line) for line in export(admin, "origin").splitlines()]


def whose(user: str) -> dict[str, str]:
    return {"X-HMLR-User": user}


def export(admin: httpx.Client, user: str) -> bytes:
    """The whole export of a user."""
    answer = admin.get("/v1/export", headers=whose(user))
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert json.loads(answer.content.splitlines()[-1])["type"] == "foot"
    return answer.content


def take(admin: httpx.Client, user: str, lines: bytes) -> httpx.Response:
    """Import for a user."""
    return admin.post("/v1/import", content=lines, headers=whose(user) | LINES)


def fill(admin: httpx.Client, user: str, chance: random.Random) -> None:
    """A memory with turns, facts in every state, topics, dossiers, edits and tombstones."""
    said = [
        "I am strictly vegetarian.",
        "My sister Mia lives in Oslo. She has two cats.",
        f"The budget of Project Kestrel is {chance.randrange(100, 900)} euros.",
        "Let's decide: we take the blue one.\n\n— 日本語, 🙂 and \u202e marks",
        f"My name is Ada{chance.randrange(99)}.",
        "My sister Mia lives in Bergen now.",
    ]
    chance.shuffle(said)
    head = whose(user)

    def post(path: str, **body: Any) -> Any:
        answer = admin.post(path, json=body, headers=head)
        assert answer.status_code == 200, answer.text
        return answer.json()

    messages = [
        {"content": text, "metadata": {"n": number, "ö": [1.5, None]}} for number, text in enumerate(said)
    ]
    for number, message in enumerate(messages):
        post("/v1/memories", messages=[message], session_id=f"s{number % 2}")
    post("/v1/flush", timeout_s=60)
    facts = admin.get("/v1/facts", headers=head).json()
    post(f"/v1/facts/{facts[0]['fact_id']}/retire", reason="no longer")
    post(f"/v1/facts/{facts[1]['fact_id']}/correct", value="another")
    block = admin.get("/v1/blocks", headers=head).json()[0]
    post(f"/v1/blocks/{block['block_id']}/rename", label="My own")
    post("/v1/garden", include_active=True)
    turns = admin.get("/v1/memories", headers=head).json()
    post("/v1/forget", turn_id=chance.choice(turns)["turn_id"])
    post("/v1/flush", timeout_s=60)


def test_what_is_carried_over_is_the_same_and_nothing_runs(admin: httpx.Client) -> None:
    """X23: export, import, export is byte-equal; twice is as once; no job but that of the vectors."""
    for number in range(figure(2, 100)):
        origin, copy = f"origin-{number}", f"copy-{number}"
        fill(admin, origin, random.Random(number))
        lines = export(admin, origin)
        assert take(admin, copy, lines).json()["records"] == len(lines.splitlines()) - 2
        flushed = admin.post("/v1/flush", json={"timeout_s": 30}, headers=whose(copy))
        assert flushed.json() == {"settled": True}  # had anything been learned again, it would show
        assert export(admin, copy) == lines
        assert take(admin, copy, lines).json() == {"records": 0}
        assert export(admin, copy) == lines
        assert export(admin, origin) == lines


def _set(kind: str, **values: Any) -> Change:
    """Change fields of the first record of a type."""
    return lambda records: next(each for each in records if each["type"] == kind).update(values)


def _twice(kind: str) -> Change:
    return lambda records: records.insert(-1, next(each for each in records if each["type"] == kind))


HOSTILE: dict[str, Change] = {
    "a path as id": _set("turn", turn_id="../../etc/passwd"),
    "SQL as id": _set("block", block_id="x'); DROP TABLE turns; --"),
    "another user's": _set("turn", user_id="origin"),
    "unknown field": _set("fact", path="/etc/passwd"),
    "unknown type": _set("edit", type="trigger"),
    "unknown role": _set("message", role="root"),
    "unknown state": _set("fact", state="true"),
    "unknown category": _set("fact", category="x"),
    "unknown change": _set("fact_event", change="x"),
    "topic state": _set("block", state="OPEN"),
    "keywords": _set("block", keywords={"a": 1}),
    "metadata": _set("message", metadata=[1]),
    "deep metadata": _set("message", metadata=json.loads('{"a":' * 200 + "1" + "}" * 200)),
    "NUL": _set("message", content="a\0b"),
    "surrogate": _set("message", content="\ud800"),
    "quote elsewhere": _set("fact", start=3),
    "negative": _set("fact", start=-5),
    "huge number": _set("turn", seq=10**30),
    "no time": _set("turn", occurred_at="2026-01-01T00:00:00"),
    "year 0": _set("turn", occurred_at="0000-01-01T00:00:00+00:00"),
    "huge range": _set("tombstone", turn_seqs=[[1, 2**60]]),
    "wide range": _set("tombstone", scope="session", target="s0", turn_seqs=[[1, 2**52]]),
    "no range": _set("tombstone", turn_seqs=[[1]]),
    "no payload": _set("edit", payload=[]),
    "turn twice": _twice("turn"),
    "fact twice": _twice("fact"),
    "message twice": _twice("message"),
    "event of nothing": _set("fact_event", fact_id="none", turn_id="none"),
    "turn of nothing": _set("message", turn_id="none"),
    "dossier of nothing": _set("dossier_entry", dossier_id="none"),
    "other version": _set("head", version=2),
    "other format": _set("head", format="x"),
    "wrong count": _set("foot", records=1),
    "no foot": lambda records: records.pop(),
    "no head": lambda records: records.pop(0),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_whole_or_is_harmless(
    admin: httpx.Client, exported: list[dict[str, Any]], name: str
) -> None:
    records = json.loads(json.dumps(exported))
    kinds = {each["type"] for each in records}
    HOSTILE[name](records)
    if records[-1]["type"] == "foot" and name != "wrong count":
        records[-1]["records"] = len(records) - (2 if records[0]["type"] == "head" else 1)
    user = f"victim {name}".replace(" ", "-")
    answer = take(admin, user, "\n".join(json.dumps(each) for each in records).encode())
    assert answer.status_code in (200, 413, 422), answer.text
    assert kinds >= {"turn", "message", "block", "fact", "dossier", "edit", "tombstone"}
    if answer.status_code != 200:
        assert export(admin, user).count(b"\n") == 2  # head and foot: nothing was taken
    else:
        _reads(admin, user)


@pytest.mark.parametrize(
    "lines",
    [b"", b"\n", b"{}", b"PK\x03\x04" + b"\0" * 100, b"\x1f\x8b" + b"\0" * 100, b"\xff\xfe", b"[" * 100_000],
    ids=("empty", "blank", "no head", "zip", "gzip", "no UTF-8", "deep"),
)
def test_what_is_no_export_is_refused(admin: httpx.Client, lines: bytes) -> None:
    assert take(admin, "nobody", lines).status_code == 422
    head = b'{"type": "head", "format": "hmlr-export", "version": 1}\n'
    assert take(admin, "nobody", head + lines).status_code == 422
    assert admin.post("/v1/import", content=b"x", headers=whose("nobody")).status_code == 415


def test_random_changes_of_a_file_break_nothing(
    served: Served, admin: httpx.Client, exported: list[dict[str, Any]]
) -> None:
    odd: tuple[Any, ...] = (
        None, "", "x", -1, 0, 1, 2**53, 2**63, 1.5, True, [], {}, [["a"]], {"a": "b"}, "\0",
        "9999-12-31T23:59:59Z",
    )  # fmt: skip
    chance = random.Random(7)
    for number in range(figure(25, 20_000)):
        records = json.loads(json.dumps(exported))
        for _ in range(chance.randrange(1, 4)):
            record = chance.choice(records[1:-1])
            record[chance.choice(sorted(record))] = chance.choice(odd)
        answer = take(admin, f"odd-{number}", "\n".join(json.dumps(each) for each in records).encode())
        assert answer.status_code in (200, 413, 422), answer.text
        if answer.status_code == 200:
            _reads(admin, f"odd-{number}")
    assert '"level": "error"' not in served.log.read_text(encoding="utf-8")


def _reads(admin: httpx.Client, user: str) -> None:
    """Whatever was taken can be read, asked and forgotten."""
    for path in READS:
        answer = admin.get(f"/v1/{path}", headers=whose(user))
        assert answer.status_code == 200, (path, answer.text)
    for path, body in (
        ("/v1/recall", {"query": "Mia"}),
        ("/v1/context", {"query": "Mia"}),
        ("/v1/garden", {"include_active": True}),
        ("/v1/memories", {"messages": [{"content": "More."}]}),
    ):
        answer = admin.post(path, json=body, headers=whose(user))
        assert answer.status_code == 200, (path, answer.text)
