"""When a release on trial has proved itself: it serves its bins for a while, not only an answer of the server.

What breaks at the first card or at the first frame of a scale would otherwise be confirmed before it is met.
"""

from collections.abc import Callable
from typing import Final

import structlog

from gateways.link.updates import Releases

log = structlog.get_logger()

_MOST_S: Final = 120.0
_AGAIN_S: Final = 60.0  # after a disk that did not take it
LOOK_S: Final = 1.0  # how often to look: the trial's timer runs meanwhile


def settled_s(trial_s: float) -> float:
    """Return how long the box must have been well: a third of its trial, which leaves room for three starts."""
    return min(_MOST_S, trial_s / 3)


class Proof:
    """Told by the box's loop at each turn whether all is well; asked from the uplink's thread. Monotonic seconds.

    A loop that hangs tells nothing, so nothing is proved by it. What is proved once stays so.
    """

    def __init__(self, for_s: float) -> None:
        self._for_s = for_s
        self._since: float | None = None
        self._is_given = False

    def tick(self, at: float, *, well: bool) -> None:
        """Take the state at the second `at`."""
        if not well:
            self._since = None
            return
        if self._since is None:
            self._since = at
        self._is_given = self._is_given or at - self._since >= self._for_s

    def is_given(self) -> bool:
        """Whether the box has been well for long enough without a break."""
        return self._is_given


class Settling:
    """Ends the trial of the release that runs, and tells of one that was given up; for the uplink's thread.

    `notice` keeps a notice for the operator (its kind and detail).
    """

    def __init__(
        self,
        releases: Releases | None,
        is_proven: Callable[[], bool],
        notice: Callable[[str, str], None],
        mono: Callable[[], float],
    ) -> None:
        self._releases = releases
        self._is_proven = is_proven
        self._notice = notice
        self._mono = mono
        self._not_before = float("-inf")
        self.is_over = releases is None

    def look(self) -> None:
        """Do what can be done; to be called only where the server has answered to this process."""
        if self._releases is None or self.is_over or self._mono() < self._not_before:
            return
        try:
            self.is_over = self._settle(self._releases)
        except OSError as error:
            self._not_before = self._mono() + _AGAIN_S
            log.error("release_not_confirmed", problem=str(error), todo="make room or repair the disk")

    def _settle(self, releases: Releases) -> bool:
        installed = releases.read()
        if installed.returned is not None:
            self._notice("update_rolled_back", f"{installed.returned}: {installed.reason}")
            releases.forget_returned()
        if installed.trial is None:
            return True
        if not self._is_proven():
            return False
        self._notice("update_installed", installed.current or "")
        releases.confirm()
        return True
