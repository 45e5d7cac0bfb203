"""docs/mcp.md: its Python example runs as it stands; its tools, options and settings exist."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from hmlr.server.mcp.tools import offered
from hmlr.server.settings import ServerSettings
from tests.acceptance.conftest import ROOT, python_example

PAGE = "docs/mcp.md"
pytestmark = pytest.mark.timeout(60)


def test_the_example_runs(python: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "main.py").symlink_to(ROOT / "main.py")
    told = python("-c", python_example(PAGE))
    assert "\nThe workshop moved to Thursday, the 12th of March.\n" in told
    assert "said by assistant" in told


def test_the_page_says_what_there_is(python: Callable[..., str]) -> None:
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    snippets = [json.loads(each) for each in re.findall(r"```json\n(.*?)```", page, re.DOTALL)]
    assert [set(each["mcpServers"]["hmlr"]) for each in snippets] == [
        {"command", "args"},
        {"type", "url", "headers"},
    ]
    tools = {tool.name for tool in offered(destructive=False, owner_words=False)}
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == tools
    settings = {name.lower() for name in re.findall(r"HMLR_SERVER_(\w+)", page)}
    assert settings <= set(ServerSettings.model_fields)
    known = python(str(ROOT / "main.py"), "mcp", "--help")
    assert {"--destructive", "--owner-words", "--debug"} <= set(re.findall(r"--[\w-]+", known))
