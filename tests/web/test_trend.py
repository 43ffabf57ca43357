"""The last 24 hours, the comparison with a week before and the silent meters, each beside who was listening."""

import re
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.db import Database
from app.times import now
from app.web import formats
from app.web.trend import Trend, silent_meters, trend
from billing.days import SEOUL
from tests.access.people import PAGE
from tests.web.bins import Bins

HOUR, WEEK = timedelta(hours=1), timedelta(days=7)


@pytest.fixture
def afternoon() -> datetime:
    """Half past two, yesterday in Seoul."""
    today = datetime.now(SEOUL).replace(hour=14, minute=30, second=0, microsecond=0)
    return today - timedelta(days=1)


def at(database: Database, moment: datetime) -> Trend:
    with database.reading() as connection:
        return trend(connection, 1, moment)


def shown(client: FlaskClient, language: str = "en") -> str:
    answer = client.get("/trend", headers={**PAGE, "Accept-Language": language})
    assert answer.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def test_the_last_24_hours_end_with_the_hour_that_runs(bins: Bins, afternoon: datetime) -> None:
    bins.discharge(None, 400, at=afternoon - timedelta(minutes=5))
    bins.discharge(None, 300, at=afternoon - 24 * HOUR)  # an hour too old
    bins.discharge(None, 200, at=afternoon - 23 * HOUR)
    hours = at(bins.database, afternoon).hours
    assert [row.start.astimezone(SEOUL).hour for row in hours] == [*range(15, 24), *range(15)]
    assert [row.grams for row in hours] == [200, *[0] * 22, 400]
    assert formats.state(hours[-1], afternoon) in ("running", "gap")


def test_today_is_compared_with_the_same_hours_a_week_before(bins: Bins, afternoon: datetime) -> None:
    bins.discharge(None, 1500, at=afternoon - HOUR)
    bins.discharge(None, 9000, at=afternoon)  # the hour that runs is in no comparison
    bins.discharge(None, 1000, at=afternoon - WEEK - HOUR)
    bins.discharge(None, 7000, at=afternoon - WEEK)
    so_far = at(bins.database, afternoon).so_far
    assert so_far is not None
    assert (so_far.grams, so_far.before, so_far.percent) == (1500, 1000, 50)
    assert so_far.until.astimezone(SEOUL).hour == 14


def test_the_comparison_says_how_long_the_meters_listened(bins: Bins, afternoon: datetime) -> None:
    midnight = afternoon.replace(hour=0, minute=0)
    for n in range(1, 6 * 14 + 1):
        bins.report_alive(bins.meters[0], midnight + n * timedelta(minutes=10))
    so_far = at(bins.database, afternoon).so_far
    assert so_far is not None
    assert (so_far.alive_share, so_far.alive_share_before) == (1.0, 0.0)
    assert so_far.percent is None  # nothing was weighed a week before


def test_just_after_midnight_there_is_nothing_to_compare(bins: Bins, afternoon: datetime) -> None:
    assert at(bins.database, afternoon.replace(hour=0)).so_far is None


def test_an_hour_in_which_nothing_was_heard_is_a_gap_and_not_zero(client: FlaskClient, bins: Bins) -> None:
    text = client.get("/trend", headers=PAGE).text
    rows = re.findall(r'<tr data-state="(\w+)">.*?data-value="(\d*)">([^<]*)<', text, re.DOTALL)
    assert rows[3] == ("gap", "", "–")
    bins.report_alive(bins.meters[0], now() - 3 * HOUR)
    text = client.get("/trend", headers=PAGE).text
    heard = re.findall(r'<tr data-state="silent_meter">|<tr data-state="outage">', text)
    assert heard
    assert 'data-value="0">0.0kg' in text


def test_a_silent_meter_is_told_from_a_whole_gateway(client: FlaskClient, database: Database) -> None:
    near = Bins(database, "가양1단지", meters=2)
    near.report_alive(near.meters[0], now() - timedelta(minutes=2))
    far = Bins(database, "등촌3단지", meters=2)
    far.report_alive(far.meters[0], now() - timedelta(hours=30))
    text = shown(client).split("Silent meters")[1]
    assert text.startswith(" 3 Meters not heard of")
    assert re.search(r"등촌3단지 1번 W0G-GW-2-1 \w+ \d+ \d\d:\d\d Whole gateway W0G-GW-2", text)
    assert "등촌3단지 2번 W0G-GW-2-2 never Whole gateway" in text
    assert "가양1단지 2번 W0G-GW-1-2 never This meter only" in text
    assert "이 종량기만" in shown(client, "ko")


def test_many_silent_meters_are_counted_beyond_the_list(client: FlaskClient, database: Database) -> None:
    Bins(database, meters=23)
    assert "Silent meters 23" in shown(client)
    assert "and 3 more" in shown(client)


def test_nothing_is_silent_while_every_meter_answers(client: FlaskClient, bins: Bins) -> None:
    bins.report_alive(bins.meters[0], now() - timedelta(minutes=2))
    assert "Every meter was heard of in the last hour." in shown(client)
    assert "모든 종량기가 응답하였습니다." in shown(client, "ko")


def test_the_trend_is_sent_only_when_something_changed(client: FlaskClient, bins: Bins) -> None:
    bins.report_alive(bins.meters[0], now() - timedelta(minutes=2))
    first = client.get("/trend")
    again = client.get("/trend", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code in (200, 304)
    assert again.status_code == 304 or again.data != first.data  # ten minutes more may have passed
    bins.discharge(None, 5000)
    assert client.get("/trend", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_the_first_page_carries_the_trend_without_a_script(client: FlaskClient, bins: Bins) -> None:
    page = client.get("/", headers={**PAGE, "Accept-Language": "en"}).text
    assert "The last 24 hours" in page
    assert "Silent meters" in page


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_meters_last_interval_is_found_by_the_index_of_its_starts(database: Database, bins: Bins) -> None:
    plans: list[str] = []

    def explain(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        plans.append("\n".join(str(row) for row in cursor.fetchall()))

    sa.event.listen(database.engine, "before_cursor_execute", explain)
    with database.reading() as connection:
        silent_meters(connection, 1, now())
    sa.event.remove(database.engine, "before_cursor_execute", explain)
    assert "ix_meter_alive_started (district_id=? AND meter_id=? AND started_at<?)" in plans[-1]
    assert "TEMP B-TREE" not in plans[-1]
