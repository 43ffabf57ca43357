"""What a finished session amounts to: outcome, net and evidence from two weights. Pure."""

import statistics
from dataclasses import dataclass, field
from typing import Any

from gateways.events import Draft, OpenSession, Outcome
from gateways.frames import WeightSample
from gateways.stability import StableWeight
from gateways.thresholds import Thresholds


@dataclass(slots=True)
class Story:
    """What happened in a session besides the weights; grows while the session runs. Times are monotonic seconds."""

    recovering: bool = False
    opened_at: float | None = None
    closed_at: float | None = None
    flags: list[str] = field(default_factory=list)
    settling_g: list[int] = field(default_factory=list)

    def flag(self, name: str) -> None:
        """Remember a fact once."""
        if name not in self.flags:
            self.flags.append(name)

    def saw(self, sample: WeightSample) -> None:
        """Remember a frame of the settling weight: its fault, or its grams even while they move."""
        if sample.fault is not None:
            self.flag(sample.fault.replace(" ", "_"))
        elif sample.grams is not None:
            self.settling_g.append(sample.grams)

    @property
    def open_s(self) -> float:
        """Seconds for which the lid was seen open; 0 if it was not."""
        if self.opened_at is None or self.closed_at is None:
            return 0.0
        return self.closed_at - self.opened_at


def weighed(session: OpenSession, after: StableWeight, story: Story, thresholds: Thresholds, at: float) -> Draft:
    """Return the draft of a session that ended with a proven weight, decided at monotonic second `at`."""
    before = session.baseline.grams
    net = after.grams - before
    outcome = _outcome(net, story, thresholds)
    return Draft(
        at=at,
        outcome=outcome,
        card=session.card,
        gross_before_g=before,
        gross_after_g=after.grams,
        net_g=0 if outcome == "empty_open" else net,
        flags=_flags(story, thresholds),
        evidence={"before": session.baseline.evidence(), "after": after.evidence(), **_durations(story)},
    )


def _outcome(net: int, story: Story, thresholds: Thresholds) -> Outcome:
    if abs(net) <= thresholds.dead_band_g:
        return "empty_open"
    if net < 0:
        return "negative"
    if story.recovering:
        return "recovered"
    return "late_close" if story.open_s >= thresholds.late_close_s else "settled"


def unsettled(session: OpenSession, story: Story, thresholds: Thresholds, at: float) -> Draft:
    """Return the draft of a session whose weight was never proven: a person decides, from what the scale showed."""
    seen = story.settling_g
    spread = (
        {"min_g": min(seen), "median_g": statistics.median_low(seen), "max_g": max(seen)}
        if seen
        else {"min_g": None, "median_g": None, "max_g": None}
    )
    return Draft(
        at=at,
        outcome="unsettled",
        card=session.card,
        gross_before_g=session.baseline.grams,
        gross_after_g=None,
        net_g=None,
        flags=_flags(story, thresholds),
        evidence={"before": session.baseline.evidence(), **spread, **_durations(story)},
    )


def aborted(session: OpenSession, story: Story, thresholds: Thresholds, at: float) -> Draft:
    """Return the draft of a session whose lid never opened."""
    return Draft(
        at=at,
        outcome="aborted",
        card=session.card,
        gross_before_g=session.baseline.grams,
        gross_after_g=None,
        net_g=None,
        flags=_flags(story, thresholds),
        evidence={"before": session.baseline.evidence()},
    )


def unattended_step(before_g: int, after: StableWeight, at: float, *, flags: list[str]) -> Draft:
    """Return the event of a weight that jumped without a card: an emptied bin, a lifted one, or worse."""
    return Draft(
        at=at,
        outcome="unattended_step",
        card=None,
        gross_before_g=before_g,
        gross_after_g=after.grams,
        net_g=after.grams - before_g,
        flags=flags,
        evidence={"after": after.evidence()},
    )


def _flags(story: Story, thresholds: Thresholds) -> list[str]:
    power = ["power_cut"] if story.recovering else []
    extended = ["extended_open"] if story.open_s >= thresholds.open_alarm_s else []
    return power + extended + story.flags


def _durations(story: Story) -> dict[str, Any]:
    return {"open_ms": round(story.open_s * 1000)} if story.open_s else {}
