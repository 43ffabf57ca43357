"""Every threshold and policy of the weighing session, in one place; docs/sessions.md says what each of them governs.

Units are in the names: `_s` seconds, `_g` grams, `_g_per_h` grams an hour.
"""

from dataclasses import dataclass
from typing import Final, Literal

from gateways.limits import require_at_least, require_in_order, require_positive

_AT_LEAST_ONE: Final = (
    "division_g",
    "stable_frames",
    "baseline_tries",
    "step_g",
    "largest_deposit_g",
    "full_percent",
    "drift_limit_g",
    "drift_limit_g_per_h",
)
_POSITIVE: Final = (
    "card_gone_s",
    "stable_s",
    "max_gap_s",
    "scale_silent_s",
    "lid_timeout_s",
    "open_alarm_s",
    "attended_alarm_s",
    "recover_timeout_s",
)
# What must be over before the other one's time is, or nothing would ever be weighed or told.
_IN_ORDER: Final = (
    ("stable_s", "baseline_timeout_s"),
    ("stable_s", "settle_timeout_s"),
    ("inferred_stable_s", "baseline_timeout_s"),
    ("inferred_stable_s", "settle_timeout_s"),
    ("settle_delay_s", "settle_timeout_s"),
    ("open_alarm_s", "late_close_s"),
    ("dead_band_g", "step_g"),
)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Settings of the session; the config file's table `[session]` overrides any of them.

    Raises ValueError, in words, for a value that no session could run with.
    """

    # Card
    card_gone_s: float = 1.5  # absent for so long, a card's next frame is a new touch
    pending_card_s: float = 10.0  # how long another resident's touch is remembered while a session runs
    unknown_cards: Literal["open", "refuse"] = "open"  # a card that is not on the list; opened for, it is `unverified`
    # A proven weight
    division_g: int = 10  # the scale's verification division; also the widest span of a stable window
    stable_s: float = 1.0
    stable_frames: int = 8
    inferred_stable_s: float = 3.0  # instead of `stable_s` for a scale that sends no mark of stability
    max_gap_s: float = 0.25  # a little more than two periods of a 10 Hz stream
    scale_silent_s: float = 1.0
    scale_back_s: float = 30.0  # how long a session waits for a scale that fell silent
    baseline_timeout_s: float = 8.0  # all tries together
    baseline_tries: int = 2
    open_on_last_good: bool = False  # after the tries: open with the last weight that was proven at rest
    settle_delay_s: float = 0.5  # the slam of the lid
    settle_timeout_s: float = 30.0
    # Lid
    lid_timeout_s: float = 3.0  # per attempt; there are two
    open_alarm_s: float = 60.0
    late_close_s: float = 120.0
    close_late_lid: bool = False  # only for a lid whose motor stops at an obstacle
    attended_alarm_s: float = 1800.0  # instead of `open_alarm_s` while the bin is emptied or serviced
    # Boot
    recover_timeout_s: float = 60.0  # for the lid to say how it stands
    # Judging the difference
    dead_band_g: int = 20
    step_g: int = 1000  # a jump that nobody's card explains
    # A full bin
    largest_deposit_g: int = 10_000  # no lid opens unless so much still fits
    empty_bin_g: int = 0  # gross weight of the empty bin, from which the fill level counts
    full_percent: int = 100
    # Drift of the weight at rest
    evaporation_g_per_h: int = 30  # a guess for a closed bin in summer; lost weight up to this is no drift
    drift_limit_g: int = 500
    drift_limit_g_per_h: int = 200

    def __post_init__(self) -> None:
        require_at_least(1, self, *_AT_LEAST_ONE)
        require_positive(self, *_POSITIVE)
        for names in _IN_ORDER:
            require_in_order(self, *names)
