"""docs/integrations.md: its examples run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "integrations.md"
EXAMPLES: dict[str, str] = dict(
    re.findall(r"\n## (.*?)\n(?:(?!\n## ).)*?```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
)
PRINTS = {
    "LangGraph": ["said by user", "My sister Ana lives in Bergen.", "I was shown 2 messages."],
    "LangChain": ["human: I am strictly vegetarian.", "ai: Noted.", "['I am strictly vegetarian.']"],
    "OpenAI Agents SDK": ["[{'type': 'function_call_output'", "['I live in Oslo.']", "\n{'type'"],
    "pydantic-ai": ["said_by", "My sister Ana lives in Bergen."],
}


def test_all_examples_are_known() -> None:
    assert list(EXAMPLES) == list(PRINTS)


@pytest.mark.parametrize("title", PRINTS)
def test_an_example_prints_its_result(
    title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HMLR_EMBEDDER", "none")
    exec(compile(EXAMPLES[title], PAGE.name, "exec"), {"__name__": "__main__"})  # noqa: S102 - our own page
    told = capsys.readouterr().out
    for words in PRINTS[title]:
        assert words in told
