"""A fleet on each database, and the service over it."""

from tests.emptied import database_url, emptied_postgres  # noqa: F401 - fixtures
from tests.fleet.conftest import quick_start, staff  # noqa: F401 - fixtures
from tests.metering.conftest import app, box, client, database, town  # noqa: F401 - fixtures
