"""Statements as pages: every won with its reason, sums that add up, review and closing; and who may not see what."""

import html
import re
from datetime import date
from functools import cached_property
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.access.reach import WHOLE
from app.statements.corrections import voids
from app.statements.payments import service as payments
from app.statements.payments.lines import Line
from app.web import billing_pages
from tests.access.people import PAGE, add_person, csrf_token, database_of, log_in, running_app
from tests.emptied import database_url, emptied_postgres  # noqa: F401 - fixtures
from tests.statements.town import BilledTown, instant

OCTOBER = "/billing/2026-10/W0G001"


class Office:
    """A town billed at 130 won/kg with two households; kim is of the office, lee manages W0G001, noh W0G002."""

    def __init__(self, app: Flask) -> None:
        self.app, self.database = app, database_of(app)
        self.town = BilledTown(self.database)
        self.home, self.neighbour = self.town.home("101", "1203"), self.town.home("101", "1204")
        self.elsewhere = self.town.home("201", "305", complex="W0G002")
        for day, grams in (("2026-10-05", 12_000), ("2026-10-07 20:15", 11_990), ("2026-10-07 21:00", 10)):
            self.town.discharge(self.home, day, grams)
        self.town.discharge(None, "2026-10-08", 1_005)
        add_person(self.database)

    @cached_property
    def kim(self) -> FlaskClient:
        return self.logged_in("kim")

    @cached_property
    def lee(self) -> FlaskClient:
        return self.manager("lee", "W0G001")

    @cached_property
    def noh(self) -> FlaskClient:
        return self.manager("noh", "W0G002")

    def manager(self, login: str, code: str) -> FlaskClient:
        add_person(self.database, login, role="manager", complex_ids=(self.town.complexes[code],))
        return self.logged_in(login)

    def logged_in(self, login: str) -> FlaskClient:
        client = self.app.test_client()
        log_in(client, login)
        return client

    def page(self, path: str, client: FlaskClient | None = None, language: str = "en", status: int = 200) -> str:
        answer = (client or self.kim).get(path, headers=PAGE | {"Accept-Language": language})
        assert answer.status_code == status, path
        return answer.text

    def send(self, path: str, client: FlaskClient | None = None, at: str = OCTOBER, **form: Any) -> Any:
        """Send a form as the page `at` has it."""
        client = client or self.kim
        page = self.page(at, client)
        seen = page.split('name="seen" value="', 1)[1].split('"', 1)[0] if 'name="seen"' in page else ""
        sent = {"seen": seen, "csrf_token": csrf_token(client, at)} | form
        return client.post(path, data=sent, headers=PAGE | {"Accept-Language": "en"})


@pytest.fixture
def office(database_url: str) -> Any:  # noqa: F811 - the fixture
    with running_app(database_url) as app:
        yield Office(app)


def amounts(page: str) -> list[int]:
    """The amounts of the bill on a page: its entries, and the total last."""
    (bill,) = re.findall(r'<ul class="bill">(.*?)</ul>', page, re.DOTALL)[:1]
    return [int(found.replace(",", "")) for found in re.findall(r'class="won">(-?[\d,]+) won<', bill)]


def test_a_complexs_statement_adds_up_and_names_what_it_follows_from(office: Office) -> None:
    office.town.final("2026-10")
    page = office.page(OCTOBER)
    *parts, total = amounts(page)
    assert (parts, total) == ([3120, 130, 0], 3250)
    assert "Final" in page
    assert "exactly 3,250.65 won and, rounded once, 3,250 won" in page
    assert "130 won/kg" in page
    assert "조례 제1조" in page
    assert "1.005 kg, 1 discharge: unidentified weight is shared (equally)." in page
    assert page.index("101-1203") < page.index("101-1204")
    assert "202610-W0G001-0001" in page


