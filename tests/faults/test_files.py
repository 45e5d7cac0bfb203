"""Hostile and broken files: refused by line, and nothing is half stored (F54, F55)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hmlr import Message
from hmlr.errors import InvalidInput, StorageError
from tests import processes
from tests.faults.doors import door, said
from tests.faults.figures import figure
from tests.processes import Done

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

ROOT = Path(__file__).parents[2]
Run = Callable[..., Done]
PEAK_MB = figure(200, 1000)
GOOD = [json.dumps({"content": f"Note {number}.", "occurred_at": "2023-05-08"}) for number in range(6)]


@pytest.fixture
def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HMLR_")}
    return {**kept, "HMLR_EMBEDDER": "none", "PYTHONPATH": str(ROOT), "HMLR_BACKGROUND_WAIT_S": "0"}


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    def command(*arguments: str, user: str = "ada") -> Done:
        whole = [processes.MAIN, *arguments, "--db", "memory.db", "--user", user]
        return processes.run(whole, env=environment, cwd=tmp_path, timeout=1800)

    return command


def count(run: Run, user: str = "ada") -> int:
    stats: dict[str, Any] = json.loads(run("stats", "--json", user=user).stdout)
    return int(stats["messages"])


def refused(done: Done) -> str:
    """What was said about it; never a traceback, and no success."""
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert "unexpected" not in done.stderr
    assert max(map(len, done.stderr.splitlines())) < 700
    return done.stderr


HOSTILE = {
    "deep": ('{"content": "a", "metadata": ' + '{"x":' * 100_000 + "1" + "}" * 100_001, "nested too deeply"),
    "long integer": ('{"content": "a", "metadata": {"x": ' + "9" * 5000 + "}}", "5000 digits"),
    "nan": ('{"content": "a", "metadata": {"x": NaN}}', "NaN"),
    "twice": ('{"content": "a", "content": "b"}', "twice"),
    "surrogate": ('{"content": "\\ud800"}', "surrogate"),
    "nul": ('{"content": "a\\u0000b"}', "NUL"),
    "cut": ('{"content": "a', "no JSON object"),
    "no object": ("[1, 2]", "not an object"),
    "empty": ('{"content": ""}', "empty"),
    "blank session": ('{"content": "a", "session_id": " "}', "session"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_line_in_the_middle_is_named_and_nothing_is_stored(
    run: Run, tmp_path: Path, name: str
) -> None:
    line, reason = HOSTILE[name]
    lines = [*GOOD[:3], line, *GOOD[3:]]
    (tmp_path / "talk.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    said = refused(run("remember", "talk.jsonl"))
    assert "line 4" in said
    assert reason in said
    assert not (tmp_path / "memory.db").exists()


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "utf-32", "cp1252"])
def test_a_file_in_another_encoding_is_refused(run: Run, tmp_path: Path, encoding: str) -> None:
    text = json.dumps({"content": "Zoë said 5 – 6"}, ensure_ascii=False)
    (tmp_path / "talk.jsonl").write_bytes(text.encode(encoding, errors="replace"))
    assert "UTF-8" in refused(run("remember", "talk.jsonl"))
    assert not (tmp_path / "memory.db").exists()


def test_the_rest_is_taken_when_asked_for_and_again_adds_nothing(run: Run, tmp_path: Path) -> None:
    lines = [*GOOD[:3], HOSTILE["nan"][0], *GOOD[3:]]
    (tmp_path / "talk.jsonl").write_text("\n".join(lines), encoding="utf-8")
    for stored, known in ((6, 0), (0, 6)):
        done = run("remember", "talk.jsonl", "--skip-bad", "--json")
        assert done.returncode == 0
        assert json.loads(done.stdout) == {"stored": stored, "repeated": known, "skipped": 1, "left_out": {}}
        assert "line 4" in done.stderr
    assert count(run) == 6


def test_a_file_cut_anywhere_and_mended_gives_each_message_once(run: Run, tmp_path: Path) -> None:
    whole = "\n".join(GOOD) + "\n"
    for end in (1, len(whole) // 3, len(whole) // 2, len(whole) - 2):
        (tmp_path / "talk.jsonl").write_text(whole[:end], encoding="utf-8")
        run("remember", "talk.jsonl", "--skip-bad")
    (tmp_path / "talk.jsonl").write_text(whole, encoding="utf-8")
    assert run("remember", "talk.jsonl").returncode == 0
    assert count(run) == len(GOOD)


def test_many_lines_twice_are_the_same_rows(environment: dict[str, str], run: Run, tmp_path: Path) -> None:
    total = figure(2_000, 1_000_000)
    talk = tmp_path / "talk.jsonl"
    lines = [json.dumps({"content": f"Line {number % 500} of many"}) + "\n" for number in range(total)]
    with talk.open("w", encoding="utf-8") as file:
        file.writelines([*lines[: total // 2], "{broken\n", *lines[total // 2 :]])
    assert f"line {total // 2 + 1}:" in refused(run("remember", "talk.jsonl"))
    assert not (tmp_path / "memory.db").exists()
    with talk.open("w", encoding="utf-8") as file:
        file.writelines(lines)
    del lines
    for stored, known in ((total, 0), (0, total)):
        begun = time.monotonic()
        told, peak_mb = measured(tmp_path, environment, "remember", "talk.jsonl", "--json")
        assert told == {"stored": stored, "repeated": known, "skipped": 0, "left_out": {}}
        assert peak_mb < PEAK_MB
        print(f"F55: {stored} new, {known} known: {time.monotonic() - begun:.0f} s, at most {peak_mb:.0f} MB")
    assert count(run) == total


# Runs a program and says its peak in kB. The kernel's own figure counts what the parent had at the fork.
PEAK = """
import atexit, re, runpy, sys
from pathlib import Path
peak = lambda: re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
atexit.register(lambda: print(peak(), file=sys.stderr))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def measured(folder: Path, environment: dict[str, str], *arguments: str) -> tuple[dict[str, int], float]:
    """What a command said, and the most memory it had, in MB."""
    given = [str(ROOT / "main.py"), *arguments, "--db", "memory.db", "--user", "ada"]
    command = [sys.executable, "-c", PEAK, *given]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, check=True)
    return json.loads(done.stdout), int(done.stderr.splitlines()[-1]) / 1000


