"""What one process of the service is made of, within reach of every request."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import current_app

from app.db import Database
from app.settings import Settings


@dataclass
class Service:
    """Made once by `create_app`; the parts are thread-safe."""

    settings: Settings
    database: Database
    closing: list[Callable[[], None]] = field(default_factory=list)

    def close(self) -> None:
        """Give back every connection; for a process that goes on without the service, as tests do."""
        for close in self.closing:
            close()
        self.database.dispose()


def service() -> Service:
    """The service of the app that handles this request."""
    found: Any = current_app.extensions["jongnyang"]
    assert isinstance(found, Service)
    return found
