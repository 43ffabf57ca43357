"""Tariffs in the database: one for every day, whoever adds and withdraws what when; closed months keep theirs."""

import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.access.models import AuditEntry
from app.db import Database
from app.problems import Problem
from app.statements import runs
from app.statements.models import StatementRun
from app.statements.terms import tariffs
from app.statements.terms.models import Tariff as TariffRow
from app.statements.terms.tariffs import Wanted
from billing.tariffs import NoTariff, Schedule, Tariff, Tier
from tests.statements.town import BilledTown
from tests.walk.world import OWN, row_of

NOW = datetime(2026, 11, 20, tzinfo=UTC)
DAY = timedelta(days=1)


def wanted(first_day: date, won: int = 140, replaces: int | None = None, **changes: Any) -> Wanted:
    tariff = Tariff(0, first_day, (Tier(0, Decimal(won)),))
    return Wanted(
        **{"scheme": "household", "payer_class": "general", "reference": "조례"} | changes, tariff=tariff
    )._replace(replaces=replaces)


def add(town: BilledTown, *arguments: Any, **changes: Any) -> int:
    with town.database.begin() as session:
        return tariffs.add(session, town.id, wanted(*arguments, **changes), "kim", NOW)


def withdraw(town: BilledTown, tariff_id: int) -> None:
    with town.database.begin() as session:
        tariffs.withdraw(session, town.id, tariff_id, "공포 연기", "kim", NOW)


def schedule(town: BilledTown, payer_class: str = "general") -> Schedule:
    with town.database.session() as session:
        return tariffs.schedules(session, town.id, "household")[payer_class]


def price(town: BilledTown, day: date) -> int:
    return int(schedule(town).on(day).tiers[0].won_per_kg)


def test_a_tariff_holds_until_the_next_one_begins_and_again_once_that_is_withdrawn(town: BilledTown) -> None:
    added = add(town, date(2026, 12, 1))
    assert (price(town, date(2026, 11, 30)), price(town, date(2026, 12, 1))) == (130, 140)
    with town.database.session() as session:
        first, second = tariffs.listed(session, town.id, "household")
    assert (first["until"], second["until"], second["id"]) == (date(2026, 11, 30), None, added)
    withdraw(town, added)
    assert price(town, date(2027, 1, 1)) == 130
    with town.database.session() as session:
        assert [row["withdrawn"] for row in tariffs.history(session, town.id)] == [True, False, False]
        assert list(session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id))) == [
            *("tariff.added", "tariff.withdrawn"),
        ]


def test_a_tariff_takes_the_place_of_another_only_where_it_says_so(town: BilledTown) -> None:
    first = add(town, date(2026, 12, 1), 140)
    with pytest.raises(Problem) as told:
        add(town, date(2026, 12, 1), 150)
    assert (told.value.slug, told.value.extra["tariff"]) == ("tariff-exists", first)
    second = add(town, date(2026, 12, 1), 150, replaces=first)
    assert price(town, date(2026, 12, 1)) == 150
    with pytest.raises(Problem, match="tariff-exists"):
        withdraw(town, first)
    with pytest.raises(Problem, match="nothing-changes"):
        add(town, date(2026, 12, 1), 150, replaces=second)


def test_what_would_change_a_closed_month_is_refused_and_told_the_earliest_day_possible(town: BilledTown) -> None:
    later = add(town, date(2026, 10, 15))
    town.final("2026-10")
    for refused in (lambda: add(town, date(2026, 10, 31)), lambda: withdraw(town, later)):
        with pytest.raises(Problem) as told:
            refused()
        assert (told.value.slug, told.value.extra["earliest"]) == ("month-closed", "2026-11-01")
    add(town, date(2026, 11, 1), 150)
    add(town, date(2026, 10, 1), 75, scheme="complex")  # no month was closed by that scheme
    with town.database.session() as session:
        assert [row["open"] for row in tariffs.listed(session, town.id, "household")] == [False, False, True]


def test_a_day_cannot_get_two_tariffs_even_by_sql(town: BilledTown) -> None:
    """A row has a first day and no last one, so that overlap and gap cannot be written; nor can the same day twice."""
    with town.database.begin() as session:
        row = session.execute(sa.select(TariffRow.__table__)).mappings().one()
    copy = dict(row) | {"id": 99}
    with pytest.raises(sa.exc.IntegrityError), town.database.begin() as session:
        session.execute(sa.insert(TariffRow).values(copy))
    for change in (sa.update(TariffRow).values(terms="{}"), sa.delete(TariffRow)):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), town.database.begin() as session:
            session.execute(change)


