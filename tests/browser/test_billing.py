"""A month in Chromium, from its preview to the adjustment on the next one: 3,120 won, and 500 of them credited."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.times import now
from billing.days import month_after, month_of, service_day
from tests.access.people import add_person
from tests.browser.conftest import Open, Service
from tests.browser.reader import FLOWS, Reader
from tests.statements.town import BilledTown

CODE = "W0K001"
WORDS = {
    "make": ("미리보기 만들기", "Make the preview"),
    "made": ("미리보기를 만들었습니다.", "The preview is made."),
    "agree": ("이 금액에 동의", "Agree to these amounts"),
    "agreed": ("이 금액에 동의했습니다.", "You agreed to these amounts."),
    "close": ("확정", "Close the month"),
    "early": ("검토 기간 중에 확정", "Close before the review is over"),
    "closed": ("확정했습니다.", "The month is closed."),
    "reason": ("사유", "Reason"),
    "fees": ("관리비 파일", "Maintenance-fee file"),
    "csv": ("CSV (UTF-8, 엑셀용)", "CSV (UTF-8, for Excel)"),
    "file": ("파일 (CSV 또는 XLSX)", "File (CSV or XLSX)"),
    "check": ("검사", "Check"),
    "agrees": ("2건 모두 고지서와 같습니다.", "All 2 rows agree with the statements."),
    "object": ("이 줄에 이의신청", "Object to this line"),
    "says": ("주민의 말", "What the resident says"),
    "held": ("이의 금액(원)", "Amount in dispute (won)"),
    "take_down": ("이의신청 접수", "Take the objection down"),
    "taken_down": ("접수했습니다.", "The objection is taken down."),
    "decide": ("결정", "Decide"),
    "decision": ("결정", "Decision"),
    "booked": ("결정을 기록했습니다.", "The decision is booked."),
    "void": ("무효 또는 재발행", "Void or issue anew"),
    "by_office": ("담당자 정산", "Adjustment by the office"),
}


@dataclass
class Desk:
    """Two months that are over, of two units at 130 won/kg; `chief` is of the office, `lee` manages the complex."""

    town: BilledTown
    log_in: Open
    before: date
    last: date

    def reader(self, login: str, **how: object) -> Reader:
        return Reader(self.log_in(login=login, **how), str(how["language"]), WORDS)


@pytest.fixture
def desk(service: Service, log_in: Open) -> Desk:
    town = BilledTown(service.database, code="W0K", complexes=1)
    home, neighbour = (town.home("101", unit, complex=CODE) for unit in ("1203", "1204"))
    last = month_after(month_of(service_day(now())), -1)
    before = month_after(last, -1)
    for day, grams in (("05", 12_000), ("07 20:15", 11_990), ("07 21:00", 10)):
        town.discharge(home, f"{before:%Y-%m}-{day}", grams)
    town.discharge(None, f"{before:%Y-%m}-08", 1_005, complex=CODE)
    town.discharge(home, f"{last:%Y-%m}-05", 10_000)
    town.discharge(neighbour, f"{last:%Y-%m}-06", 2_000)
    add_person(service.database, "chief", "W0K")
    add_person(service.database, "lee", "W0K", role="manager", complex_ids=(town.complexes[CODE],))
    return Desk(town, log_in, before, last)


def open_month(reader: Reader, month: date) -> None:
    """The statement of the complex, from the board."""
    reader.page.goto(origin(reader.page) + f"/billing/{month:%Y-%m}")
    reader.page.get_by_role("rowheader").get_by_role("link", name=CODE).click()


def open_statement(reader: Reader, month: date) -> None:
    """Of unit 1203, from its complex's statement."""
    open_month(reader, month)
    reader.page.get_by_role("link", name="101-1203").click()
    reader.check()


def origin(page: Page) -> str:
    return "/".join(page.url.split("/")[:3])


def amounts(reader: Reader) -> list[int]:
    """The entries of the first bill on the page, its total last."""
    told = reader.page.locator("ul.bill").first.locator(".won").all_inner_texts()
    return [int("".join(sign for sign in text if sign.isdigit() or sign == "-")) for text in told]


@FLOWS
def test_a_month_is_reviewed_closed_disputed_and_adjusted(
    desk: Desk, tmp_path: Path, language: str, width: int
) -> None:
    chief, lee = (desk.reader(login, language=language, width=width) for login in ("chief", "lee"))
    open_month(chief, desk.before)
    chief.press("make")
    chief.told("made")
    assert amounts(chief) == [3120, 130, 0, 3250]
    chief.check()

    open_month(lee, desk.before)
    lee.check()
    lee.press("agree")
    lee.told("agreed")

    chief.page.reload()
    chief.press("close")
    chief.told("closed")
    chief.check()

    lee.page.reload()
    lee.follow("fees")
    lee.check()
    with lee.page.expect_download() as download:
        lee.page.get_by_role("link", name=lee("csv"), exact=True).click()
    fees = tmp_path / download.value.suggested_filename
    download.value.save_as(fees)
    lee.page.get_by_label(lee("file")).set_input_files(fees)
    lee.press("check")
    lee.told("agrees")
    lee.check()

    open_statement(lee, desk.before)
    assert amounts(lee) == [3120, 65, 3185]
    lee.page.get_by_role("link", name=lee("object")).first.click()
    lee.check()
    lee.page.get_by_label(lee("says")).fill("7일에는 집에 없었습니다.")
    lee.page.get_by_label(lee("held")).fill("1560")
    lee.press("take_down")
    lee.told("taken_down")
    dispute = lee.page.url

    chief.page.goto(dispute)
    chief.check()
    form = chief.unfold("decide")
    form.get_by_label(chief("decision"), exact=True).select_option("partly")
    form.locator("[name=decide_credit_won]").fill("500")
    form.locator("[name=decide_words]").fill("7일의 무게 일부를 인정합니다.")
    chief.press("decide", form)
    chief.told("booked")

    open_month(chief, desk.last)
    chief.press("make")
    form = chief.unfold("early")
    form.get_by_label(chief("reason")).fill("관리사무소 요청")
    chief.press("close", form)
    chief.told("closed")
    assert amounts(chief) == [1300 + 260 - 500, 0, 0, 1060]
    open_statement(chief, desk.last)
    assert amounts(chief) == [1300, -500, 800]
    open_statement(chief, desk.before)
    assert amounts(chief) == [3120, 65, 3185], "what was final stays as it was"
    expect(chief.page.locator("main")).to_contain_text(chief("by_office"))
    chief.follow("void")
    chief.check()
