"""The command line as a process: exit codes, streams, JSON, and what it says when something is wrong."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import processes
from tests.exported_chats import chatgpt, said, zipped
from tests.opening import Place, is_file
from tests.processes import Done

ROOT = Path(__file__).parents[2]
SAID = "I'm Ada, I live in Oslo and I'm strictly vegetarian."
COMMANDS = (
    *(
        "chat",
        "remember",
        "recall",
        "why-not",
        "context",
        "facts",
        "profile",
        "blocks",
        "days",
        "history",
        "correct",
        "retire",
    ),
    *("restore", "forget", "export", "import", "rebuild", "retry", "stats", "audit", "doctor"),
    *("garden", "dossiers", "deep-recall", "backup", "restore-backup", "move", "worker"),
)
pytestmark = pytest.mark.one_store  # on both, the conversations go through it
Run = Callable[..., Done]


@pytest.fixture
def env(database: Place, environment: dict[str, str]) -> dict[str, str]:
    """The environment of a process: this test's database, no embedding model."""
    return {**environment, "HMLR_DB_PATH": database, "HMLR_EMBEDDER": "none"}


@pytest.fixture
def empty(database: Place) -> None:
    """The database is there and empty: what only reads makes none."""
    if is_file(database):
        Path(database).touch(mode=0o600)


@pytest.fixture
def run(tmp_path: Path, env: dict[str, str]) -> Run:
    """Run one command without a terminal."""

    def command(*arguments: str, stdin: str = "", **variables: str) -> Done:
        return processes.run(
            [processes.MAIN, *arguments], stdin=stdin, env={**env, **variables}, cwd=tmp_path
        )

    return command


def shell(line: str, env: dict[str, str], cwd: Path) -> Done:
    """Run a line of shell in which $HMLR is the program."""
    program = f"{sys.executable} {ROOT / 'main.py'}"
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**env, "HMLR": program},
        cwd=cwd,
        timeout=60,
    )


