"""The discharges of one complex on one service day, and when its meters were alive: always the same for one seed.

A day is drawn from (seed, complex, day) alone, so it does not matter when, or in how many parts, a history is made.
Weights in grams; instants in microseconds since 1970 (UTC), which both numpy and SQLite keep as whole numbers.
"""

import zlib
from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from app.db import to_microseconds
from app.demo import patterns
from billing.days import SEOUL

Numbers = NDArray[np.int64]
Shares = NDArray[np.float64]

OUTCOMES = ("settled", *patterns.OUTCOMES)
SETTLED, LATE_CLOSE, RECOVERED, EMPTY_OPEN, UNSETTLED, NEGATIVE = range(len(OUTCOMES))
SECOND_US = 1_000_000
MINUTE_US, HOUR_US, DAY_US = 60 * SECOND_US, 3_600 * SECOND_US, 86_400 * SECOND_US
DIVISIONS_G = (10, 20)  # of the scales; a complex has one kind
LIGHTEST = 3  # divisions: what is lighter lies in the scale's dead band
HIGHEST_RESIDUE = 100  # divisions left in an emptied bin at midnight
AWAY_FROM_HOME = 0.15  # of the discharges go to any meter of the complex


class Stretch(NamedTuple):
    """A time in which a meter, counted from 0, did or did not answer: from `from_us` until just before `to_us`."""

    meter: int
    from_us: int
    to_us: int


class Stretches(NamedTuple):
    """Many of them, one in each column."""

    meter: Numbers
    from_us: Numbers
    to_us: Numbers

    def where(self, chosen: NDArray[np.bool_]) -> "Stretches":
        """Only the chosen ones."""
        return Stretches._make(column[chosen] for column in self)

    def since(self, at_us: int) -> "Stretches":
        """What is left from a moment on."""
        return self._replace(from_us=np.maximum(self.from_us, at_us)).where(self.to_us > at_us)

    def until(self, at_us: int) -> "Stretches":
        """What was before a moment."""
        return self._replace(to_us=np.minimum(self.to_us, at_us)).where(self.from_us < at_us)


class Deeds(NamedTuple):
    """Discharges in the order of time, one in each column. Homes and meters are counted from 0."""

    at_us: Numbers
    home: Numbers  # -1 for a stranger
    stranger: Numbers  # -1 for a home
    meter: Numbers
    outcome: Numbers  # index in OUTCOMES
    before_g: Numbers
    after_g: Numbers  # means nothing where unsettled, nor does net_g
    net_g: Numbers
    mark: NDArray[np.void]  # 16 bytes in the place of the content hash

    def where(self, chosen: NDArray[np.bool_]) -> "Deeds":
        """Only the chosen ones."""
        return Deeds._make(column[chosen] for column in self)


Columns = TypeVar("Columns", Deeds, Stretches)


def join(parts: Iterable[Columns]) -> Columns:
    """Several of them, at least one, as one."""
    several = list(parts)
    kind: Any = type(several[0])
    joined: Columns = kind(*map(np.concatenate, zip(*several, strict=True)))
    return joined


def midnight_us(day: date) -> int:
    """The beginning of a service day."""
    return to_microseconds(datetime.combine(day, time(), SEOUL))


