"""The rows of faults and threats: what is injected, the mark, and the tests that show it.

A test says the figure it reached by printing a line "ROW: figure"; where none does, its cases are counted.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row; without tests it is not tested."""

    row: str
    injected: str
    mark: str
    """The figure that is to be reached."""
    tests: tuple[str, ...] = ()
    """Files, from the repository's root, or tests of one (`file::test`), as pytest takes them."""


def _row(row: str, injected: str, mark: str, *tests: str) -> Row:
    return Row(row=row, injected=injected, mark=mark, tests=tuple(f"tests/{test}" for test in tests))


_KILL = "faults/test_store_kill.py"
_WORKERS = "faults/test_gardening_workers.py"
_INPUTS = "faults/test_inputs.py"
_RETRIES = "llm/test_retries.py"
_GARDEN = "faults/test_gardening.py"
_OBEDIENT = "scripted/test_obedient.py"

ROWS = (
    _row(
        "F01",
        "SIGKILL of one and of two writers",
        "1,000 kills, each durability: 0 lost, 0 partial",
        f"{_KILL}::test_killed_writers_lose_nothing_acknowledged",
    ),
    _row(
        "F02",
        "power loss, simulated",
        "2,000 crash points: 0 acknowledged lost, 0 corrupt",
        "faults/test_power_loss.py",
        "store/test_files.py",
    ),
    _row(
        "F03",
        "kill between commit and answer, repeated with its key",
        "1,000 repeats: 0 doubles",
        f"{_KILL}::test_a_write_that_got_no_answer_is_repeated_without_a_double",
    ),
    _row("F04", "full disk, at every size", "50 rounds: 0 lost", "faults/test_store_full.py"),
    _row(
        "F05",
        "I/O error at the Nth call",
        "every N: 0 silent successes",
        "faults/test_io_errors.py",
    ),
    _row(
        "F06",
        "2, 8 and 16 processes on one file",
        "60 s: 0 errors; 99 % of writes < 250 ms at 8 processes",
        "faults/test_store_sharing.py",
    ),
    _row(
        "F07",
        "SQLite with the WAL-reset bug",
        "found in every version; writers never overlap",
        "store/test_locking.py",
    ),
    _row(
        "F08",
        "shared disk, synced folder, overlay, read-only, other owner, no file",
        "each refused, or without a write-ahead log, and told",
        "faults/test_file_systems.py",
        "store/test_files.py",
    ),
    _row(
        "F09",
        "a flipped byte in database, log or backup",
        "1,000 files: 0 crashes, 99 % found",
        "faults/test_bit_flips.py",
        "store/test_check.py",
    ),
    _row(
        "F10",
        "log deleted, main file copied alone, old file over a new one",
        "each: an earlier state, or told",
        "faults/test_store_lost_files.py",
        "store/test_check.py",
    ),
    _row(
        "F11",
        "backup while writing",
        "200 backups: 0 bad",
        "faults/test_backups.py",
    ),
    _row(
        "F12",
        "kill in each statement of a migration; a newer schema",
        "every statement, every version",
        "faults/test_migration_kill.py",
        "store/test_schema.py",
    ),
    _row(
        "F13",
        "another embedding model, killed half-way",
        "50 kills: recall never below the old index's, 0 without a vector",
        "faults/test_new_embedder.py",
    ),
    _row(
        "F14",
        "index, chunks or vectors deleted or damaged",
        "100 % equal at 10,000 and 100,000 rows",
        "faults/test_store_rebuild.py",
        "store/test_care.py",
    ),
    _row(
        "F15",
        "jumping clock, ids of several processes",
        "0 collisions in 1,000,000 ids; order kept",
        "faults/test_store_clock.py",
    ),
    _row(
        "F16",
        "(PostgreSQL) server killed, network dropped",
        "100 kills: 0 lost, back in < 5 s",
        "faults/test_postgres_outage.py",
    ),
    _row(
        "F17",
        "(PostgreSQL) pool exhausted, long locks, silent server",
        "told within 10 s",
        "faults/test_postgres_waits.py",
    ),
    _row(
        "F20",
        "cancelled at every suspension",
        "every one: 0 open transactions, 0 lost",
        "faults/test_client_cancel.py",
        "faults/test_gardening_cancelled.py",
        "store/test_threads.py",
    ),
    _row(
        "F21",
        "64 calls at once, half of them raising",
        "10,000 rounds of 64 calls: 0 lost",
        "faults/test_client_concurrent.py",
    ),
    _row("F22", "loop closed, fork, another loop", "each told; exit < 2 s", "store/test_threads.py"),
    _row("F23", "SIGTERM during work", "200 runs: 0 stuck", "faults/test_sigterm.py"),
    _row("F24", "no more memory, threads, open files", "each told, nothing lost", "faults/test_resources.py"),
    _row("F25", "reader that leaves, closed stdout, poor locale", "each", "acceptance/test_cli.py"),
    _row(
        "F30",
        "SIGKILL of workers at random",
        "4,000 jobs, 300 kills: 0 missing, 0 twice, 0 stuck",
        "faults/test_background.py",
        "faults/test_leases.py",
        f"{_WORKERS}::test_two_workers_killed_at_random_do_each_block_once",
    ),
    _row(
        "F31",
        "a worker asleep past its lease",
        "100 % refused",
        f"{_WORKERS}::test_who_slept_past_his_lease_writes_nothing",
        "store/test_garden.py",
    ),
    _row(
        "F32",
        "a model that fails or answers wrongly in gardening",
        "every fault: 0 lost",
        "faults/test_gardening_trouble.py::test_a_task_in_trouble_loses_nothing",
        f"{_GARDEN}::test_with_the_model_down_blocks_stay_pending",
    ),
    _row(
        "F33",
        "answers that delete, merge and overwrite",
        "500 runs: 0 changed, undo gives the same export",
        f"{_GARDEN}::test_an_obedient_model_changes_nothing_beyond_its_block",
        "faults/test_gardening_reach.py",
    ),
    _row(
        "F34",
        "two gardeners and a conversation side by side",
        "1,000 interleavings: 0 lost; no lock > 50 ms",
        "faults/test_gardening_meanwhile.py",
        f"{_WORKERS}::test_no_lock_is_held_while_a_model_is_asked",
        f"{_WORKERS}::test_steps_of_a_large_memory_hold_the_lock_for_milliseconds",
    ),
    _row(
        "F35",
        "a job that always fails",
        "others wait < 2 times as long",
        "faults/test_background.py",
        "faults/test_gardening_trouble.py::test_the_others_wait_no_longer_for_it",
    ),
    _row("F36", "crash loops and schedules", "never more than the budget", "faults/test_day_budget.py"),
    _row("F37", "gardening twice", "0 changed rows", f"{_WORKERS}::test_a_second_run_changes_no_row"),
    _row(
        "F38",
        "nobody gardened for 90 days; time zones",
        "memory < 500 MB, resumable",
        f"{_WORKERS}::test_ninety_days_are_caught_up_block_by_block",
        f"{_WORKERS}::test_where_the_clock_stands_changes_no_dossier",
    ),
    _row(
        "F40",
        "faults in place of an answer, of four providers",
        "every case: one of our errors",
        "llm/test_wire_faults.py",
        "llm/test_error_table.py",
    ),
    _row(
        "F41",
        "hangs, drips, 50 MB",
        "ends within the deadline and 1 s; < 100 MB more",
        "llm/test_deadlines.py",
    ),
    _row("F42", "Retry-After of any kind", "never above the cap", _RETRIES),
    _row(
        "F43",
        "failures at random",
        "requests sent = attempts counted",
        f"{_RETRIES}::test_requests_at_the_server_are_the_attempts_that_we_count",
    ),
    _row(
        "F44",
        "an embedder that fails",
        "every turn stored; the vectors follow",
        "faults/test_embedder.py",
        "faults/test_embedder_hangs.py",
    ),
    _row(
        "F45",
        "a provider down under load",
        "0 lost, memory flat",
        "llm/test_outage.py",
        "scripted/test_model_trouble.py",
    ),
    _row(
        "F46",
        "a retired model",
        "1 request a job",
        f"{_RETRIES}::test_a_retired_model_costs_one_request_and_is_named",
    ),
    _row(
        "F50",
        "any text",
        "100,000 texts: equal, or refused before a write",
        f"{_INPUTS}::test_a_hard_text",
        f"{_INPUTS}::test_a_hard_text_can_be_talked_about",
        f"{_INPUTS}::test_any_text_comes_back_equal_or_is_refused",
    ),
    _row(
        "F51",
        "any question",
        "100,000 questions: 0 errors, each < 500 ms",
        f"{_INPUTS}::test_a_hostile_question_is_answered_in_time",
        f"{_INPUTS}::test_any_question_gives_hits_or_invalid_input",
        f"{_INPUTS}::test_20_000_terms_are_refused_or_answered_in_time",
    ),
    _row(
        "F52",
        "hostile names and twins",
        "0 SQL errors, 0 crossings",
        f"{_INPUTS}::test_twins_are_different_users",
        f"{_INPUTS}::test_twins_are_different_sessions",
        f"{_INPUTS}::test_twins_are_different_metadata_keys",
        "faults/test_store_injection.py",
    ),
    _row(
        "F53",
        "wrong limits, times and types",
        "each InvalidInput",
        f"{_INPUTS}::test_a_wrong_argument_is_invalid_input",
        f"{_INPUTS}::test_times_at_the_edge_are_kept_and_searched",
        f"{_INPUTS}::test_times_outside_the_years_are_refused",
    ),
    _row(
        "F54",
        "hostile JSON",
        "each refused, the server lives",
        "faults/test_files.py::test_a_hostile_line_in_the_middle_is_named_and_nothing_is_stored",
        "server/test_memory_inputs.py",
    ),
    _row("F55", "broken import files", "twice = the same rows; the bad line named", "faults/test_files.py"),
    _row("F56", "wrong settings", "each named with what is allowed", "faults/test_settings.py"),
    _row(
        "X01",
        "memory poisoning by chat",
        "500 texts: 0 rows beyond",
        f"{_OBEDIENT}::test_x01_an_obedient_model_raises_no_trust_and_deletes_nothing",
    ),
    _row(
        "X02",
        "a dormant text of a page or tool",
        "roll-back by source: 100 % of what was derived",
        "faults/test_dormant.py",
        "engine/test_forgetting_speakers.py",
    ),
    _row(
        "X03",
        "memory read as instruction",
        "one fence, whatever is stored",
        "unit/test_hydration.py",
        "unit/test_every_task.py",
    ),
    _row(
        "X04",
        "what was recalled is said again",
        "1,000 rounds: facts stay as they are",
        f"{_WORKERS}::test_what_is_repeated_from_memory_teaches_nothing",
    ),
    _row(
        "X05",
        "trust in detectors",
        "X01 without detectors",
        f"{_OBEDIENT}::test_x05_no_guarantee_rests_on_the_wording",
        f"{_OBEDIENT}::test_x05_no_guarantee_rests_on_what_is_recognised",
    ),
    _row(
        "X06",
        "other users' data",
        "50 users, 10,000 calls: 0 words crossed",
        "faults/test_isolation.py",
        "faults/test_row_security.py",
        "server/test_isolation.py",
        "server/test_mcp_isolation.py",
        "server/test_memory_scope.py",
    ),
    _row(
        "X07",
        "answers of cancelled requests",
        "10,000 requests: 0 crossings",
        "server/test_cancelled.py",
        "faults/test_store_cancelled.py",
    ),
    _row(
        "X08",
        "forgetting too much or too little",
        "0 bytes left; others untouched",
        "faults/test_store_forgetting.py",
        "faults/test_forgetting.py",
        "faults/test_purge_pending.py",
        "faults/test_forgetting_metadata.py",
    ),
    _row(
        "X09",
        "a web page at the local server",
        "100 % refused",
        "server/test_guard.py",
        "server/test_mcp_guard.py",
    ),
    _row("X10", "network without tokens", "start refused", "server/test_guard.py"),
    _row(
        "X11",
        "redirects, addresses in requests",
        "0 bytes reach another host",
        "llm/test_destinations.py",
        "server/test_memory_scope.py",
    ),
    _row("X12", "secrets and texts in logs", "0 found", "llm/test_secrets.py", "faults/test_logs.py"),
    _row("X13", "SQL injection", "values bound", "faults/test_bans.py", "faults/test_store_injection.py"),
    _row(
        "X14",
        "full-text injection",
        "as F51",
        f"{_INPUTS}::test_any_question_gives_hits_or_invalid_input",
    ),
    _row("X15", "code that runs what it loads", "none", "faults/test_bans.py"),
    _row("X16", "crafted archives", "200 archives: 0 bytes outside", "faults/test_archives.py"),
    _row(
        "X17",
        "a hostile database file on restore",
        "100 % refused",
        "faults/test_hostile_files.py",
    ),
    _row(
        "X18",
        "unbounded use",
        "each cap; tokens told = tokens counted",
        "llm/test_usage.py",
        "server/test_memory_inputs.py",
    ),
    _row("X19", "MCP tools", "10,000 calls: 0 other bytes", "server/test_mcp_stdio.py", "server/test_mcp.py"),
    _row("X20", "files readable by others", "0600 and 0700 always", "store/test_files.py"),
    _row("X21", "supply chain", "locked, bounded, offline", "faults/test_supply.py"),
    _row(
        "X22",
        "vectors of others before the best are taken",
        "10 of 1,000,000 found",
        "faults/test_among_others.py",
        "store/test_part.py",
    ),
    _row(
        "X23",
        "loss by import and export",
        "100 stores: byte-equal, no job runs",
        "server/test_moving.py::test_what_is_carried_over_is_the_same_and_nothing_runs",
    ),
)
