"""The Python example of docs/importing.md runs as it stands."""

from collections.abc import Callable

import pytest

from tests.acceptance.conftest import python_example


@pytest.mark.timeout(60)  # a process with an import, for which a busy machine takes a while
def test_the_example_runs(python: Callable[..., str]) -> None:
    told = python("-c", python_example("docs/importing.md")).splitlines()
    assert told == ["2 0 {'thoughts of the assistant': 1}", "0 2", "I moved to Oslo. 2024-06-01 c1"]
