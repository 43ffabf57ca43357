"""What was paid is booked once, can be taken back, and says for ever what is owed."""

from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.access.models import AuditEntry
from app.access.reach import WHOLE, Reach
from app.ids import allocate
from app.problems import Problem
from app.registry.imports.sheets import File
from app.registry.models import ImportBatch, OpeningBalance
from app.statements import finding
from app.statements.corrections import manual, voids
from app.statements.disputes import queries as disputes
from app.statements.disputes import service as disputing
from app.statements.finding import Sought
from app.statements.payments import accounts, payers, queries, revenue, service
from app.statements.payments.accounts import Item, unpaid
from app.statements.payments.lines import Line
from app.statements.payments.models import Payment
from app.statements.payments.service import Report
from app.texts import Refused
from tests.statements.town import CLERK, BilledTown, Home, instant

NOW = instant("2026-12-01")
PAID = date(2026, 11, 25)
OCTOBER = date(2026, 10, 1)
ONE, OTHER = "202610-W0G001-0001", "202610-W0G001-0002"


@pytest.fixture
def home(town: BilledTown) -> Home:
    """Somebody who owes 1,300 won for October, due on 10 December; a neighbour owes 130."""
    home, neighbour = town.home("101", "1203"), town.home("101", "1204")
    town.discharge(home, "2026-10-05", 10_000)
    town.discharge(neighbour, "2026-10-05", 1_000)
    town.final("2026-10")
    return home


def pay(town: BilledTown, won: int, statement: str = ONE, reach: Reach = WHOLE, **line: Any) -> int:
    wanted = Line(0, won, line.pop("paid_on", PAID), statement=statement, **line)
    with town.database.begin() as session:
        return service.pay(session, town.id, reach, wanted, CLERK, NOW)


def reverse(town: BilledTown, payment_id: int, reach: Reach = WHOLE) -> int:
    with town.database.begin() as session:
        return service.reverse(session, town.id, reach, payment_id, "잘못 입력", CLERK, NOW)


def take(town: BilledTown, text: str, skip_bad: bool = False, reach: Reach = WHOLE, default: str = "") -> Report:
    file = File("payments.csv", text.encode())
    with town.database.begin() as session:
        return service.take(session, town.id, reach, file, CLERK, NOW, default, skip_bad)


def check(town: BilledTown, text: str, reach: Reach = WHOLE, default: str = "") -> Report:
    with town.database.session() as session:
        return service.check(session, town.id, reach, File("payments.csv", text.encode()), NOW, default)


def account(town: BilledTown, home: Home, today: date = date(2026, 12, 1)) -> dict[str, Any]:
    with town.database.session() as session:
        (found,) = accounts.household_account(session, town.id, home.household_id, today)
        return found


def arrears(town: BilledTown, today: date, **asked: Any) -> list[dict[str, Any]]:
    with town.database.session() as session:
        return accounts.arrears(session, town.id, asked.pop("reach", WHOLE), today, **asked)


def complexes(town: BilledTown, today: date) -> dict[str, dict[str, Any]]:
    with town.database.session() as session:
        return {row["complex"]: row for row in accounts.by_complex(session, town.id, WHOLE, today)}


def booked(town: BilledTown) -> list[tuple[int, int | None, date]]:
    with town.database.session() as session:
        return [(p.won, p.household_id, p.month) for p in session.scalars(sa.select(Payment).order_by(Payment.id))]


def refusal(town: BilledTown, *args: Any, **line: Any) -> str:
    with pytest.raises(Refused) as refused:
        pay(town, *args, **line)
    return str(refused.value)


def test_a_payment_by_number_lowers_what_the_household_owes(town: BilledTown, home: Home) -> None:
    assert account(town, home)["balance_won"] == 1_300
    pay(town, 500)
    found = account(town, home)
    assert (found["balance_won"], found["billed_won"], found["paid_won"]) == (800, 1_300, 500)
    assert [(item["kind"], item["won"]) for item in found["items"]] == [("statement", 1_300), ("payment", -500)]


def test_a_payment_by_building_unit_and_month_finds_the_same_household(town: BilledTown, home: Home) -> None:
    pay(town, 1_300, "", complex="W0G001", building="101동", unit="1203 호", month=OCTOBER)
    assert account(town, home)["balance_won"] == 0


