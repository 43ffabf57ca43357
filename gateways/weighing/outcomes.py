"""What a finished session amounts to: outcome, net and evidence from two weights. Pure."""

import statistics
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from gateways.cards import Card
from gateways.frames import WeightSample
from gateways.weighing.events import Draft, Kind, OpenSession, Outcome, Tell
from gateways.weighing.rest import Step
from gateways.weighing.stability import EVIDENCE_FRAMES, StableWeight, fault_of, shown
from gateways.weighing.thresholds import Thresholds
from gateways.weighing.trace import Trace

# What these amount to, whatever the weights say.
_UNBILLED: Final[dict[Kind, Outcome]] = {"collection": "collection", "service": "unattended_step"}
_TOLD: Final[dict[Outcome, str]] = {
    "settled": "bin_deposit",
    "late_close": "bin_deposit",
    "recovered": "bin_unsettled",
    "unsettled": "bin_unsettled",
    "negative": "bin_unsettled",
    "empty_open": "bin_empty",
    "collection": "bin_collection",
    "refused_full": "bin_full",
    "aborted": "bin_aborted",
}


@dataclass(slots=True)
class Story:
    """What happened in a session besides the weights; grows while the session runs. Times are monotonic seconds."""

    recovering: bool = False
    opened_at: float | None = None
    extended_at: float | None = None
    closed_at: float | None = None
    flags: list[str] = field(default_factory=list)
    settling_g: list[int] = field(default_factory=list)
    raw: deque[bytes] = field(default_factory=lambda: deque(maxlen=EVIDENCE_FRAMES))
    trace: Trace | None = None

    def flag(self, name: str) -> None:
        """Remember a fact once."""
        if name not in self.flags:
            self.flags.append(name)

    def opened(self, at: float, *, again: bool) -> None:
        """The lid is open, perhaps `again` before the weight had settled."""
        if again:
            self.flag("reopened")
        if self.opened_at is None:
            self.opened_at = at

    def closed(self, at: float) -> None:
        """The lid is closed, perhaps not for the last time: the weight comes to rest from here on."""
        self.closed_at = at
        self.trace = Trace(at)
        self.settling_g.clear()
        self.raw.clear()

    def saw(self, at: float, sample: WeightSample, *, is_settling: bool) -> None:
        """Remember a frame since the lid closed: its weight, even while it moves, or none.

        After the slam of the lid (`is_settling`) it also counts for what is told of a weight that never settles.
        """
        fault = fault_of(sample)
        grams = sample.grams if fault is None else None
        if self.trace is not None:
            self.trace.add(at, grams)
            self.raw.append(sample.raw)
        if is_settling and grams is not None:
            self.settling_g.append(grams)
        if is_settling and fault is not None:
            self.flag(fault.replace(" ", "_"))

    def open_s(self, since: float | None) -> float:
        """Seconds from `since` until the lid closed; 0 if it was not seen open."""
        return 0.0 if since is None or self.closed_at is None else self.closed_at - since


def weighed(session: OpenSession, after: StableWeight, story: Story, thresholds: Thresholds, at: float) -> Draft:
    """Return the draft of a session that ended with a proven weight, decided at monotonic second `at`."""
    before = _grams(session.baseline)
    net = after.grams - before if before is not None else None
    outcome = _outcome(session.kind, net, story, thresholds)
    return Draft(
        at=at,
        outcome=outcome,
        card=session.card,
        gross_before_g=before,
        gross_after_g=after.grams,
        net_g=0 if outcome == "empty_open" else net,
        flags=_flags(session, story, thresholds, _of_weight(outcome, net, after, thresholds)),
        evidence={**_before(session), "after": after.evidence(), **_course(story)},
    )


def _outcome(kind: Kind, net: int | None, story: Story, thresholds: Thresholds) -> Outcome:
    if kind in _UNBILLED:
        return _UNBILLED[kind]
    if net is None:
        return "unsettled"
    if abs(net) <= thresholds.dead_band_g:
        return "empty_open"
    if net < 0:
        return "negative"
    if story.recovering:
        return "recovered"
    timed_from = story.opened_at if story.extended_at is None else story.extended_at
    return "late_close" if story.open_s(timed_from) >= thresholds.late_close_s else "settled"


