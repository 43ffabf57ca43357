"""The service with a small town, a gateway that signs, and somebody at a desk."""

import pytest
from flask import Flask

from tests.emptied import database_url, emptied_postgres  # noqa: F401 - fixtures
from tests.metering.conftest import app, box, client, database, town  # noqa: F401 - fixtures
from tests.metering.staff import Staff


@pytest.fixture
def staff(app: Flask, town: object) -> Staff:  # noqa: F811
    return Staff(app)
