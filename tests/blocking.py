"""The watcher of blocking calls, for the tests' own process and for those that they start."""

from __future__ import annotations

from blockbuster import BlockBuster

HOLD_THE_LOCK = {
    "test_a_write_waits_for_the_lock_and_reads_do_not",
    "test_a_call_cancelled_in_the_queue_is_dropped",
    "test_reads_go_on_while_a_write_waits",
}


def watch() -> BlockBuster:
    """A watcher, not active yet, of what HMLR calls while an event loop runs."""
    watcher = BlockBuster(scanned_modules=["hmlr"])
    # HMLRClient() is synchronous and reads the settings, with `.env`, before anything is opened.
    for function in watcher.functions.values():
        function.can_block_in("hmlr/settings.py", {"load"})
        # The blocking twin is called to block; it says so.
        function.can_block_in("hmlr/core/external_api_client.py", {"query_external_api"})
        # The driver reads ~/.pgpass as it connects, in the loop of the store's own thread.
        function.can_block_in("asyncpg/connect_utils.py", {"_parse_connect_arguments"})
        # These tests hold the store's lock themselves, in the place of another process.
        function.can_block_in("tests/store/test_locking.py", HOLD_THE_LOCK)
        function.can_block_in("tests/store/test_threads.py", HOLD_THE_LOCK)
    return watcher
