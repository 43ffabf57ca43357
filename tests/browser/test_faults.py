"""The fault desk in Chromium: a manager reports what is broken, and the office takes it over and closes it."""

import pytest
from playwright.sync_api import Page, expect

from tests.access.people import add_person
from tests.browser.conftest import Open, Service
from tests.browser.reader import FLOWS, Reader
from tests.builders import Town
from tests.web.bins import Bins

COMPLAINT, REPAIR = "뚜껑이 닫히지 않습니다.", "경첩을 갈았습니다."
WORDS = {
    "faults": ("고장", "Faults"),
    "report_one": ("고장 신고", "Report a fault"),
    "meter": ("종량기", "Meter"),
    "class": ("분류", "Class"),
    "lock": ("잠금·뚜껑", "Lock or lid"),
    "wrong": ("고장 내용", "What is wrong"),
    "report": ("신고", "Report"),
    "reported": ("고장을 신고했습니다.", "The fault is reported"),
    "opened": ("고장 발생", "Opened"),
    "take": ("처리 맡기", "Take it over"),
    "taken": ("고장 처리를 맡았습니다.", "You are in charge now."),
    "taken_by": ("처리 시작", "Taken"),
    "close": ("종료", "Close"),
    "what_was_done": ("한 일", "What was done"),
    "close_it": ("고장 종료", "Close the fault"),
    "closed": ("고장을 종료했습니다.", "The fault is closed."),
    "is_closed": ("종료", "Closed"),
    "nothing": ("고장이 없습니다.", "Nothing is broken."),
}


@pytest.fixture(autouse=True)
def town(service: Service) -> Town:
    """`park` manages its complex, and not the other one of the district; `choi` operates both."""
    town = Town(service.database, code="W0K")
    Bins(service.database, "가양1단지", code="W0K")
    add_person(service.database, "park", "W0K", role="manager", complex_ids=(town.complex.id,))
    add_person(service.database, "choi", "W0K", role="operator")
    return town


def history(page: Page) -> list[list[str]]:
    """What and who, line by line, the newest first; when is left out."""
    rows = page.locator("table").last.locator("tbody tr").all()
    return [[cell.inner_text() for cell in row.locator("td").all()[1:]] for row in rows]


def report(reader: Reader) -> None:
    """Report a fault at the first bin that is offered."""
    reader.go("faults")
    reader.check()
    reader.follow("report_one")
    reader.check()
    page = reader.page
    offered = page.get_by_label(reader("meter")).locator("option").all_inner_texts()
    assert offered == ["두보하이츠 W0K-M1", "두보하이츠 W0K-M2"], "bins of the own complex alone"
    page.get_by_label(reader("meter")).select_option("W0K-M1")
    page.get_by_label(reader("class")).select_option(label=reader("lock"))
    page.get_by_label(reader("wrong")).fill(COMPLAINT)
    reader.press("report")
    reader.told("reported")


@FLOWS
def test_a_manager_s_report_is_taken_over_closed_and_seen_closed(log_in: Open, language: str, width: int) -> None:
    manager = Reader(log_in(login="park", language=language, width=width), language, WORDS)
    report(manager)
    expect(manager.page.get_by_text(COMPLAINT)).to_be_visible()
    manager.check()

    office = Reader(log_in(login="choi", language=language, width=width), language, WORDS)
    office.go("faults")
    office.check()
    office.page.locator("tbody th a").click()
    office.press("take")
    office.told("taken")
    office.check()
    form = office.unfold("close")
    form.get_by_label(office("what_was_done")).fill(REPAIR)
    office.press("close_it")
    office.told("closed")
    office.check()

    manager.page.reload()
    assert manager.page.locator("main .krds-badge").inner_text() == manager("is_closed")
    assert history(manager.page) == [
        [f"{manager('is_closed')}\n{REPAIR}", "choi"],
        [f"{manager('taken_by')}\nchoi", "choi"],
        [manager("opened"), "park"],
    ]
    manager.check()
    manager.go("faults")
    expect(manager.page.locator("main")).to_contain_text(manager("nothing"))


def test_a_fault_is_reported_by_keyboard_alone(log_in: Open) -> None:
    page = log_in("/faults", login="park", language="en")
    tab_to(page, "Report a fault")
    page.keyboard.press("Enter")
    page.wait_for_url("**/faults/new")
    tab_to(page, "Meter")
    page.keyboard.press("ArrowDown")
    tab_to(page, "Class")
    page.keyboard.press("L")
    tab_to(page, "What is wrong")
    page.keyboard.type(COMPLAINT)
    tab_to(page, "Report")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("The fault is reported")
    expect(page.locator("h1")).to_contain_text("Lock or lid 두보하이츠 W0K-M2")
    expect(page.get_by_text(COMPLAINT)).to_be_visible()


def tab_to(page: Page, name: str) -> None:
    """Press the tab key until what has this label or text has the focus."""
    focused = "(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()"
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate(focused) == name:
            return
    pytest.fail(f"No tab leads to {name}.")


def test_a_fault_is_reported_without_javascript(log_in: Open) -> None:
    page = log_in(login="park", language="en", width=360, javascript=False)
    report(Reader(page, "en", WORDS, scripts=False))
