"""A billed town, as for statements."""

from tests.emptied import database_url, emptied_postgres  # noqa: F401 - fixtures
from tests.statements.conftest import app, client, database, town  # noqa: F401 - fixtures
