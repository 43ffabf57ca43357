"""What one process of the service is made of, within reach of every request."""

from dataclasses import dataclass
from typing import Any

from flask import current_app

from app.db import Database
from app.settings import Settings


@dataclass
class Service:
    """Made once by `create_app`; the parts are thread-safe."""

    settings: Settings
    database: Database


def service() -> Service:
    """The service of the app that handles this request."""
    found: Any = current_app.extensions["jongnyang"]
    assert isinstance(found, Service)
    return found
