"""Made-up months of a complex whose discharges arrive late, are corrected and voided; and their closing in turn.

A history is drawn from a seed: the same seed, the same history. All in it is pure, as the ledger and the statements of
the service would read at the end of each month.
"""

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from billing.adjusting import Billed, differences
from billing.days import days_within, month_after
from billing.statements import Assessment, ComplexMonth, Line, Part, Used, assess
from billing.tariffs import Schedule, Span, Tariff, Tier

FIRST = date(2028, 1, 1)  # February has 29 days
MONTHS = 3  # the last one for whatever comes late


class Home(NamedTuple):
    """A tenancy; the day after its last is None while it goes on."""

    household_id: int
    tenancy_id: int
    payer_class: str
    first_day: date
    end: date | None


class Weighed(NamedTuple):
    """A discharge as it reads from the end of month `known` (0 the first) on; tenancy 0: nobody's."""

    number: int
    day: date
    tenancy_id: int
    grams: int
    known: int


@dataclass
class History:
    """What happened, and all lines that were made of it, by (run, tenancy): one statement each."""

    schedules: dict[str, Schedule]
    terms: tuple[str, str, str]
    homes: list[Home]
    records: list[Weighed]
    statements: dict[tuple[int, int], list[Line]] = field(default_factory=dict)
    residues: dict[date, int] = field(default_factory=dict)
    assessed: dict[tuple[date, int], Assessment] = field(default_factory=dict)

    def read(self, known: int) -> list[Weighed]:
        """Each discharge as it was known at the end of a month: its last record counts, one of 0 g is void."""
        last = {record.number: record for record in self.records if record.known <= known}
        return [record for record in last.values() if record.grams]

    def assess(self, month: date, known: int) -> Assessment:
        """The month as it reads when month `known` has ended."""
        if (month, known) not in self.assessed:
            self.assessed[month, known] = assess(self.complex_month(month, self.read(known)))
        return self.assessed[month, known]

    def complex_month(self, month: date, records: list[Weighed]) -> ComplexMonth:
        """What the month's discharges come to, for everybody who lived there."""
        general, relief = self.schedules["general"], self.schedules["relief"]
        spans = general.spans(month, relief)
        weighed = defaultdict(list)
        for record in records:
            if record.day.month == month.month:
                weighed[record.tenancy_id].append(record)
        lived = [(home, days_within(month, home.first_day, home.end)) for home in self.homes]
        parts = [
            Part(home.household_id, home.tenancy_id, home.payer_class, days, summed(weighed[home.tenancy_id], spans))
            for home, days in lived
            if days
        ]
        tariffs = {name: schedule.over(spans) for name, schedule in self.schedules.items()}
        return ComplexMonth(month, *self.terms, spans, tariffs, parts, summed(weighed[0], spans))

    def billed(self, month: date) -> dict[int, Billed]:
        """What every tenancy was billed for the month, by the statements that were not voided."""
        found: dict[int, Billed] = {}
        for line in self.lines():
            if line.usage_month == month:
                old = found.get(line.tenancy_id, Billed(line.household_id, 0, 0, 0))
                grams, count, won = (old.grams + line.grams, old.discharges + line.discharges, old.won + line.won)
                found[line.tenancy_id] = Billed(line.household_id, grams, count, won)
        return found

    def lines(self) -> Iterator[Line]:
        """The lines of all statements."""
        return (line for lines in self.statements.values() for line in lines)

    def close(self, run: int) -> None:
        """Bill month `run` and whatever earlier months read otherwise now."""
        this = month_after(FIRST, run)
        assessed = self.assess(this, run)
        new, self.residues[this] = list(assessed.lines), assessed.residue_won
        for earlier in range(run):
            month = month_after(FIRST, earlier)
            again = self.assess(month, run)
            new += differences(again, self.billed(month))
            self.residues[month] = again.residue_won
        by_tenancy = defaultdict(list)
        for line in new:
            by_tenancy[line.tenancy_id].append(line)
        self.statements |= {(run, tenancy_id): lines for tenancy_id, lines in by_tenancy.items()}

    def reissue(self, run: int, tenancy_id: int, known: int) -> None:
        """Void a statement and make it anew, with what is known when month `known` has ended."""
        del self.statements[run, tenancy_id]
        lines: list[Line] = []
        for number in range(run + 1):
            month = month_after(FIRST, number)
            made = differences(self.assess(month, known), self.billed(month))
            lines += [line for line in made if line.tenancy_id == tenancy_id]
        self.statements[run, tenancy_id] = lines


