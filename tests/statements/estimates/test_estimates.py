"""Days that no scale saw: what is expected of each tenancy, what still counts of it, and what is refused."""

from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from app.access.models import AuditEntry
from app.access.reach import WHOLE, Reach
from app.problems import Problem
from app.statements.estimates import queries, service
from app.statements.estimates.expecting import Days, missing
from app.statements.estimates.models import EstimateShare
from app.statements.estimates.service import Wanted
from billing.days import month_after
from billing.statements import Basis, Estimated
from billing.tariffs import Span
from tests.statements.town import CLERK, BilledTown, Home, instant

OCTOBER = date(2026, 10, 1)
WHOLE_MONTH = [Span(OCTOBER, date(2026, 11, 1))]
NOW = instant("2026-11-03")


def every_day(town: BilledTown, home: Home, first: str, days: int, grams: int) -> None:
    start = date.fromisoformat(first)
    fields = {"household_id": home.household_id, "tenancy_id": home.tenancy_id, "net_g": grams, "billable": True}
    town.discharges([(home.complex, (start + timedelta(n)).isoformat(), None, dict(fields)) for n in range(days)])


def estimate(town: BilledTown, first: str, last: str, complex_: str = "W0G001", now: datetime = NOW) -> int:
    days = (date.fromisoformat(first), date.fromisoformat(last))
    with town.database.begin() as session:
        return service.add(session, town.id, Wanted(complex_, *days, "종량기 전원 고장"), CLERK, now)


def settle(town: BilledTown, estimate_id: int, now: datetime = NOW) -> None:
    with town.database.begin() as session:
        service.settle(session, town.id, estimate_id, "기록이 모두 들어옴", CLERK, now)


def shares(town: BilledTown, estimate_id: int) -> dict[int, tuple[int, int, int]]:
    """By tenancy: basis grams, basis days, expected grams."""
    with town.database.session() as session:
        rows = session.scalars(sa.select(EstimateShare).where(EstimateShare.estimate_id == estimate_id))
        return {row.tenancy_id: (row.basis_g, row.basis_days, row.expected_g) for row in rows}


def active(
    town: BilledTown, at: str = "2026-11-03 12:01", spans: list[Span] = WHOLE_MONTH
) -> dict[int, tuple[Estimated, ...]]:
    with town.database.session() as session:
        return queries.active(session, town.id, [*town.complexes.values()], OCTOBER, instant(at), spans)


def test_a_tenancy_is_expected_to_go_on_as_in_the_28_days_before(town: BilledTown) -> None:
    home, quiet = town.home("101", "1"), town.home("101", "2")
    every_day(town, home, "2026-09-07", 28, 500)
    every_day(town, home, "2026-08-01", 20, 9000)  # earlier than the basis
    made = estimate(town, "2026-10-05", "2026-10-08")
    assert shares(town, made) == {home.tenancy_id: (14_000, 28, 2000), quiet.tenancy_id: (0, 28, 0)}
    basis = Basis(
        *(date(2026, 10, 5), date(2026, 10, 8), date(2026, 9, 7), date(2026, 10, 4)),
        *(14_000, 28, 2000, 0),
    )
    assert active(town) == {home.tenancy_id: (Estimated(made, 0, 2000, basis),)}


def test_whoever_moved_in_later_has_fewer_days_and_a_half_gram_is_rounded_up(town: BilledTown) -> None:
    late, new = town.home("101", "1", "2026-10-03 15:00"), town.home("101", "2", "2026-10-05 09:00")
    leaving = town.home("101", "3", until="2026-10-06 10:00")
    every_day(town, late, "2026-10-03", 1, 301)
    every_day(town, leaving, "2026-10-04", 1, 14)
    made = estimate(town, "2026-10-05", "2026-10-07")
    assert shares(town, made) == {
        late.tenancy_id: (301, 2, 452),  # 301 g in 2 days × 3 days = 451.5 g
        leaving.tenancy_id: (14, 28, 1),  # the day of moving out is no day there: 14 g in 28 days × 1 day = 0.5 g
    }
    assert new.tenancy_id not in active(town)