@pytest.mark.parametrize("name", ["absent.jsonl", ".", "\udcff.jsonl"])
def test_what_is_no_file_is_wrong_usage(run: Run, name: str) -> None:
    done = run("remember", name)
    assert done.returncode == 2
    refused(done)


@pytest.fixture
async def exported(db_path: Path, tmp_path: Path) -> Path:
    path = tmp_path / "out.jsonl"
    async with door(db_path) as hmlr:
        await hmlr.remember([Message(content=f"Note {number}.") for number in range(6)])
        await hmlr.export(path)
    return path


BROKEN: dict[str, Callable[[list[str]], str]] = {
    "without its foot": lambda lines: "".join(lines[:-1]),
    "without a line": lambda lines: "".join([*lines[:2], *lines[3:]]),
    "cut in a line": lambda lines: "".join(lines)[: len("".join(lines)) // 2],
    "bad line": lambda lines: "".join([*lines[:2], "{broken\n", *lines[3:]]),
    "deep": lambda lines: "".join([*lines[:2], '{"type":' * 100_000 + "\n", *lines[3:]]),
    "long integer": lambda lines: "".join([*lines[:2], '{"type": ' + "9" * 5000 + "}\n", *lines[3:]]),
    "of another kind": lambda lines: "".join([lines[0], '{"type": "dream"}\n', *lines[2:]]),
    "without its head": lambda lines: "".join(lines[1:]),
    "empty": lambda lines: "",
    "newer": lambda lines: "".join(lines).replace('"version": 1', '"version": 99', 1),
    "no text": lambda lines: "\ud800",
}


@pytest.mark.parametrize("name", BROKEN)
async def test_an_export_cut_or_changed_is_taken_not_at_all(exported: Path, db_path: Path, name: str) -> None:
    lines = exported.read_text(encoding="utf-8").splitlines(keepends=True)
    exported.write_text(BROKEN[name](lines), encoding="utf-8", errors="surrogatepass")
    async with door(db_path, "bob") as bob:
        with pytest.raises((InvalidInput, StorageError)) as caught:
            await bob.import_(exported)
        assert len(str(caught.value)) < 500
        assert (await bob.stats()).turns == 0


async def test_an_export_is_taken_under_ones_own_name_and_once(exported: Path, db_path: Path) -> None:
    """Whoever it came from: nothing of the first user changes."""
    async with door(db_path) as ada, door(db_path, "bob") as bob:
        before = await ada.turns()
        assert await bob.import_(exported)
        assert await bob.import_(exported) == 0
        assert await said(bob) == await said(ada)
        await bob.forget(everything=True)
        assert await said(bob) == []
        assert [turn.messages for turn in await ada.turns()] == [turn.messages for turn in before]
