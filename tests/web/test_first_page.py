"""The first page: what arrived today, for one district, in both languages, with its coverage."""

import gzip
import re
from datetime import datetime, timedelta
from html import unescape

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.db import Database
from app.metering.corrections import Correction, Number, correct
from app.metering.models import Quarantine, QuarantineDecision
from app.times import now
from app.web import queries
from billing.days import SEOUL
from tests.access.people import PAGE, add_person, log_in
from tests.web.bins import Bins

KNOWN = "3700A1B2CD"
STRANGE = "3700FFFF42"


def shown(client: FlaskClient, language: str = "en", path: str = "/live") -> str:
    """The text that people read, without tags and with single blanks."""
    answer = client.get(path, headers={**PAGE, "Accept-Language": language})
    assert answer.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def test_a_discharge_is_shown_with_place_card_weight_and_result(client: FlaskClient, bins: Bins) -> None:
    bins.discharge(bins.add_household(KNOWN), 410)
    assert re.search(r"\d\d:\d\d:\d\d 가양1단지 1번 · ••CD 410 g Weighed", shown(client))
    assert re.search(r"\d\d:\d\d:\d\d 가양1단지 1번 · ••CD 410g 정상 계량", shown(client, "ko"))


def test_only_two_digits_of_a_card_are_shown(client: FlaskClient, bins: Bins) -> None:
    bins.discharge(bins.add_household(KNOWN), 410)
    page = client.get("/", headers=PAGE).text
    assert "B2CD" not in page
    assert bins.card(KNOWN)["hash"] not in page


def test_a_card_that_nobody_knows_is_unknown_and_its_digits_stay_hidden(client: FlaskClient, bins: Bins) -> None:
    bins.discharge(bins.card(STRANGE), 1234)
    assert "Unknown 1.23 kg Weighed" in shown(client)
    assert "미확인 1.23kg 정상 계량" in shown(client, "ko")
    assert "42" not in shown(client).split("Latest discharges")[1].split("By complex")[0].replace(":42", "")


def test_erased_digits_of_a_card_leave_nothing_to_show(client: FlaskClient, bins: Bins, database: Database) -> None:
    bins.discharge(bins.add_household(KNOWN), 410)
    with database.begin() as session:
        session.execute(sa.text("UPDATE card SET last4 = NULL"))
    assert "1번 · •• 410 g" in shown(client)


def test_totals_count_what_was_weighed_today_and_name_what_has_no_household(client: FlaskClient, bins: Bins) -> None:
    bins.discharge(bins.add_household(KNOWN), 1500)
    bins.discharge(bins.card(STRANGE), 500)
    bins.discharge(None, 300, outcome="unattended_step")
    text = shown(client)
    assert "Food waste 2.0 kg 2 discharges" in text
    assert "Of which without a household 0.5 kg 1 discharge" in text
    assert "가양1단지 2 2.0 kg 0.5 kg 0 of 1" in text
    assert "Weight without a card" in text


def test_big_numbers_are_written_as_the_reader_writes_them(client: FlaskClient, bins: Bins) -> None:
    card = bins.add_household(KNOWN)
    for _ in range(13):
        bins.discharge(card, 99_500)
    assert "1,293.5 kg 13 discharges" in shown(client)
    assert "1,293.5kg 13건" in shown(client, "ko")


def test_yesterday_is_named_and_does_not_count_today(client: FlaskClient, bins: Bins) -> None:
    midnight = datetime.now(SEOUL).replace(hour=0, minute=0, second=0, microsecond=0)
    bins.discharge(bins.add_household(KNOWN), 410, at=midnight - timedelta(minutes=1))
    text = shown(client)
    assert "Yesterday 23:59:00" in text
    assert "Food waste 0.0 kg 0 discharges" in text


def test_the_newest_come_first_and_no_more_than_fit(client: FlaskClient, bins: Bins, database: Database) -> None:
    other = Bins(database, "등촌3단지")
    start = now() - timedelta(minutes=10)
    for n in range(queries.LATEST):
        (bins if n % 2 else other).discharge(None, 100 + n, outcome="unattended_step", at=start + timedelta(seconds=n))
    bins.discharge(None, 1, outcome="unattended_step", at=start - timedelta(minutes=1))  # late, and older than all
    rows = re.findall(r"(\d+) g Weight without a card", shown(client))
    assert rows == [str(100 + n) for n in reversed(range(queries.LATEST))]


def test_a_correction_changes_what_is_shown(client: FlaskClient, bins: Bins, database: Database) -> None:
    number = Number(bins.gateway.id, 1, bins.discharge(bins.add_household(KNOWN), 5000))
    re_weigh, void = Correction("re_weigh", "typed twice", "kim", net_g=700), Correction("void", "a test", "kim")
    for correction, word in ((re_weigh, "Weight corrected"), (void, "Voided")):
        with database.begin() as session:
            correct(session, bins.district.id, number, correction, now())
        assert f"••CD 700 g {word}" in shown(client)
    assert "Food waste 0.0 kg" in shown(client)