def test_what_arrives_late_is_taken_off_by_itself_and_never_below_nothing(town: BilledTown) -> None:
    home = town.home("101", "1")
    every_day(town, home, "2026-09-07", 28, 500)
    made = estimate(town, "2026-10-05", "2026-10-06")
    town.discharge(home, "2026-10-05", 300, booked="2026-11-10")
    town.discharge(home, "2026-10-07", 400, booked="2026-11-10")  # another day
    number = town.discharge(home, "2026-10-06", 900, booked="2026-11-12")
    assert [sum(each.grams for each in found) for found in active(town, "2026-11-09").values()] == [1000]
    ((after,),) = active(town, "2026-11-11").values()
    assert (after.estimate_id, after.grams, after.basis and after.basis.weighed_g) == (made, 700, 300)
    assert active(town, "2026-11-13") == {}
    town.correct(number, "void", "2026-11-14")
    assert [each.grams for (each,) in active(town, "2026-11-15").values()] == [700]
    assert [each.grams for (each,) in active(town, "2026-11-11").values()] == [700]  # as it read then


def test_a_settled_estimate_counts_no_more_but_did_until_then(town: BilledTown) -> None:
    home = town.home("101", "1")
    every_day(town, home, "2026-09-07", 28, 500)
    made = estimate(town, "2026-10-05", "2026-10-06")
    settle(town, made, instant("2026-11-20"))
    assert active(town, "2026-11-03 11:59") == {}  # nobody had entered it
    assert active(town, "2026-11-19")
    assert active(town, "2026-11-20") == {}
    with pytest.raises(Problem, match="estimate-settled"):
        settle(town, made)


def test_where_a_tariff_begins_within_the_days_each_span_has_what_it_misses(town: BilledTown) -> None:
    home = town.home("101", "1")
    every_day(town, home, "2026-09-13", 28, 500)
    estimate(town, "2026-10-11", "2026-10-14")
    town.discharge(home, "2026-10-11", 700, booked="2026-11-04")
    spans = [Span(OCTOBER, date(2026, 10, 12)), Span(date(2026, 10, 12), date(2026, 11, 1))]
    (found,) = active(town, "2026-11-05", spans).values()
    assert [(each.span, each.grams) for each in found] == [(1, 1300)]
    (found,) = active(town, "2026-11-03 12:30", spans).values()
    assert [(each.span, each.grams) for each in found] == [(0, 500), (1, 1500)]


@given(
    expected_g=st.integers(0, 100_000),
    first=st.integers(1, 31),
    length=st.integers(1, 10),
    cuts=st.sets(st.integers(2, 31), max_size=3),
    data=st.data(),
)
def test_the_spans_together_miss_what_was_expected_less_what_was_weighed(
    expected_g: int, first: int, length: int, cuts: set[int], data: st.DataObject
) -> None:
    days = Days(OCTOBER.replace(day=first), OCTOBER.replace(day=min(31, first + length - 1)))
    bounds = [OCTOBER, *(OCTOBER.replace(day=day) for day in sorted(cuts)), month_after(OCTOBER)]
    spans = [Span(*each) for each in pairwise(bounds)]
    touched = [span.first_day <= days.last and span.end > days.first for span in spans]
    weighed = [data.draw(st.integers(0, 50_000)) if each else 0 for each in touched]
    found = missing(expected_g, days, spans, weighed)
    assert sum(found) == max(0, expected_g - sum(weighed))
    assert all(grams >= 0 for grams in found)
    assert all(not grams for grams, each in zip(found, touched, strict=True) if not each)


