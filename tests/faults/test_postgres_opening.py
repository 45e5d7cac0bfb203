"""A PostgreSQL database that can't be used as it is says so at opening, and is left as it was."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest

from hmlr import HMLRClient
from hmlr.errors import (
    ConfigurationError,
    HMLRError,
    MissingPackage,
    SchemaTooNew,
    StorageError,
    StorageReadOnly,
    StorageUnreachable,
)
from hmlr.store.postgres.settings import Reach
from hmlr.store.postgres.store import PostgresStore, open_postgres
from hmlr.store.records import TurnQuery
from tests.places import past_hmlr
from tests.postgres import Server
from tests.store.making import ADA, slices, turn

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]

SECRET = "quetzal-7731"  # noqa: S105


async def opened(address: str, **given: Any) -> PostgresStore:
    return await open_postgres(Reach(url=address, **given), slicer=slices)


TELLER = """
import asyncio, sys
from tests.opening import open_place
from tests.store.making import ADA, slices, turn

async def main():
    store = await open_place(sys.argv[1], slicer=slices)
    await store.add_turns(ADA, [turn(turn_id=sys.argv[2])])
    await store.aclose()

asyncio.run(main())
"""


async def test_many_processes_open_an_empty_database_at_once(postgres_server: Server) -> None:
    address = postgres_server.empty()
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", TELLER, address, f"t{number}"], stderr=subprocess.PIPE, text=True
        )
        for number in range(2)
    ]
    stores = await asyncio.gather(*(opened(address) for _ in range(8)))
    await asyncio.gather(*(store.add_turns(ADA, [turn()]) for store in stores))
    said = [await asyncio.to_thread(program.communicate) for program in programs]
    assert [program.returncode for program in programs] == [0, 0], said
    assert len(await stores[0].turns(ADA, TurnQuery())) == 10
    await asyncio.gather(*(store.aclose() for store in stores))
    postgres_server.drop(address)


async def test_the_database_of_another_program_is_left_alone(postgres_server: Server) -> None:
    address = postgres_server.empty()
    past_hmlr(address, "CREATE TABLE turns (id int); INSERT INTO turns VALUES (7);")
    with pytest.raises(StorageError, match="another program"):
        await opened(address)
    assert past_hmlr(address, "SELECT relname FROM pg_class WHERE oid >= 16384") == [("turns",)]
    postgres_server.drop(address)


async def test_a_newer_schema_is_left_alone(postgres_server: Server) -> None:
    address = postgres_server.database()
    past_hmlr(address, "UPDATE alembic_version SET version_num = 'r9999'; SELECT 1")
    with pytest.raises(SchemaTooNew, match="r9999"):
        await opened(address)
    assert past_hmlr(address, "SELECT version_num FROM alembic_version") == [("r9999",)]
    postgres_server.drop(address)


async def test_a_login_without_rights_is_told_what_it_lacks(postgres_server: Server) -> None:
    fresh, made = postgres_server.empty(), postgres_server.database()
    past_hmlr(made, "DROP ROLE IF EXISTS stranger; CREATE ROLE stranger LOGIN")
    for address in (fresh, made):
        with pytest.raises(ConfigurationError) as told:
            await opened(address.replace("postgres@", f"stranger:{SECRET}@"))
        assert told.value.hint
        assert SECRET not in str(told.value)
    past_hmlr(fresh, "DROP ROLE stranger; SELECT 1")
    postgres_server.drop(fresh, made)


async def test_a_server_that_takes_no_writes_is_read(postgres_server: Server) -> None:
    """As a standby is: reading goes on, and writing says where to write."""
    address = postgres_server.database()
    store = await opened(address)
    await store.add_turns(ADA, [turn("kept")])
    await store.aclose()
    name = address.partition("@/")[2].partition("?")[0]
    past_hmlr(address, f"ALTER DATABASE {name} SET default_transaction_read_only = on; SELECT 1")
    store = await opened(address)
    assert len(await store.turns(ADA, TurnQuery())) == 1
    with pytest.raises(StorageReadOnly, match="primary"):
        await store.add_turns(ADA, [turn("lost")])
    await store.aclose()
    postgres_server.drop(address)


@pytest.mark.parametrize(
    ("address", "error"),
    [
        (f"postgresql://ada:{SECRET}@127.0.0.1:9/memory", StorageUnreachable),
        (f"postgresql://ada:{SECRET}@no-such-host.invalid/memory", StorageUnreachable),
        (f"postgresql://ada:{SECRET}@localhost/memory?{SECRET}=1&host=/nowhere", ConfigurationError),
        (f"postgresql://ada:{SECRET}@localhost:many/memory", ConfigurationError),
        (f"mysql://ada:{SECRET}@localhost/memory", ConfigurationError),
    ],
)
async def test_a_wrong_address_never_shows_its_password(address: str, error: type[HMLRError]) -> None:
    with pytest.raises(error) as told:
        async with HMLRClient(address, "ada", model="offline"):
            pass
    shown = f"{told.value} {told.value.hint} {told.value.__cause__}"
    assert SECRET not in shown.replace(f"sets {SECRET}", "")


async def test_a_missing_database_is_named_as_such(postgres_server: Server) -> None:
    with pytest.raises(ConfigurationError, match="createdb"):
        await opened(postgres_server.url("nowhere"))


async def test_a_wrong_password_is_said_to_be(postgres_server: Server) -> None:
    rules = postgres_server.folder / "pg_hba.conf"
    before = rules.read_text()
    address = postgres_server.database()
    past_hmlr(address, "DROP ROLE IF EXISTS locked; CREATE ROLE locked LOGIN PASSWORD 'right'")
    rules.write_text(f"local all locked scram-sha-256\n{before}")
    past_hmlr(address, "SELECT pg_reload_conf()")
    try:
        with pytest.raises(ConfigurationError, match="does not accept") as told:
            await opened(address.replace("postgres@", f"locked:{SECRET}@"))
        assert SECRET not in str(told.value)
    finally:
        rules.write_text(before)
        past_hmlr(address, "SELECT pg_reload_conf()")
        postgres_server.drop(address)


WITHOUT = """
import sys
sys.modules["asyncpg"] = None
import asyncio
from hmlr import HMLRClient
from hmlr.errors import MissingPackage

async def main():
    try:
        async with HMLRClient("postgresql://h/d", model="offline"):
            pass
    except MissingPackage as error:
        print(error.hint)

asyncio.run(main())
"""


def test_without_the_driver_the_command_for_it_is_given() -> None:
    assert issubclass(MissingPackage, ConfigurationError)
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("pip install -r requirements-postgres.txt", "")
