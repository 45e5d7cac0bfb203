"""What HMLR is made of: bounded, locked by hash, and nothing is fetched while it runs (X21)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.faults.figures import FULL
from tests.processes import MAIN, ROOT

pytestmark = [pytest.mark.security, pytest.mark.timeout(300)]

NEEDED = ("requirements.txt", "requirements-server.txt", "requirements-postgres.txt")
LISTS = (*NEEDED, "requirements-dev.txt")
# Says every name that is looked up and every address that is connected to, and lets none through.
WATCHED = """
import runpy, sys
def hook(event, args):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.connect", "socket.sendto"):
        told = args[-1] if event.startswith("socket.c") else args[:2]
        print("NETWORK", event, told, file=sys.stderr, flush=True)
        raise OSError("there is no network")
sys.addaudithook(hook)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def listed(name: str) -> list[Requirement]:
    lines = [line.partition(" #")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-r "))]


def locked() -> dict[str, tuple[str, int]]:
    """By name the version and the number of hashes."""
    found = {}
    for entry in re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text().strip()):
        name, version = re.match(r"([\w.-]+)==(\S+)", entry).groups()  # type: ignore[union-attr]
        found[canonicalize_name(name)] = (version, len(re.findall(r"--hash=sha256:[0-9a-f]{64}", entry)))
    return found


@pytest.mark.parametrize("name", LISTS)
def test_every_requirement_has_an_upper_bound(name: str) -> None:
    for requirement in listed(name):
        operators = {each.operator for each in requirement.specifier}
        assert operators & {"<", "=="}, requirement


def test_the_lock_holds_each_requirement_within_its_bounds_with_hashes() -> None:
    lock = locked()
    assert all(hashes for _, hashes in lock.values())
    for requirement in [each for name in NEEDED for each in listed(name)]:
        version, _ = lock[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version, prereleases=True), requirement
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text  # from whichever index is set up
    assert "--index" not in text


def test_nothing_is_fetched_while_it_runs(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HMLR_", "HF_"))}
    environment = {**kept, "PYTHONPATH": str(ROOT), "HMLR_CACHE_DIR": str(tmp_path / "cache")}
    calls = [("none", ["chat", "My sister Ruth plays the bassoon."])]
    if FULL:  # its library takes long to import
        calls += [("st:nobody/has-this", ["recall", "Who plays the bassoon?"]), ("none", ["garden"])]
    for embedder, command in calls:
        done = subprocess.run(
            [sys.executable, "-c", WATCHED, MAIN, *command, "--db", str(tmp_path / "memory.db")],
            env={**environment, "HMLR_EMBEDDER": embedder}, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip
        assert "NETWORK" not in done.stderr
        assert done.returncode == 0, done.stderr


def test_the_watcher_sees_a_connection(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import socket\nsocket.create_connection(('127.0.0.1', 9), 1)\n")
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(program)], capture_output=True, text=True, check=False
    )
    assert "NETWORK" in done.stderr
