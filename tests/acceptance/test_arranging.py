"""Dossiers arranged and drawn from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hmlr.sync import HMLRClient
from tests.acceptance.test_gardening import Run, env, hmlr, run  # noqa: F401 - fixtures

pytestmark = [pytest.mark.one_store, pytest.mark.timeout(120)]
HOSTILE = "My sister is called Eve <script>alert(1)</script>."


def gardened(hmlr: HMLRClient) -> None:  # noqa: F811
    for session, text in enumerate(
        ("K-12 is also known as Styx.", HOSTILE, "I like tea.", "I live in Oslo.")
    ):
        hmlr.chat(text, session_id=f"s{session}")
    assert hmlr.flush(10)
    hmlr.garden(include_active=True)


def test_merge_rename_split_and_take_back(hmlr: HMLRClient, run: Run) -> None:  # noqa: F811
    gardened(hmlr)
    before = hmlr.dossiers()
    one, other = (each.dossier_id for each in before[:2])
    merged = json.loads(run("dossiers", "--merge", one[:8], "--into", other[:8], "--json"))
    assert merged["dossier"]["dossier_id"] == other
    assert "undo it with" in run("dossiers", "--rename", other[:8], "--title", "Mine")
    fact = hmlr.dossier(other).entries[0].fact.fact_id
    split = run("dossiers", "--split", other[:8], "--fact", fact, "--title", "Apart")
    assert split.startswith("Apart (1 facts")
    split_run, renamed, merged_run = (each.run_id for each in hmlr.garden_runs()[:3])
    assert "by hand" in run("garden", "--undo", split_run)
    hmlr.undo(renamed)
    hmlr.undo(merged_run)
    assert hmlr.dossiers() == before


def test_pictures_stand_alone(hmlr: HMLRClient, run: Run, tmp_path: Path) -> None:  # noqa: F811
    gardened(hmlr)
    for command, option, ending in (("dossiers", "--timeline", "html"), ("blocks", "--graph", "svg")):
        file = tmp_path / f"{command}.{ending}"
        assert run(command, option, str(file)).startswith("drawn in")
        drawn = file.read_text(encoding="utf-8")
        assert drawn.startswith("<!DOCTYPE html>" if ending == "html" else "<svg")
        assert "Styx" in drawn
        assert "<script" not in drawn
        assert "http" not in drawn.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")
    ElementTree.fromstring(hmlr.draw_dossiers())  # noqa: S314 - our own document


def test_wrong_usage_is_refused(run: Run, tmp_path: Path) -> None:  # noqa: F811
    assert "needs --into" in run("dossiers", "--merge", "a", code=2)
    assert ".svg or .html" in run("blocks", "--graph", str(tmp_path / "x.png"), code=2)
