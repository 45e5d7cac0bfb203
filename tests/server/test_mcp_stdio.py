"""MCP over stdio, as bytes: nothing but protocol on stdout, and an end that loses nothing (X19, X12)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import pytest

from tests.faults.doors import door, settled
from tests.faults.figures import figure
from tests.server.mcp_doors import environment
from tests.server.serving import ROOT

pytestmark = [pytest.mark.security, pytest.mark.timeout(3600)]
CALLS, WINDOW = figure(100, 10_000), 20
CLIENT = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
HELLO = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": CLIENT}
READY = {"jsonrpc": "2.0", "method": "notifications/initialized"}


@contextmanager
def started(
    db: Path, *arguments: str, stdin: IO[bytes] | int = subprocess.PIPE, **more: str
) -> Iterator[Any]:
    """`main.py mcp` as a process; its stderr goes to a file beside the database."""
    with db.with_suffix(".log").open("wb") as stderr:
        process = subprocess.Popen(
            (sys.executable, "main.py", "mcp", "--db", str(db), "--user", "ada", *arguments),
            cwd=ROOT,
            env=environment(more),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(BrokenPipeError):
                if pipe is not None:
                    pipe.close()


def send(process: Any, *messages: dict[str, Any]) -> None:
    """Write messages, one a line."""
    process.stdin.write(b"".join(json.dumps(each).encode() + b"\n" for each in messages))
    process.stdin.flush()


def call(number: int, name: str, **arguments: object) -> dict[str, Any]:
    """A call of a tool."""
    params = {"name": name, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}


def checked(line: bytes) -> dict[str, Any]:
    """A line of stdout, which has to be an answer of the protocol."""
    message: dict[str, Any] = json.loads(line)
    assert message["jsonrpc"] == "2.0"
    assert set(message) in ({"jsonrpc", "id", "result"}, {"jsonrpc", "id", "error"}), message
    return message


def some_call(number: int) -> dict[str, Any]:
    """Calls of all kinds, wrong ones among them."""
    match number % 5:
        case 0:
            return call(number, "remember", text=f"Ana works at Nordlys, floor {number}.")
        case 1:
            return call(number, "recall", query="Where does Ana work?", limit=3)
        case 2:
            return call(number, "recall", query="", limit=999)
        case 3:
            return call(number, "no such tool")
        case _:
            return call(number, "facts", subject="Ana", limit=3)


def test_nothing_but_protocol_is_written_to_stdout(tmp_path: Path) -> None:
    db, answered = tmp_path / "m.db", 0
    with started(db, "--debug", PYTHONPATH=str(Path(__file__).with_name("noise"))) as process:
        send(process, HELLO, READY)
        assert checked(process.stdout.readline())["id"] == 0
        waiting: set[int] = set()
        for number in range(1, CALLS + 1):
            send(process, some_call(number))
            waiting.add(number)
            while len(waiting) >= WINDOW or (number == CALLS and waiting):
                waiting.remove(checked(process.stdout.readline())["id"])
                answered += 1
        process.stdin.close()
        assert process.stdout.read() == b""
        assert process.wait(30) == 0
    assert answered == CALLS
    noise = db.with_suffix(".log").read_text(encoding="utf-8")
    for kind in ("importing mcp", "importing hmlr.client", "a C library", "a child", "at the end"):
        assert kind in noise  # it was there, and went elsewhere
    print(f"X19: {answered:,} calls, 0 other bytes on stdout")


def test_what_was_asked_before_the_end_of_stdin_is_answered(tmp_path: Path) -> None:
    """Also from a file, with lines that are none of the protocol, and a last one without its end."""
    lines = [json.dumps(each) for each in (HELLO, READY)]
    lines += ["no JSON", "", "[]", "\udcff", "x" * 4_100_000, '"' + "y" * 100]
    lines += [json.dumps(call(number, "remember", text=f"number {number}")) for number in range(1, 100)]
    asked = tmp_path / "asked"
    asked.write_bytes("\n".join(lines).encode("utf-8", "surrogateescape"))
    with asked.open("rb") as stdin, started(tmp_path / "m.db", stdin=stdin) as process:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
    answers = {message["id"]: message for message in map(checked, out.splitlines())}
    assert {*range(100)} <= set(answers)
    assert not [each for each in answers.values() if each["id"] and each["result"].get("isError")]


async def test_a_signal_stops_it_and_nothing_stored_is_lost(tmp_path: Path) -> None:
    db = tmp_path / "m.db"
    with started(db, "--debug", "--owner-words") as process:
        send(process, HELLO, READY)
        send(process, call(1, "remember", text="My sister is called Canary.", role="user"))
        send(process, call(2, "recall", query="canary", limit="canary"))
        ids = {checked(process.stdout.readline())["id"] for _ in range(3)}
        assert ids == {0, 1, 2}
        process.send_signal(signal.SIGTERM)  # while it waits for the next line
        assert process.wait(30) == 0
        assert process.stdout.read() == b""
    log = db.with_suffix(".log").read_text(encoding="utf-8")
    assert "canary" not in log.lower()
    assert "Traceback" not in log
    async with door(db) as hmlr:
        assert [turn.messages[0].content for turn in await hmlr.turns()] == ["My sister is called Canary."]
        await settled(hmlr)
        assert [fact for fact in await hmlr.facts() if "Canary" in fact.value]


def test_a_host_that_has_gone_is_no_failure(tmp_path: Path) -> None:
    with started(tmp_path / "m.db") as process:
        send(process, HELLO, READY)
        checked(process.stdout.readline())
        process.stdout.close()
        send(process, call(1, "profile"))
        assert process.wait(30) == 0
    assert "Traceback" not in (tmp_path / "m.log").read_text(encoding="utf-8")


def test_a_memory_that_cannot_be_opened_is_one_line_on_stderr(tmp_path: Path) -> None:
    db = tmp_path / "m.db"
    db.write_bytes(b"this is no database at all" * 1000)
    with started(db) as process:
        send(process, HELLO, READY, call(1, "profile"))
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 1
    assert not [each for each in map(checked, out.splitlines()) if each["id"] and "error" not in each]
    log = db.with_suffix(".log").read_text(encoding="utf-8")
    assert log.startswith("error: ") and log.count("\n") == 1


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads the process's time from /proc")
def test_the_first_answer_comes_soon(tmp_path: Path) -> None:
    """Counted in time of the processor, so that other work on the machine does not matter."""
    with started(tmp_path / "m.db") as process:
        send(process, HELLO)
        checked(process.stdout.readline())
        stat = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        assert sum(map(int, stat[11:13])) / os.sysconf("SC_CLK_TCK") < 3  # about 1 s of a free machine