def loaded(done: Done) -> Any:
    """The one JSON document on stdout."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(done: Done, code: int, words: str) -> None:
    """Check the exit code, and that stderr is one line with these words and stdout empty."""
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert words in line
    assert "quetzal" not in done.stderr  # a password


# Help and wrong usage


@pytest.mark.alone
def test_help_is_quick(env: dict[str, str]) -> None:
    command = [sys.executable, str(ROOT / "main.py"), "--help"]
    times = []
    for _ in range(3):
        start = time.perf_counter()
        out = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
        times.append(time.perf_counter() - start)
    assert "remember" in out
    assert min(times) < 0.4


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(run: Run, command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert ("--from" if command == "move" else "--db") in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], "nonsense"),
        (["recall"], "query"),
        (["recall", "x", "--limit", "many"], "--limit"),
        (["recall", "x", "--limit", "0"], "limit"),
        (["recall", "x", "--as-of", "someday"], "is no date"),
        (["recall", "x", "--kind", "dream"], "--kind"),
        (["facts", "--state", "lost"], "--state"),
        (["facts", "--state", "active", "--all"], "exclude"),
        (["facts", "--timeline", "Oslo", "--all"], "exclude"),
        (["remember", "missing.jsonl"], "missing.jsonl"),
        (["forget"], "one thing"),
        (["forget", "--turn", "a", "--everything", "--yes"], "one thing"),
        (["forget", "--everything"], "--yes"),
        (["forget", "--speaker", "Page", "--session", "s", "--yes"], "one thing"),
        (["forget", "--session", "s", "--since", "2026-02-01", "--yes"], "--speaker"),
        (["stats", "--db", "postgresql://ada:quetzal@h/d?mode=1"], "mode"),
        (["stats", "--db", "postgresql://ada:quetzal@h:many/d"], "no URL"),
        (["stats", "--db", "mysql://ada:quetzal@h/d"], "mysql"),
        (["stats", "--user", ""], "user"),
        (["chat", "hi", "--model", "nonsense:model"], "nonsense:model"),
        (["chat", "--json"], "message"),
        (["chat", " "], "empty"),
    ],
)
@pytest.mark.usefixtures("empty")
def test_wrong_usage_is_one_line_and_code_2(run: Run, arguments: list[str], words: str) -> None:
    refused(run(*arguments), 2, words)


@pytest.mark.usefixtures("empty")
def test_unknown_record_is_code_1(run: Run) -> None:
    refused(run("history", "no-such-fact"), 1, "no-such-fact")


def test_a_database_server_that_is_away_is_code_1(run: Run) -> None:
    refused(run("stats", "--db", "postgresql://ada:quetzal@127.0.0.1:9/d"), 1, "can't be reached")


def test_bad_setting_is_named(run: Run) -> None:
    refused(run("stats", HMLR_RECALL_LIMIT="lots"), 2, "HMLR_RECALL_LIMIT")


def test_debug_shows_the_traceback(run: Run) -> None:
    done = run("history", "no-such-fact", "--debug")
    assert "Traceback" in done.stderr
    assert done.returncode == 1


# Conversation


def test_chat_answers_and_remembers(run: Run) -> None:
    assert run("chat", SAID).returncode == 0
    answer = run("chat", "Where do I live?")
    assert "Oslo" in answer.stdout
    assert [fact["quote"] for fact in loaded(run("profile", "--json"))["constraints"]]


def test_chat_json_is_the_reply(run: Run) -> None:
    reply = loaded(run("chat", SAID, "--json", "--session", "s1"))
    assert reply["turn_id"]
    assert reply["degraded"] == ["no embedder"] or isinstance(reply["degraded"], list)


def test_conversation_reads_lines_until_the_end(run: Run) -> None:
    done = run("chat", "--session", "s1", stdin=f"{SAID}\n\nWhere do I live?\n")
    assert done.returncode == 0, done.stderr
    assert "Oslo" in done.stdout
    assert loaded(run("stats", "--json"))["turns"] == 2


def test_chat_at_a_day(run: Run) -> None:
    run("chat", "The boat is green.", "--at", "2023-05-08T13:56")
    (hit, *_) = loaded(run("recall", "boat", "--json"))["items"]
    assert hit["occurred_at"] == "2023-05-08T13:56:00Z"


def test_options_before_and_after_the_command(run: Run, databases: Callable[[str], Place]) -> None:
    other = databases("other")
    run("--db", other, "--user", "ben", "chat", "The boat is green.")
    assert loaded(run("stats", "--json", "--db", other, "--user", "ben"))["turns"] == 1
    assert loaded(run("--user", "ada", "stats", "--json", "--db", other, "--user", "ben"))["turns"] == 1
    assert loaded(run("stats", "--json", "--db", other))["turns"] == 0


# Remember


def test_remember_twice_stores_once(run: Run) -> None:
    sample = str(ROOT / "data/sample.jsonl")
    first, second = (loaded(run("remember", sample, "--json")) for _ in range(2))
    total = first["stored"]
    assert total > 50
    assert (second["stored"], second["repeated"]) == (0, total)
    hits = loaded(run("recall", "padlock code of the berth gate", "--json", "--limit", "3"))["items"]
    assert "m43" in [source["metadata"]["id"] for hit in hits for source in hit["sources"]]


def test_grown_file_adds_what_is_new(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "talk.txt"
    path.write_text("Ada: hi there\nBen: hello Ada\n")
    assert loaded(run("remember", str(path), "--json"))["stored"] == 2
    path.write_text("Ada: hi there\nBen: hello Ada\nAda: how are you?\n")
    told = loaded(run("remember", str(path), "--json"))
    assert told == {"stored": 1, "repeated": 2, "skipped": 0, "left_out": {}}


def test_remember_from_stdin(run: Run) -> None:
    assert loaded(run("remember", "-", "--json", stdin='{"content": "The boat is green."}'))["stored"] == 1


def test_remember_from_a_pipe(env: dict[str, str], tmp_path: Path) -> None:
    done = shell("""$HMLR remember <(echo '{"content": "The boat is green."}') --json""", env, tmp_path)
    assert loaded(done)["stored"] == 1


@pytest.mark.faults
@pytest.mark.usefixtures("empty")
def test_bad_line_is_named_and_nothing_is_stored(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "talk.jsonl"
    path.write_text('{"content": "good"}\n{"content": "bad", "who": 1}\n{"content": "\\u0000"}\n')
    done = run("remember", str(path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "line 2: unknown key 'who'" in done.stderr
    assert "line 3: " in done.stderr
    assert loaded(run("stats", "--json"))["turns"] == 0
    assert loaded(run("remember", str(path), "--skip-bad", "--json")) == {
        "stored": 1,
        "repeated": 0,
        "skipped": 2,
        "left_out": {},
    }


@pytest.mark.timeout(60)  # two processes
@pytest.mark.usefixtures("empty")
def test_an_export_says_what_was_left_out(run: Run, tmp_path: Path) -> None:
    talk = chatgpt("c1", said("s", "system", "x"), said("m1", "user", "I live in Oslo."))
    path = tmp_path / "export.zip"
    path.write_bytes(zipped({"conversations-000.json": [talk], "chat.html": "<html>"}))
    told = run("remember", str(path)).stdout
    assert "1 messages stored, 0 known before, 0 bad lines skipped" in told
    assert "left out: 1 system messages, 1 other files of the archive" in told
    counts = {"system messages": 1, "other files of the archive": 1}
    again = loaded(run("remember", str(path), "--format", "chatgpt", "--json"))
    assert again == {"stored": 0, "repeated": 1, "skipped": 0, "left_out": counts}


# Listings


@pytest.mark.timeout(60)  # eight processes
def test_facts_and_their_edits(run: Run) -> None:
    run("chat", SAID)
    fact = next(each for each in loaded(run("facts", "--json")) if "Oslo" in each["value"])
    new = loaded(run("correct", fact["fact_id"], "Bergen", "--json"))
    assert (new["value"], new["state"]) == ("Bergen", "active")
    assert loaded(run("retire", new["fact_id"], "moved", "--json"))["state"] == "superseded"
    assert loaded(run("restore", new["fact_id"], "--json"))["state"] == "active"
    assert len(loaded(run("history", fact["fact_id"], "--json"))["facts"]) == 2
    assert "Oslo" in run("facts", "--all").stdout
    listed = run("facts", "--kind", "diets")
    assert "strictly vegetarian" in listed.stdout
    assert "lives_in" not in listed.stdout
    assert "1 diets" in listed.stderr


@pytest.mark.parametrize(
    "arguments",
    [["facts"], ["blocks"], ["profile"], ["stats"], ["doctor"], ["recall", "boat"], ["context", "boat"]],
)
@pytest.mark.usefixtures("empty")
def test_empty_memory_is_no_failure(run: Run, arguments: list[str]) -> None:
    assert run(*arguments).returncode == 0
    loaded(run(*arguments, "--json"))


def test_export_and_import(run: Run, tmp_path: Path) -> None:
    run("chat", SAID)
    path = tmp_path / "out.jsonl"
    assert loaded(run("export", str(path), "--json"))["records"] > 0
    run("--user", "ben", "import", str(path))
    assert loaded(run("stats", "--json", "--user", "ben"))["turns"] == 1


def test_what_a_speaker_said_is_forgotten_and_a_restore_tells_of_each_turn(run: Run, tmp_path: Path) -> None:
    said = [
        {"content": f"The page of day {day} says zanzibar.", "speaker": "Page", "role": "tool",
         "occurred_at": f"2026-02-0{day}T09:00:00Z"}
        for day in (1, 2, 3)
    ]  # fmt: skip
    lines = "".join(json.dumps(each) + "\n" for each in [*said, {"content": "I live in Oslo."}])
    (tmp_path / "talk.jsonl").write_text(lines, encoding="utf-8")
    run("remember", "talk.jsonl", "--wait")
    run("backup", "copy.db")
    one = run("forget", "--speaker", "page", "--since", "2026-02-02", "--until", "2026-02-02", "--yes")
    assert "forgotten: 1 turns" in one.stdout
    assert loaded(run("forget", "--speaker", "Page", "--yes", "--json"))["turns"] == 2
    assert run("forget", "--speaker", "Page", "--yes").returncode == 1
    assert loaded(run("stats", "--json"))["turns"] == 1
    if (tmp_path / "memory.db").exists():  # elsewhere a memory is not restored beside another
        back = run("restore-backup", "copy.db", "--overwrite").stdout
        assert back.count("forget it again: forget --turn") == 3


def test_backup_and_the_way_back(run: Run, db_path: Path, tmp_path: Path) -> None:
    run("chat", "I live in Oslo.")
    refused(run("backup", db_path.name), 2, "memory itself")
    made = run("backup", "copy.db")
    assert made.returncode == 0, made.stderr
    assert "1 turns (2 messages) of 1 user written to copy.db" in made.stdout
    refused(run("backup", "copy.db"), 2, "--overwrite")
    assert loaded(run("backup", "copy.db", "--overwrite", "--json"))["turns"] == 1
    run("forget", "--everything", "--yes")
    refused(run("restore-backup", "copy.db"), 2, "--overwrite")
    done = run("restore-backup", "copy.db", "--overwrite")
    assert done.returncode == 0, done.stderr
    assert "1 turns (2 messages) of 1 user restored" in done.stdout
    assert "kept as" in done.stdout
    assert "forget it again: forget --everything --user" in done.stdout
    assert "Oslo" in run("recall", "Oslo").stdout
    refused(run("restore-backup", "absent.db", "--db", "new.db"), 2, "does not exist")
    assert not (tmp_path / "new.db").exists()


def test_forget_everything(run: Run) -> None:
    run("chat", SAID)
    certificate = loaded(run("forget", "--everything", "--yes", "--json"))
    assert (certificate["scope"], certificate["turns"]) == ("everything", 1)
    assert loaded(run("recall", "Oslo", "--json"))["items"] == []


def test_rebuild_and_retry(run: Run) -> None:
    run("chat", SAID)
    assert loaded(run("rebuild", "--json"))["messages"] > 0
    assert loaded(run("retry", "--json")) == {"jobs": 0}


@pytest.mark.faults
def test_doctor_tells_of_a_damaged_database(run: Run, db_path: Path) -> None:
    db_path.write_bytes(b"this is no database" * 1000)
    done = run("doctor")
    assert done.returncode == 1
    assert "NOT OK" in done.stdout
    assert "Traceback" not in done.stderr


# Streams


@pytest.mark.faults
@pytest.mark.parametrize(
    "line", ["$HMLR --help | head -0", "$HMLR recall boat | true", "$HMLR facts --json | true"]
)
@pytest.mark.usefixtures("empty")
def test_reader_that_leaves_is_no_error(env: dict[str, str], tmp_path: Path, line: str) -> None:
    done = shell(line, env, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.faults
def test_closed_stdout_loses_no_message(run: Run, env: dict[str, str], tmp_path: Path) -> None:
    for closing in (">&-", "| true", ">&- 2>&- <&-"):
        done = shell(f"$HMLR chat 'The boat is green.' {closing}", env, tmp_path)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
    assert loaded(run("stats", "--json"))["turns"] == 3


@pytest.mark.faults
@pytest.mark.parametrize("variables", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}])
def test_poor_locale(run: Run, variables: dict[str, str]) -> None:
    run("chat", "The cipher LΦ-88 is safe 🔒.")
    done = run("recall", "cipher", "--json", **variables)
    assert "LΦ-88 is safe 🔒" in loaded(done)["items"][0]["text"]
    assert run("recall", "cipher", **variables).returncode == 0


@pytest.mark.faults
def test_argument_that_is_no_text(env: dict[str, str], tmp_path: Path) -> None:
    done = shell("$HMLR chat $'caf\\xe9'", env, tmp_path)
    refused(done, 2, "no valid text")


@pytest.mark.security
def test_control_characters_do_not_reach_the_screen(run: Run) -> None:
    run("chat", "The boat is \x1b[31mred\x1b[0m.")
    shown = run("recall", "boat").stdout
    assert "\x1b" not in shown
    assert "\\x1b[31mred" in shown


@pytest.mark.faults
def test_interrupt_is_quiet(env: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "main.py"), "chat"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
        cwd=tmp_path,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("The boat is green.\n")
        process.stdin.flush()
        process.stdout.readline()  # the answer: the program is up, and waits for the next message
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in errors


@pytest.mark.faults
def test_two_calls_at_once_lose_nothing(run: Run, env: dict[str, str], tmp_path: Path) -> None:
    both = " & ".join(f"$HMLR chat 'Boat {number} is green.' >/dev/null" for number in range(2))
    assert "error" not in shell(f"{both} & wait", env, tmp_path).stderr
    assert loaded(run("stats", "--json"))["turns"] == 2


@pytest.mark.security
@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_files_are_private(run: Run, db_path: Path, tmp_path: Path) -> None:
    run("chat", SAID)
    run("export", str(tmp_path / "out.jsonl"))
    for path in (*tmp_path.glob(f"{db_path.name}*"), tmp_path / "out.jsonl"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
