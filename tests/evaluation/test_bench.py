"""`bench` as a process: the gate of recall, its report, and what it refuses."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hmlr.evaluation.measures import COLUMNS
from tests import processes
from tests.evaluation.making import LOCOMO, write_beam, write_json
from tests.processes import Done

ROOT = Path(__file__).parents[2]
DATA = sorted((ROOT / "data").glob("*.jsonl"))
Run = Callable[..., Done]

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(180)]


@pytest.fixture
def bench(tmp_path: Path, environment: dict[str, str], embedder: None) -> Run:
    def run(*arguments: str | Path) -> Done:
        env = {**environment, "HMLR_DB_PATH": str(tmp_path / "memory.db")}
        command = [processes.MAIN, "bench", *map(str, arguments)]
        return processes.run(command, env=env, cwd=tmp_path, timeout=150)

    return run


def loaded(done: Done) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def lead(report: Any, measure: str) -> float:
    """How many points HMLR is above BM25."""
    (group,) = report["groups"]
    mean: float = group["lead"]["BM25"][measure]["mean"]
    return mean


def test_recall_is_above_bm25_with_margin(bench: Run) -> None:
    report = loaded(bench(*DATA, "--json"))
    assert lead(report, "turn_fraction@10") >= 15
    assert lead(report, "mrr") >= 6
    (group,) = report["groups"]
    assert list(group["methods"]) == ["HMLR", "BM25", "MiniLM", "BM25/400"]
    assert group["methods"]["HMLR"]["inside_1000"]["mean"] >= 93


def test_recall_by_words_alone_is_above_bm25(bench: Run) -> None:
    report = loaded(bench(*DATA, "--lexical", "--json"))
    assert lead(report, "turn_fraction@10") >= 6
    assert list(report["groups"][0]["methods"]) == ["HMLR", "BM25", "BM25/400"]


def test_the_report_and_the_picture_are_written(bench: Run, tmp_path: Path) -> None:
    out, svg = tmp_path / "report.json", tmp_path / "picture.svg"
    done = bench(DATA[0], "--lexical", "--limit", "3", "--out", out, "--svg", svg)
    assert done.returncode == 0, done.stderr
    assert "| jsonl | 3 " in done.stdout
    report = json.loads(out.read_text("utf-8"))
    assert set(report["groups"][0]["methods"]["HMLR"]) == set(COLUMNS)
    assert len(report["questions"]) == 3
    assert ET.parse(svg).getroot().tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - our own file


def test_nothing_is_left_behind(bench: Run, tmp_path: Path) -> None:
    assert bench(DATA[0], "--lexical", "--limit", "1").returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_several_forms_at_once_have_their_own_figures_and_common_ones(bench: Run, tmp_path: Path) -> None:
    talk, beam = write_json(tmp_path / "talk.json", LOCOMO), write_beam(tmp_path / "beam")
    report = loaded(bench(talk, beam, "--lexical", "--json"))
    assert [(group["name"], group["questions"]) for group in report["groups"]] == [
        ("locomo", 3),
        ("beam", 2),
        ("all", 5),
    ]
    assert [part["left_out"] for part in report["conversations"]] == [
        {"no evidence": 1, "unknown evidence": 1},
        {"no evidence": 1},
    ]
    categories = report["groups"][0]["categories"]
    assert [part["name"] for part in categories] == ["multi-hop", "single-hop", "temporal"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("missing.json",), 2, "missing.json"),
        ((), 2, "FILE"),
        (("bad.jsonl",), 2, "line 1"),
        (("bad.jsonl", "--kind", "locomo"), 2, "no JSON"),
        (("bad.jsonl", "--kind", "csv"), 2, "--kind"),
        ((str(DATA[0]), "--limit", "0"), 2, "--limit"),
        ((str(DATA[0]), "--out", "nowhere/report.json"), 1, "nowhere/report.json"),
        ((str(DATA[0]), "--model", "nonsense:model"), 2, "nonsense:model"),
    ],
)
def test_wrong_usage_is_one_line(
    bench: Run, tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    (tmp_path / "bad.jsonl").write_text('{"who": "me"}\n{\n')
    done = bench(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert words in line
