"""An estimate is billed; what arrives later, and its settlement, come out on later statements, to the won."""

from datetime import date

import pytest
import sqlalchemy as sa

from app.statements import assessing
from app.statements.models import StatementLine
from billing.statements import assess
from tests.statements.estimates.test_estimates import estimate, every_day, settle
from tests.statements.town import BilledTown, Home, instant

OCTOBER = date(2026, 10, 1)


@pytest.fixture
def home(town: BilledTown) -> Home:
    """500 g a day, but from the 5th to the 8th of October, of which nothing came until the month was closed."""
    town.tariff("2026-09-01", 80, tiers=((10_000, 120),))
    home = town.home("101", "1203")
    every_day(town, home, "2026-09-01", 34, 500)
    every_day(town, home, "2026-10-09", 23, 500)
    estimate(town, "2026-10-05", "2026-10-08", now=instant("2026-11-01 09:00"))
    return home


def lines(town: BilledTown, home: Home) -> list[tuple[str, int, int]]:
    """All about October: kind, grams, won."""
    with town.database.session() as session:
        rows = session.scalars(
            sa.select(StatementLine)
            .where(StatementLine.usage_month == OCTOBER, StatementLine.tenancy_id == home.tenancy_id)
            .order_by(StatementLine.run_id, StatementLine.line)
        )
        return [(row.kind, row.grams, row.won) for row in rows]


def on_time(town: BilledTown, at: str) -> tuple[int, int]:
    """What October comes to with everything known by then: grams and won."""
    with town.database.session() as session:
        month = assessing.complex_month(session, town.id, town.complexes["W0G001"], OCTOBER, instant(at))
        found = assess(month).lines
    return sum(line.grams for line in found), sum(line.won for line in found)


def test_the_estimate_has_its_line_and_the_truth_its_adjustment(town: BilledTown, home: Home) -> None:
    town.final("2026-10")
    usage, estimated = lines(town, home)
    assert (usage[:2], estimated[:2]) == (("usage", 13_500), ("estimated", 2000))
    assert usage[2] + estimated[2] == 800 + 660  # 10 kg × 80 + 5.5 kg × 120
    for day, grams in ((5, 700), (6, 300), (8, 2600)):
        town.discharge(home, f"2026-10-{day:02d}", grams, booked="2026-11-15")
    town.final("2026-11")
    assert lines(town, home)[2:] == [("adjustment", 1600, 192)]
    billed = lines(town, home)
    assert (sum(each[1] for each in billed), sum(each[2] for each in billed)) == on_time(town, "2026-12-10")


def test_settling_takes_what_never_came_off_again(town: BilledTown, home: Home) -> None:
    town.final("2026-10")
    town.discharge(home, "2026-10-05", 700, booked="2026-11-15")
    settle(town, 1, instant("2026-11-16"))
    town.final("2026-11")
    assert lines(town, home)[2:] == [("adjustment", -1300, -156)]
    assert on_time(town, "2026-12-10") == (14_200, 800 + 504)


def test_an_estimate_of_a_closed_month_reaches_it_as_an_adjustment(town: BilledTown, home: Home) -> None:
    settle(town, 1, instant("2026-11-01 10:00"))
    town.final("2026-10")
    assert lines(town, home) == [("usage", 13_500, 800 + 420)]
    estimate(town, "2026-10-05", "2026-10-08", now=instant("2026-11-20"))
    town.final("2026-11")
    assert lines(town, home)[1:] == [("adjustment", 2000, 240)]
    town.final("2026-12")
    assert len(lines(town, home)) == 2
