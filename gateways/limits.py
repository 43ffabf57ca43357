"""How much disk the spool may take: the config file's table `[spool_limits]`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """Bytes. Beyond `max_bytes`, or with less than `min_free_bytes` left on the disk, no new session begins.

    `reserve_bytes` is a file beside the spool that is freed in an emergency, so that what is under way is still kept.
    """

    max_bytes: int = 2_000_000_000
    min_free_bytes: int = 50_000_000
    reserve_bytes: int = 5_000_000
