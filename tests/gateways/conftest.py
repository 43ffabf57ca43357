"""Each test of the gateway begins with a log that nobody has set up."""

import pytest
import structlog


@pytest.fixture(autouse=True)
def plain_log() -> None:
    """Forget where an earlier test of this process sent its log."""
    structlog.reset_defaults()
