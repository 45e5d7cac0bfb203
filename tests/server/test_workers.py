"""Several processes behind one address."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests import processes
from tests.processes import MAIN, ROOT
from tests.server.serving import Served, server

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with two workers; told to stop, it ends well."""
    db = tmp_path_factory.mktemp("workers") / "memory.db"
    with server(db, "--workers", "2", HMLR_SERVER_PAGE="true") as up:
        yield up
        assert up.stop() == 0


def workers(up: Served) -> list[int]:
    """Process ids of the workers."""
    kids = Path(f"/proc/{up.process.pid}/task/{up.process.pid}/children").read_text(encoding="ascii")
    called = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in kids.split()}
    return [pid for pid, command in called.items() if b"spawn_main" in command]


def chat(up: Served, text: str) -> int:
    """One chat over a connection of its own; the status, 0 when the connection breaks."""
    head = {"Authorization": f"Bearer {up.token}"}
    body = {"model": "hmlr", "messages": [{"role": "user", "content": text}]}
    try:
        with httpx.Client(base_url=up.url, headers=head, timeout=30, trust_env=False) as client:
            return client.post("/v1/chat/completions", json=body).status_code
    except httpx.HTTPError:
        return 0


def stored(up: Served) -> set[str]:
    """What the user has said."""
    lines = up.client().get("/v1/export").text.splitlines()
    records = map(json.loads, lines)
    return {each["content"] for each in records if each["type"] == "message"}


def test_figures_are_those_of_all(served: Served) -> None:
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(lambda number: chat(served, f"Note {number}."), range(24))) == {200}
    admin = served.client(served.new_token(None))
    page = admin.get("/metrics").text
    assert 'hmlr_requests_total{method="POST",route="/v1/chat/completions",status="200"} 24.0' in page


def test_the_page_is_left_out(served: Served) -> None:
    assert served.client().get("/").status_code == 404


def test_an_address_that_is_taken_is_named(served: Served, tmp_path: Path) -> None:
    port = served.url.rpartition(":")[2]
    environment = {"HMLR_MODEL": "offline", "HMLR_EMBEDDER": "none"}
    command = (MAIN, "serve", "--db", str(tmp_path / "other.db"), "--workers", "2", "--port", port)
    done = processes.run(command, env={**os.environ, **environment}, cwd=ROOT)
    assert done.returncode == 2
    assert f"can't listen on 127.0.0.1, port {port}" in done.stderr


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for the workers in /proc")
def test_a_killed_worker_is_replaced_and_all_end_with_their_parent(tmp_path: Path) -> None:
    texts = [f"Note {number}: the ferry leaves at noon." for number in range(60)]
    with server(tmp_path / "memory.db", "--workers", "2") as up:
        before = workers(up)
        used = cpu_s(before[1])
        with ThreadPoolExecutor(8) as threads:
            answers = threads.map(lambda text: chat(up, text), texts)
            time.sleep(0.2)
            os.kill(before[0], signal.SIGKILL)
            by_text = dict(zip(texts, answers, strict=True))
        assert set(by_text.values()) <= {200, 0}
        assert cpu_s(before[1]) > used  # both had part in it
        answered = {text for text, status in by_text.items() if status == 200}
        assert len(answered) > 30
        assert answered <= stored(up)
        assert soon(lambda: len(workers(up)) == 2)
        left = workers(up)
        assert before[0] not in left
        up.process.kill()
        assert soon(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left))


def soon(so: Callable[[], bool]) -> bool:
    """Whether it comes to be so within half a minute."""
    until = time.monotonic() + 30
    while not so() and time.monotonic() < until:
        time.sleep(0.1)
    return so()


def cpu_s(pid: int) -> float:
    """CPU time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
