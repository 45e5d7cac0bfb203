"""The processes that tests start by fork are as fresh as started ones."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.processes import Done, run

pytestmark = pytest.mark.timeout(60)


def told(
    folder: Path, program: str, *arguments: str, stdin: str = "", timeout: float = 30, **env: str
) -> Done:
    """Run a program of a few lines."""
    path = folder / "program.py"
    path.write_text(program, encoding="utf-8")
    return run([str(path), *arguments], env={**os.environ, **env}, cwd=folder, stdin=stdin, timeout=timeout)


def test_it_has_what_it_was_given(tmp_path: Path) -> None:
    program = (
        "import os, sys\nprint(sys.argv[1], os.environ['WORD'], os.getcwd(), sys.stdin.read(), __name__)"
    )
    done = told(tmp_path, program, "LΦ-88", stdin="🔒", WORD="a")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"LΦ-88 a {tmp_path.resolve()} 🔒 __main__\n"


def test_it_leaves_nothing_to_the_next(tmp_path: Path) -> None:
    program = (
        "import hmlr, os, random, sys\n"
        "print(getattr(hmlr, 'left', 0), 'LEFT' in os.environ, random.random(), hash('x'))\n"
        "hmlr.left = 1\nos.environ['LEFT'] = '1'"
    )
    lines = [told(tmp_path, program).stdout.split() for _ in range(3)]
    assert [line[:2] for line in lines] == [["0", "False"]] * 3
    assert len({line[2] for line in lines}) == 3
    assert lines[0][3] != lines[1][3]  # two parents: what one stored under a hash the next does not find


def test_it_ends_as_an_interpreter_does(tmp_path: Path) -> None:
    program = (
        "import atexit, sys, threading, time\natexit.register(print, 'last')\n"
        "threading.Thread(target=lambda: (time.sleep(0.1), print('thread'))).start()\nsys.exit(3)"
    )
    done = told(tmp_path, program)
    assert (done.returncode, done.stdout) == (3, "thread\nlast\n")
    failed = told(tmp_path, "raise ValueError('so')")
    assert (failed.returncode, failed.stderr.splitlines()[-1]) == (1, "ValueError: so")
    assert told(tmp_path, "import os\nos.kill(os.getpid(), 9)").returncode == -signal.SIGKILL


def test_one_that_hangs_is_ended_and_the_next_is_not_its_heir(tmp_path: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        told(tmp_path, "import time\ntime.sleep(60)", timeout=0.3)
    assert [told(tmp_path, f"print({number})").stdout for number in range(3)] == ["0\n", "1\n", "2\n"]


def test_what_is_read_at_the_start_takes_a_real_start(tmp_path: Path) -> None:
    assert told(tmp_path, "import sys\nprint(sys.flags.utf8_mode)", PYTHONUTF8="1").stdout == "1\n"
