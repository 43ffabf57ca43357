"""The weighing session of one meter as a pure state machine: events in, effects out; it never looks at a clock.

    IDLE → AUTH → BASELINE → OPENING → OPEN → CLOSING → SETTLING → COMMIT → IDLE
    RECOVER (at boot, with a session on disk) → OPEN or CLOSING, and on from there

A discharge is the difference of two proven-stable gross weights of one bin, bracketed by the lid, owned by one card.
The session is on disk before the lid opens; nothing is billed while the lid is not known to be closed.
Collection cards, allow-lists and drift are not here yet: every card may open.
"""

from enum import Enum
from typing import Final, TypeVar

from gateways import outcomes
from gateways.cards import Card
from gateways.events import (
    BeginSession,
    CardSeen,
    Commit,
    Committed,
    Draft,
    Effect,
    Event,
    LidLost,
    LidMoved,
    Note,
    OpenLid,
    OpenSession,
    Tick,
    Weighed,
)
from gateways.outcomes import Story
from gateways.stability import StabilityWindow
from gateways.thresholds import Thresholds
from gateways.touches import Touches

_OPEN_ATTEMPTS: Final = 2
T = TypeVar("T")


class State(Enum):
    """Where a session stands."""

    IDLE = "idle"
    AUTH = "auth"
    BASELINE = "baseline"
    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"
    SETTLING = "settling"
    COMMIT = "commit"
    RECOVER = "recover"


_LID_ABOUT_TO_OPEN: Final = frozenset({State.BASELINE, State.OPENING})


