"""Runs the migrations on a connection that is in a transaction already."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, select

from hmlr.errors import SchemaTooNew
from hmlr.store.schema import alembic_version

_RUNNING = Lock()  # Alembic keeps in a global what it works on


def upgrade(connection: Connection, *, target: str = "head") -> None:
    """Bring the schema to `target`; the caller commits. Raises SchemaTooNew for an unknown revision."""
    revision = connection.execute(select(alembic_version.c.version_num)).scalar()
    if revision is not None and not is_known(revision):
        raise SchemaTooNew(
            f"the database was written by a newer HMLR (schema {revision})",
            hint="Install that version or a newer one",
        )
    _run(connection, target)


def create(connection: Connection, *, target: str = "head") -> None:
    """Make the schema of `target` in an empty database by running every migration up to it."""
    _run(connection, target)


def newest() -> str | None:
    """The newest revision there is."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def is_known(revision: str) -> bool:
    """Whether there is such a revision."""
    return revision in {each.revision for each in ScriptDirectory.from_config(_config()).walk_revisions()}


def _run(connection: Connection, target: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    with _RUNNING:
        command.upgrade(config, target)


def _config() -> Config:
    config = Config()
    # "%" would start an interpolation in alembic's configuration.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