def test_a_households_statement_says_why_at_a_glance_and_day_by_day(office: Office) -> None:
    office.town.final("2026-10")
    number = "202610-W0G001-0001"
    page = office.page(f"/billing/statements/{number}")
    assert amounts(page) == [3120, 65, 3185]
    assert "3 discharges, 24.00 kg × 130 won/kg = 3,120 won" in page
    assert "130 won × 31 days lived here ÷ 62 days of all households = 65 won" in page
    days = page.split("Day by day</caption>")[1].split("</table>")[0]
    assert re.findall(r"\d\d:\d\d", days) == ["12:00", "20:15", "21:00"]
    assert re.findall(r">([\d,]+) g<", days) == ["12,000", "11,990", "10", "24,000"]
    assert re.findall(r'rect width="([\d.]+)"', days) == ["100.0", "100.0"]
    assert "/meters/M-W0G001" in days
    assert "/api/v1/discharges/1-1-1" in days
    korean = office.page(f"/billing/statements/{number}", language="ko")
    assert "24.00 kg × 130원/kg = 3,120원 (원 미만 버림)" in korean
    assert "10월 5일 (월)" in korean


def test_a_later_correction_stands_on_both_statements(office: Office) -> None:
    number = office.town.discharge(office.neighbour, "2026-09-03", 10_000)
    office.town.final("2026-09")
    office.town.correct(number, "re_weigh", "2026-10-20", net_g=4_000)
    office.town.final("2026-10")
    september = office.page("/billing/statements/202609-W0G001-0002")
    assert amounts(september) == [1300, 1300]
    assert "Adjustment of an earlier month" in september
    assert "10,000 g" in september, "the statement shows what it was made from"
    october = office.page("/billing/statements/202610-W0G001-0002")
    assert amounts(october) == [0, 65, -780, -715]
    assert "Credit" in october
    assert "Billed so far 1,300 won (1 discharge, 10.00 kg)" in october
    row = re.findall(r'<td class="number">([^<]*)</td>', office.page(f"{OCTOBER}?unit=1204").split("<tbody>")[1])
    assert row[:5] == ["0.00 kg", "0", "65", "-780", "-715"]
    assert "This month 3,120 won, adjustments -780 won." in office.page(OCTOBER)


def test_a_statement_issued_anew_shows_line_by_line_what_changed(office: Office) -> None:
    number = office.town.discharge(office.neighbour, "2026-10-09", 10_000)
    office.town.final("2026-10")
    office.town.correct(number, "re_weigh", "2026-11-12", net_g=4_000)
    old, new = "202610-W0G001-0002", "202610-W0G001-R2-0001"
    with office.database.begin() as session:
        here = (session, office.town.id, WHOLE, old)
        voids.void(*here, "저울 고장", True, "kim", instant("2026-11-13"))
    for address, said in ((old, "This statement is void and no longer owed: 저울 고장"), (new, "Final")):
        page = office.page(f"/billing/statements/{address}")
        assert said in page
        table = page.split("issued anew</caption>")[1].split("</table>")[0]
        assert re.findall(r'class="won">(-?[\d,]+) won<', table) == ["1,300", "520", "-780", "65", "65", "0"]
    month = office.page(OCTOBER)
    assert "202610-W0G001-R2" in month
    assert re.search(r"101-1204</a> <span[^>]*>Void<", month)


def test_staff_preview_a_manager_agrees_and_staff_close(office: Office) -> None:
    assert "There is no preview of this month yet." in office.page(OCTOBER)
    assert office.send(f"{OCTOBER}/preview").location == OCTOBER
    assert "The preview is made." in office.page(OCTOBER)
    assert "under review until" in office.page(OCTOBER)
    assert "Close before the review is over" in office.page(OCTOBER)
    seen = office.page(OCTOBER, office.lee)
    assert "Agree to these amounts" in seen
    assert "Close the month" not in seen
    assert office.send(f"{OCTOBER}/agree", office.lee).location == OCTOBER
    assert "by lee" in office.page(OCTOBER)
    assert "Close before the review is over" not in office.page(OCTOBER)
    assert office.send(f"{OCTOBER}/finalise").location == OCTOBER
    page = office.page(OCTOBER)
    assert "closed Nov" in page
    assert "Preview again" not in page
    again = office.send(f"{OCTOBER}/preview")
    assert again.status_code == 422
    assert "The month is closed for this complex." in again.text


def test_a_preview_names_what_to_look_at_before_it_is_closed(office: Office) -> None:
    office.town.preview("2026-10")
    assert "/billing/2026-10/warnings/uncertified?complex=W0G001" in office.page(OCTOBER, office.lee)
    office.town.finalise("2026-10")
    assert "/warnings/" not in office.page(OCTOBER, office.lee)