def test_numbers_stand_beside_how_many_meters_and_gateways_report(client: FlaskClient, database: Database) -> None:
    bins = Bins(database, meters=3)
    assert "Meters reporting 0 of 3" in shown(client)
    bins.report_alive(bins.meters[0], now() - timedelta(minutes=5))
    bins.report_alive(bins.meters[1], now() - timedelta(minutes=61))
    assert "Meters reporting 1 of 3 in the last hour Gateways reporting 0 of 1" in shown(client)
    assert "3대 중 1대" in shown(client, "ko")
    bins.discharge(None, 100, outcome="unattended_step")
    assert "Gateways reporting 1 of 1" in shown(client)


def test_quarantined_records_are_counted_until_decided_about(client: FlaskClient, bins: Bins) -> None:
    bins.discharge(None, 100, outcome="settled", meter="nowhere")
    assert "In quarantine 1 " in shown(client)
    with bins.database.begin() as session:
        kept = session.scalars(sa.select(Quarantine.id)).one()
        session.add(
            QuarantineDecision(
                district_id=bins.district.id,
                quarantine_id=kept,
                decision="discarded",
                note="test",
                actor="kim",
                decided_at=now(),
            )
        )
    assert "In quarantine 0 " in shown(client)


def test_an_empty_registry_says_what_to_do_first(client: FlaskClient) -> None:
    assert "No meter stands anywhere yet" in shown(client)
    assert "jongnyang import complexes" in shown(client, "ko")


def test_an_empty_ledger_says_where_to_look(client: FlaskClient, bins: Bins) -> None:
    assert "No discharges since yesterday" in shown(client)
    assert "게이트웨이의 전원과 통신을 확인하십시오" in shown(client, "ko")


def test_another_district_sees_nothing_of_it(app: Flask, bins: Bins, database: Database) -> None:
    bins.discharge(bins.add_household(KNOWN), 410)
    bins.discharge(None, 100, outcome="settled", meter="nowhere")
    bins.report_alive(bins.meters[0], now())
    add_person(database, "park", code="W0K")
    stranger = app.test_client()
    log_in(stranger, "park")
    text = shown(stranger)
    assert "가양1단지" not in text
    assert "••CD" not in text
    assert "Food waste 0.0 kg 0 discharges" in text
    assert "Meters reporting 0 of 0" in text
    assert "Gateways reporting 0 of 0" in text
    assert "In quarantine 0" in text


def test_two_districts_with_the_same_numbers_do_not_mix(app: Flask, bins: Bins, database: Database) -> None:
    other = Bins(database, "창동1단지", code="W0K")
    assert (other.complex.id, other.gateway.id) == (bins.complex.id, bins.gateway.id)
    bins.discharge(bins.add_household(KNOWN), 410)
    other.discharge(other.add_household("3700A1B2EF"), 620)
    add_person(database, "park", code="W0K")
    stranger = app.test_client()
    log_in(stranger, "park")
    assert "창동1단지 1번 · ••EF 620 g" in shown(stranger)
    assert "410 g" not in shown(stranger)


def test_the_fragment_is_sent_only_when_something_changed(client: FlaskClient, bins: Bins) -> None:
    first = client.get("/live")
    known = {"If-None-Match": first.headers["ETag"]}
    same = client.get("/live", headers=known)
    assert (same.status_code, same.data) == (304, b"")
    bins.discharge(bins.add_household(KNOWN), 410)
    assert client.get("/live", headers=known).status_code == 200


def test_the_fragment_of_one_language_is_not_that_of_the_other(client: FlaskClient) -> None:
    english = client.get("/live", headers={"Accept-Language": "en"})
    assert client.get("/live", headers={"Accept-Language": "ko", "If-None-Match": english.headers["ETag"]}).data


def test_the_page_is_complete_without_a_script(client: FlaskClient, bins: Bins) -> None:
    bins.discharge(bins.add_household(KNOWN), 410)
    page = client.get("/", headers=PAGE).text
    assert "410g" in page
    assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in page


def test_the_first_page_is_light(client: FlaskClient, bins: Bins) -> None:
    page = client.get("/", headers=PAGE).text
    sizes = [len(gzip.compress(page.encode()))]
    for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
        with client.get(path) as answer:
            assert answer.status_code == 200, path
            sizes.append(len(gzip.compress(answer.data)))
    assert sum(sizes) < 100_000  # the two weights of the font come later, once, and the text does not wait for them


@pytest.mark.parametrize("path", ["/", "/live"])
def test_reading_does_not_wait_for_a_writer(client: FlaskClient, bins: Bins, path: str) -> None:
    with bins.database.engine.begin() as connection:
        connection.execute(sa.text("UPDATE district SET name = name"))
        assert client.get(path, headers=PAGE).status_code == 200
