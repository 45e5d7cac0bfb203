"""A model behind OpenAI's protocol that answers each of the engine's tasks as a test says."""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from hmlr.core.tasks.analysis.task import ANALYSIS
from hmlr.core.tasks.answer.task import ANSWER
from hmlr.core.tasks.base import Prompt
from hmlr.core.tasks.fact_grouping.task import FACT_GROUPING
from hmlr.core.tasks.fact_routing.task import FACT_ROUTING
from hmlr.core.tasks.fact_scrubbing.task import FACT_SCRUBBING
from hmlr.core.tasks.literal_restatement.task import LITERAL_RESTATEMENT
from hmlr.core.tasks.memory_filter.task import MEMORY_FILTER
from hmlr.core.tasks.routing.task import ROUTING
from hmlr.core.tasks.scribe.task import SCRIBE
from hmlr.core.tasks.search_summary.task import SEARCH_SUMMARY
from hmlr.core.tasks.summary_update.task import SUMMARY_UPDATE
from hmlr.core.tasks.tag_classification.task import TAG_CLASSIFICATION

GARDENING = (
    TAG_CLASSIFICATION,
    FACT_GROUPING,
    FACT_ROUTING,
    LITERAL_RESTATEMENT,
    SUMMARY_UPDATE,
    SEARCH_SUMMARY,
)
TASKS = (ANALYSIS, ANSWER, FACT_SCRUBBING, MEMORY_FILTER, ROUTING, SCRIBE, *GARDENING)
RELAYED = "relayed"  # another program's prompt, with or without memory in it
NAMES = {task.prompt().system: task.name for task in TASKS} | {
    Prompt.load("hmlr.memory.deep").system: "deep_recall",
    Prompt.load("hmlr.core.tasks.answer.relayed").system: RELAYED,
}


@dataclass(frozen=True)
class Asked:
    """One request as it reached the server."""

    task: str
    system: str
    user: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Broken:
    """An answer that is a failure of the provider."""

    status: int


@dataclass(frozen=True)
class Cut:
    """An answer that ran into the token limit."""

    text: str


@dataclass(frozen=True)
class Calls:
    """An answer that calls tools: names with their arguments, as objects or as broken JSON."""

    calls: tuple[tuple[str, Mapping[str, Any] | str], ...]


# What the model says to one request: an object (sent as JSON), a text, tool calls, or a failure.
Says = Mapping[str, Any] | str | Broken | Cut | Calls
Line = Says | Callable[[Asked], Says]


def _fenced(asked: Asked, heading: str) -> str:
    """The first remembered text under a heading of the prompt."""
    return asked.user.partition(heading)[2].partition("⟧\n")[2].partition("\n⟦/")[0]


def _each_alone(asked: Asked) -> Mapping[str, Any]:
    """No two facts go together."""
    return {"groups": [], "ungrouped": list(dict.fromkeys(re.findall(r"\bF\d+\b", asked.user)))}


# A model that gives no trouble and adds nothing. Its summary is empty, so that the rule's one stands.
QUIET: Mapping[str, Line] = {
    "routing": {"action": "new", "block_id": None, "label": "", "keywords": []},
    "memory_filter": lambda asked: {"keep": list(range(1, 1 + asked.user.count("⟦/")))},
    "fact_scrubbing": {"facts": []},
    "scribe": {"facts": []},
    "analysis": {
        "routing": {"action": "new", "block_id": None, "label": "", "keywords": []},
        "facts": [],
        "profile": [],
    },
    "answer": "Very well.",
    RELAYED: "Very well.",
    "tag_classification": {"tags": [], "section_rules": []},
    "fact_grouping": _each_alone,
    "fact_routing": {"action": "create", "dossier_id": None, "title": ""},
    "literal_restatement": lambda asked: {"text": _fenced(asked, "Where it was said:")},
    "summary_update": {"text": ""},
    "search_summary": lambda asked: {"text": _fenced(asked, "The dossier:")},
}


@dataclass
class TaskServer:
    """What the model says by task, and everything it was asked, in order."""

    script: dict[str, Line]
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    def prompts(self, task: str) -> list[str]:
        """The data parts of all requests of a task."""
        return [each.user for each in list(self.asked) if each.task == task]

    @property
    def env(self) -> dict[str, str]:
        """What points HMLR's processes at this server."""
        return {"OPENAI_BASE_URL": self.url, "OPENAI_API_KEY": "", "HMLR_LLM_ATTEMPTS": "1"}

    def says(self, asked: Asked) -> Says:
        """The answer to one request."""
        self.asked.append(asked)
        line = self.script[asked.task]
        return line(asked) if callable(line) else line


@contextmanager
def serving(script: Mapping[str, Line]) -> Iterator[TaskServer]:
    """A running server; what the script leaves out is said as by QUIET."""
    model = TaskServer({**QUIET, **script})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            data = self.rfile.read(length)
            if len(data) < length:  # the client was killed, or has left
                return
            body = json.loads(data)
            messages = body["messages"]
            system = str(messages[0]["content"]) if messages[0]["role"] == "system" else ""
            user = next(str(each["content"]) for each in reversed(messages) if each["role"] == "user")
            said = model.says(Asked(NAMES.get(system, RELAYED), system, user, body))
            if isinstance(said, Broken):
                self._send(said.status, "application/json", b'{"error": {"message": "down"}}')
            elif body.get("stream"):
                self._send(200, "text/event-stream", _events(said))
            else:
                self._send(200, "application/json", json.dumps(_reply(said)).encode())

        def _send(self, status: int, kind: str, data: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            return

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            if not isinstance(sys.exception(), ConnectionError):  # a client that was killed
                super().handle_error(request, client_address)

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    model.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()


def _text(said: Says) -> tuple[str, str]:
    if isinstance(said, Cut):
        return said.text, "length"
    return (said if isinstance(said, str) else json.dumps(said)), "stop"


def _calling(said: Calls) -> dict[str, Any]:
    calls = [
        {
            "id": f"call{number}",
            "type": "function",
            "function": {"name": name, "arguments": given if isinstance(given, str) else json.dumps(given)},
        }
        for number, (name, given) in enumerate(said.calls)
    ]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def _usage() -> dict[str, int]:
    return {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def _reply(said: Says) -> dict[str, Any]:
    if isinstance(said, Calls):
        message, finish = _calling(said), "tool_calls"
    else:
        text, finish = _text(said)
        message = {"role": "assistant", "content": text}
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "scripted",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": _usage(),
    }


def _events(said: Says) -> bytes:
    if isinstance(said, Calls):
        calls = [{"index": at, **each} for at, each in enumerate(_calling(said)["tool_calls"])]
        deltas, finish = [{"role": "assistant", "tool_calls": calls}], "tool_calls"
    else:
        text, finish = _text(said)
        words = text.split(" ")
        deltas = [{"content": piece} for piece in [word + " " for word in words[:-1]] + words[-1:]]
    chunks: list[dict[str, Any]] = [{"delta": each, "finish_reason": None} for each in deltas]
    chunks.append({"delta": {}, "finish_reason": finish})
    lines = [
        {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "scripted", "choices": [chunk]}
        for chunk in ({"index": 0, **each} for each in chunks)
    ]
    lines.append({**lines[0], "choices": [], "usage": _usage()})
    return "".join(f"data: {json.dumps(line)}\n\n" for line in (*lines,)).encode() + b"data: [DONE]\n\n"
