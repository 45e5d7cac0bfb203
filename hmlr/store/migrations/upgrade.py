"""Runs the migrations on a connection that is in a transaction already."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, select

from hmlr.errors import SchemaTooNew
from hmlr.store.schema import alembic_version


def upgrade(connection: Connection, *, target: str = "head") -> None:
    """Bring the schema to `target`; the caller commits. Raises SchemaTooNew for an unknown revision."""
    config = _config()
    revision = connection.execute(select(alembic_version.c.version_num)).scalar()
    if revision is not None and not _is_known(config, revision):
        raise SchemaTooNew(
            f"the database was written by a newer HMLR (schema {revision})",
            hint="Install that version or a newer one",
        )
    config.attributes["connection"] = connection
    command.upgrade(config, target)


def create(connection: Connection, *, target: str = "head") -> None:
    """Make the schema of `target` in an empty database by running every migration up to it."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, target)


def newest() -> str | None:
    """The newest revision there is."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    # "%" would start an interpolation in alembic's configuration.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _is_known(config: Config, revision: str) -> bool:
    try:
        return ScriptDirectory.from_config(config).get_revision(revision) is not None
    except CommandError:
        return False