def test_many_complexes_take_as_few_statements_as_one(town: BilledTown) -> None:
    for code in town.complexes:
        every_day(town, town.home("101", "1", complex=code), "2026-09-07", 28, 500)

    def statements() -> int:
        ran: list[str] = []
        note = lambda *arguments: ran.append(arguments[2])  # noqa: E731 - one event, to be taken off again
        sa.event.listen(town.database.engine, "before_cursor_execute", note)
        active(town)
        sa.event.remove(town.database.engine, "before_cursor_execute", note)
        return len([each for each in ran if not each.startswith("BEGIN")])

    assert statements() == 1
    estimate(town, "2026-10-05", "2026-10-06")
    with_one = statements()
    estimate(town, "2026-10-05", "2026-10-06", "W0G002")
    assert (with_one, statements()) == (3, 3)


def test_estimates_of_a_complex_never_overlap_while_they_count(town: BilledTown) -> None:
    for code in town.complexes:
        every_day(town, town.home("101", "1", complex=code), "2026-09-01", 50, 500)
    made = estimate(town, "2026-10-05", "2026-10-08")
    for first, last in (("05", "05"), ("08", "09"), ("01", "31")):
        with pytest.raises(Problem) as refused:
            estimate(town, f"2026-10-{first}", f"2026-10-{last}")
        assert refused.value.slug == "estimate-overlaps"
        assert refused.value.extra["estimate"] == made
    estimate(town, "2026-10-09", "2026-10-09")
    estimate(town, "2026-10-05", "2026-10-08", "W0G002")
    settle(town, made)
    estimate(town, "2026-10-05", "2026-10-08")


def test_days_that_cannot_be_estimated_are_refused(town: BilledTown) -> None:
    every_day(town, town.home("101", "1"), "2026-09-01", 60, 500)
    today = "2026-11-03"
    for first, last, field in (
        ("2026-10-05", "2026-10-04", "last_day"),
        ("2026-10-31", "2026-11-01", "last_day"),
        ("2026-11-02", today, "last_day"),
        ("2025-01-01", "2025-01-02", "first_day"),  # nobody weighed anything before
    ):
        with pytest.raises(Problem) as refused:
            estimate(town, first, last)
        assert refused.value.slug == "invalid"
        assert list(refused.value.extra["errors"]) == [field]


def test_who_entered_and_settled_it_stands_in_the_audit_log(town: BilledTown) -> None:
    every_day(town, town.home("101", "1"), "2026-09-07", 28, 500)
    made = estimate(town, "2026-10-05", "2026-10-06")
    settle(town, made)
    with town.database.session() as session:
        entries = session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(entry.action, entry.subject, entry.complex_id) for entry in entries[-2:]] == [
        ("estimate.made", f"#{made} 단지 W0G001", 1),
        ("estimate.settled", f"#{made} 단지 W0G001", 1),
    ]


def test_estimates_are_listed_newest_first_within_reach(town: BilledTown) -> None:
    for code in town.complexes:
        every_day(town, town.home("101", "1", complex=code), "2026-09-01", 50, 500)
    near, far = estimate(town, "2026-10-05", "2026-10-06"), estimate(town, "2026-10-05", "2026-10-06", "W0G002")
    settle(town, near)
    with town.database.session() as session:

        def listed(
            reach: Reach = WHOLE,
            which: str = "active",
            complex_: str | None = None,
            after: int | None = None,
        ) -> list[int]:
            rows = queries.estimate_page(session, town.id, reach, queries.Wanted(which, complex_), after)
            return [row["id"] for row in rows]

        assert listed(which="all") == [far, near]
        assert listed(which="all", after=far) == [near]
        assert (listed(), listed(which="settled"), listed(complex_="W0G001")) == ([far], [near], [])
        assert listed(Reach(frozenset({1})), which="all") == [near]
        with pytest.raises(Problem, match="not-found"):
            queries.estimate_detail(session, town.id, Reach(frozenset({1})), far, NOW)
        shown = queries.estimate_detail(session, town.id, WHOLE, far, NOW)
        assert (shown["expected_g"], shown["weighed_g"], shown["estimated_g"]) == (1000, 1000, 0)
        ((share),) = queries.share_page(session, town.id, shown)
        assert (share["unit"], share["basis_g"], share["weighed_g"], share["estimated_g"]) == ("1", 14_000, 1000, 0)
