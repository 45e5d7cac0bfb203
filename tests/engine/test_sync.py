"""The blocking client gives what is no coroutine as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from hmlr.sync import HMLRClient
from hmlr.testing import hash_embedder
from tests.opening import Place


def test_attributes_are_not_wrapped(database: Place):
    with HMLRClient(database, "ada", embedder=hash_embedder(), model="offline") as hmlr:
        assert hmlr.settings.user == "ada"
        assert hmlr.facts() == []
        with pytest.raises(AttributeError):
            hmlr.nothing_such  # noqa: B018


def test_an_export_is_a_plain_iterator(tmp_path: Path, database: Place):
    with HMLRClient(database, "ada", embedder=hash_embedder(), model="offline") as hmlr:
        hmlr.chat("My sister Mia lives in Oslo.")
        hmlr.flush(30)
        lines = "".join(hmlr.export_lines())
        assert hmlr.export(tmp_path / "ada.jsonl") == lines.count("\n") - 2
        assert (tmp_path / "ada.jsonl").read_text(encoding="utf-8") == lines
        assert hmlr.import_lines(lines.encode()) == 0
