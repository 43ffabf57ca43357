"""The way in and the desk for people in Chromium: second factor, recovery, and a manager's invitation."""

import pytest
from playwright.sync_api import Page, expect

from app.access import second_factor
from app.times import now
from tests.access.people import add_person
from tests.browser.conftest import Open, Service
from tests.browser.test_first_page import LANGUAGES, WIDTHS, overflows, serious
from tests.builders import Town

NEW = "another password"
WORDS = {
    "login": ("로그인 이름", "Login"),
    "password": ("비밀번호", "Password"),
    "code": ("여섯 자리 번호", "Six-digit code"),
    "new": ("새 비밀번호", "New password"),
    "again": ("새 비밀번호 확인", "The new password once more"),
    "set": ("비밀번호 정하기", "Set the password"),
    "confirm": ("확인하고 로그인", "Confirm and log in"),
    "recover": ("복구", "Recover"),
    "recover_now": ("지금 복구", "Recover now"),
    "invite_somebody": ("새 사람 초대", "Invite somebody"),
    "invite": ("초대", "Invite"),
    "role": ("역할", "Role"),
    "complexes": ("단지", "Complexes"),
}


def word(name: str, language: str) -> str:
    return WORDS[name][language == "en"]


def check(page: Page) -> None:
    assert not overflows(page), page.url
    assert serious(page) == [], page.url


def choose_password(page: Page, language: str) -> None:
    page.get_by_label(word("new", language), exact=True).fill(NEW)
    page.get_by_label(word("again", language)).fill(NEW)
    check(page)
    page.get_by_role("button", name=word("set", language)).click()


@WIDTHS
@LANGUAGES
def test_pages_about_people_fit_their_window_and_are_accessible(log_in: Open, language: str, width: int) -> None:
    page = log_in(language=language, width=width)
    home = page.url.rstrip("/")
    for path in ("/people", "/people/kim", "/account", "/account/second-factor"):
        page.goto(home + path)
        expect(page.locator("h1")).to_be_visible()
        for details in page.locator("main details").all():
            details.evaluate("element => element.open = true")
        page.evaluate("Promise.all(document.getAnimations().map(each => each.finished))")  # KRDS fades buttons in
        check(page)


@pytest.mark.parametrize(("language", "width"), [("ko", 360), ("en", 1280)])
def test_a_recovered_operator_sets_password_and_second_factor_anew(
    log_in: Open, open_page: Open, service: Service, language: str, width: int
) -> None:
    add_person(service.database, "lee", role="operator")
    desk = log_in(language=language, width=width)
    desk.goto(service.url + "/people/lee")
    desk.locator("main summary").get_by_text(word("recover", language), exact=True).click()
    desk.get_by_role("button", name=word("recover_now", language)).click()
    link = desk.locator("code.once").inner_text()

    page = open_page(link.removeprefix(service.url), language=language, width=width)
    choose_password(page, language)
    secret = page.locator("code.once").inner_text().replace(" ", "")
    check(page)
    page.get_by_label(word("code", language)).fill(second_factor.code_at(secret, now()))
    page.get_by_role("button", name=word("confirm", language)).click()
    page.wait_for_url(service.url + "/")
    expect(page.get_by_role("link", name="Lee")).to_be_visible()


@pytest.mark.parametrize(("language", "width"), [("ko", 1280), ("en", 360)])
def test_a_manager_is_invited_and_logs_in(
    log_in: Open, open_page: Open, service: Service, language: str, width: int
) -> None:
    town = Town(service.database, code="W0K")
    add_person(service.database, "chief", "W0K")
    desk = log_in(language=language, width=width, login="chief")
    desk.goto(service.url + "/people")
    desk.get_by_text(word("invite_somebody", language)).click()
    form = desk.locator("form.narrow")
    form.get_by_label(word("login", language), exact=True).fill("park")
    form.get_by_label(word("role", language)).select_option("manager")
    form.get_by_label(word("complexes", language), exact=True).select_option(town.complex.code)
    form.get_by_role("button", name=word("invite", language)).click()
    link = desk.locator("code.once").inner_text()

    page = open_page(link.removeprefix(service.url), language=language, width=width)
    choose_password(page, language)
    page.wait_for_url(service.url + "/")

    other = open_page("/login", language=language, width=width)
    other.get_by_label(word("login", language)).fill("park")
    other.get_by_label(word("password", language)).fill(NEW)
    other.locator("main button").click()
    other.wait_for_url(service.url + "/")
