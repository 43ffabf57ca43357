"""Every page of the menu in Chromium, as each kind of person sees it, on lists that have something in them."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from app.db import Database
from app.web.menu import LIMITED_TO, MENU
from tests.access.people import add_person
from tests.browser.conftest import Open, Service
from tests.browser.reader import Reader
from tests.walk import world
from tests.walk.world import OWN


@pytest.fixture
def settle() -> Callable[[Database], None]:
    """A row in every table, and a person of each kind."""

    def settle(database: Database) -> None:
        world.fill(database)
        home = OWN.value("district.code")
        add_person(database, "administrator", home)
        add_person(database, "manager", home, role="manager", complex_ids=(OWN.id,))
        add_person(database, "contractor", home, role="contractor", complex_ids=(OWN.id,))
        add_person(database, "vendor", home, role="vendor", vendor_id=OWN.id)

    return settle


def paths(page: Page, row: str) -> list[str]:
    """Where a row of the menu leads."""
    return [str(link.get_attribute("href")) for link in page.locator(f".main-menu{row} a").all()]


@pytest.mark.parametrize(
    ("role", "language", "width"),
    [
        *(("administrator", "en", 1920), ("manager", "ko", 360)),
        *(("contractor", "en", 1920), ("vendor", "ko", 360), ("vendor", "en", 1920)),
    ],
)
def test_every_page_of_the_menu_opens_fits_and_is_accessible(
    log_in: Open, service: Service, role: str, language: str, width: int
) -> None:
    reader = Reader(log_in(login=role, language=language, width=width), language, {})
    seen: set[str] = set()

    def visit(path: str) -> None:
        if path in seen:
            return
        seen.add(path)
        answer = reader.page.goto(service.url + path)
        assert answer is not None
        assert answer.status == 200, path
        reader.check()
        for below in paths(reader.page, ".sub-menu"):
            visit(below)

    for group in paths(reader.page, ":not(.sub-menu)"):
        visit(group)
    if role == "administrator":
        assert len(seen) == sum(len(pages) for _, pages in MENU) - len(LIMITED_TO)
