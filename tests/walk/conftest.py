"""One world a database for all walks; nothing that a walk does is kept."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from scripts.postgres import throwaway_database
from tests.access.people import database_of, running_app
from tests.walk import people, world
from tests.walk.requests import Walk


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def walk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """Requests to the service on a database with the world and its people in it, whose changes are rolled back."""
    if request.param == "sqlite":
        path: Path = tmp_path_factory.mktemp("walk") / "walk.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        with _walked(f"sqlite:///{path}") as app:
            yield Walk(app)
        return
    template = request.getfixturevalue("postgres_template")
    with throwaway_database(request.getfixturevalue("postgres_server"), template) as url, _walked(url) as app:
        yield Walk(app)


@contextmanager
def _walked(database_url: str) -> Iterator[Flask]:
    with running_app(database_url, log_level="ERROR") as app:
        database = database_of(app)
        world.fill(database)
        people.add(database)

        @contextmanager
        def begin() -> Iterator[Session]:
            """As `Database.begin`, but rolled back: the next walker finds the world as it was."""
            with database.session() as session:
                yield session
                session.flush()
                session.expunge_all()  # what was read stays readable, as after a commit
                session.rollback()

        database.begin = begin  # type: ignore[method-assign]
        yield app
