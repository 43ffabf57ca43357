"""The pages of gateways in Chromium: on a phone and on a wide screen, in both languages, and the way of a new card."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.access.people import database_of, running_app
from tests.browser.conftest import Open, Service
from tests.browser.test_first_page import LANGUAGES, WIDTHS, overflows, serious
from tests.web.fleet import Fleet

_FLEETS: dict[int, Fleet] = {}


@pytest.fixture
def service(database_url: str) -> Iterator[Service]:
    with running_app(database_url) as app:
        service = Service(app, database_of(app))
        _FLEETS[id(service)] = Fleet(app)
        service.start()
        try:
            yield service
        finally:
            service.stop()
            del _FLEETS[id(service)]


@pytest.fixture
def fleet(service: Service) -> Fleet:
    return _FLEETS[id(service)]


@WIDTHS
@LANGUAGES
def test_every_page_of_gateways_fits_its_window_and_is_accessible(
    log_in: Open, fleet: Fleet, language: str, width: int
) -> None:
    card = fleet.hold_card()
    page = log_in(language=language, width=width)
    home = page.url.rstrip("/")
    for path in ("/gateways", "/gateways/GW-2", f"/enrolment?card={card['hash']}&meter=W0G-M1"):
        page.goto(home + path)
        expect(page.locator("tbody tr").first).to_be_visible()
        assert not overflows(page), path
        assert serious(page) == [], path


def test_a_card_held_at_the_bin_appears_by_itself_and_gets_its_household(log_in: Open, fleet: Fleet) -> None:
    page = log_in(language="ko", width=390)
    page.goto(page.url.rstrip("/") + "/enrolment")
    expect(page.get_by_text("최근 10분 동안 종량기에서 거부된 카드가 없습니다.")).to_be_visible()
    fleet.hold_card()
    page.get_by_role("link", name="선택").click(timeout=10_000)
    page.get_by_label("동", exact=True).fill("101")
    page.get_by_label("호", exact=True).fill("1203")
    page.get_by_role("button", name="카드 등록하기").click()
    expect(page.get_by_role("status")).to_have_text("카드를 101-1203 세대에 등록했습니다.")


def test_a_gateway_is_claimed_and_revoked_by_clicks(log_in: Open, fleet: Fleet) -> None:
    page = log_in(language="en")
    page.get_by_role("link", name="Devices").click()
    page.get_by_role("link", name="Gateways").click()
    page.get_by_role("link", name="GW-3").click()
    page.get_by_role("button", name="Make a claim code").click()
    code = page.locator("code.once").inner_text()
    claimed = fleet.well.client.post("/api/v1/gateways/claim", json={"claim_code": code, "hardware_id": "box-3"})
    assert claimed.status_code == 201
    page.get_by_role("link", name="Gateways").first.click()
    page.get_by_role("link", name="GW-3").click()
    page.get_by_text("Revoke", exact=True).click()
    page.get_by_role("button", name="Revoke now").click()
    expect(page.get_by_role("status")).to_contain_text("The key W0G/GW-3/1 is revoked.")