class Session:
    """One meter's sessions, one after another.

    `resume` is the session found on disk at boot. `last_gross_g` is the last weight that the meter's records tell of;
    a bin that weighs otherwise when the box comes up was changed while nobody looked.
    """

    def __init__(
        self, thresholds: Thresholds, *, at: float, resume: OpenSession | None = None, last_gross_g: int | None = None
    ) -> None:
        self.state = State.IDLE if resume is None else State.RECOVER
        self.gross_g: int | None = None
        self.lid_open: bool | None = None
        self.faults: set[str] = set()
        self._thresholds = thresholds
        self._since = at
        self._scale_at = float("-inf")
        self._window = StabilityWindow(thresholds)
        self._touches = Touches(thresholds)
        self._card: Card | None = None
        self._session = resume
        self._story = Story(recovering=resume is not None)
        self._attempts = 0
        self._rest_g = last_gross_g
        self._seen_at_rest = False

    def handle(self, event: Event) -> list[Effect]:
        """Take one event; return what must be done, in this order."""
        match event:
            case Weighed():
                return self._on_weight(event)
            case Tick(at):
                return self._on_tick(at)
            case CardSeen(at, card):
                return self._on_card(at, card)
            case LidMoved(at, is_open):
                return self._on_lid(at, is_open)
            case LidLost():
                self.lid_open = None
                return []
            case Committed(at):
                return self._on_committed(at)

    def _enter(self, state: State, at: float) -> None:
        self.state = state
        self._since = at

    # --- Cards

    @property
    def _owner(self) -> Card | None:
        return self._session.card if self._session is not None else self._card

    def _on_card(self, at: float, card: Card) -> list[Effect]:
        is_new = self._touches.is_new(at, card)
        if self.state is State.IDLE:
            return self._authorise(at, card) if is_new else []
        if card != self._owner:
            # Who touches while the lid is about to open will use that lid, and be gone when the next one would open.
            self._touches.queue(at, card, may_enter=is_new and self.state not in _LID_ABOUT_TO_OPEN)
        return []

    def _authorise(self, at: float, card: Card) -> list[Effect]:
        self._enter(State.AUTH, at)
        reason = self._reason_to_refuse(at)
        if reason is not None:
            self._enter(State.IDLE, at)
            # The device may recover while the card is still held; this was no touch then.
            self._touches.forget()
            return self._refuse(reason, card)
        self._card = card
        self._window.clear()
        self._enter(State.BASELINE, at)
        return []

    def _reason_to_refuse(self, at: float) -> str | None:
        if self.lid_open is not False:
            return "lid_not_closed"
        return "scale_silent" if self.is_scale_silent(at) else None

    def _refuse(self, reason: str, card: Card) -> list[Effect]:
        if not self._touches.is_first_refusal(reason, card):
            return []
        return [Note("card_refused", {"reason": reason, "last4": card.last4})]

    # --- Weights

    def _on_weight(self, event: Weighed) -> list[Effect]:
        at, sample = event.at, event.sample
        self._scale_at = at
        self.gross_g = sample.grams
        self._mark("comm", wrong=False)
        if sample.fault is not None:
            self._mark("weighing", wrong=True)
        self._window.add(at, sample)
        match self.state:
            case State.IDLE:
                return self._watch_rest(at)
            case State.BASELINE if self._window.is_proven:
                return self._begin(at)
            case State.SETTLING:
                self._story.saw(sample)
                return self._settle(at) if self._window.is_proven and self.lid_open is False else []
            case _:
                return []

    def _watch_rest(self, at: float) -> list[Effect]:
        if not self._window.is_proven or self.gross_g is None:
            return []
        self._mark("weighing", wrong=False)
        before, self._rest_g = self._rest_g, self.gross_g
        flags = [] if self._seen_at_rest else ["while_off"]
        self._seen_at_rest = True
        if before is None or abs(self.gross_g - before) < self._thresholds.step_g:
            return []
        weight = self._window.weight()
        return self._commit(outcomes.unattended_step(before, weight, at, flags=flags))

    def _begin(self, at: float) -> list[Effect]:
        self._mark("weighing", wrong=False)
        self._session = OpenSession(_present(self._card), self._window.weight())
        self._story = Story()
        self._attempts = 1
        self._enter(State.OPENING, at)
        return [BeginSession(self._session), OpenLid()]

    def _settle(self, at: float) -> list[Effect]:
        session, weight = _present(self._session), self._window.weight()
        return self._commit(outcomes.weighed(session, weight, self._story, self._thresholds, at))

    def _commit(self, draft: Draft) -> list[Effect]:
        self._enter(State.COMMIT, draft.at)
        # Without a proven weight there is nothing that the next one could be a step from.
        self._rest_g, self._seen_at_rest = draft.gross_after_g, True
        return [Commit(draft)]

    def _on_committed(self, at: float) -> list[Effect]:
        self._session = self._card = None
        self._window.clear()
        self._enter(State.IDLE, at)
        pending = self._touches.take_pending(at)
        return [] if pending is None else self._authorise(at, pending)

    # --- Lid

    def _on_lid(self, at: float, is_open: bool) -> list[Effect]:
        was_lost, self.lid_open = self.lid_open is None, is_open
        if is_open and self.state is State.BASELINE:
            return self._leave_baseline(at, "lid_not_closed")
        if is_open and self.state in (State.OPENING, State.CLOSING, State.SETTLING, State.RECOVER):
            self._opened(at)
        # Whatever was weighed while nobody knew of the lid proves nothing: weigh again.
        elif not is_open and (self.state in (State.OPEN, State.RECOVER) or (was_lost and self._is_after_closing)):
            self._closed(at)
        return []

    @property
    def _is_after_closing(self) -> bool:
        return self.state in (State.CLOSING, State.SETTLING)

    def _opened(self, at: float) -> None:
        if self._is_after_closing:
            self._story.flag("reopened")
        if self._story.opened_at is None:
            self._story.opened_at = at
        self._mark("lock", wrong=False)
        self._enter(State.OPEN, at)

    def _closed(self, at: float) -> None:
        self._story.closed_at = at
        self._mark("lock", wrong=False)
        self._enter(State.CLOSING, at)

    # --- Time

    def _on_tick(self, at: float) -> list[Effect]:
        self._watch_scale(at)
        elapsed = at - self._since
        match self.state:
            case State.BASELINE if elapsed > self._thresholds.baseline_timeout_s:
                return self._give_up_baseline(at)
            case State.OPENING if elapsed > self._thresholds.lid_timeout_s:
                return self._retry_lid(at)
            case State.OPEN if elapsed > self._thresholds.open_alarm_s:
                self._mark("lock", wrong=True)
            case State.CLOSING if elapsed >= self._thresholds.settle_delay_s:
                self._window.clear()
                self._story.settling_g.clear()
                self._enter(State.SETTLING, at)
            case State.SETTLING if elapsed > self._thresholds.settle_timeout_s:
                return self._leave_unsettled(at)
            case State.RECOVER if elapsed > self._thresholds.recover_timeout_s:
                self._story.flag("lid_unknown")
                return self._leave_unsettled(at)
        return []

    def _watch_scale(self, at: float) -> None:
        if not self.is_scale_silent(at):
            return
        self.gross_g = None  # a stale weight is none
        self._mark("comm", wrong=True)
        if self.state is State.SETTLING:
            self._story.flag("scale_silent")

    def is_scale_silent(self, at: float) -> bool:
        """Whether no frame has come for so long that the last weight is stale."""
        return at - self._scale_at > self._thresholds.scale_silent_s

    def _give_up_baseline(self, at: float) -> list[Effect]:
        self._mark("weighing", wrong=True)
        return self._leave_baseline(at, "baseline_unstable")

    def _leave_baseline(self, at: float, reason: str) -> list[Effect]:
        card, self._card = _present(self._card), None
        self._enter(State.IDLE, at)
        return self._refuse(reason, card)

    def _retry_lid(self, at: float) -> list[Effect]:
        self._attempts += 1
        if self._attempts <= _OPEN_ATTEMPTS:
            self._enter(State.OPENING, at)
            return [OpenLid()]
        self._mark("lock", wrong=True)
        return self._commit(outcomes.aborted(_present(self._session), self._story, self._thresholds, at))

    def _leave_unsettled(self, at: float) -> list[Effect]:
        return self._commit(outcomes.unsettled(_present(self._session), self._story, self._thresholds, at))

    def _mark(self, fault: str, *, wrong: bool) -> None:
        if wrong:
            self.faults.add(fault)
        else:
            self.faults.discard(fault)


def _present(value: T | None) -> T:
    """The card or session that the current state cannot be without."""
    if value is None:
        raise RuntimeError("the session's state and its data disagree")
    return value
