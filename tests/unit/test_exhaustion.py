"""What the interpreter raises when the system gives no more, as one of our errors."""

from __future__ import annotations

import errno

import pytest

from hmlr.errors import OutOfResources
from hmlr.exhaustion import exhausted, told


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (MemoryError(), "memory"),
        (ImportError("lib.so: failed to map segment from shared object"), "memory"),
        (ImportError("lib.so: cannot map zero-fill pages"), "memory"),
        (RuntimeError("can't start new thread"), "threads"),
        (OSError(errno.EMFILE, "Too many open files"), "open files"),
    ],
)
async def test_each_is_told(error: Exception, what: str) -> None:
    @told
    class Door:
        async def work(self) -> None:
            raise error

    with pytest.raises(OutOfResources, match=f"gets no more {what}"):
        await Door().work()


@pytest.mark.parametrize(
    "error", [ImportError("No module named 'x'"), RuntimeError("other"), OSError(errno.ENOENT, "not there")]
)
def test_another_error_stays_what_it_is(error: Exception) -> None:
    assert exhausted(error) is None