def test_what_a_complex_pays_is_no_households(town: BilledTown, home: Home) -> None:
    pay(town, 1_000, "", complex="W0G001", month=OCTOBER)
    pay(town, 30, "202610-W0G001")
    found = complexes(town, date(2026, 12, 1))["W0G001"]
    assert (found["balance_won"], found["households_balance_won"]) == (400, 1_430)
    assert account(town, home)["paid_won"] == 0


NOBODYS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"statement": "202610-W0G001-0099"}, "no such statement"),
    ({"statement": "202610-W0G001-1"}, "no such statement"),
    ({"statement": "", "complex": "W0G009", "building": "1", "unit": "1", "month": OCTOBER}, "no such complex"),
    ({"statement": "", "complex": "W0G001", "building": "9", "unit": "1", "month": OCTOBER}, "no household 9-1"),
    ({"statement": "", "complex": "W0G001", "building": "101", "month": OCTOBER}, "Only one of"),
    ({"statement": "", "complex": "W0G001", "building": "101", "unit": "1203"}, "nobody who paid"),
    (
        {"statement": "", "complex": "W0G001", "building": "101", "unit": "1203", "month": date(2026, 9, 1)},
        "no final statement of 2026-09",
    ),
    ({"paid_on": date(2026, 12, 2)}, "still to come"),
    ({"paid_on": date(2026, 9, 30)}, "before the month"),
)


def test_a_payment_that_is_nobodys_is_refused_with_what_to_do(town: BilledTown, home: Home) -> None:
    for line, said in NOBODYS:
        assert said in refusal(town, 100, **line), line
    assert booked(town) == []


def test_nothing_is_paid_by_a_preview_a_void_or_a_prepaid_statement(town: BilledTown, home: Home) -> None:
    with town.database.begin() as session:
        voids.void(session, town.id, WHOLE, ONE, "잘못된 고지", False, CLERK, instant("2026-11-20"))
    assert "is void" in refusal(town, 100)
    town.tariff("2020-01-01", 30, "prepaid")
    town.terms("W0G002", "prepaid")
    bins = town.home("1", "1", complex="W0G002")
    town.discharge(bins, "2026-10-05", 10_000)
    town.preview("2026-10", "W0G002")
    assert "still a preview" in refusal(town, 100, "202610-W0G002-0001")
    town.finalise("2026-10", "W0G002")
    assert "was prepaid" in refusal(town, 100, "202610-W0G002-0001")
    assert complexes(town, date(2027, 12, 1))["W0G002"]["balance_won"] == 0


def test_a_void_statement_is_owed_no_more_and_its_successor_is(town: BilledTown, home: Home) -> None:
    town.discharge(home, "2026-10-06", 1_000, booked="2026-11-15")
    with town.database.begin() as session:
        voids.void(session, town.id, WHOLE, ONE, "누락", True, CLERK, instant("2026-11-20"))
    assert account(town, home)["balance_won"] == 1_430
    pay(town, 1_430, "", complex="W0G001", building="101", unit="1203", month=OCTOBER)
    assert account(town, home)["balance_won"] == 0


def test_who_moved_within_the_month_pays_by_number(town: BilledTown) -> None:
    before = town.home("101", "1203", until="2026-10-15")
    after = town.home("101", "1203", since="2026-10-15")
    town.discharge(before, "2026-10-05", 1_000)
    town.discharge(after, "2026-10-20", 2_000)
    town.final("2026-10")
    assert "several statements" in refusal(town, 100, "", complex="W0G001", building="101", unit="1203", month=OCTOBER)
    pay(town, 130, ONE)
    with town.database.session() as session:
        found = accounts.household_account(session, town.id, before.household_id, date(2026, 12, 1))
    assert [(each["tenancy_id"], each["balance_won"]) for each in found] == [
        (after.tenancy_id, 260),
        (before.tenancy_id, 0),
    ]


