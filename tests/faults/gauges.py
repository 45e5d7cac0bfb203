"""People who talk about gauges through several servers, and the model that answers and learns from them.

Every message holds a mark of its own, with its user's name in it: whatever is lost, doubled or told to
somebody else shows. Each states one fact.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx

from tests.faults.fleet import Fleet, Life
from tests.llm.own_server import Answer, Received, reply, stream
from tests.llm.shapes import OpenAIShape

MARK = re.compile(r"qv([a-z]+)x\d+")
STATES = re.compile(r"The limit of Gauge (qv[a-z]+x\d+) is (\d+ litres)\.")
SHIFT = "Something else now."
SHAPE = OpenAIShape()


# The model


def answered(received: Received) -> Answer:
    """What the model says after 200 ms: what its prompts ask for, and to a chat, whose marks it was shown."""
    asked = received.json
    text = _says(asked)
    if asked.get("stream"):
        return stream(SHAPE.events((text[:5], text[5:])), before_s=0.2)
    return reply(SHAPE.reply(text), before_s=0.2)


def _says(asked: dict[str, Any]) -> str:
    schema = asked.get("response_format", {}).get("json_schema", {}).get("name", "")
    system, data = asked["messages"][0]["content"], asked["messages"][-1]["content"]
    if not schema:
        return f"Heard of {' and '.join(people_in(json.dumps(asked['messages'])))}."
    return json.dumps(_answer(schema, system, data))


def _answer(schema: str, system: str, data: str) -> dict[str, Any]:
    stated = "\n".join(f"The limit of Gauge {mark} is {value}." for mark, value in STATES.findall(data))
    if schema == "Routing":
        topics, _, message = data.partition("New message:")
        goes_on = "Current topic:\nnone" not in topics and SHIFT not in message
        action = "continue" if goes_on else "new"
        return {"action": action, "block_id": None, "label": "limits of gauges", "keywords": []}
    if schema == "FactDrafts":
        said = data.rpartition("Message")[2]
        return {"facts": [] if "profile of one user" in system else list(map(_fact, STATES.finditer(said)))}
    if schema == "FactGroups":
        return {"groups": [], "ungrouped": list(dict.fromkeys(re.findall(r"\bF\d+\b", data)))}
    if schema == "FactRoute":
        known = re.search(r"\bD\d+\b", data)
        return {"action": "append" if known else "create", "dossier_id": known and known[0], "title": "Gauge"}
    others = {"Kept": {"keep": [1, 2, 3]}, "BlockTags": {"tags": [], "section_rules": []}}
    return others.get(schema, {"text": stated})


def _fact(stated: re.Match[str]) -> dict[str, str]:
    return {
        "subject": f"Gauge {stated[1]}", "key": "limit", "value": stated[2], "category": "entity",
        "quote": stated[0],
    }  # fmt: skip


def people_in(text: str) -> list[str]:
    """Whose marks stand in a text."""
    return sorted(set(MARK.findall(text)))


# What people say


@dataclass(kw_only=True, eq=False)
class Said:
    """One message: when it was first sent, and when it was acknowledged, in Unix time."""

    mark: str
    text: str
    call: int
    sent: float
    turn_id: str = ""
    acknowledged: float = 0.0
    reply: str | None = None  # of a chat that was answered at its first try


@dataclass(kw_only=True)
class Ledger:
    """What all calls came to."""

    said: dict[str, list[Said]] = field(default_factory=dict)  # by user
    requests: int = 0
    refused: int = 0  # at a server that was killed before
    cut: int = 0  # under way at a server that was killed
    repeated: int = 0  # stored by the server that was killed before it could say so
    still: int = 0  # failed while the machine stood still, and were repeated
    errors: list[str] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)  # what answers said they had to do without
    crossed: list[str] = field(default_factory=list)
    longest_s: float = 0.0


class Talker:
    """One user, who does one thing after the other in a session, at one server and the next in turn."""

    def __init__(self, fleet: Fleet, ledger: Ledger, user: str, token: str, *, lane: int) -> None:
        self._fleet = fleet
        self._ledger = ledger
        self._user = user
        self._head = {"Authorization": f"Bearer {token}"}
        self._session = f"s{lane}"
        self._turn = count(lane)
        self._dice = random.Random(f"{user} {lane}")
        self._said = ledger.said.setdefault(user, [])

    async def talk(self, stop: asyncio.Event, *, pause_s: float) -> None:
        """Go on until `stop`; what is begun then is finished."""
        ways = (self._chat, self._chat, self._stream, self._remember, self._remember, self._ask)
        while not stop.is_set():
            await self._dice.choice(ways)()
            await asyncio.sleep(self._dice.uniform(0, 2 * pause_s))

    async def _chat(self) -> None:
        (said,) = self._new(1)
        answer, first = await self._call("/v1/chat/completions", self._prompt(said), key=said.mark)
        body = answer.json()
        self._answered(said, body["hmlr"], body["choices"][0]["message"]["content"], first=first)

    async def _stream(self) -> None:
        (said,) = self._new(1)
        body = self._prompt(said) | {"stream": True}
        answer, first = await self._call("/v1/chat/completions", body, key=said.mark)
        lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line]
        assert lines.pop() == "[DONE]", answer.text
        events = [json.loads(line) for line in lines]
        deltas = [each["choices"][0]["delta"].get("content", "") for each in events if each["choices"]]
        (used,) = [each["hmlr"] for each in events if "hmlr" in each]
        self._answered(said, used, "".join(deltas), first=first)

    def _prompt(self, said: Said) -> dict[str, Any]:
        return {"model": "hmlr", "messages": [{"role": "user", "content": said.text}]}

    def _answered(self, said: Said, used: dict[str, Any], text: str, *, first: bool) -> None:
        self._acknowledge([said], [used["turn_id"]])
        self._hear(text)
        wrong = [each for each in used["degraded"] if not each.startswith("no embedder")]
        if first:
            said.reply = text
            if not self._fleet.pulse.stood_still(said.sent, time.time()):
                self._ledger.degraded += wrong

    async def _remember(self) -> None:
        some = self._new(self._dice.randint(1, 3))
        body = {"session_id": self._session, "messages": [{"content": each.text} for each in some]}
        answer, first = await self._call("/v1/memories", body, key=some[0].mark)
        receipt = answer.json()
        self._ledger.repeated += receipt["repeated"]
        assert receipt["stored"] + receipt["repeated"] == len(some), receipt
        assert not (first and receipt["repeated"]), receipt
        self._acknowledge(some, receipt["turn_ids"])

    async def _ask(self) -> None:
        await self._call("/v1/recall", {"query": "What is the limit of the gauge?"})

    def _new(self, number: int) -> list[Said]:
        """Messages that nobody has said yet, all of one call."""
        now, call = time.time(), len(self._said)
        for _ in range(number):
            mark = f"qv{self._user}x{len(self._said)}"
            shift = f" {SHIFT}" if self._dice.random() < 0.5 else ""
            text = f"The limit of Gauge {mark} is {self._dice.randint(100, 999)} litres.{shift}"
            self._said.append(Said(mark=mark, text=text, call=call, sent=now))
        return self._said[-number:]

    def _acknowledge(self, some: list[Said], turn_ids: list[str]) -> None:
        for said, turn_id in zip(some, turn_ids, strict=True):
            said.turn_id, said.acknowledged = turn_id, time.time()

    async def _call(self, path: str, body: dict[str, Any], *, key: str = "") -> tuple[httpx.Response, bool]:
        """The answer, and whether it came at the first try; a broken call is repeated at the next server."""
        head = self._head | ({"Idempotency-Key": key} if key else {}) | {"X-HMLR-Session": self._session}
        for attempt in range(50):
            life = self._fleet.servers[next(self._turn) % len(self._fleet.servers)]
            begun = time.time()
            self._ledger.requests += 1
            try:
                answer = await _client(life).post(path, json=body, headers=head)
                self._hear(answer.text)
                answer.raise_for_status()
                if '"error":' in answer.text[-1000:]:  # the last event of a stream
                    raise httpx.DecodingError(answer.text)
            except httpx.HTTPError as error:
                self._note(error, life, begun)
                continue
            self._ledger.longest_s = max(self._ledger.longest_s, time.time() - begun)
            return answer, attempt == 0
        raise ValueError("no server answers")

    def _note(self, error: httpx.HTTPError, life: Life, begun: float) -> None:
        """Count a call that failed, for a reason that is known; raise any other."""
        broke = isinstance(error, httpx.TransportError) and not isinstance(error, httpx.TimeoutException)
        if broke and life.killed:
            refused = isinstance(error, httpx.ConnectError)
            self._ledger.refused += refused
            self._ledger.cut += not refused
        elif self._fleet.pulse.stood_still(begun, time.time()):
            self._ledger.still += 1
        else:
            told = error.response.text if isinstance(error, httpx.HTTPStatusError) else ""
            self._ledger.errors.append(f"{self._user}: {error!r} {told}")

    def _hear(self, text: str) -> None:
        """Note what belongs to somebody else."""
        heard = {*people_in(text), *_named(re.findall(r"Heard of ([a-z ]*)", text))}
        if heard - {self._user}:
            self._ledger.crossed.append(f"{self._user}: {text}")


def _named(lists: Iterable[str]) -> set[str]:
    return {name for each in lists for name in each.split(" and ") if name}


def _client(life: Life) -> httpx.AsyncClient:
    assert life.client is not None
    return life.client
