"""One PostgreSQL database for all of these tests, emptied before each."""

from tests.emptied import database_url, emptied_postgres  # noqa: F401 - fixtures
