"""The blocking client gives what is no coroutine as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from hmlr.sync import HMLRClient


def test_attributes_are_not_wrapped(tmp_path: Path):
    with HMLRClient(tmp_path / "m.db", "ada", embedder=None, model="offline") as hmlr:
        assert hmlr.settings.user == "ada"
        assert hmlr.facts() == []
        with pytest.raises(AttributeError):
            hmlr.nothing_such  # noqa: B018
