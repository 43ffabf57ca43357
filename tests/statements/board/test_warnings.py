"""Each warning finds what it is about, in its month and complex alone, and lists as many rows as it counts."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.access.reach import WHOLE, Reach
from app.fleet.faults import book
from app.fleet.faults.book import Device, New
from app.metering.models import AliveMonth, Quarantine, QuarantineDecision
from app.registry.certificates.models import ScaleCertificate
from app.registry.models import MeterAssignment
from app.statements import warnings
from app.statements.checks.asked import Asked, Row
from tests.statements.town import CLERK, LONG_AGO, BilledTown, Home, instant, month_named

OCTOBER = date(2026, 10, 1)
NOW = instant("2026-11-05")
OF_DEVICES = ("silent", "uncertified")  # the town's meters are neither heard nor certified


def warned(
    town: BilledTown, month: str = "2026-10", now: datetime = NOW, reach: Reach = WHOLE
) -> dict[str, dict[str, int]]:
    """By complex, what it is warned of beside meters that are silent and uncertified."""
    codes = {id_: code for code, id_ in town.complexes.items()}
    with town.database.session() as session:
        found = warnings.counts(Asked(session, town.id, month_named(month), reach, now))
    return {
        codes[id_]: {kind: count for kind, count in kinds.items() if kind not in OF_DEVICES}
        for id_, kinds in found.items()
    }


def listed(town: BilledTown, kind: str, month: str = "2026-10", now: datetime = NOW, **page: Any) -> list[Row]:
    with town.database.session() as session:
        return warnings.rows(Asked(session, town.id, month_named(month), WHOLE, now), kind, **page)


def use(town: BilledTown, home: Home, grams: dict[str, int]) -> None:
    """A discharge in each of these months."""
    rows = {"household_id": home.household_id, "tenancy_id": home.tenancy_id, "billable": True}
    town.discharges([(home.complex, f"{month}-10", None, rows | {"net_g": g}) for month, g in grams.items() if g])


def months(first: int, last: int, grams: int) -> dict[str, int]:
    return {f"2026-{month:02d}": grams for month in range(first, last + 1)}


@pytest.fixture
def home(town: BilledTown) -> Home:
    """Somebody, beside a complex where nobody is."""
    return town.home("101", "1203")


def test_discharges_that_do_not_count_are_told_by_household(town: BilledTown, home: Home) -> None:
    for day in (5, 6):
        town.discharge(home, f"2026-10-{day:02d}", 500, billable=False)
    town.discharge(home, "2026-11-01", 500, billable=False)
    assert warned(town)["W0G001"] == {"doubtful": 1}
    (row,) = listed(town, "doubtful")
    assert (row["building"], row["unit"], row["count"], row["grams"]) == ("101", "1203", 2, 1_000)


def test_weights_that_were_not_proven_wait_until_somebody_decides(town: BilledTown, home: Home) -> None:
    first = town.discharge(home, "2026-10-05", 500, outcome="unsettled", billable=False)
    town.discharge(home, "2026-10-06", -20, outcome="negative", billable=False)
    town.discharge(home, "2026-10-07", None, outcome="empty_open", billable=False)
    (row,) = listed(town, "undecided")
    assert (row["unit"], row["count"], warned(town)["W0G001"]) == ("1203", 2, {"undecided": 1})
    town.correct(first, "void", "2026-11-01")
    assert listed(town, "undecided")[0]["count"] == 1


def test_weight_of_nobody_warns_above_five_per_cent(town: BilledTown, home: Home) -> None:
    town.discharge(home, "2026-10-05", 9_500)
    town.discharge(None, "2026-10-05", 500)
    assert "W0G001" not in warned(town) or warned(town)["W0G001"] == {}
    town.discharge(None, "2026-10-06", 100)
    (row,) = listed(town, "suspense")
    assert (row["suspense_g"], row["weighed_g"]) == (600, 10_100)


def test_a_household_far_above_its_own_median_is_an_outlier(town: BilledTown, home: Home) -> None:
    use(town, home, months(4, 9, 6_000) | {"2026-09": 40_000, "2026-10": 18_001})
    calm, new = town.home("101", "1204"), town.home("101", "1205")
    use(town, calm, months(4, 9, 6_000) | {"2026-10": 18_000})
    use(town, new, months(8, 9, 100) | {"2026-10": 90_000})
    (row,) = listed(town, "jumps")
    assert (row["unit"], row["grams"], row["usual_g"]) == ("1203", 18_001, 6_000)
    assert warned(town)["W0G001"] == {"jumps": 1}


def test_little_more_of_little_is_no_outlier(town: BilledTown, home: Home) -> None:
    use(town, home, months(4, 9, 1_000) | {"2026-10": 11_000})
    assert listed(town, "jumps") == []
    town.discharge(home, "2026-10-20", 1)
    assert len(listed(town, "jumps")) == 1


def test_whoever_always_used_the_bins_and_stopped_is_an_outlier_once_the_month_is_over(
    town: BilledTown, home: Home
) -> None:
    use(town, home, months(4, 9, 6_000))
    use(town, town.home("101", "1204"), months(5, 9, 6_000))  # five months are not always
    use(town, town.home("101", "1205", until="2026-10-20"), months(4, 9, 6_000))  # who moved out may stop
    assert listed(town, "gone", now=instant("2026-10-31")) == []
    (row,) = listed(town, "gone")
    assert (row["unit"], row["last_g"], row["usual_g"]) == ("1203", 6_000, 6_000)


def test_quarantined_records_of_its_gateways_warn_until_decided(town: BilledTown, home: Home) -> None:
    with town.database.begin() as session:
        gateway = sa.select(MeterAssignment.gateway_id).where(MeterAssignment.complex_id == town.complexes["W0G001"])
        key = {"district_id": town.id, "gateway_id": session.scalar(gateway), "epoch_no": 1, "code": "unknown-meter"}
        said = {"detail": "", "raw": b"{}", "envelope": "{}", "content_hash": bytes(32), "kind": "discharge"}
        days = ("2026-09-30", "2026-10-05", "2026-11-20", "2026-12-01")
        for id_, day in enumerate(days, 1):
            session.add(Quarantine(**key, **said, id=id_, seq=id_, received_at=instant(day)))
    assert [row["key"] for row in listed(town, "quarantined")] == [2, 3]
    with town.database.begin() as session:
        decided = {"decision": "discarded", "note": "시험", "corrected": None, "actor": CLERK, "decided_at": NOW}
        session.add(QuarantineDecision(district_id=town.id, quarantine_id=2, **decided))
    assert warned(town)["W0G001"] == {"quarantined": 1}


def test_faults_of_scales_count_where_they_were_open_in_the_month(town: BilledTown, home: Home) -> None:
    device = Device(town.gateway_id, town.meters["W0G001"], town.complexes["W0G001"], "M-W0G001")

    def fault(fault_class: str, opened: str, closed: str | None) -> None:
        with town.database.begin() as session:
            new = New(device, "by_person", fault_class, None, instant(opened) + timedelta(days=1), CLERK, "고장")
            (id_,) = book.open_faults(session, town.id, [new], instant(opened))
            if closed is not None:
                book.close_faults(session, town.id, [id_], instant(closed), CLERK, "고침")

    fault("weighing", "2026-09-20", "2026-09-30")
    fault("weighing", "2026-09-25", "2026-10-02")
    fault("lock", "2026-10-05", None)
    fault("weighing", "2026-10-20", None)
    fault("weighing", "2026-11-01", None)
    rows = listed(town, "faulty")
    assert [(row["fault_id"], row["meter"]) for row in rows] == [(2, "M-W0G001"), (4, "M-W0G001")]
    assert warned(town)["W0G001"] == {"faulty": 2}


def test_scales_warn_for_days_without_a_certificate_that_holds(town: BilledTown, home: Home) -> None:
    def certify(number: int, inspected: date, due: date, result: str = "passed") -> None:
        with town.database.begin() as session:
            said = {"number": f"C{number}", "body": "검정기관", "recorded_by": CLERK, "recorded_at": LONG_AGO}
            session.add(
                ScaleCertificate(
                    **{"district_id": town.id, "id": number, "meter_id": town.meters["W0G001"]},
                    **{"inspected_on": inspected, "due_on": due, "result": result, "remark": None, **said},
                )
            )

    def mine() -> tuple[int, date, str] | None:
        rows = [row for row in listed(town, "uncertified") if row["complex"] == "W0G001"]
        return (rows[0]["days"], rows[0]["first_day"], rows[0]["state"]) if rows else None

    assert mine() == (31, OCTOBER, "missing")
    certify(1, date(2024, 10, 10), date(2026, 10, 10))
    assert mine() == (21, date(2026, 10, 11), "overdue")
    certify(2, date(2026, 10, 16), date(2028, 10, 16))
    assert mine() == (5, date(2026, 10, 11), "valid")
    certify(3, date(2026, 10, 11), date(2028, 10, 11))
    assert mine() is None
    certify(4, date(2026, 10, 30), date(2028, 10, 30), "failed")
    assert mine() == (2, date(2026, 10, 30), "failed")


def test_meters_that_were_hardly_heard_warn_and_complexes_without_any(town: BilledTown, home: Home) -> None:
    def heard(code: str, hours: float) -> None:
        place = {"district_id": town.id, "complex_id": town.complexes[code], "meter_id": town.meters[code]}
        with town.database.begin() as session:
            key = {"month": OCTOBER, "gateway_id": town.gateway_id}
            session.add(AliveMonth(**place, **key, alive_ms=int(hours * 3_600_000)))

    heard("W0G001", 31 * 24 * 0.89)
    heard("W0G002", 31 * 24 * 0.9)
    rows = [(row["complex"], row["meter"], row["alive_percent"]) for row in listed(town, "silent")]
    assert rows == [("W0G001", "M-W0G001", 89)]
    with town.database.begin() as session:
        at_w0g001 = (MeterAssignment.complex_id == town.complexes["W0G001"],)
        session.execute(sa.update(MeterAssignment).where(*at_w0g001).values(valid_to=instant("2026-09-30")))
    rows = [(row["complex"], row["meter"], row["key"]) for row in listed(town, "silent")]
    assert rows == [("W0G001", None, 0)]


def test_tariffs_are_missed_for_every_class_that_somebody_there_pays_by(town: BilledTown, home: Home) -> None:
    assert listed(town, "no_tariff") == []
    town.tariff("2026-11-01", 65, payer_class="welfare")
    town.payer_class(home, "welfare")
    (row,) = listed(town, "no_tariff")
    assert (row["complex"], row["payer_class"], row["day"]) == ("W0G001", "welfare", OCTOBER)
    assert listed(town, "no_tariff", "2026-11") == []


def test_complexes_where_nobody_can_pay_are_told(town: BilledTown) -> None:
    town.home("101", "1203", until="2026-09-30")
    assert warned(town) == {"W0G001": {"no_payers": 1}, "W0G002": {"no_households": 1}}
    mine = Reach(frozenset({town.complexes["W0G002"]}))
    assert warned(town, reach=mine) == {"W0G002": {"no_households": 1}}


def test_a_preview_that_something_was_booked_after_says_so(town: BilledTown, home: Home) -> None:
    town.discharge(home, "2026-10-05", 1_000)
    town.preview("2026-10")
    assert listed(town, "since_preview") == []
    town.discharge(home, "2026-10-06", 1_000, booked="2026-11-03")
    (row,) = listed(town, "since_preview")
    assert (row["then"], row["count"]) == (1, 2)
    town.preview("2026-10", now=NOW)
    assert listed(town, "since_preview") == []


def test_rows_are_paged_by_complex_and_key(town: BilledTown) -> None:
    for unit in ("1", "2", "3"):
        town.discharge(town.home("101", unit), "2026-10-05", 500, billable=False)
    town.discharge(town.home("101", "4", complex="W0G002"), "2026-10-05", 500, billable=False)
    assert warned(town)["W0G001"]["doubtful"] == 3
    found: list[Row] = []
    while page := listed(town, "doubtful", after=_key(found), limit=2):
        found += page
    assert [(row["complex"], row["unit"]) for row in found] == [
        *(("W0G001", unit) for unit in ("1", "2", "3")),
        ("W0G002", "4"),
    ]


def _key(found: list[Row]) -> tuple[int, int] | None:
    return (found[-1]["complex_id"], found[-1]["key"]) if found else None
