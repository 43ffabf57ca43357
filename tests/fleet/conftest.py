"""The service with a small town, a gateway that signs, and somebody at a desk."""

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask_smorest import Blueprint

from app.access import passwords
from tests.emptied import database_url, emptied_postgres  # noqa: F401 - fixtures
from tests.metering.conftest import app, box, client, database, town  # noqa: F401 - fixtures
from tests.metering.staff import Staff


@pytest.fixture(autouse=True, scope="module")
def quick_start() -> Iterator[None]:
    """Leave out what takes most of a test's time and is proved elsewhere: Argon2's effort, the page of the API."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        patch.setattr(Blueprint, "register_views_in_doc", lambda *_args, **_options: None)
        yield


@pytest.fixture
def staff(app: Flask, town: object) -> Staff:  # noqa: F811
    return Staff(app)
