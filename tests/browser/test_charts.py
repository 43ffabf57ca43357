"""Charts in Chromium: drawn from their tables, told apart where meters were silent, kept while the page refreshes."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from app.times import now
from tests.browser.conftest import Open, Service
from tests.web.bins import Bins

PAINTED = """() => {
  const canvas = document.querySelector(".chart canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const found = new Set();
  for (let n = 0; n < data.length; n += 4) if (data[n + 3] === 255) found.add([...data.slice(n, n + 3)].join());
  return [...found];
}"""
SOLID, GAP = "37,110,244", "253,239,236"  # KRDS's primary and its pale danger


@pytest.fixture
def bins(service: Service) -> Bins:
    """One meter that was heard in the last hours, with something thrown away in them."""
    bins = Bins(service.database)
    for hours in (1, 2):
        full = now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours)
        for n in range(1, 7):
            bins.report_alive(bins.meters[0], full + n * timedelta(minutes=10))
        bins.discharge(None, 4000 * hours, at=full + timedelta(minutes=20))
    return bins


def painted(page: Page) -> list[str]:
    colours: list[str] = page.evaluate(PAINTED)
    return colours


def test_a_bar_with_every_meter_listening_is_solid_and_silence_is_a_band(log_in: Open, bins: Bins) -> None:
    page = log_in(language="en")
    expect(page.locator(".chart canvas")).to_be_visible()
    assert {SOLID, GAP} <= set(painted(page))
    expect(page.locator(".key")).to_contain_text("nothing heard: not a fall")


def test_without_any_silence_there_is_no_band(log_in: Open, bins: Bins) -> None:
    first = now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=24)
    for n in range(1, 6 * 25):
        bins.report_alive(bins.meters[0], min(first + n * timedelta(minutes=10), now()))
    page = log_in(language="en")
    expect(page.locator(".chart canvas")).to_be_visible()
    assert GAP not in painted(page)


def test_the_table_of_a_chart_opens_by_keyboard_and_stays_open(log_in: Open, bins: Bins) -> None:
    page = log_in(language="en")
    table = page.locator("table[data-chart]")
    expect(table).to_be_hidden()
    page.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(table).to_be_visible()
    refresh(page)
    expect(table).to_be_visible()
    expect(page.locator("summary")).to_be_focused()


def test_a_refresh_redraws_the_chart_that_is_there(log_in: Open, bins: Bins) -> None:
    page = log_in(language="en")
    page.locator(".chart canvas").evaluate("canvas => canvas.dataset.kept = 'yes'")
    before = page.locator(".chart canvas").screenshot()
    bins.discharge(None, 30_000, at=now() - timedelta(hours=1))
    refresh(page)
    expect(page.locator("table[data-chart]")).to_contain_text("34.0 kg")
    expect(page.locator(".chart canvas[data-kept]")).to_have_count(1)
    assert page.locator(".chart canvas").screenshot() != before


def test_the_pointer_reads_a_bar_out(log_in: Open, bins: Bins) -> None:
    page = log_in(language="en")
    plot = page.locator(".chart .u-over")
    box = plot.bounding_box()
    assert box is not None
    plot.hover(position={"x": box["width"] * 22.5 / 24, "y": 50})
    expect(page.locator(".chart .story")).to_contain_text("Weight 4.0 kg · Count 1 · Meters reporting 1 of 1")


def test_a_chart_follows_the_width_of_its_window(log_in: Open, bins: Bins) -> None:
    page = log_in(language="ko", width=1200)
    expect(page.locator(".chart canvas")).to_be_visible()
    page.set_viewport_size({"width": 400, "height": 900})
    page.wait_for_function("document.querySelector('.chart canvas').clientWidth <= 400")


def test_without_javascript_the_table_is_there_and_no_empty_chart(log_in: Open, bins: Bins) -> None:
    page = log_in(language="en", javascript=False)
    expect(page.locator("table[data-chart]")).to_be_visible()
    expect(page.locator(".chart")).to_be_hidden()
    expect(page.locator(".key")).to_be_hidden()


def refresh(page: Page) -> None:
    """What the page does by itself every half minute."""
    with page.expect_response("**/trend"):
        page.evaluate("htmx.trigger('#trend', 'every')")
    page.wait_for_timeout(300)