def test_a_month_under_review_is_closed_only_for_a_reason(office: Office) -> None:
    office.send(f"{OCTOBER}/preview")
    refused = office.send(f"{OCTOBER}/finalise")
    assert refused.status_code == 422
    assert "The review of this preview is not over." in refused.text
    assert office.send(f"{OCTOBER}/finalise", early_reason="관리사무소 요청").location == OCTOBER
    assert "before the review was over: 관리사무소 요청" in office.page(OCTOBER)


def test_nobody_agrees_to_or_closes_amounts_that_they_did_not_see(office: Office) -> None:
    office.send(f"{OCTOBER}/preview")
    for client, action in ((office.lee, "agree"), (office.kim, "finalise")):
        answer = office.send(f"{OCTOBER}/{action}", client, seen="0" * 64)
        assert answer.status_code == 422
        assert "has changed since you opened the page." in answer.text
    assert "Preview" in office.page(OCTOBER)


def test_a_month_without_a_tariff_is_refused_with_its_day(office: Office) -> None:
    refused = office.send("/billing/2019-12/W0G001/preview", at="/billing/2019-12/W0G001")
    assert refused.status_code == 422
    assert "Dec 1, 2019" in refused.text


def test_what_was_paid_and_is_still_owed_stands_on_statement_and_household(office: Office) -> None:
    office.town.final("2026-10")
    with office.database.begin() as session:
        paid = Line(0, 3000, date(2026, 11, 12), statement="202610-W0G001-0001")
        payments.pay(session, office.town.id, WHOLE, paid, "lee", instant("2026-11-12"))
    statement = office.page("/billing/statements/202610-W0G001-0001", office.lee)
    assert "Due by Dec 10, 2026." in statement
    assert "Still to pay: 185 won." in statement
    assert "Paid on Nov 12, 2026 for this month: 3,000 won" in statement
    assert "Still to pay: 185 won." in office.page(f"/households/{office.home.household_id}", office.lee)
    assert "Still to pay: 65 won." in office.page("/billing/statements/202610-W0G001-0002")


def test_a_manager_sees_nothing_of_another_complex(office: Office) -> None:
    office.town.final("2026-10")
    statement = "/billing/statements/202610-W0G001-0001"
    assert office.page(statement, office.lee)
    for path in (OCTOBER, statement):
        office.page(path, office.noh, status=404)
    assert "101-1203" not in office.page("/billing/statements?unit=1203", office.noh)
    assert office.send(f"{OCTOBER}/agree", office.noh, at="/billing/2026-10/W0G002").status_code == 404


def test_months_complexes_and_numbers_that_there_are_not_are_not_found(office: Office) -> None:
    office.town.preview("2026-10")
    for path in ("2026-13/W0G001", "1-2-3-4/W0G001", "2999-01/W0G001", "2026-10/NONE"):
        office.page(f"/billing/{path}", status=404)
    for number in ("202610-W0G001-0009", "202610-W0G001-1", "nonsense", "202610-W0G001-0001 "):
        office.page(f"/billing/statements/{number}", status=404)


def test_statements_are_found_by_unit_and_page_by_page(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(billing_pages, "PAGE", 1)
    office.town.final("2026-09")
    office.town.final("2026-10")
    assert "Choose a complex" in office.page("/billing/statements")
    first = office.page("/billing/statements?building=101동&unit=1203")
    assert "October 2026" in first
    assert "September 2026" not in first
    (following,) = re.findall(r'href="(/billing/statements\?[^"]*after=[^"]*)"', first)
    second = office.page(html.unescape(following))
    assert "202609-W0G001-0001" in second
    assert "after=" not in second
    assert "No statement fits" in office.page("/billing/statements?unit=999&after=nonsense")


def test_the_page_of_a_household_lists_its_statements_for_those_who_may_read_them(office: Office) -> None:
    office.town.final("2026-09")
    office.town.preview("2026-10")
    path = f"/households/{office.home.household_id}"
    page = office.page(path, office.lee)
    assert page.index("202610-W0G001-0001") < page.index("202609-W0G001-0001")
    assert "202610-W0G001-0002" not in page
    assert "This household has no statement yet." in office.page(f"/households/{office.elsewhere.household_id}")
    add_person(office.database, "cho", scopes=("household:read",))
    assert "Statements" not in office.page(path, office.logged_in("cho"))
