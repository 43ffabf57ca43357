"""The weighing session of one meter as a pure state machine: events in, effects out; it never looks at a clock.

    IDLE → AUTH → BASELINE → OPENING → OPEN → CLOSING → SETTLING → COMMIT → IDLE
                                       COLLECTION, SERVICE in place of OPEN for those who empty or repair the bin
    RECOVER (at boot, with a session on disk) → OPEN or CLOSING, and on from there

A discharge is the difference of two proven-stable gross weights of one bin, bracketed by the lid, owned by one card.
The session is on disk before the lid opens; nothing is billed while the lid is not known to be closed. A fault is no
state: a session goes on beside it or ends, and `faults` says what is wrong. docs/sessions.md goes through every case.
"""

from typing import Final, TypeVar

from gateways.cards import Card
from gateways.weighing import outcomes
from gateways.weighing.baseline import Baseline, Full, Verdict
from gateways.weighing.bin import Bin, BinView
from gateways.weighing.entrance import Entrance
from gateways.weighing.events import (
    BeginSession,
    CardSeen,
    Commit,
    Committed,
    Draft,
    Effect,
    Event,
    LidLost,
    LidMoved,
    NotBegun,
    OpenLid,
    OpenSession,
    OutOfOrder,
    ReportCard,
    ServiceRequested,
    Tell,
    Tick,
    Weighed,
)
from gateways.weighing.outcomes import Story
from gateways.weighing.stability import StableWeight
from gateways.weighing.states import ABOUT_TO_OPEN, AFTER_CLOSING, MAY_CLOSE, MAY_OPEN, OPENED
from gateways.weighing.states import State as State
from gateways.weighing.thresholds import Thresholds
from gateways.weighing.visits import SERVICE_BY_COMMAND, Visit

_OPEN_ATTEMPTS: Final = 2
_UNSEEN: Final = AFTER_CLOSING | {State.OPENING}
T = TypeVar("T")


