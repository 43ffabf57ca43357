"""A draft on a month's real usage: the same won as if it had been in force, and nothing stored."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from app.access.reach import WHOLE, Reach
from app.db import Base
from app.problems import Problem
from app.statements.terms import what_if
from app.statements.terms.what_if import Draft
from billing.tariffs import Tariff, Tier
from tests.statements.town import BilledTown

NOW = datetime(2026, 11, 20, tzinfo=UTC)
OCTOBER = date(2026, 10, 1)


def flat(won: int | str, **terms: Any) -> Tariff:
    return Tariff(0, date(2026, 11, 20), (Tier(0, Decimal(won)),), **terms)


def compare(town: BilledTown, tariff: Tariff, scheme: str = "household", **where: Any) -> Any:
    payer_class = where.pop("payer_class", "general")
    asked: dict[str, Any] = {"reach": WHOLE, "month": OCTOBER, "at": NOW} | where
    with town.database.session() as session:
        return what_if.compare(session, town.id, draft=Draft(scheme, payer_class, tariff), **asked)


@pytest.fixture
def filled(town: BilledTown) -> BilledTown:
    """Two households of the first complex and one of the second; the tariffs change in the middle of the month."""
    first, second, third = town.home("101", "101"), town.home("101", "102"), town.home("102", "101", complex="W0G002")
    town.tariff("2026-10-16", 140)
    town.discharge(first, "2026-10-05", 10_000)
    town.discharge(first, "2026-10-20", 10_000)
    town.discharge(second, "2026-10-05", 25_000)
    town.discharge(third, "2026-10-20", 1_000)
    return town


def counts(town: BilledTown) -> dict[str, int]:
    with town.database.session() as session:
        return {
            name: session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for name, table in Base.metadata.tables.items()
        }


def test_totals_counts_and_biggest_changes_are_those_of_both_tariffs(filled: BilledTown) -> None:
    stored = counts(filled)
    found = compare(filled, flat(135))
    assert found["total"] == {"before": 2_700 + 3_250 + 140, "after": 2_700 + 3_375 + 135, "difference": 120}
    assert found["households"] == {"households": 3, "more": 1, "less": 1, "same": 1}
    assert [(row["complex"], row["difference"]) for row in found["complexes"]] == [("W0G001", 125), ("W0G002", -5)]
    biggest = [(row["building"], row["unit"], row["difference"]) for row in found["biggest"]]
    assert biggest == [("101", "102", 125), ("102", "101", -5)]
    assert [row["most_g"] for row in found["tenths"]] == [1_000, 20_000, 25_000]
    assert counts(filled) == stored


def test_a_draft_that_is_then_added_bills_what_was_told(town: BilledTown) -> None:
    home = town.home("101", "101")
    town.discharge(home, "2026-10-05", 34_567)
    tiers = (Tier(0, Decimal(80)), Tier(20_000, Decimal(120)), Tier(30_000, Decimal(140)))
    draft = Tariff(0, OCTOBER, tiers, "graduated", "down", 10, free_g=1_000, relief_percent=Decimal("12.5"))
    told = compare(town, draft)["total"]["after"]
    further = ((20_000, 120), (30_000, 140))
    terms: dict[str, Any] = {"round_to_won": 10, "free_g": 1_000, "relief_percent": Decimal("12.5")}
    town.tariff("2026-10-01", 80, tiers=further, **terms)
    assert town.final("2026-10").won == told == 2_930


def test_a_draft_that_rounds_at_each_discharge_sees_each_of_them(town: BilledTown) -> None:
    home = town.home("101", "101")
    for day in (1, 2, 3):
        town.discharge(home, f"2026-10-0{day}", 99)
    assert compare(town, flat(30, rounded_at="discharge"))["total"]["after"] == 6
    assert compare(town, flat(30))["total"]["after"] == 8


def test_only_complexes_billed_this_way_and_within_reach_are_compared(filled: BilledTown) -> None:
    filled.terms("W0G002", "complex", first_month="2026-10")
    assert [row["complex"] for row in compare(filled, flat(1))["complexes"]] == ["W0G001"]
    failed = compare(filled, flat(1), "complex")["failed"]
    assert [(row["complex"], row["problem"].slug) for row in failed] == [("W0G002", "no-tariff")]
    second = Reach(frozenset({filled.complexes["W0G002"]}))
    assert compare(filled, flat(1), reach=second)["complexes"] == []
    with pytest.raises(Problem, match="not-found"):
        compare(filled, flat(1), reach=second, code="W0G001")


def test_a_draft_for_a_class_changes_only_those_who_belong_to_it(filled: BilledTown) -> None:
    third = filled.home("101", "103")
    filled.discharge(third, "2026-10-05", 10_000)
    filled.tariff("2020-01-01", 65, payer_class="basic_livelihood")
    filled.payer_class(third, "basic_livelihood")
    found = compare(filled, flat(40), payer_class="basic_livelihood")
    assert found["total"]["difference"] == -250
    assert found["households"] == {"households": 4, "more": 0, "less": 1, "same": 3}


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_the_month_to_look_at_is_the_last_that_was_previewed_else_the_last_that_is_over(town: BilledTown) -> None:
    with town.database.session() as session:
        assert what_if.usual_month(session, town.id, date(2027, 1, 15)) == date(2026, 12, 1)
    town.preview("2026-09")
    with town.database.session() as session:
        assert what_if.usual_month(session, town.id, date(2027, 1, 15)) == date(2026, 9, 1)