class Residents:
    """The people of a complex, who keep their habits: `homes` of them, at `meters` meters."""

    def __init__(self, seed: int, code: str, homes: int, meters: int) -> None:
        self._seeds = (seed, zlib.crc32(code.encode()))
        self._meters = meters
        draw = np.random.default_rng(self._seeds)
        grams_a_day = patterns.GRAMS_A_DAY * _factor(np.clip(draw.normal(), -2, 2), patterns.SPREAD_OF_COMPLEXES)
        self.division_g = int(draw.choice(DIVISIONS_G))
        habits = draw.normal(size=(homes, 2))  # home by home: one more changes nothing for the others
        self._frequency = patterns.DISCHARGES_A_DAY * _factor(habits[:, 0], patterns.SPREAD_OF_FREQUENCY)
        self._bag_g = grams_a_day * _factor(habits[:, 1], patterns.SPREAD_OF_GRAMS) / self._frequency
        self._nearest = np.arange(homes) * meters // max(homes, 1)

    def silences(self, day: date) -> list[Stretch]:
        """Restarts of the gateway and faults of single meters, as they come everywhere."""
        draw = np.random.default_rng((*self._seeds, day.toordinal(), 1))
        start = midnight_us(day)
        found = []
        if draw.random() < patterns.RESTARTS_A_DAY:
            length = int(draw.uniform(*patterns.RESTART_MINUTES)) * MINUTE_US
            begun = start + int(draw.integers(DAY_US - length) // SECOND_US * SECOND_US)
            found += [Stretch(meter, begun, begun + length) for meter in range(self._meters)]
        for meter in np.flatnonzero(draw.random(self._meters) < patterns.FAULTS_A_METER_AND_YEAR / 365).tolist():
            length = int(draw.uniform(*patterns.FAULT_HOURS) * 3600) * SECOND_US
            begun = start + int(draw.integers(DAY_US - length) // SECOND_US * SECOND_US)
            found.append(Stretch(meter, begun, begun + length))
        return found

    def day(self, day: date, silences: Iterable[Stretch] = (), factor: float = 1.0) -> Deeds:
        """All discharges of a service day; `factor` times as many as usual."""
        draw = np.random.default_rng((*self._seeds, day.toordinal()))
        counts = draw.poisson(self._frequency * (patterns.day_factor(day) * factor))
        home = np.repeat(np.arange(len(counts)), counts)
        at_us = midnight_us(day) + _moments(draw, len(home))
        order = np.argsort(at_us, kind="stable")
        home, at_us = home[order], at_us[order]
        meter, kept = _elsewhere(draw, at_us, self._visited(draw, home), list(silences), self._meters)
        outcome = np.searchsorted(_OUTCOME_BOUNDS, draw.random(len(home)), side="right")
        stranger = np.where(
            draw.random(len(home)) < patterns.UNKNOWN_CARDS, draw.integers(patterns.STRANGERS, size=len(home)), -1
        )
        net_g = self._weights(draw, home, outcome)
        residue_g = draw.integers(20, HIGHEST_RESIDUE, self._meters) * self.division_g
        mark = np.frombuffer(draw.bytes(16 * len(home)), "V16")
        home = np.where(stranger < 0, home, -1)
        deeds = Deeds(at_us, home, stranger, meter, outcome, net_g, net_g, net_g, mark).where(kept)
        after_g = _after(deeds, residue_g)
        return deeds._replace(before_g=after_g - deeds.net_g, after_g=after_g)

    def _visited(self, draw: np.random.Generator, home: Numbers) -> Numbers:
        anywhere = draw.integers(self._meters, size=len(home))
        return np.where(draw.random(len(home)) < AWAY_FROM_HOME, anywhere, self._nearest[home])

    def _weights(self, draw: np.random.Generator, home: Numbers, outcome: Numbers) -> Numbers:
        grams = self._bag_g[home] * _factor(draw.normal(size=len(home)), patterns.SPREAD_OF_BAGS)
        most = patterns.HEAVIEST_G // self.division_g
        divisions = np.clip(np.rint(grams / self.division_g).astype(np.int64), LIGHTEST, most)
        divisions[(outcome == EMPTY_OPEN) | (outcome == UNSETTLED)] = 0
        taken_out = outcome == NEGATIVE
        divisions[taken_out] = -np.minimum(divisions[taken_out], 2 * LIGHTEST)
        return divisions * self.division_g


_HOUR_BOUNDS = np.cumsum(patterns.BY_HOUR) / sum(patterns.BY_HOUR)
_OUTCOME_BOUNDS = np.cumsum([1 - sum(patterns.OUTCOMES.values()), *patterns.OUTCOMES.values()])[:-1]


def _factor(normal: Shares | float, spread: float) -> Shares:
    """A log-normal factor around 1."""
    return np.asarray(np.exp(spread * normal - spread**2 / 2))


def _moments(draw: np.random.Generator, count: int) -> Numbers:
    hours = np.searchsorted(_HOUR_BOUNDS, draw.random(count), side="right")
    return hours * HOUR_US + draw.integers(3_600_000, size=count) * 1000  # the wire has milliseconds


def _elsewhere(
    draw: np.random.Generator, at_us: Numbers, meter: Numbers, silences: list[Stretch], meters: int
) -> tuple[Numbers, NDArray[np.bool_]]:
    """The meters used in the end, and what was thrown away at all."""
    patient = draw.random(len(at_us)) < patterns.NEIGHBOUR
    shut = np.zeros(len(at_us), bool)
    for silence in silences:
        shut |= _within(silence, at_us, meter)
    meter = np.where(shut & patient, (meter + 1) % meters, meter)
    kept = np.ones(len(at_us), bool)
    for silence in silences:
        kept &= ~_within(silence, at_us, meter)
    return meter, kept


def _within(silence: Stretch, at_us: Numbers, meter: Numbers) -> NDArray[np.bool_]:
    return np.asarray((meter == silence.meter) & (silence.from_us <= at_us) & (at_us < silence.to_us))


def _after(deeds: Deeds, residue_g: Numbers) -> Numbers:
    """What each meter showed after each discharge; the bins were emptied at midnight."""
    order = np.argsort(deeds.meter, kind="stable")
    meter, running = deeds.meter[order], np.cumsum(deeds.net_g[order])
    before_meter = np.concatenate([[0], running])[np.searchsorted(meter, np.arange(len(residue_g)))]
    after_g = np.empty_like(running)
    after_g[order] = running - before_meter[meter] + residue_g[meter]
    return after_g


def alive(day: date, meters: int, silences: Iterable[Stretch]) -> Stretches:
    """When each meter answered on a service day, cut at the full hours, as gateways report it."""
    hours = midnight_us(day) + np.tile(np.arange(24), meters) * HOUR_US
    found = Stretches(np.repeat(np.arange(meters), 24), hours, hours + HOUR_US)
    for silence in silences:
        hit = (found.meter == silence.meter) & (found.from_us < silence.to_us) & (silence.from_us < found.to_us)
        cut = found.where(hit)
        found = join([found.where(~hit), cut.until(silence.from_us), cut.since(silence.to_us)])
    return found
