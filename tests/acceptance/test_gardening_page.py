"""The Python example of docs/gardening.md runs as it stands."""

from collections.abc import Callable

from tests.acceptance.conftest import python_example


def test_the_example_runs(python: Callable[..., str]) -> None:
    told = python("-c", python_example("docs/gardening.md"))
    assert "2 topics, 3 facts, 0 left" in told
    assert "<- My sister is called Wilhelmina. <-" in told
    assert "1 turns" in told
