"""`llm complete`, `llm chat`, `llm demo` as processes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from llmock.scenarios import Fail, StreamFault
from llmock.testing import LLMockServer

from tests import processes
from tests.llm.play import ROOT, bodies, says, script, variables, words
from tests.processes import Done

Run = Callable[..., Done]


@pytest.fixture
def environment(llm_server: LLMockServer, tmp_path: Path) -> dict[str, str]:
    """The environment of a process; a database is not to be made."""
    return {**variables(llm_server), "HMLR_DB_PATH": str(tmp_path / "memory.db")}


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    """Run one command without a terminal."""

    def command(*arguments: str, stdin: str = "", without: str = "-") -> Done:
        env = {name: value for name, value in environment.items() if without not in name}
        command = [processes.MAIN, "llm", *arguments]
        return processes.run(command, stdin=stdin, env=env, cwd=tmp_path, timeout=20)

    return command


def test_complete_prints_the_answer(run: Run, llm_server: LLMockServer, tmp_path: Path) -> None:
    script(llm_server, *says("four"))
    done = run("complete", "two and two?", "--system", "Be brief.", "--model", "openai:m1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "four\n", "")
    (body,) = bodies(llm_server)
    assert (body["model"], words(body)) == ("m1", ["Be brief.", "two and two?"])
    assert list(tmp_path.iterdir()) == []


def test_complete_as_json(run: Run, llm_server: LLMockServer) -> None:
    script(llm_server, *says("four"))
    answer = json.loads(run("complete", "two and two?", "--json").stdout)
    assert (answer["text"], answer["model"], answer["usage"]["calls"]) == ("four", "openai:gpt-5.4-mini", 1)


def test_a_stream_comes_word_by_word(
    environment: dict[str, str], llm_server: LLMockServer, tmp_path: Path
) -> None:
    script(llm_server, *says("one two"), StreamFault("stall", after_chunks=2, stall_seconds=2))
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "main.py"), "llm", "complete", "count", "--stream"],
        stdout=subprocess.PIPE,
        env=environment,
        cwd=tmp_path,
    )
    assert process.stdout is not None
    first = process.stdout.read(4)
    begun = time.perf_counter()
    rest = process.stdout.read()
    assert (first, rest, process.wait(10)) == (b"one ", b"two\n", 0)
    assert time.perf_counter() - begun > 1
    process.stdout.close()


def test_ctrl_c_ends_a_stream_at_once(
    environment: dict[str, str], llm_server: LLMockServer, tmp_path: Path
) -> None:
    script(llm_server, *says("one two"), StreamFault("stall", after_chunks=2, stall_seconds=30))
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "main.py"), "llm", "complete", "count", "--stream"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        cwd=tmp_path,
    )
    assert process.stdout is not None
    assert process.stdout.read(4) == b"one "
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert (process.returncode, said) == (130, b"interrupted\n")


def test_escape_sequences_of_a_model_do_not_reach_the_screen(run: Run, llm_server: LLMockServer) -> None:
    script(llm_server, *says("\x1b[2Jgone", "\x1b[2Jgone"))
    assert run("complete", "hi").stdout == "\\x1b[2Jgone\n"
    assert run("complete", "hi", "--stream").stdout == "\\x1b[2Jgone\n"


def test_chat_goes_on_until_the_input_ends(run: Run, llm_server: LLMockServer) -> None:
    script(llm_server, *says("Hello Ada.", "Ada."))
    done = run("chat", stdin="I'm Ada.\n\nWho am I?\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Hello Ada.\nAda.\n", "")
    assert words(bodies(llm_server)[1]) == ["I'm Ada.", "Hello Ada.", "Who am I?"]


def test_chat_fails_with_its_model(run: Run, llm_server: LLMockServer) -> None:
    script(llm_server, Fail(401))
    done = run("chat", stdin="hi\nhi\n")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert done.stderr.startswith("error: openai:gpt-5.4-mini: status 401")


def test_demo_shows_everything(run: Run, llm_server: LLMockServer) -> None:
    done = run("demo")
    assert (done.returncode, done.stderr) == (0, "")
    for shown in ("complete: ", "City(name=", "(called add with {", "stream: ", "spent: 5 calls"):
        assert shown in done.stdout


@pytest.mark.parametrize("command", [("complete", "hi"), ("chat",), ("demo",)])
def test_without_a_model_one_line_says_what_to_set(command: tuple[str, ...], run: Run) -> None:
    done = run(*command, without="OPENAI")
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert "OPENAI_API_KEY" in line
    assert "--model" in line


@pytest.mark.parametrize(
    "arguments",
    [("complete",), ("complete", "hi", "--json", "--stream"), ("complete", "hi", "--model", "m1"), ()],
)
def test_wrong_usage(arguments: tuple[str, ...], run: Run) -> None:
    done = run(*arguments)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


def test_a_failing_model_is_one_line_and_exit_code_1(run: Run, llm_server: LLMockServer) -> None:
    script(llm_server, Fail(404))
    done = run("complete", "hi", "--model", "openai:nowhere")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "openai:nowhere" in done.stderr


def test_help_is_fast_and_loads_no_sdk(environment: dict[str, str], tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['hmlr', 'llm', 'complete', '--help']; from hmlr.cli.app import main; main();"
        "print(sorted({'openai', 'httpx2', 'tenacity', 'hmlr.llm'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
    )
    assert done.stdout.splitlines()[-1] == "[]"
