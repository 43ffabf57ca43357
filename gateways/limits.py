"""How much disk the spool may take: the config file's table `[spool_limits]`; and how settings are bounded."""

from dataclasses import dataclass
from itertools import pairwise


def require_at_least(least: int, settings: object, *names: str) -> None:
    """Raise ValueError, in words, for a setting below `least`."""
    for name in names:
        if getattr(settings, name) < least:
            raise ValueError(f"{name} = {getattr(settings, name)} must be {least} or more")


def require_positive(settings: object, *names: str) -> None:
    """Raise ValueError, in words, for a setting that is 0 or less."""
    for name in names:
        if getattr(settings, name) <= 0:
            raise ValueError(f"{name} = {getattr(settings, name)} must be more than 0")


def require_in_order(settings: object, *names: str) -> None:
    """Raise ValueError, in words, for a setting that is greater than the one named after it."""
    for name, later in pairwise(names):
        value, most = getattr(settings, name), getattr(settings, later)
        if value > most:
            raise ValueError(f"{name} = {value} must be {later} = {most} or less")


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """Bytes. Beyond `max_bytes`, or with less than `min_free_bytes` left on the disk, no new session begins.

    `reserve_bytes` is a file beside the spool that is freed in an emergency, so that what is under way is still kept.
    Raises ValueError, in words, for a limit that no session could begin within.
    """

    max_bytes: int = 2_000_000_000
    min_free_bytes: int = 50_000_000
    reserve_bytes: int = 5_000_000

    def __post_init__(self) -> None:
        require_at_least(1, self, "max_bytes")
        require_at_least(0, self, "min_free_bytes", "reserve_bytes")
