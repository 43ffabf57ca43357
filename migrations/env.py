"""Runs the migrations on the URL, or over the connection, that the caller hands over."""

import os

from alembic import context
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection

config = context.config


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=config.attributes.get("metadata"),
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=False,
        transaction_per_migration=True,
    )
    if connection.dialect.name == "postgresql":
        # A migration that waits behind a long query would hold up everybody else behind it.
        connection.exec_driver_sql("SET lock_timeout = '10s'")
        connection.commit()
    with context.begin_transaction():
        context.run_migrations()


def main() -> None:
    connection = config.attributes.get("connection")
    if connection is not None:
        run(connection)
        return
    engine = create_engine(config.attributes.get("url") or os.environ["JONGNYANG_DATABASE_URL"])
    if engine.dialect.name == "sqlite":
        # The driver's own transaction handling commits before DDL; a failed migration would stay half done.
        event.listen(engine, "connect", lambda raw, _: setattr(raw, "isolation_level", None))
        event.listen(engine, "begin", lambda opened: opened.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.connect() as connection:
        run(connection)
    engine.dispose()


main()