def summed(records: list[Weighed], spans: tuple[Span, ...]) -> tuple[Used, ...]:
    """A tenancy's discharges by span, with the weight of each."""
    found = []
    for span in spans:
        grams = [each.grams for each in records if span.first_day <= each.day < span.end]
        found.append(Used(sum(grams), len(grams), tuple((each, 1) for each in grams)))
    return tuple(found)


def drawn(seed: int) -> History:
    """A history of two months, and one more for what comes late."""
    mix = random.Random(seed)
    schedules = {name: _schedule(mix, number) for number, name in ((0, "general"), (10, "relief"))}
    terms = (
        mix.choice(("household", "household", "complex")),
        mix.choice(("shared", "not_billed", "held")),
        mix.choice(("equal", "weight")),
    )
    homes = list(_homes(mix))
    records = [_discharge(mix, number, homes) for number in range(mix.randint(1, 18))]
    records += [_corrected(mix, record, homes) for record in mix.choices(records, k=mix.randint(0, 8))]
    mix.shuffle(records)
    return History(schedules, terms, homes, sorted(records, key=lambda record: record.known))


def _homes(mix: random.Random) -> Iterator[Home]:
    for household_id in range(1, 1 + mix.randint(1, 3)):
        moved = FIRST + timedelta(days=mix.randint(1, 59)) if mix.random() < 0.5 else None
        payer_class = mix.choice(("general", "general", "relief"))
        yield Home(household_id, household_id, payer_class, date(2020, 1, 1), moved)
        if moved:
            yield Home(household_id, household_id + 100, mix.choice((payer_class, "relief")), moved, None)


def _schedule(mix: random.Random, number: int) -> Schedule:
    days = [date(2020, 1, 1), *(FIRST + timedelta(days=mix.randint(1, 59)) for _ in range(mix.randint(0, 2)))]
    return Schedule(_tariff(mix, number + at, day) for at, day in enumerate(sorted(set(days)), 1))


def _tariff(mix: random.Random, number: int, first_day: date) -> Tariff:
    if mix.random() < 0.15:
        return Tariff(number, first_day, (Tier(0, Decimal(mix.randint(0, 200))),), rounded_at="discharge")
    starts = [0, *sorted(mix.sample(range(1000, 40_000, 500), mix.randint(0, 2)))]
    prices = sorted(Decimal(mix.randint(0, 20_000)).scaleb(-2) for _ in starts)
    return Tariff(
        number,
        first_day,
        tuple(map(Tier, starts, prices)),
        mix.choice(("graduated", "whole_amount")),
        mix.choice(("down", "half_up", "up")),
        mix.choice((1, 1, 10)),
        unit_g=mix.choice((1, 1, 100)),
        free_g=mix.choice((0, 0, 2000)),
        relief_percent=Decimal(mix.choice((0, 0, 50, 100))),
    )


def _discharge(mix: random.Random, number: int, homes: list[Home]) -> Weighed:
    """A discharge of the first two months, which arrives in its own month or up to two later."""
    day = FIRST + timedelta(days=mix.randint(0, 59))
    own = (day.year - FIRST.year) * 12 + day.month - FIRST.month
    known = min(MONTHS - 1, own + mix.choice((0, 0, 0, 1, 2)))
    return Weighed(number, day, _whose(mix, day, homes), mix.randint(1, 15_000), known)


def _corrected(mix: random.Random, record: Weighed, homes: list[Home]) -> Weighed:
    """The same discharge, later found to be void (0 g), of another weight, or somebody else's."""
    known = mix.randint(record.known, MONTHS - 1)
    kind = mix.randrange(3)
    if kind == 0:
        return record._replace(grams=0, known=known)
    if kind == 1:
        return record._replace(grams=mix.randint(1, 15_000), known=known)
    return record._replace(tenancy_id=_whose(mix, record.day, homes), known=known)


def _whose(mix: random.Random, day: date, homes: list[Home]) -> int:
    there = [home.tenancy_id for home in homes if home.first_day <= day and (home.end is None or day < home.end)]
    return mix.choice([0, *there, *there])
