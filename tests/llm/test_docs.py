"""docs/llm.md: every block runs, and its tables say what is so."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from llmock.scenarios import behavior_from_dict
from llmock.testing import LLMockServer

from hmlr import errors
from hmlr.errors import ConfigurationError
from hmlr.llm import LLM, LLMSettings
from tests.llm.conftest import Settings
from tests.llm.play import PROVIDERS, ROOT, bodies, script, variables

PAGE = ROOT / "docs" / "llm.md"
TEXT = PAGE.read_text(encoding="utf-8")
SERVER_OF_ONES_OWN = "http://localhost:11434/v1"
OPTIONS: Mapping[str, Any] = {
    "temperature": 0.5,
    "top_p": 0.5,
    "max_tokens": 50,
    "reasoning_effort": "low",
    "seed": 7,
    "stop": ("END",),
}
FEATURES = [f"L{number}" for number in range(1, 22)]


@dataclass(frozen=True)
class Block:
    """Code of the page, with what the server is told before it runs."""

    title: str
    language: str
    code: str
    script: tuple[str, ...]


def blocks(language: str) -> Iterator[Block]:
    """All blocks of a language, each under its heading."""
    title, told = "top", []
    lines = iter(TEXT.splitlines())
    for line in lines:
        if line.startswith("#"):
            title = line.strip("# ")
        elif found := re.fullmatch(r"<!-- server: (.*) -->", line):
            told.append(found[1])
        elif found := re.fullmatch(r"```(\w+)", line):
            code = "\n".join(iter(lambda: next(lines), "```"))
            if found[1] == language:
                yield Block(title, language, code, tuple(told))
            told = []


def run(code: str) -> None:
    """Run code as `python -m asyncio` does."""
    compiled = compile(code, PAGE.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    if compiled.co_flags & inspect.CO_COROUTINE:
        asyncio.run(FunctionType(compiled, namespace)())
    else:
        exec(compiled, namespace)  # noqa: S102 - our own page


@pytest.mark.parametrize("block", list(blocks("python")), ids=lambda block: block.title)
def test_a_block_runs(
    block: Block, llm_server: LLMockServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in variables(llm_server).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    script(llm_server, *(behavior_from_dict(json.loads(each)) for each in block.script))
    run(block.code.replace(SERVER_OF_ONES_OWN, llm_server.base_url("openai")))


@pytest.mark.parametrize("line", [line for block in blocks("console") for line in block.code.splitlines()])
def test_a_command_runs(line: str, llm_server: LLMockServer, tmp_path: Path) -> None:
    command = line.removeprefix("$ ").replace("python main.py", f"{sys.executable} main.py")
    done = subprocess.run(
        ["bash", "-c", command],
        check=False,
        capture_output=True,
        text=True,
        env={**variables(llm_server), "HMLR_DB_PATH": str(tmp_path / "memory.db")},
        cwd=ROOT,
        timeout=20,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()


@pytest.mark.parametrize("feature", FEATURES)
def test_every_feature_has_a_block(feature: str) -> None:
    titles = {block.title for language in ("python", "console") for block in blocks(language)}
    assert [title for title in titles if title.endswith(f"({feature})")] or feature == "L2"
    assert f"({feature})" in TEXT


def cells() -> Iterator[tuple[str, str, str]]:
    """Option, provider and what the table says."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if "|" in line
    ]
    for option, *said in rows:
        if option.strip("`") in OPTIONS and len(said) == len(PROVIDERS):
            yield from zip([option.strip("`")] * len(PROVIDERS), PROVIDERS, said, strict=True)


def test_the_table_has_all_options() -> None:
    assert {option for option, _, _ in cells()} == set(OPTIONS)


@pytest.mark.parametrize(("option", "provider", "said"), list(cells()))
async def test_an_option_does_what_the_table_says(
    option: str, provider: str, said: str, llm_server: LLMockServer, settings: Settings
) -> None:
    given: Any = {option: OPTIONS[option]}
    async with LLM(f"{provider}:m1", settings=settings(), **given) as llm:
        if said == "error":
            with pytest.raises(ConfigurationError, match=option):
                await llm.complete("hi")
            assert bodies(llm_server) == []
        else:
            await llm.complete("hi")
            names = re.findall(r"`(\w+)`", said)
            assert any(f'"{name}": ' in json.dumps(bodies(llm_server)[0]) for name in names)


def settings_table() -> str:
    """The table of settings, from the class itself."""
    lines = ["| setting | variable | default | meaning |", "|---|---|---|---|"]
    for name, field in LLMSettings.model_fields.items():
        default = field.default
        shown = "" if default in (None, "", (), {}) else f"`{json.dumps(default, default=dict)}`"
        lines.append(f"| `{name}` | `{LLMSettings.variable(name)}` | {shown} | {field.description} |")
    return "\n".join(lines)


def test_the_table_of_settings_is_up_to_date() -> None:
    """On a change: `python -m tests.llm.test_docs` writes it anew."""
    assert all(field.description for field in LLMSettings.model_fields.values())
    assert settings_table() in TEXT


def written() -> str:
    """The page with the table as it should be."""
    return re.sub(
        r"(<!-- settings -->\n).*?(<!-- end of settings -->)",
        lambda found: f"{found[1]}{settings_table()}\n{found[2]}",
        TEXT,
        flags=re.DOTALL,
    )


def test_names_of_errors_exist() -> None:
    named = set(re.findall(r"`([A-Z]\w+)`", TEXT.split("### Errors (L8)")[1].split("```")[0]))
    assert named <= set(vars(errors))
    model_errors = {
        name
        for name, each in vars(errors).items()
        if isinstance(each, type) and issubclass(each, errors.ModelError) and each is not errors.ModelError
    }
    assert model_errors <= named


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
