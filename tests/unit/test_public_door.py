"""What programs may import from `hmlr` changes only on purpose."""

import subprocess
import sys

import pytest

import hmlr


def test_public_names() -> None:
    assert hmlr.__all__ == ["HMLRClient", "HMLRError", "Message", "Settings", "move"]


@pytest.mark.parametrize("name", hmlr.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(hmlr, name).__name__ == name


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        hmlr.Nonsense  # noqa: B018


def test_import_is_light() -> None:
    code = "import sys, hmlr; print(sorted({'numpy', 'sqlalchemy', 'pydantic', 'torch'} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