def _of_weight(outcome: Outcome, net: int | None, after: StableWeight, thresholds: Thresholds) -> list[str]:
    """What the weights themselves give to think about."""
    inferred = ["stability_inferred"] if after.inferred else []
    if outcome != "negative" or net is None:
        return inferred
    return [*inferred, "removal" if -net >= thresholds.step_g else "tamper"]


def unsettled(session: OpenSession, story: Story, thresholds: Thresholds, at: float) -> Draft:
    """Return the draft of a session whose weight was never proven: a person decides, from what the scale showed.

    Its newest frames are kept as they came, since no proven weight keeps them.
    """
    seen = story.settling_g
    spread = {
        "min_g": min(seen, default=None),
        "median_g": statistics.median_low(seen) if seen else None,
        "max_g": max(seen, default=None),
    }
    is_unbilled = session.kind in _UNBILLED
    return Draft(
        at=at,
        outcome=_UNBILLED.get(session.kind, "unsettled"),
        card=session.card,
        gross_before_g=_grams(session.baseline),
        gross_after_g=None,
        net_g=None,
        flags=_flags(session, story, thresholds, ["unsettled"] if is_unbilled else []),
        evidence={**_before(session), **spread, "raw": shown(story.raw), **_course(story)},
    )


def aborted(
    session: OpenSession, weight: StableWeight | None, story: Story, thresholds: Thresholds, at: float
) -> Draft:
    """Return the draft of a session whose lid never opened; `weight` is what the bin weighs now, if that is proven."""
    before, after = _grams(session.baseline), _grams(weight)
    return Draft(
        at=at,
        outcome="aborted",
        card=session.card,
        gross_before_g=before,
        gross_after_g=after,
        net_g=None if before is None or after is None else after - before,
        flags=_flags(session, story, thresholds, []),
        evidence={**_before(session), **({"after": weight.evidence()} if weight is not None else {})},
    )


def unattended_step(step: Step, after: StableWeight, at: float) -> Draft:
    """Return the event of a weight that changed without a session: an emptied bin, a lifted one, or worse."""
    return Draft(
        at=at,
        outcome="unattended_step",
        card=None,
        gross_before_g=step.before_g,
        gross_after_g=after.grams,
        net_g=after.grams - step.before_g,
        flags=step.flags + (["stability_inferred"] if after.inferred else []),
        evidence={"after": after.evidence()},
    )


def refused_full(card: Card | None, weight: StableWeight | None, at: float) -> Draft:
    """Return the event of a bin too full to open; `weight` is None for one whose scale is overloaded."""
    return Draft(
        at=at,
        outcome="refused_full",
        card=card,
        gross_before_g=_grams(weight),
        gross_after_g=_grams(weight),
        net_g=0 if weight is not None else None,
        flags=[] if weight is not None else ["overload"],
        evidence={"before": weight.evidence()} if weight is not None else {},
    )


def told(draft: Draft) -> list[Tell]:
    """Return what the bin says of a record that is on disk."""
    if draft.outcome not in _TOLD:
        return []
    return [Tell(_TOLD[draft.outcome], {} if draft.net_g is None else {"grams": abs(draft.net_g)})]


def _grams(weight: StableWeight | None) -> int | None:
    return None if weight is None else weight.grams


def _flags(session: OpenSession, story: Story, thresholds: Thresholds, more: list[str]) -> list[str]:
    power = ["power_cut"] if story.recovering else []
    is_extended = story.open_s(story.opened_at) >= thresholds.open_alarm_s and session.kind == "deposit"
    extended = ["extended_open"] if is_extended else []
    return [*session.flags, *power, *extended, *story.flags, *more]


def _before(session: OpenSession) -> dict[str, Any]:
    return {"before": session.baseline.evidence()} if session.baseline is not None else {}


def _course(story: Story) -> dict[str, Any]:
    open_s = story.open_s(story.opened_at)
    opened = {"open_ms": round(open_s * 1000)} if open_s else {}
    return {**opened, "trace": story.trace.points()} if story.trace is not None else opened
