"""How long to leave a route of the server alone after it failed. One of these for each route: none waits for another's.

Full jitter, because after an outage a whole district calls and must not call at once
(Brooker, "Exponential Backoff And Jitter", AWS 2015).
"""

import random
from collections.abc import Callable

from gateways.link.api import RefusedError, ServerError


class BackOff:
    """Failures in a row, and the monotonic second before which there is no next call. Seconds throughout."""

    def __init__(self, mono: Callable[[], float], first_s: float, last_s: float) -> None:
        self._mono = mono
        self._first_s = first_s
        self._last_s = last_s
        self.failures = 0
        self.not_before = float("-inf")
        self.problem: ServerError | None = None

    @property
    def is_over(self) -> bool:
        """Whether the route may be called."""
        return self._mono() >= self.not_before

    def failed(self, error: ServerError) -> float:
        """Take a failure; return the seconds to wait."""
        self.failures += 1
        self.problem = error
        return self._wait(self._seconds(error))

    def broke(self) -> float:
        """Take a failure of this software itself, which no early repetition would mend; return the seconds to wait."""
        self.failures += 1
        self.problem = None
        return self._wait(self._last_s)

    def worked(self) -> int:
        """Begin anew; return how many failures in a row there were."""
        failures, self.failures, self.problem, self.not_before = self.failures, 0, None, float("-inf")
        return failures

    def _wait(self, seconds: float) -> float:
        self.not_before = self._mono() + seconds
        return seconds

    def _seconds(self, error: ServerError) -> float:
        if isinstance(error, RefusedError):
            # Nothing helps but a person, so the probe is rare; a key that is let in again is noticed by it.
            return random.uniform(self._last_s / 2, self._last_s)  # noqa: S311 - spreading load, not a secret
        bound = min(self._last_s, self._first_s * 2 ** min(self.failures - 1, 32))
        return max(random.uniform(0, bound), error.retry_after_s)  # noqa: S311