def test_of_two_people_who_add_the_same_day_at_once_one_hears_of_the_other(town: BilledTown) -> None:
    other = Database(town.database.engine.url.render_as_string(hide_password=False))
    outcomes: list[str] = []
    started, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with other.begin() as session:
            tariffs.add(session, town.id, wanted(date(2026, 12, 1), 140), "kim", NOW)
            started.set()
            go_on.wait(10)
        outcomes.append("added")

    def second() -> None:
        try:
            add(town, date(2026, 12, 1), 150)
        except Problem as problem:
            outcomes.append(problem.slug)

    threads = [threading.Thread(target=each) for each in (slow, second)]
    threads[0].start()
    assert started.wait(10)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(30)
    other.dispose()
    assert sorted(outcomes) == ["added", "tariff-exists"]
    assert price(town, date(2026, 12, 1)) == 140


def test_a_tariff_waits_for_a_month_that_is_being_closed(town: BilledTown) -> None:
    """It begins in that month: whoever closes it first, the other is refused."""
    town.home("101", "101")
    town.preview("2026-10")
    other = Database(town.database.engine.url.render_as_string(hide_password=False))
    outcomes: list[str] = []

    def late() -> None:
        try:
            add(town, date(2026, 10, 20))
        except Problem as problem:
            outcomes.append(problem.slug)

    thread = threading.Thread(target=late)
    with other.begin() as session:
        at = datetime(2026, 11, 10, tzinfo=UTC)
        runs.finalise(session, town.id, town.complexes["W0G001"], date(2026, 10, 1), "kim", at)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
    thread.join(30)
    other.dispose()
    assert outcomes == ["month-closed"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"scheme": "barter"}, "scheme"),
        ({"payer_class": "nobles"}, "payer_class"),
        ({"reference": " "}, "reference"),
    ],
)
@pytest.mark.parametrize("dialect", ["sqlite"])
def test_what_cannot_be_read_is_named_by_field(town: BilledTown, changes: dict[str, str], field: str) -> None:
    with pytest.raises(Problem) as told:
        add(town, date(2026, 12, 1), **changes)
    assert told.value.extra["errors"].keys() == {field}


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_days_before_anything_was_weighed_have_no_tariff(town: BilledTown) -> None:
    with pytest.raises(Problem, match="invalid"):
        add(town, date(1999, 12, 31))
    with pytest.raises(NoTariff):
        schedule(town).on(date(2019, 12, 31))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "replace", "withdraw", "close"]),
        st.dates(date(2026, 7, 1), date(2027, 3, 31)),
        st.integers(1, 300),
    ),
    max_size=12,
)


@pytest.mark.parametrize("dialect", ["sqlite"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_every_day_has_one_tariff_and_closed_months_keep_theirs(
    town: BilledTown, steps: list[tuple[str, date, int]]
) -> None:
    with town.database.session() as session:
        kept = dict[date, int]()
        closed_until = date(2020, 1, 1)
        for verb, day, won in steps:
            before = tariffs.schedules(session, town.id, "household")["general"]
            at_day = {tariff.first_day: tariff.id for tariff in before.tariffs}
            if verb == "close":
                month = day.replace(day=1)
                _close(session, town, month)
                closed_until = max(closed_until, (month + 31 * DAY).replace(day=1))
                kept = {each: before.on(each).id for each in _days(date(2026, 7, 1), closed_until)}
                continue
            changed = _attempt(session, town, verb, day, won, at_day)
            assert changed is (day >= closed_until and (verb == "add") is (day not in at_day))
            after = tariffs.schedules(session, town.id, "household")["general"]
            assert sorted(set(after.first_days)) == after.first_days
            assert all(after.on(each) for each in _days(date(2026, 7, 1), date(2027, 4, 1)))
            assert {each: after.on(each).id for each in kept} == kept
        session.rollback()


def _attempt(session: Any, town: BilledTown, verb: str, day: date, won: int, at_day: dict[date, int]) -> bool:
    try:
        if verb == "withdraw":
            tariffs.withdraw(session, town.id, at_day.get(day, 0), "공포 연기", "kim", NOW)
        else:
            replaces = at_day.get(day, 0) if verb == "replace" else None
            tariffs.add(session, town.id, wanted(day, won, replaces, reference=f"조례 {won} {len(at_day)}"), "kim", NOW)
    except Problem as problem:
        return problem.slug == "nothing-changes"
    return True


def _close(session: Any, town: BilledTown, month: date) -> None:
    """A final run of the month, once, as the columns that tariffs look at have it."""
    run = row_of(OWN, StatementRun.__table__)  # type: ignore[arg-type]
    mine = {"district_id": town.id, "complex_id": 1, "month": month, "version": 1, "number": f"{month}"}
    known = session.scalar(sa.select(sa.func.count()).select_from(StatementRun).filter_by(month=month))
    if not known:
        count = session.scalar(sa.select(sa.func.count()).select_from(StatementRun))
        final = {"state": "final", "finalised_at": NOW, "scheme": "household", "id": count + 1}
        sums = {"won": 0, "lines_won": 0, "suspense_won": 0, "residue_won": 0, "reissued_won": 0}
        session.execute(sa.insert(StatementRun).values(run | mine | final | sums))


def _days(first: date, end: date) -> list[date]:
    return [first + n * DAY for n in range((end - first).days)]
