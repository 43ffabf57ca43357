"""How full a bin is, and whether another deposit still fits. Pure."""

from dataclasses import dataclass

from gateways.weighing.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class Capacity:
    """What one bin and its scale may hold: `capacity_g` gross grams."""

    capacity_g: int
    thresholds: Thresholds

    def fill_percent(self, gross_g: int) -> int:
        """Return 0 for an empty bin and 100 for one at its capacity; never less or more."""
        empty_g = self.thresholds.empty_bin_g
        room_g = max(1, self.capacity_g - empty_g)
        return min(100, max(0, round(100 * (gross_g - empty_g) / room_g)))

    def is_full(self, gross_g: int) -> bool:
        """Whether the next deposit might not fit any more."""
        projected_g = gross_g + self.thresholds.largest_deposit_g
        return projected_g > self.capacity_g or self.fill_percent(gross_g) >= self.thresholds.full_percent
