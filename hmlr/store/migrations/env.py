"""Alembic's entry: runs on the connection that `upgrade` put into the configuration."""

from alembic import context

from hmlr.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # Part of the caller's transaction: a process killed in between leaves the old schema whole.
    transactional_ddl=True,
    transaction_per_migration=False,
)
context.run_migrations()
