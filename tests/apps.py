"""The service for one test after another: its routes are built once, which takes longer than most tests.

Each test gets them with a database, settings and a memory of its own, and cannot tell that they are not new.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from argon2 import PasswordHasher
from flask import Flask

from app.access import passwords
from app.factory import build, start
from app.settings import Settings


class Built(NamedTuple):
    app: Flask
    config: dict[str, Any]
    extensions: dict[str, Any]
    routes: int


_free: list[Built] = []
# Argon2's usual effort, which makes guessing slow, would be most of a test's time.
passwords.hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@contextmanager
def running(settings: Settings) -> Iterator[Flask]:
    """The service with these settings; its connections are closed at the end. Several at once are several services."""
    built = _free.pop() if _free else _build()
    app = built.app
    for held, fresh in ((app.config, built.config), (app.extensions, built.extensions)):
        held.clear()
        held.update(fresh)
    app._got_first_request = False  # a test may add routes of its own
    start(app, settings)
    try:
        yield app
    finally:
        app.extensions["jongnyang"].close()
        if len(app.view_functions) == built.routes:
            _free.append(built)


def _build() -> Built:
    app = build()
    return Built(app, dict(app.config), dict(app.extensions), len(app.view_functions))