def test_the_opening_balance_belongs_to_who_lived_there_and_can_be_paid_by_its_month(
    town: BilledTown, home: Home
) -> None:
    with town.database.begin() as session:
        key = {"district_id": town.id, "household_id": home.household_id}
        named = {"kind": "history", "file_name": "a.csv", "file_sha256": "0" * 64, "actor": CLERK}
        session.add(ImportBatch(district_id=town.id, id=1, **named, imported_at=NOW))
        session.flush()
        for id_, day, won in ((1, date(2026, 6, 1), 9_999), (2, date(2026, 9, 1), 700)):
            session.add(OpeningBalance(**key, id=id_, batch_id=1, as_of=day, won=won))
    found = account(town, home)
    assert (found["tenancy_id"], found["opening_won"], found["balance_won"]) == (home.tenancy_id, 700, 2_000)
    assert (found["arrears_won"], found["oldest_due_on"]) == (700, date(2026, 9, 1))
    pay(town, 700, "", complex="W0G001", building="101", unit="1203", month=date(2026, 8, 1))
    assert account(town, home)["arrears_won"] == 0


def test_a_reversal_gives_the_debt_back_once(town: BilledTown, home: Home) -> None:
    paid = pay(town, 1_300)
    back = reverse(town, paid)
    assert account(town, home)["balance_won"] == 1_300
    for each in (paid, back):
        with pytest.raises(Problem) as refused:
            reverse(town, each)
        assert refused.value.slug == "payment-reversed"
    with town.database.session() as session:
        rows = {row["id"]: row for row in queries.payment_page(session, town.id, WHOLE)}
        actions = session.scalars(sa.select(AuditEntry.action).where(AuditEntry.action.like("payment.%"))).all()
    assert (rows[paid]["reversed_by_id"], rows[back]["reverses_id"]) == (back, paid)
    assert sorted(actions) == ["payment.booked", "payment.reversed"]


def test_a_receipt_counts_once_by_hand_and_in_files(town: BilledTown, home: Home) -> None:
    pay(town, 500, reference="R-1")
    with pytest.raises(Problem) as refused:
        pay(town, 500, reference="R-1")
    assert refused.value.slug == "payment-known"
    report = take(town, f"statement,won,paid_on,reference\n{ONE},500,2026-11-25,R-1\n{OTHER},130,2026-11-25,R-2\n")
    assert [len(part) for part in (report.good, report.known, report.bad)] == [1, 1, 0]
    clash = check(town, f"statement,won,paid_on,reference\n{ONE},400,2026-11-25,R-1\n")
    assert "booked already as something else (500 won" in clash.bad[0].text.en


def test_a_receipt_that_was_taken_back_is_not_taken_for_known(town: BilledTown, home: Home) -> None:
    reverse(town, pay(town, 500, reference="R-1"))
    report = check(town, f"statement,won,paid_on,reference\n{ONE},500,2026-11-25,R-1\n")
    assert report.known == []
    assert "was booked and taken back" in report.bad[0].text.en


FILE = f"""고지번호,동,호,월,금액,납부일,비고
{ONE},,,,"1,000원",2026.11.25,자동이체
,101,1204,202610,130,20261125,
,101,9999,2026-10,130,2026-11-25,
{ONE},,,,천원,2026-11-25,
{ONE},,,,1000,2026-13-25,
"""


def test_a_file_is_checked_first_and_bad_lines_say_why(town: BilledTown, home: Home) -> None:
    report = check(town, FILE, default="W0G001")
    assert [(each.line.line, each.line.won) for each in report.good] == [(2, 1_000), (3, 130)]
    told = [(each.line, each.text.en) for each in report.bad]
    assert [line for line, _ in told] == [4, 5, 6]
    assert "no household 101-9999" in told[0][1]
    assert "amount cannot be read: 천원" in told[1][1]
    assert "day cannot be read: 2026-13-25" in told[2][1]
    assert booked(town) == []


def test_good_lines_of_a_file_with_bad_ones_are_booked_only_when_confirmed(town: BilledTown, home: Home) -> None:
    with pytest.raises(Refused) as refused:
        take(town, FILE, default="W0G001")
    assert "3 lines cannot be used" in str(refused.value)
    assert "Line 4" in str(refused.value)
    assert booked(town) == []
    take(town, FILE, skip_bad=True, default="W0G001")
    assert sum(won for won, _, _ in booked(town)) == 1_130


