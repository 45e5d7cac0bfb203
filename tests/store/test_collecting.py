"""Garbage is not collected while the write lock is held."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from hmlr.store.sqlite.collecting import no_collection
from hmlr.store.sqlite.store import SqliteStore
from hmlr.store.sqlite.writer import Writer
from tests.store.making import ADA, turn


@pytest.fixture(autouse=True)
def _collecting() -> Iterator[None]:
    gc.enable()
    yield
    gc.enable()


def test_it_goes_on_after_the_last_of_several() -> None:
    with no_collection():
        with no_collection():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_threads_that_overlap_leave_it_on() -> None:
    both = Barrier(2)

    def hold(_: int) -> bool:
        both.wait()
        with no_collection():
            return gc.isenabled()

    with ThreadPoolExecutor(2) as threads:
        for _ in range(200):
            assert not any(threads.map(hold, range(2)))
    assert gc.isenabled()


def test_a_program_without_collection_stays_so() -> None:
    gc.disable()
    with no_collection():
        pass
    assert not gc.isenabled()


async def test_a_transaction_runs_without(
    store: SqliteStore, db_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    transact = Writer._transact

    def look(self: Writer, calls: list[object]) -> object:
        seen.append(gc.isenabled())
        return transact(self, calls)  # type: ignore[arg-type]

    monkeypatch.setattr(Writer, "_transact", look)
    await store.add_turns(ADA, [turn("Oslo")])
    assert seen == [False]
    assert gc.isenabled()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_a_fork_of_a_program_that_writes_collects() -> None:
    with no_collection():
        child = os.fork()
        if not child:
            with no_collection():
                pass
            os._exit(0 if gc.isenabled() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
