"""A lid that stays open: when the alarm sounds, and when the motor may close it. Pure."""

from typing import Final

from gateways.weighing.events import Alarm, CloseLid, Effect, Kind, Tell
from gateways.weighing.thresholds import Thresholds

_ATTENDED: Final[frozenset[Kind | None]] = frozenset({"collection", "service"})


class LidWatch:
    """Times one lid, in a session or without one; monotonic seconds."""

    def __init__(self, thresholds: Thresholds) -> None:
        self.is_alarmed = False
        self._thresholds = thresholds
        self._open_since: float | None = None
        self._is_told_to_close = False

    def opened(self, at: float) -> None:
        """The lid is open; saying so again changes nothing."""
        if self._open_since is None:
            self._open_since = at

    def extend(self, at: float) -> list[Effect]:
        """Begin the time anew."""
        return self._restart(at)

    def closed(self) -> list[Effect]:
        """The lid is closed: end the alarm."""
        return self._restart(None)

    def _restart(self, open_since: float | None) -> list[Effect]:
        was_alarmed, self.is_alarmed = self.is_alarmed, False
        self._open_since, self._is_told_to_close = open_since, False
        return [Alarm(on=False)] if was_alarmed else []

    def tick(self, at: float, kind: Kind | None) -> list[Effect]:
        """Return what is due; `kind` is that of the session under way."""
        if self._open_since is None:
            return []
        open_s = at - self._open_since
        return self._alarm(open_s, kind) + self._close(open_s, kind)

    def _alarm(self, open_s: float, kind: Kind | None) -> list[Effect]:
        limit_s = self._thresholds.attended_alarm_s if kind in _ATTENDED else self._thresholds.open_alarm_s
        if self.is_alarmed or open_s <= limit_s:
            return []
        self.is_alarmed = True
        return [Alarm(on=True), Tell("bin_close_lid")]

    def _close(self, open_s: float, kind: Kind | None) -> list[Effect]:
        """Never while the bin is emptied or serviced, nor without a session: a hand may be inside."""
        is_due = kind == "deposit" and open_s > self._thresholds.late_close_s
        if not is_due or self._is_told_to_close or not self._thresholds.close_late_lid:
            return []
        self._is_told_to_close = True
        return [Tell("bin_lid_closing"), CloseLid()]