def test_a_file_that_names_no_payer_or_amount_is_refused_as_a_whole(town: BilledTown, home: Home) -> None:
    with pytest.raises(Refused) as refused:
        check(town, "building,unit,won\n101,1203,100\n")
    assert "month, paid_on" in str(refused.value)


def test_the_same_file_twice_and_a_longer_one_count_each_payment_once(town: BilledTown, home: Home) -> None:
    text = f"statement,won,paid_on\n{ONE},100,2026-11-25\n{ONE},100,2026-11-25\n"
    assert len(take(town, text).good) == 2
    again = take(town, text)
    assert (len(again.good), len(again.known)) == (0, 2)
    longer = take(town, text + f"{OTHER},130,2026-11-26\n")
    assert (len(longer.good), len(longer.known)) == (1, 2)
    assert account(town, home)["paid_won"] == 200


def test_managers_book_for_their_households_and_for_nobody_else(town: BilledTown, home: Home) -> None:
    mine = Reach(frozenset({town.complexes["W0G001"]}))
    theirs = Reach(frozenset({town.complexes["W0G002"]}))
    paid = pay(town, 100, reach=mine)
    assert "no such statement" in refusal(town, 100, reach=theirs)
    assert "district's staff" in refusal(town, 100, "202610-W0G001", reach=mine)
    with pytest.raises(Problem) as refused:
        reverse(town, paid, theirs)
    assert refused.value.slug == "not-found"
    whole = pay(town, 100, "202610-W0G001")
    with pytest.raises(Refused):
        reverse(town, whole, mine)
    assert arrears(town, date(2027, 1, 1), reach=theirs) == []
    assert len(arrears(town, date(2027, 1, 1), reach=mine)) == 2


def test_arrears_begin_on_the_day_after_the_due_day(town: BilledTown, home: Home) -> None:
    due = date(2026, 12, 10)  # closed on 10 November, 30 days to pay
    assert arrears(town, due) == []
    late = arrears(town, date(2026, 12, 13))
    assert [(row["unit"], row["arrears_won"], row["oldest_due_on"], row["days"]) for row in late] == [
        ("1203", 1_300, due, 3),
        ("1204", 130, due, 3),
    ]
    found = complexes(town, date(2026, 12, 13))["W0G001"]
    assert (found["arrears_won"], found["households_arrears_won"], found["late_households"]) == (1_430, 1_430, 2)


def test_arrears_are_paged_by_amount(town: BilledTown, home: Home) -> None:
    today = date(2026, 12, 13)
    (first,) = arrears(town, today, limit=1)
    after = accounts.After(first["arrears_won"], first["household_id"], first["tenancy_id"])
    (second,) = arrears(town, today, limit=1, after=after)
    assert (first["unit"], second["unit"]) == ("1203", "1204")
    last = accounts.After(second["arrears_won"], second["household_id"], second["tenancy_id"])
    assert arrears(town, today, after=last) == []


def test_what_a_dispute_holds_is_not_in_arrears(town: BilledTown, home: Home) -> None:
    with town.database.begin() as session:
        wanted = disputing.Wanted(ONE, 1, "집을 비웠습니다.", 1_000)
        disputing.open_dispute(session, town.id, WHOLE, wanted, CLERK, NOW)
    found = account(town, home, date(2026, 12, 13))
    with town.database.session() as session:
        held = sum(each.won for each in disputes.held(session, town.id, [home.household_id]))
    assert (found["held_won"], found["arrears_won"], found["balance_won"]) == (held, 300, 1_300)


def test_payments_settle_the_oldest_first() -> None:
    items = [Item(date(2026, 12, 1), 300), Item(date(2026, 11, 1), 200), Item(date(2026, 12, 1), -50)]
    assert unpaid(items, 0) == [Item(date(2026, 11, 1), 150), Item(date(2026, 12, 1), 300)]
    assert unpaid(items, 200) == [Item(date(2026, 12, 1), 250)]
    assert unpaid(items, 9_999) == []


