"""Counters of attempts: in memory, so each process counts for itself.

Flask-Limiter would count the same way but look at every request, and ingest would pay for it.
"""

import math
import time

from limits import RateLimitItem
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from app.problems import Problem


class Attempts:
    """Counts by limit and key, such as an address; raises the Problem `too-many-requests` beyond a limit."""

    def __init__(self) -> None:
        self._strategy = FixedWindowRateLimiter(MemoryStorage())

    def count(self, limit: RateLimitItem, key: str) -> None:
        """Count one more."""
        if not self._strategy.hit(limit, key):
            raise self._problem(limit, key)

    def check(self, limit: RateLimitItem, key: str) -> None:
        """Count nothing, but refuse where the limit is used up."""
        if not self._strategy.test(limit, key):
            raise self._problem(limit, key)

    def clear(self, limit: RateLimitItem, key: str) -> None:
        """Begin to count anew."""
        self._strategy.clear(limit, key)

    def _problem(self, limit: RateLimitItem, key: str) -> Problem:
        seconds = self._strategy.get_window_stats(limit, key).reset_time - time.time()
        return Problem("too-many-requests", retry_after=max(1, math.ceil(seconds)))
