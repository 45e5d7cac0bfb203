"""No user ever sees anything of another over HTTP: in no answer, error or line of the log (T1, X06)."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from hmlr import HMLRClient
from hmlr.settings import Settings
from tests.faults.figures import FULL, figure
from tests.server.serving import Served, server

pytestmark = [pytest.mark.security, pytest.mark.timeout(7200 if FULL else 240)]

USERS = figure(6, 50)
OPERATIONS = figure(300, 10_000)
AT_ONCE = 8
WORD = "quetzal"  # stands in no file name
KINDS = ("turn", "fact", "block", "dossier", "run")
QUESTION = "Who is the sister, where does she live, and what is the API key?"
Request = tuple[str, str, Any]  # method, path, body or query


@dataclass
class Person:
    """One user, with a word that only their own messages hold."""

    number: int
    http: httpx.AsyncClient
    ids: dict[str, set[str]]  # of all users: what may be asked for by mistake or by malice
    own: dict[str, set[str]] = field(default_factory=lambda: {kind: set() for kind in KINDS})
    count: int = 0

    @property
    def canary(self) -> str:
        return f"{WORD}{self.number:02}x"

    def text(self, chance: random.Random) -> str:
        self.count += 1
        return chance.choice(
            [
                f"My sister is called {self.canary.title()} and she lives in {self.canary}ville.",
                f"The API key for {self.canary} is key-{self.canary}-{self.count}.",
                f"I am strictly vegetarian, says {self.canary}.",
                f"Project {self.canary} has moved to {self.canary}town number {self.count}.",
            ]
        )

    def some(self, kind: str, chance: random.Random) -> str:
        """An id of one's own, or of anybody's."""
        ids = (self.own if chance.random() < 0.5 else self.ids)[kind]
        return chance.choice(sorted(ids)) if ids else "none"

    def learn(self, value: object) -> None:
        """Note the ids in an answer."""
        if isinstance(value, list):
            for each in value:
                self.learn(each)
        elif isinstance(value, dict):
            for name, each in value.items():
                kind = name.removesuffix("_id")
                if kind in KINDS and isinstance(each, str):
                    self.own[kind].add(each)
                    self.ids[kind].add(each)
                self.learn(each)


def session(chance: random.Random) -> str:
    return f"s{chance.randrange(3)}"  # the same names for all users


def remember(one: Person, chance: random.Random) -> Request:
    messages = [{"content": one.text(chance), "metadata": {"id": one.canary}} for _ in range(3)]
    return "POST", "/v1/memories", {"messages": messages, "session_id": session(chance)}


def ask(one: Person, chance: random.Random) -> Request:
    other = f"{WORD}{chance.randrange(USERS):02}x"  # a question is kept nowhere
    kinds = chance.choice([None, ["fact"], ["block"], ["dossier"], ["sentence", "turn"]])
    query = f"{QUESTION} {other}?"
    return chance.choice(
        [
            ("POST", "/v1/recall", {"query": query, "kinds": kinds, "limit": 50, "explain": True}),
            ("POST", "/v1/context", {"query": query, "session_id": session(chance)}),
            ("POST", "/v1/deep-recall", {"question": QUESTION}),
            ("POST", "/v1/recall/why-not", {"query": QUESTION, "turn_id": one.some("turn", chance)}),
        ]
    )


def look(one: Person, chance: random.Random) -> Request:
    paths = ("memories", "facts", "blocks", "days", "dossiers", "profile", "contradictions", "timeline/user")
    more = ("garden/runs", "stats", "audit", "health", "export")
    named = (f"facts/{one.some('fact', chance)}/history", f"dossiers/{one.some('dossier', chance)}")
    return "GET", f"/v1/{chance.choice([*paths, *more, *named])}", None


def edit(one: Person, chance: random.Random) -> Request:
    fact = f"/v1/facts/{one.some('fact', chance)}"
    return chance.choice(
        [
            ("POST", f"{fact}/retire", {"reason": one.canary}),
            ("POST", f"{fact}/restore", None),
            ("POST", f"{fact}/correct", {"value": f"{one.canary} corrected"}),
        ]
    )


def arrange(one: Person, chance: random.Random) -> Request:
    kind, name = chance.choice([("block", "label"), ("dossier", "title")])
    path = f"/v1/{kind}s/{one.some(kind, chance)}"
    parted = {"at_turn": one.some("turn", chance)}
    if kind == "dossier":
        parted = {"fact_ids": [one.some("fact", chance)]}  # type: ignore[dict-item]
    return chance.choice(
        [
            ("POST", f"{path}/rename", {name: f"{one.canary} named"}),
            ("POST", f"{path}/merge", {"into": one.some(kind, chance)}),
            ("POST", f"{path}/split", parted),
        ]
    )


def garden(one: Person, chance: random.Random) -> Request:
    return chance.choice(
        [
            ("POST", "/v1/garden/plan", {"include_active": True}),
            ("POST", "/v1/garden", {"include_active": True, "stream": chance.random() < 0.5}),
            ("POST", f"/v1/garden/runs/{one.some('run', chance)}/undo", None),
        ]
    )


def forget(one: Person, chance: random.Random) -> Request:
    what = chance.choice(
        [
            {"turn_id": one.some("turn", chance)},
            {"fact_id": one.some("fact", chance)},
            {"session_id": session(chance)},
        ]
    )
    return "POST", "/v1/forget", what


# Each with its weight; forgetting rewrites the file and is rare.
KINDS_OF: dict[Callable[[Person, random.Random], Request], int] = {
    remember: 20, ask: 25, look: 25, edit: 10, arrange: 8, garden: 6, forget: 2,
}  # fmt: skip


@asynccontextmanager
async def people(served: Served) -> AsyncIterator[list[Person]]:
    """All users, each with a token."""
    ids: dict[str, set[str]] = {kind: set() for kind in KINDS}
    async with AsyncExitStack() as stack:
        settings = Settings.load(db_path=str(served.db), embedder="none", model="offline")
        async with HMLRClient(settings=settings) as host:
            secrets = [(await host.access.issue(user_id=f"user{number}")).secret for number in range(USERS)]
        found = []
        for number, secret in enumerate(secrets):
            head = {"Authorization": f"Bearer {secret}"}
            http = httpx.AsyncClient(base_url=served.url, headers=head, timeout=120, trust_env=False)
            found.append(Person(number, await stack.enter_async_context(http), ids))
        yield found


async def test_no_canary_crosses(tmp_path: Path) -> None:
    chance = random.Random(20260301)
    statuses: Counter[int] = Counter()
    done: Counter[str] = Counter()
    limits = {"HMLR_SERVER_BURST": "100000", "HMLR_SERVER_MAX_OPEN_USERS": str(USERS // 2)}
    with server(tmp_path / "memory.db", "--debug", **limits) as served:
        async with people(served) as everyone:
            left = iter(range(OPERATIONS))

            async def work() -> None:
                for _ in left:
                    one = chance.choice(everyone)
                    operation = chance.choices(list(KINDS_OF), list(KINDS_OF.values()))[0]
                    method, path, body = operation(one, chance)
                    answer = await one.http.request(method, path, json=body)
                    statuses[answer.status_code] += 1
                    done[operation.__name__] += answer.status_code == 200
                    check(one, answer.text, path)
                    assert answer.status_code < 500, (path, answer.text)
                    if answer.headers["content-type"] == "application/json" and answer.status_code == 200:
                        one.learn(answer.json())

            await asyncio.gather(*(work() for _ in range(AT_ONCE)))
            # Forgetting is rare, and of little use to who asks for another's: a short run may have none done.
            assert all(done[each.__name__] for each in KINDS_OF if FULL or each is not forget), done
            assert statuses[404], statuses
            for one in everyone:
                check(one, (await one.http.get("/v1/export")).text, "the end")
        assert served.stop() == 0
        assert WORD not in served.log.read_text(encoding="utf-8").lower()


def check(one: Person, shown: str, what: str) -> None:
    """Fail when an answer holds the word of another user."""
    text = shown.lower().replace(one.canary, "")
    assert WORD not in text, (what, one.number, text[max(0, text.index(WORD) - 200) :][:400])
