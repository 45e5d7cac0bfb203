"""Fresh processes at the price of a fork, for tests to which only the database may remember.

Starting Python and importing HMLR takes a second, a fork hundredths of one. The parent (tests/forking.py) has
imported HMLR and done nothing else. Two parents take turns, so that processes that follow each other differ
in their hash seeds, as real ones do. How a process starts (`--help` in time, locales, signals, pipes) is for
tests with real processes.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[1]
MAIN = str(ROOT / "main.py")
CAN_FORK = sys.platform == "linux"
AT_START = ("PYTHON", "LC_", "LANG", "TZ", "LD_", "OMP_", "OPENBLAS_")  # variables that are read only then
Done = subprocess.CompletedProcess[str]


def run(
    command: Sequence[str], *, env: Mapping[str, str], cwd: Path, stdin: str = "", timeout: float = 60
) -> Done:
    """Run a Python file with arguments in a process of its own; text is UTF-8.

    Raises subprocess.TimeoutExpired, after ending the process.
    """
    if CAN_FORK and _at_start(env) == _at_start(os.environ):
        for parent in _parents:
            parent.start()
        return next(_turns).run(command, env=env, cwd=cwd, stdin=stdin, timeout=timeout)
    return subprocess.run(
        [sys.executable, *command], input=stdin, env=env, cwd=cwd, timeout=timeout,
        check=False, capture_output=True, encoding="utf-8",
    )  # fmt: skip


def _at_start(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(AT_START) and name != "PYTHONPATH"}


class _Parent:
    """One process that forks; it starts with the first job."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._door: socket.socket | None = None
        self._ready = False

    def start(self) -> None:
        """Begin to import; does not wait for the end of it."""
        if self._door is not None:
            return
        self._door, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, str(ROOT / "tests/forking.py"), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
                cwd=ROOT,
            )

    def run(
        self, command: Sequence[str], *, env: Mapping[str, str], cwd: Path, stdin: str, timeout: float
    ) -> Done:
        job = json.dumps({"command": list(command), "env": dict(env), "cwd": str(cwd)}).encode()
        with ExitStack() as stack:
            said, out, err = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(3))
            said.write(stdin.encode())
            said.seek(0)
            try:
                code = self._done(job, [said.fileno(), out.fileno(), err.fileno()], timeout)
            except TimeoutError as error:
                raise subprocess.TimeoutExpired(command, timeout) from error
            return Done(list(command), code, _text(out), _text(err))

    def close(self) -> None:
        """Hang up, which ends the process."""
        if self._door is not None and self._process is not None:
            self._door.close()
            self._process.wait(20)
        self._door, self._process, self._ready = None, None, False

    def _done(self, job: bytes, streams: list[int], timeout: float) -> int:
        """The exit code, negative for a signal."""
        self.start()
        door = self._door
        assert door is not None
        if not self._ready:
            assert door.recv(32) == b"ready"
            self._ready = True
        child = 0
        try:
            socket.send_fds(door, [job], streams)
            child = int(door.recv(32))
            door.settimeout(timeout)
            code = int(door.recv(32))
            door.settimeout(None)
        except BaseException:  # pytest's own timeout too: nobody may read this answer as that of the next job
            if child:
                os.kill(child, signal.SIGKILL)
            self.close()
            raise
        return code


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode().replace("\r\n", "\n")


_parents = (_Parent(), _Parent())
_turns = cycle(_parents)
for _parent in _parents:
    atexit.register(_parent.close)
