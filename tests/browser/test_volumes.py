"""The pages of volumes in Chromium: asked through htmx or without a script, on a phone and on a wide screen."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open, Seen, Service
from tests.browser.test_first_page import BOTH, LANGUAGES, overflows, serious
from tests.web.town import Town

PATHS = [
    "/volumes",
    "/volumes?per=complex&by=week",
    "/volumes?by=hour&from={outage}&to={outage}",
    "/volumes/households/1",
    "/volumes/complexes/1?per=household",
    "/complexes",
]


@pytest.fixture
def town(service: Service) -> Town:
    return Town(service.database)


@LANGUAGES
def test_every_page_of_volumes_fits_its_window_and_is_accessible(log_in: Open, town: Town, language: str) -> None:
    page = log_in(language=language)
    home = page.url.rstrip("/")
    for width in BOTH:
        page.set_viewport_size({"width": width, "height": 900})
        for path in PATHS:
            page.goto(home + path.format(outage=town.day(town.outage)))
            expect(page.locator("tbody tr").first).to_be_visible()
            assert not overflows(page), (path, width)
            assert serious(page) == [], (path, width)


def test_asking_changes_the_page_without_a_reload_and_back_leads_back(log_in: Open, town: Town) -> None:
    page = log_in(language="en")
    page.goto(page.url + "volumes")
    page.evaluate("window.stillTheSamePage = true")
    expect(page.locator(".chart canvas")).to_be_visible()
    page.get_by_label("Cut").select_option("week")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tbody tr").first).to_contain_text(" to ")
    assert "by=week" in page.url
    assert page.evaluate("window.stillTheSamePage")
    expect(page.locator(".chart canvas")).to_be_visible()
    page.go_back()
    expect(page.locator("tbody tr")).to_have_count(31)
    expect(page.get_by_label("Cut")).to_have_value("day")


def test_a_wrong_day_is_said_beside_its_field(log_in: Open, town: Town, seen: Seen) -> None:
    page = log_in(language="ko", width=360)
    page.goto(page.url + "volumes")
    page.get_by_label("시작일").fill("2026-10-02")
    page.get_by_label("종료일").fill("2026-10-01")
    page.get_by_role("button", name="조회").click()
    expect(page.locator("#from-error")).to_have_text("시작일이 종료일보다 늦습니다.")
    expect(page.get_by_label("시작일")).to_have_value("2026-10-02")
    assert serious(page) == []
    assert not overflows(page)
    seen.forgive()  # Chromium names the 422


def test_a_session_that_is_over_leads_to_the_log_in_and_back_to_the_question(log_in: Open, town: Town) -> None:
    page = log_in(language="en")
    page.goto(page.url + "volumes")
    page.context.clear_cookies(name="session")
    page.get_by_label("Cut").select_option("month")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**/login?next=**by*month**")


def test_complexes_are_found_while_one_types(log_in: Open, town: Town) -> None:
    page = log_in(language="ko")
    page.goto(page.url + "complexes")
    page.get_by_label("이름 또는 코드").press_sequentially("등촌")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_label("이름 또는 코드")).to_be_focused()
    page.get_by_role("link", name="등촌3단지").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("등촌3단지")


def test_volumes_are_asked_without_javascript(log_in: Open, town: Town) -> None:
    page = log_in(language="en", javascript=False)
    page.goto(page.url + "volumes")
    page.get_by_label("Cut").select_option("week")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tbody tr").first).to_contain_text(" to ")


def test_the_line_of_a_long_range_is_drawn(log_in: Open, town: Town) -> None:
    page = log_in(language="en")
    page.goto(f"{page.url}volumes?by=day&from={town.day(100)}&to={town.day(0)}")
    expect(page.locator("table[data-chart=lines]")).to_be_visible()
    expect(page.locator(".chart canvas")).to_be_visible()