@given(st.lists(st.tuples(st.dates(), st.integers(-500, 500)), max_size=8), st.integers(0, 3_000))
def test_what_is_left_of_items_is_all_that_was_not_paid(found: list[tuple[date, int]], paid: int) -> None:
    items = [Item(*each) for each in found]
    assert sum(each.won for each in unpaid(items, paid)) == max(0, sum(each.won for each in items) - paid)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("hand"), st.integers(1, 2_000)),
        st.tuples(st.just("back"), st.integers(0, 20)),
        st.tuples(st.just("file"), st.lists(st.integers(1, 2_000), min_size=1, max_size=4)),
        st.tuples(st.just("again"), st.integers(0, 20)),
    ),
    max_size=8,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_the_balance_is_what_was_billed_less_what_was_paid_whatever_the_order(
    town: BilledTown, home: Home, steps: list[tuple[str, Any]]
) -> None:
    """Payments by hand, files, the same files again, and reversals; counted beside, from an empty start each time."""
    begun = -account(town, home)["paid_won"]
    live: dict[int, int] = {}
    files: list[str] = []
    total = 0
    for kind, value in steps:
        if kind == "hand":
            with town.database.begin() as session:
                (stamp,) = allocate(session, town.id, "test_file")
            live[pay(town, value, reference=f"H{stamp}")] = value
            total += value
        elif kind == "back" and live:
            payment_id = sorted(live)[value % len(live)]
            reverse(town, payment_id)
            total -= live.pop(payment_id)
        elif kind == "file":
            with town.database.begin() as session:
                (stamp,) = allocate(session, town.id, "test_file")
            rows = "".join(f"{ONE},{won},2026-11-25,F{stamp}-{n}\n" for n, won in enumerate(value))
            files.append(f"statement,won,paid_on,reference\n{rows}")
            total += take(town, files[-1]).won
            assert len(check(town, files[-1]).known) == len(value)
        elif kind == "again" and files:
            assert take(town, files[value % len(files)]).won == 0
    found = account(town, home)
    assert found["paid_won"] == total - begun
    assert found["balance_won"] == 1_300 - found["paid_won"] == sum(item["won"] for item in found["items"])


def test_revenue_tells_adjustments_credits_and_what_was_issued_anew(town: BilledTown, home: Home) -> None:
    town.discharge(home, "2026-10-06", 1_000, booked="2026-11-15")
    town.discharge(home, "2026-11-06", 2_000)
    with town.database.begin() as session:
        credit = manual.New(home.tenancy_id, OCTOBER, -50, "사과")
        manual.add(session, town.id, WHOLE, credit, CLERK, instant("2026-11-20"))
    town.final("2026-11")
    with town.database.begin() as session:
        voids.void(session, town.id, WHOLE, OTHER, "착오", True, CLERK, instant("2026-12-12"))
        found = revenue.revenue(session, town.id, WHOLE, OCTOBER, date(2026, 11, 1))
        statements = finding.statements(session, town.id, Sought(complex="W0G001"), WHOLE)
    november, october = found
    assert (november["won"], november["adjusted_won"], november["manual_won"]) == (340, 130, -50)
    assert (october["won"], october["voided_won"], october["issued_anew_won"]) == (1_430, -130, 130)
    for row in found:
        live = [each["won"] for each in statements if each["month"] == row["month"] and each["state"] == "final"]
        assert row["households_won"] == sum(live)
    assert revenue.totals(found)["won"] == 1_770
    assert [row["complexes"] for row in revenue.by_month(found)] == [1, 1]


def test_a_file_is_read_by_a_handful_of_statements(town: BilledTown, home: Home) -> None:
    counted = []

    def count(*_args: Any) -> None:
        counted.append(1)

    rows = "".join(f",101,{unit},2026-10,{won},2026-11-25\n" for won in range(1, 200) for unit in (1203, 1204))
    sa.event.listen(town.database.engine, "before_cursor_execute", count)
    report = check(town, f"statement,building,unit,month,won,paid_on\n{rows}", default="W0G001")
    sa.event.remove(town.database.engine, "before_cursor_execute", count)
    assert len(report.good) == 398
    assert len(counted) <= 8
    assert payers.AT_ONCE >= 398


def test_instants_of_payments_are_when_they_were_booked(town: BilledTown, home: Home) -> None:
    pay(town, 100)
    with town.database.session() as session:
        (row,) = queries.payment_page(session, town.id, WHOLE)
    assert (row["booked_at"], row["paid_on"], row["actor"]) == (NOW, PAID, CLERK)
