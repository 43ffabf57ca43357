"""What befalls a whole gateway by order: killed, cut off from power, its clock set to nonsense."""

import random
from collections.abc import Sequence
from typing import Final

from gateways.simulate.bin import SimulatedBin
from gateways.simulate.faults import GATEWAY_FAULTS, Arrivals, Faults
from gateways.simulate.pace import Pace
from gateways.simulate.process import GatewayProcess
from gateways.simulate.truth import Truth

_DAY_S: Final = 86_400.0


class Ordeal:
    """One gateway's troubles; call `step` as time passes (monotonic seconds)."""

    def __init__(
        self,
        process: GatewayProcess,
        bins: Sequence[SimulatedBin],
        faults: Faults,
        pace: Pace,
        truth: Truth,
        now: float,
    ) -> None:
        self._process = process
        self._bins = bins
        self._pace = pace
        self._truth = truth
        self._rng = faults.rng(process.gateway.gateway)
        self._arrivals = Arrivals(faults, GATEWAY_FAULTS, self._rng, pace.speed, now)
        self._power_back_at: float | None = None

    @property
    def is_dark(self) -> bool:
        """Whether there is no power."""
        return self._power_back_at is not None

    def step(self, now: float) -> None:
        """Let happen what is due."""
        if self._power_back_at is not None and now >= self._power_back_at:
            self._restore_power()
        for fault in self._arrivals.due(now):
            if self._power_back_at is None and self._process.is_wanted:
                self._truth.note(fault, self._process.gateway.gateway)
                self._befall(fault, now)

    def _befall(self, fault: str, now: float) -> None:
        if fault == "clock_reset":
            self._process.set_wall_clock(_absurd_offset_s(self._rng))
            return
        self._process.kill()
        if fault == "killed":
            self._process.start()
            return
        self._power_back_at = now + self._rng.uniform(*self._pace.power_off_s)
        for bin_ in self._bins:
            bin_.power(False)
        self._process.forget_boot()

    def _restore_power(self) -> None:
        self._power_back_at = None
        for bin_ in self._bins:
            bin_.power(True)
        self._process.start()

    def heal(self) -> None:
        """Give power back, set the clock right, and let nothing more happen."""
        self._arrivals.end()
        self._process.set_wall_clock(0)
        if self.is_dark:
            self._restore_power()


def _absurd_offset_s(rng: random.Random) -> float:
    """Right again, in 1970, where fake-hwclock left off, or a manufacturer's guess."""
    return rng.choice([0.0, -56 * 365 * _DAY_S, -rng.uniform(0, 30) * _DAY_S, rng.uniform(0, 400) * _DAY_S])
