"""Whether a PostgreSQL database is sound, and set up so that its promises hold."""

from __future__ import annotations

from sqlalchemy import Connection, text

from hmlr.errors import HMLRError
from hmlr.records import Check
from hmlr.store.postgres.gate import PostgresGate
from hmlr.store.sql.checks import content_lines, derived_lines, looked_at

_SETTINGS = (
    "SELECT current_setting('server_version') AS version, current_setting('fsync') AS fsync,"
    " current_setting('full_page_writes') AS pages, current_setting('synchronous_commit') AS commit,"
    " current_setting('data_checksums') AS checksums"
)


async def check(gate: PostgresGate) -> list[Check]:
    """See CareStore.check."""
    return [
        await _server(gate),
        *await looked_at([*content_lines(gate.patient), *derived_lines(gate.patient)]),
    ]


async def _server(gate: PostgresGate) -> Check:
    try:
        row = await gate.read(None, _settings)
    except HMLRError as error:
        return Check(name="server", ok=False, detail=str(error), remedy="See that the server runs")
    wrong = [name for name, value in row.items() if name in ("fsync", "pages") and value != "on"]
    wrong += ["synchronous_commit"] if row["commit"] in ("off", "local") else []
    detail = f"PostgreSQL {row['version']}, synchronous_commit {row['commit']}, checksums {row['checksums']}"
    return Check(
        name="server",
        ok=not wrong,
        detail=f"{detail}; off: {', '.join(wrong)}" if wrong else detail,
        remedy="Turn them on: without them a power loss loses answered writes" if wrong else "",
    )


def _settings(connection: Connection) -> dict[str, str]:
    return dict(connection.execute(text(_SETTINGS)).mappings().one())
