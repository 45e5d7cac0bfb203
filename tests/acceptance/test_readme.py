"""The README's Python example runs as it stands."""

from collections.abc import Callable

from tests.acceptance.conftest import python_example


def test_python_quick_start(python: Callable[..., str]) -> None:
    told = python("-c", python_example("README.md"))
    assert "Ben moved to Bergen." in told
    assert "vegetarian" in told
