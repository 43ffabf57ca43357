"""The world of the walks, for requests that are made up."""

from tests.walk.conftest import walk

__all__ = ["walk"]
