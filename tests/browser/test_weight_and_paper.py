"""How heavy the first page is on a phone, and how pages look on paper."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.test_first_page import LANGUAGES, Bins, bins, overflows  # noqa: F401 - a fixture

MOST_BYTES = 200_000
A4 = 794  # CSS pixels across


def transferred(page: Page, path: str) -> int:
    """Bytes that came over the wire for a page and all that it loads, with nothing kept from before."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    counted: list[int] = []
    session.on("Network.loadingFinished", lambda event: counted.append(event["encodedDataLength"]))
    page.goto(path)
    return int(sum(counted))


@LANGUAGES
def test_the_first_page_weighs_less_than_200_kilobytes(log_in: Open, bins: Bins, language: str) -> None:  # noqa: F811
    page = log_in(language=language, width=360)
    bytes_ = transferred(page, page.url)
    print(f"{bytes_:,} bytes")
    assert 10_000 < bytes_ < MOST_BYTES


@LANGUAGES
def test_pages_print_within_the_width_of_a4(log_in: Open, bins: Bins, language: str) -> None:  # noqa: F811
    page = log_in(language=language, width=A4)
    home = page.url.rstrip("/")
    for path in ("/", "/volumes", "/complexes"):
        page.goto(home + path)
        page.emulate_media(media="print")
        expect(page.locator("#krds-header")).to_be_hidden()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert not overflows(page), path
