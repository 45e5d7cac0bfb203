"""Dossiers arranged and drawn from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

from hmlr.sync import HMLRClient
from tests.acceptance.test_gardening import Run, env, hmlr, run  # noqa: F401 - fixtures

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
    split = run("dossiers", "--split", other[:8], "--fact", fact[:8], "--title", "Apart")
    assert split.startswith("Apart (1 facts")
    undo = [line.split("\t")[-1] for line in run("garden", "--runs").splitlines()]
    assert "by hand" in run("garden", "--undo", undo[0])
    for each in undo[1:3]:
        hmlr.undo(each)
    assert hmlr.dossiers() == before


def test_pictures_stand_alone(hmlr: HMLRClient, run: Run, tmp_path: Path) -> None:  # noqa: F811
    gardened(hmlr)
    for command, option in (("dossiers", "--timeline"), ("blocks", "--graph")):
        for ending in ("svg", "html"):
            file = tmp_path / f"{command}.{ending}"
            assert run(command, option, str(file)).startswith("drawn in")
            drawn = file.read_text(encoding="utf-8")
            assert "Styx" in drawn
            assert "<script" not in drawn
            assert "http" not in drawn.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")
        ElementTree.fromstring((tmp_path / f"{command}.svg").read_text(encoding="utf-8"))  # noqa: S314 - ours


def test_wrong_usage_is_refused(run: Run, tmp_path: Path) -> None:  # noqa: F811
    assert "needs --into" in run("dossiers", "--merge", "a", code=2)
    assert ".svg or .html" in run("blocks", "--graph", str(tmp_path / "x.png"), code=2)
