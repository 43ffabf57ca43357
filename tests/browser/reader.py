"""Somebody at a page in their language, who names things by what is written on them and looks at each page closely."""

from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.test_first_page import BOTH, overflows, serious

Words = dict[str, tuple[str, str]]
# Each language, and a phone and a wide screen; every page that is checked is held to both widths.
FLOWS = pytest.mark.parametrize(("language", "width"), [("ko", 360), ("en", 1920)])


@dataclass
class Reader:
    """`words` are what the pages say, in Korean and in English, by a name of the test's own."""

    page: Page
    language: str
    words: Words
    scripts: bool = True

    def __call__(self, name: str) -> str:
        return self.words[name][self.language == "en"]

    def check(self) -> None:
        """The page says what it is, fits both widths and is accessible (which takes scripts); so are folded forms."""
        expect(self.page.locator("h1")).to_have_count(1)
        folded = self.page.locator("main details:not([open])").element_handles()
        for details in folded:
            details.evaluate("details => { details.open = true; }")
        if self.scripts:
            self.page.evaluate("Promise.all(document.getAnimations().map(each => each.finished))")  # KRDS fades in
            assert serious(self.page) == [], self.page.url
        self._fit()
        for details in folded:
            details.evaluate("details => { details.open = false; }")

    def _fit(self) -> None:
        own = self.page.viewport_size
        for width in BOTH:
            self.page.set_viewport_size({"width": width, "height": 900})
            assert not overflows(self.page), f"{self.page.url} at {width} px"
        if own is not None:
            self.page.set_viewport_size(own)

    def told(self, name: str) -> None:
        """The page says that it is done."""
        expect(self.page.get_by_role("status").filter(has_text=self(name))).to_be_visible()

    def go(self, *names: str) -> None:
        """By the menu: a group, and a page in it."""
        for row, name in zip((":not(.sub-menu)", ".sub-menu"), names, strict=False):
            self.page.locator(f".main-menu{row}").get_by_role("link", name=self(name), exact=True).click()

    def follow(self, name: str) -> None:
        """A link in the page."""
        self.page.locator("main").get_by_role("link", name=self(name), exact=True).click()

    def unfold(self, name: str) -> Locator:
        """What lies folded below these words, opened by a click."""
        heading = self.page.locator("summary").get_by_text(self(name), exact=True)
        heading.click()
        return self.page.locator("main details").filter(has=heading)

    def press(self, name: str, form: Locator | None = None) -> None:
        """A button, of this form where several have one of this name."""
        (form or self.page.locator("main")).get_by_role("button", name=self(name), exact=True).click()
