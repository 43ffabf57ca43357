"""Every threshold of the weighing session, in one place, each with its unit (`_s` seconds, `_g` grams)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Settings of the session; the config file's table `[session]` overrides any of them."""

    # Card
    card_gone_s: float = 1.5  # absent for so long, a card's next frame is a new touch
    pending_card_s: float = 10.0  # how long another resident's touch is remembered while a session runs
    # A proven weight
    division_g: int = 10  # the scale's verification division; also the widest span of a stable window
    stable_s: float = 1.0
    stable_frames: int = 8
    max_gap_s: float = 0.25  # a little more than two periods of a 10 Hz stream
    scale_silent_s: float = 1.0
    baseline_timeout_s: float = 8.0
    settle_delay_s: float = 0.5  # the slam of the lid
    settle_timeout_s: float = 30.0
    # Lid
    lid_timeout_s: float = 3.0  # per attempt; there are two
    open_alarm_s: float = 60.0
    late_close_s: float = 120.0
    # Boot
    recover_timeout_s: float = 60.0  # for the lid to say how it stands
    # Judging the difference
    dead_band_g: int = 20
    step_g: int = 1000  # a jump that nobody's card explains
