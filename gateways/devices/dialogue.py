"""What the host says to a device, and when: its start, its identity, its polls. Pure; times are monotonic seconds."""

from collections import deque
from typing import Final, Literal

from gateways.frames import Dialogue

_START_ANSWER_S: Final = 0.3  # some devices answer a start command, some only obey it
_ANSWER_S: Final = 1.0
_UNPROVEN_EVERY_S: Final = 1.0
_WRONG_EVERY_S: Final = 5.0
_PROVEN_EVERY_S: Final = 60.0  # cables behind an adapter can be exchanged without its port noticing
_ASKS: Final = 3

Proof = Literal["proven", "wrong", "unanswered", "asking"]


class Identity:
    """Whether the device is the one in the settings; an empty `expected` is never asked for."""

    def __init__(self, expected: str) -> None:
        self._expected = expected
        self.begin()

    def begin(self) -> None:
        """Forget what was proven: the port was reopened."""
        self.proof: Proof = "asking" if self._expected else "proven"
        self._asked = 0
        self._next_at = float("-inf")

    def is_due(self, at: float) -> bool:
        """Whether to ask now."""
        return bool(self._expected) and at >= self._next_at

    def asked(self, at: float) -> None:
        """Note that the question was sent; a device that has ignored three of them proves nothing any more."""
        if self._asked >= _ASKS:
            self.proof = "unanswered"
        self._asked += 1
        self._next_at = at + _UNPROVEN_EVERY_S

    def answered(self, at: float, value: str | None) -> None:
        """Take the device's answer, asked for or not: some say who they are when they are switched on."""
        if not self._expected:
            return
        self._asked = 0
        is_right = value is not None and value.strip() == self._expected.strip()
        self.proof = "proven" if is_right else "wrong"
        self._next_at = at + (_PROVEN_EVERY_S if is_right else _WRONG_EVERY_S)


class Conversation:
    """One command at a time: the next is due when the one before was answered, or was given its time."""

    def __init__(self, dialogue: Dialogue, identity: Identity) -> None:
        self._dialogue = dialogue
        self._identity = identity
        self._start: deque[bytes] = deque()
        self._quiet_until = self._poll_at = 0.0
        self._is_unanswered = False

    def begin(self, at: float) -> None:
        """Start anew: the port was opened."""
        self._is_unanswered = False
        self._start = deque(self._dialogue.start)
        self._identity.begin()
        self._quiet_until = self._poll_at = at

    def heard(self, at: float) -> None:
        """Take note that the device has answered what it was told."""
        self._quiet_until = at
        self._is_unanswered = False

    def gave_up(self, at: float) -> bool:
        """Whether the time for the last answer is over: half of it that came makes no frame with what comes next."""
        is_over = self._is_unanswered and at >= self._quiet_until
        self._is_unanswered = self._is_unanswered and not is_over
        return is_over

    def due(self, at: float) -> bytes | None:
        """Return what to send at this moment, if anything."""
        if at < self._quiet_until:
            return None
        if self._start:
            self._quiet_until = at + _START_ANSWER_S
            return self._start.popleft()
        if self._dialogue.identify is not None and self._identity.is_due(at):
            self._identity.asked(at)
            return self._ask(at, self._dialogue.identify)
        if self._dialogue.poll is not None and at >= self._poll_at:
            self._poll_at = at + self._dialogue.poll_every_s
            return self._ask(at, self._dialogue.poll)
        return None

    def _ask(self, at: float, question: bytes) -> bytes:
        self._quiet_until = at + _ANSWER_S
        self._is_unanswered = True
        return question
