"""The gateway's log is fresh here too."""

from tests.gateways.conftest import plain_log  # noqa: F401 - fixture
