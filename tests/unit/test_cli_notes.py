"""Remarks on stderr: dimmed where the terminal wants it, and not about what the user chose himself."""

from __future__ import annotations

import io
import sys

import pytest

from hmlr.cli.progress import degraded
from hmlr.cli.streams import colours, dim
from hmlr.memory.retrieval.lattice import LEXICAL_ONLY
from hmlr.settings import Settings

FAILED = "embedder failed, search was lexical: it is down"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.mark.parametrize(
    ("variables", "wanted"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_the_environment_says_whether_a_terminal_wants_colours(monkeypatch, variables, wanted):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert colours(Terminal()) is wanted
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert ("\x1b" in dim("text")) is wanted


def test_what_is_no_terminal_wants_none(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert not colours(io.StringIO())


@pytest.mark.parametrize(
    ("embedder", "stages", "told"),
    [
        ("none", (LEXICAL_ONLY,), ""),
        ("none", (LEXICAL_ONLY, "answer: down"), "without: answer: down\n"),
        ("minilm", (LEXICAL_ONLY,), f"without: {LEXICAL_ONLY}\n"),
        ("minilm", (FAILED,), f"without: {FAILED}\n"),
        ("minilm", (), ""),
    ],
)
def test_only_what_failed_is_told(capsys, embedder, stages, told):
    degraded(stages, Settings(embedder=embedder))
    assert capsys.readouterr().err == told