class Session(BinView):
    """One meter's sessions, one after another.

    `resume` is the session found on disk at boot. `last_gross_g` is the last weight that the meter's records tell of;
    a bin that weighs otherwise when the box comes up was changed while nobody looked. `capacity_g` is what scale and
    bin may hold, gross. `inferred_stability` is for a scale whose frames carry no mark of stability.
    """

    def __init__(
        self,
        thresholds: Thresholds,
        *,
        at: float,
        resume: OpenSession | None = None,
        last_gross_g: int | None = None,
        capacity_g: int = 100_000,
        inferred_stability: bool = False,
    ) -> None:
        place = Bin(thresholds, last_gross_g=last_gross_g, capacity_g=capacity_g, inferred_stability=inferred_stability)
        super().__init__(place)
        self.state = State.IDLE if resume is None else State.RECOVER
        self._thresholds = thresholds
        self._since = at
        self._entrance = Entrance(thresholds, place)
        self._baseline: Baseline | None = None
        self._session = resume
        self._story = Story(recovering=resume is not None)
        self._open_attempts = 0
        self._draft: Draft | None = None

    def handle(self, event: Event) -> list[Effect]:
        """Take one event; return what must be done, in this order."""
        match event:
            case Weighed():
                return self._on_weight(event)
            case Tick(at):
                return self._on_tick(at)
            case CardSeen():
                return self._on_card(event)
            case LidMoved(at, is_open):
                return self._on_lid(at, is_open)
            case LidLost(at):
                return self._on_lid_lost(at)
            case Committed(at):
                return self._on_committed(at)
            case NotBegun(at):
                session, self._session = _present(self._session), None
                return self._send_away(at, "disk_full", session.card)
            case OutOfOrder(_, reasons):
                self._entrance.out_of_order = reasons
                return []
            case ServiceRequested(at):
                return self._on_service_request(at)

    def _enter(self, state: State, at: float) -> None:
        self.state = state
        self._since = at

    # --- From the card to the open lid

    def _on_card(self, seen: CardSeen) -> list[Effect]:
        touches = self._entrance.touches
        is_new = touches.is_new(seen.at, seen.card)
        if self.state is State.IDLE:
            return self._authorise(seen) if is_new else []
        if seen.card == self._owner:
            return self._extend(seen.at) if is_new else []
        if self.state is State.OPENING:
            # The owner may have come and gone unseen; opened again, the lid would be this one's on the other's account.
            self._open_attempts = _OPEN_ATTEMPTS
        # Who touches while the lid is about to open will use that lid, and be gone when the next one would open.
        touches.queue(seen, may_enter=is_new and self.state not in ABOUT_TO_OPEN)
        return [Tell("bin_busy")] if is_new else []

    @property
    def _owner(self) -> Card | None:
        if self._session is not None:
            return self._session.card
        return None if self._baseline is None else self._baseline.visit.card

    def _extend(self, at: float) -> list[Effect]:
        """The owner is still busy at the open lid: once, its time begins anew."""
        if self.state is not State.OPEN or self._story.extended_at is not None:
            return []
        self._story.extended_at = at
        return self._bin.extend_open(at)

    def _authorise(self, seen: CardSeen) -> list[Effect]:
        self._enter(State.AUTH, seen.at)
        return self._let_in(seen.at, self._entrance.authorise(seen))

    def _on_service_request(self, at: float) -> list[Effect]:
        if self.state is not State.IDLE:
            return self._entrance.refuse("busy", None)
        return self._let_in(at, self._entrance.admit(at, SERVICE_BY_COMMAND))

    def _let_in(self, at: float, visit: Visit | list[Effect]) -> list[Effect]:
        if not isinstance(visit, Visit):
            self._enter(State.IDLE, at)
            return visit
        self._baseline = Baseline(visit, self._thresholds, self._bin, at)
        self._enter(State.BASELINE, at)
        welcome: list[Effect] = [Tell("bin_welcome")]
        # Let in by policy all the same: a manager may enrol the card.
        return [ReportCard("card_unknown", visit.card), *welcome] if visit.card and visit.is_stranger else welcome

    def _decide(self, at: float, verdict: Verdict) -> list[Effect]:
        if isinstance(verdict, Tell):
            return [verdict]
        visit, self._baseline = _present(self._baseline).visit, None
        match verdict:
            case OpenSession():
                return self._begin(at, verdict)
            case Full(weight):
                self._bin.mark("volume", wrong=True)
                return self._commit(outcomes.refused_full(visit.card, weight, at))
            case reason:
                return self._send_away(at, reason, visit.card)

    def _send_away(self, at: float, reason: str, card: Card | None) -> list[Effect]:
        self._enter(State.IDLE, at)
        return self._entrance.refuse(reason, card)

    def _begin(self, at: float, session: OpenSession) -> list[Effect]:
        self._session = session
        self._story = Story()
        self._open_attempts = 1
        self._enter(State.OPENING, at)
        return [BeginSession(session), OpenLid()]

    def _retry_lid(self, at: float) -> list[Effect]:
        weight = self._bin.proven(at)
        if weight is not None and self._differs_from_baseline(weight.grams):
            # It did open, and its report was lost: what lies in there now is this owner's.
            self._story.flag("lid_unseen")
            return self._closed(at, was_lost=True)
        self._open_attempts += 1
        if self._open_attempts <= _OPEN_ATTEMPTS:
            self._enter(State.OPENING, at)
            return [] if self._differs_from_baseline(self._bin.gross_g) else [OpenLid()]
        self._bin.mark("lock", wrong=True)
        self._flag_unknown_lid()
        session = _present(self._session)
        return self._commit(outcomes.aborted(session, self._bin.proven(at), self._story, self._thresholds, at))

    def _differs_from_baseline(self, grams: int | None) -> bool:
        baseline = _present(self._session).baseline
        if baseline is None or grams is None:
            return False
        return abs(grams - baseline.grams) > self._thresholds.dead_band_g

    # --- Weights

    def _on_weight(self, event: Weighed) -> list[Effect]:
        self._bin.weighed(event.at, event.sample)
        if self.state in _UNSEEN and (self.state is not State.OPENING or self._bin.lid_open is None):
            self._story.saw(event.at, event.sample, is_settling=self.state is not State.CLOSING)
        match self.state, self._bin.proven(event.at):
            case State.IDLE, StableWeight() as weight:
                return self._look_at_rest(event.at, weight)
            case State.BASELINE, StableWeight() as weight:
                # A step goes on record before anybody opens the lid; who waits is weighed anew after it.
                return self._look_at_rest(event.at, weight) or self._decide(
                    event.at, _present(self._baseline).proven(weight)
                )
            case State.SETTLING, StableWeight() as weight:
                return self._settle(event.at, weight)
        return []

    def _look_at_rest(self, at: float, weight: StableWeight) -> list[Effect]:
        step = self._bin.look_at_rest(at, weight)
        return [] if step is None else self._commit(outcomes.unattended_step(step, weight, at))

    # --- The lid

    def _on_lid(self, at: float, is_open: bool) -> list[Effect]:
        was_lost = self._bin.lid_open is None
        effects = self._bin.lid_moved(at, is_open)
        return effects + (self._opened(at) if is_open else self._closed(at, was_lost))

    def _opened(self, at: float) -> list[Effect]:
        if self.state is State.BASELINE:
            return self._decide(at, "lid_not_closed")
        if self.state not in MAY_OPEN:
            return []
        self._story.opened(at, again=self.state in AFTER_CLOSING)
        self._bin.mark("lock", wrong=False)
        self._enter(OPENED[_present(self._session).kind], at)
        return [Tell("bin_open")]

    def _closed(self, at: float, was_lost: bool) -> list[Effect]:
        # Whatever was weighed while nobody knew of the lid proves nothing: weigh again.
        # A lid of which nobody knew may have been open meanwhile.
        if self.state not in MAY_CLOSE and not (was_lost and self.state in _UNSEEN):
            return []
        self._story.closed(at)
        self._bin.mark("lock", wrong=False)
        self._enter(State.CLOSING, at)
        return [Tell("bin_weighing")]

    def _on_lid_lost(self, at: float) -> list[Effect]:
        self._bin.lid_lost()
        return self._decide(at, "lid_unknown") if self.state is State.BASELINE else []

    # --- Time

    def _on_tick(self, at: float) -> list[Effect]:
        effects = self._bin.tick(at, None if self._session is None else self._session.kind)
        return effects + self._wait(at, at - self._since)

    def _wait(self, at: float, elapsed_s: float) -> list[Effect]:
        match self.state:
            case State.BASELINE:
                verdict = _present(self._baseline).wait(at)
                return [] if verdict is None else self._decide(at, verdict)
            case State.OPENING if self._bin.lid_open is None:
                # Opened again, it would let the next one throw in on this one's account.
                return self._leave_unsettled(at) if elapsed_s > self._thresholds.recover_timeout_s else []
            case State.OPENING if elapsed_s > self._thresholds.lid_timeout_s:
                return self._retry_lid(at)
            case State.CLOSING if elapsed_s >= self._thresholds.settle_delay_s:
                self._bin.window.clear()
                self._enter(State.SETTLING, at)
            case State.SETTLING if self._is_settling_over(at, elapsed_s):
                return self._leave_unsettled(at)
            case State.RECOVER if elapsed_s > self._thresholds.recover_timeout_s:
                return self._leave_unsettled(at)
        return []

    def _is_settling_over(self, at: float, elapsed_s: float) -> bool:
        """A scale that falls silent is waited for; once it is back, it has the usual time."""
        back_s = self._thresholds.scale_back_s
        if self._bin.is_silent(at):
            self._story.flag("scale_silent")
            return at - max(self._bin.heard_at, self._since) > back_s
        pause_s = back_s if "scale_silent" in self._story.flags else 0.0
        return elapsed_s > self._thresholds.settle_timeout_s + pause_s

    # --- The end

    def _settle(self, at: float, weight: StableWeight) -> list[Effect]:
        self._bin.mark("weighing", wrong=False)
        session = _present(self._session)
        return self._commit(outcomes.weighed(session, weight, self._story, self._thresholds, at))

    def _leave_unsettled(self, at: float) -> list[Effect]:
        self._flag_unknown_lid()
        return self._commit(outcomes.unsettled(_present(self._session), self._story, self._thresholds, at))

    def _flag_unknown_lid(self) -> None:
        if self._bin.lid_open is None:
            self._story.flag("lid_unknown")

    def _commit(self, draft: Draft) -> list[Effect]:
        self._enter(State.COMMIT, draft.at)
        self._draft = draft
        self._bin.rest.follow(draft)
        return [Commit(draft)]

    def _on_committed(self, at: float) -> list[Effect]:
        if self.state is not State.COMMIT:
            return []
        waiting, self._baseline, self._session = self._baseline, None, None
        self._bin.window.clear()
        self._enter(State.IDLE, at)
        if waiting is not None:
            return self._let_in(at, self._entrance.admit(at, waiting.visit))
        pending = self._entrance.touches.take_pending(at)
        return [*outcomes.told(_present(self._draft)), *(self._authorise(pending) if pending is not None else [])]


def _present(value: T | None) -> T:
    """The card or session that the current state cannot be without."""
    if value is None:
        raise RuntimeError("the session's state and its data disagree")
    return value
