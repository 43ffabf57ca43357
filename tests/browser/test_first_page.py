"""The first page in Chromium: discharges arrive by themselves, in both languages, on a phone and on a wide screen."""

import re
from datetime import date, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from app.times import now
from app.web import pages
from app.web.queries import ComplexToday, Coverage, Overview
from tests.browser.conftest import Open, Seen, Service
from tests.web.bins import Bins

WORDS = {
    "ko": {
        "title": "오늘의 배출 현황",
        "unknown": "미확인",
        "log_out": "로그아웃",
        "empty": "설치된 종량기가 아직 없습니다",
    },
    "en": {
        "title": "Discharges today",
        "unknown": "Unknown",
        "log_out": "Log out",
        "empty": "No meter stands anywhere",
    },
}
OUTCOMES = ("settled", "late_close", "recovered", "unsettled", "collection", "unattended_step", "refused_full")
LANGUAGES = pytest.mark.parametrize("language", ["ko", "en"])
BOTH = (360, 1920)  # a phone and a wide screen
WIDTHS = pytest.mark.parametrize("width", BOTH)


@pytest.fixture
def bins(service: Service) -> Bins:
    """Bins of an ordinary day: known and unknown cards, events, a silent meter, a long name."""
    far = Bins(service.database, "등촌주공아파트10단지(임대)", meters=2)
    far.discharge(far.card("3700FFFF42"), 12_340, at=now() - timedelta(minutes=3))
    near = Bins(service.database, "가양1단지", meters=3)
    card = near.add_household("3700A1B2CD")
    for n, outcome in enumerate(OUTCOMES):
        grams = 0 if outcome == "unsettled" else 410 + 250 * n
        near.discharge(card, grams, outcome=outcome, at=now() - timedelta(seconds=60 - n)) if grams else None
    for meter in near.meters[:2]:
        near.report_alive(meter, now() - timedelta(minutes=2))
    return near


def serious(page: Page) -> list[str]:
    """What axe finds serious or critical."""
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {rule['nodes'][0]['html']}" for rule in found if rule["impact"] in ("serious", "critical")]


def overflows(page: Page) -> bool:
    """Whether one has to scroll sideways."""
    wider: bool = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return wider


@LANGUAGES
def test_discharges_appear_without_a_reload(log_in: Open, bins: Bins, language: str) -> None:
    page = log_in(language=language)
    page.evaluate("window.stillTheSamePage = true")
    expect(page.get_by_role("heading", level=1)).to_contain_text(WORDS[language]["title"])
    rows = page.locator("table.latest tbody tr")
    before = rows.count()
    bins.discharge(bins.card("3700FFFF43"), 987)
    expect(rows).to_have_count(before + 1, timeout=10_000)
    expect(rows.first).to_contain_text(re.compile(f"{WORDS[language]['unknown']}.*987", re.DOTALL))
    assert page.evaluate("window.stillTheSamePage")


def test_a_lost_connection_is_said_and_healed(log_in: Open, service: Service, bins: Bins, seen: Seen) -> None:
    page = log_in(language="en")
    alert = page.get_by_role("alert")
    expect(alert).to_be_hidden()
    service.stop()
    expect(alert).to_contain_text("The connection to the service is lost.", timeout=15_000)
    bins.discharge(None, 555, outcome="unattended_step")
    service.start()
    expect(page.locator("table.latest tbody tr").first).to_contain_text("555 g", timeout=15_000)
    expect(alert).to_be_hidden()
    seen.forgive()  # Chromium itself names each connection that it could not open


def test_the_page_asks_for_a_log_in_once_the_session_is_over(log_in: Open, seen: Seen) -> None:
    page = log_in(language="en")
    page.context.clear_cookies(name="session")
    page.wait_for_url("**/login?next=**", timeout=10_000)
    seen.forgive()  # and each answer with an error status


def test_a_hidden_page_does_not_ask(log_in: Open, bins: Bins) -> None:
    page = log_in(language="en")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/live" in request.url else None)
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(3000)
    assert asked == []
    page.evaluate("Object.defineProperty(document, 'hidden', {value: false, configurable: true})")
    with page.expect_request("**/live"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


@LANGUAGES
def test_every_page_fits_its_window_and_is_accessible(log_in: Open, bins: Bins, language: str) -> None:
    page = log_in(path="/", language=language)
    home = page.url.rstrip("/")
    for width in BOTH:
        page.set_viewport_size({"width": width, "height": 900})
        for path in ("/", "/problems", "/problems/not-allowed"):
            page.goto(home + path)
            assert page.locator("html").get_attribute("lang") == language
            assert not overflows(page), (path, width)
            assert serious(page) == [], (path, width)


@LANGUAGES
def test_the_figures_of_a_whole_district_fit_a_phone(
    log_in: Open, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    meters = Coverage(694, 794)
    row = ComplexToday("등촌주공아파트10단지(임대)", 62_016, 25_613_400, 1_204, 1_234_500, meters)
    shown = Overview(date(2026, 11, 23), [], [row, row], meters, 12_345)
    monkeypatch.setattr(pages, "overview", lambda *_: shown)
    page = log_in(language=language, width=360)
    expect(page.locator("tfoot")).to_contain_text("51,226.8")
    assert not overflows(page)


@pytest.mark.parametrize(("path", "language"), [("/login", "ko"), ("/login", "en"), ("/api/docs", "en")])
def test_what_strangers_see_fits_its_window_and_is_accessible(open_page: Open, path: str, language: str) -> None:
    for width in BOTH:
        page = open_page(path, language=language, width=width)
        page.wait_for_load_state("networkidle")
        assert not overflows(page), width
        assert serious(page) == [], width


@LANGUAGES
def test_an_error_page_is_accessible(open_page: Open, language: str, seen: Seen) -> None:
    page = open_page("/nothing", language=language, width=360)
    assert not overflows(page)
    assert serious(page) == []
    seen.forgive()  # Chromium names the 404


@LANGUAGES
def test_an_empty_service_says_what_to_do(log_in: Open, language: str) -> None:
    page = log_in(language=language, width=360)
    expect(page.locator(".empty")).to_contain_text(WORDS[language]["empty"])
    assert serious(page) == []


def test_the_language_can_be_switched_and_stays(log_in: Open, bins: Bins) -> None:
    page = log_in(language="ko")
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Discharges today")
    bins.discharge(None, 777, outcome="unattended_step")
    expect(page.locator("table.latest tbody tr").first).to_contain_text("Weight without a card", timeout=10_000)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Discharges today")


def test_everything_is_reached_by_keyboard(log_in: Open, bins: Bins) -> None:
    page = log_in(language="en")
    page.locator("body").focus()
    reached = []
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(" ".join(page.evaluate("document.activeElement.textContent").split()))
    assert reached == [
        "Skip to the content",
        "Jongnyang Pay-by-weight food waste",
        "한국어",
        "English",
        "Kim",
        "Log out",
        "Today",
    ]


def test_the_page_works_without_javascript(log_in: Open, bins: Bins) -> None:
    page = log_in(language="en", javascript=False)
    expect(page.locator("table.latest tbody tr").first).to_contain_text("Refused, bin full")
    assert page.locator("noscript meta").count() or page.locator("meta[http-equiv=refresh]").count()


@LANGUAGES
def test_logging_out_leads_to_the_log_in(log_in: Open, language: str) -> None:
    page = log_in(language=language)
    page.get_by_role("button", name=WORDS[language]["log_out"]).click()
    page.wait_for_url("**/login")
