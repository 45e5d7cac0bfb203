"""A wrong setting stops the start and is named, wherever it stands (F56)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hmlr import HMLRClient
from hmlr.errors import ConfigurationError
from hmlr.settings import Settings
from tests import processes

pytestmark = pytest.mark.faults

ROOT = Path(__file__).parents[2]
WRONG = [
    ("recall_limit", "many", "integer"),
    ("recall_limit", "0", "1"),
    ("recall_limit", "1001", "1000"),
    ("budget_tokens", "99", "100"),
    ("window_turns", "-1", "0"),
    ("busy_timeout_s", "nan", "600"),
    ("busy_timeout_s", "inf", "600"),
    ("durability", "sometimes", "full|fast"),
]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without `.env`, and no settings of the machine's own."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("HMLR_"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(("name", "value", "allowed"), WRONG)
@pytest.mark.parametrize("source", ["argument", "environment", ".env"])
def test_a_wrong_value_is_named_with_what_is_allowed(
    name: str, value: str, allowed: str, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, object] = {}
    match source:
        case "argument":
            given = {name: value}
        case "environment":
            monkeypatch.setenv(f"HMLR_{name.upper()}", value)
        case _:
            Path(".env").write_text(f"HMLR_{name.upper()}={value}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        Settings.load(**given)
    assert f"HMLR_{name.upper()}" in str(caught.value)
    assert allowed in str(caught.value)


def test_an_unknown_argument_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"recal_limit.*Known: .*recall_limit"):
        Settings.load(recal_limit=3)


@pytest.mark.parametrize("name", ["HMLR_RECAL_LIMIT", "hmlr_recal_limit", "HMLR_"])
def test_an_unknown_variable_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "3")
    with pytest.raises(ConfigurationError, match=rf"{name} in the environment.*Known: .*HMLR_RECALL_LIMIT"):
        HMLRClient("memory.db", "ada")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("HMLR_USR=ada\n", 1),
        ("# ours\n\nOTHER=1\nexport HMLR_USR=ada\n", 4),
        ("HMLR_USER=ada\nHMLR_USR='x'\n", 2),
        ("HMLR_USER\n", 1),
        ("OTHER=1\nHMLR_USER='ada\n", 2),
    ],
)
def test_a_wrong_line_of_the_env_file_is_named(text: str, line: int) -> None:
    Path(".env").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=rf"line {line} of .env"):
        Settings.load()


def test_lines_of_other_programs_are_left_alone() -> None:
    Path(".env").write_text("OPENAI_API_KEY=x\n<<<<<<< HEAD\nHMLR_USER=ada\n", encoding="utf-8")
    assert Settings.load().user == "ada"


def test_an_env_file_that_is_no_text_is_named() -> None:
    Path(".env").write_bytes("HMLR_USER=Zoë".encode("utf-16"))
    with pytest.raises(ConfigurationError, match=r"\.env can't be read"):
        Settings.load()


def test_arguments_go_before_the_environment_and_that_before_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path(".env").write_text("HMLR_USER=file\nHMLR_RECALL_LIMIT=3\nHMLR_WINDOW_TURNS=1\n", encoding="utf-8")
    monkeypatch.setenv("HMLR_USER", "environment")
    monkeypatch.setenv("HMLR_RECALL_LIMIT", "4")
    settings = Settings.load(user="argument")
    assert (settings.user, settings.recall_limit, settings.window_turns) == ("argument", 4, 1)


@pytest.mark.parametrize("name", ["embedder", "model"])
async def test_what_does_not_exist_is_named_at_the_start(name: str, tmp_path: Path) -> None:
    settings = Settings.load(db_path=str(tmp_path / "memory.db"), **{name: "telepathy"})
    with pytest.raises(ConfigurationError, match="telepathy"):
        async with HMLRClient(settings=settings):
            pass


def test_the_command_line_says_it_on_one_line(tmp_path: Path) -> None:
    environment = {**os.environ, "HMLR_USR": "ada", "PYTHONPATH": str(ROOT)}
    command = [processes.MAIN, "--db", str(tmp_path / "memory.db"), "stats"]
    done = processes.run(command, env=environment, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: unknown setting HMLR_USR in the environment")
    assert done.stderr.count("\n") == 1
