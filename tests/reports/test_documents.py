"""Statements on paper and by the code on it: the same amounts as on the screen, and nobody else's."""

import contextlib
import io
import re
import zlib
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app.access.reach import WHOLE
from app.reports.documents import access
from app.reports.documents.access import Named
from app.statements.corrections import voids
from app.times import now
from tests.access.people import PAGE, add_person, csrf_token, log_in
from tests.statements.town import BilledTown

NUMBER = "202610-W0G001-0001"
STATEMENT, FEES = f"/billing/statements/{NUMBER}", "/billing/fees/W0G001/2026-10"
SECRET = "only for tests"


@pytest.fixture
def office(app: Flask, town: BilledTown) -> FlaskClient:
    """Somebody of the office, where October is closed: 24 kg are 3,120 won."""
    town.discharge(town.home("101", "1203"), "2026-10-05 20:15", 24_000)
    town.final("2026-10")
    add_person(town.database)
    client = app.test_client()
    log_in(client, "kim")
    return client


def read(client: FlaskClient, path: str, language: str = "en") -> str:
    answer = client.get(path, headers=PAGE | {"Accept-Language": language})
    assert answer.status_code == 200, path
    return answer.text


@pytest.mark.parametrize(("language", "said"), [("ko", "3,120원"), ("en", "3,120 won")])
def test_paper_says_what_the_screen_says_and_carries_a_code(office: FlaskClient, language: str, said: str) -> None:
    paper = read(office, f"{STATEMENT}/print", language)
    assert said in paper
    assert said in read(office, STATEMENT, language)
    assert "<svg" in paper
    assert NUMBER in paper
    assert "24,000" in paper


def test_the_code_leads_anybody_to_that_statement_alone(office: FlaskClient, app: Flask) -> None:
    found = re.search(r'class="address">http://localhost(/s/[^<]+)<', read(office, f"{STATEMENT}/print"))
    assert found
    stranger = app.test_client()
    answer = stranger.get(found[1], headers=PAGE | {"Accept-Language": "en"})
    assert "3,120 won" in answer.text
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert "no-store" in answer.headers["Cache-Control"]
    for other in (found[1][:-1] + ("A" if found[1][-1] != "A" else "B"), "/s/none"):
        assert stranger.get(other, headers=PAGE).status_code == 404


def test_a_code_of_another_secret_opens_nothing(office: FlaskClient, app: Flask) -> None:
    for secret, status in ((SECRET, 200), ("another", 404)):
        path = f"/s/{access.token(secret, Named(1, 1, 1, 1))}"
        assert app.test_client().get(path, headers=PAGE).status_code == status


def test_a_code_opens_only_what_is_final_of_the_same_tenancy_and_not_long_past(
    office: FlaskClient, app: Flask, town: BilledTown
) -> None:
    path, other = (f"/s/{access.token(SECRET, Named(1, 1, 1, tenancy_id))}" for tenancy_id in (1, 2))
    stranger = app.test_client()
    assert (stranger.get(path).status_code, stranger.get(other).status_code) == (200, 404)
    with time_machine.travel(now() + timedelta(days=700)):
        assert stranger.get(path).status_code == 404
    town.discharge(town.home("101", "1204"), "2026-11-05", 1_000)
    town.preview("2026-11")
    paper = read(office, "/billing/statements/202611-W0G001-0001/print")
    assert "<svg" not in paper, "a preview may be numbered anew"
    assert stranger.get(f"/s/{access.token(SECRET, Named(1, 2, 1, 1))}").status_code == 404


def test_a_void_statement_says_so_by_its_code(office: FlaskClient, app: Flask, town: BilledTown) -> None:
    with town.database.begin() as session:
        voids.void(session, town.id, WHOLE, NUMBER, "잘못 발급", True, "kim", now())
    told = read(app.test_client(), f"/s/{access.token(SECRET, Named(1, 1, 1, 1))}")
    assert "void" in told


def unpacked(pdf: bytes) -> bytes:
    """All streams of a PDF that can be decompressed."""
    found = []
    for begin in re.finditer(rb"stream\r?\n", pdf):
        with contextlib.suppress(zlib.error):
            found.append(zlib.decompressobj().decompress(pdf[begin.end() :]))
    return b"".join(found)


@pytest.mark.parametrize("path", [STATEMENT, "/billing/2026-10/W0G001", "/billing/2026-10/W0G001/papers"])
def test_a_pdf_embeds_a_korean_font(office: FlaskClient, path: str) -> None:
    answer = office.get(f"{path}/pdf", headers=PAGE | {"Accept-Language": "ko"})
    if answer.status_code == 503:
        pytest.skip("the libraries that WeasyPrint needs are not on this machine: libpangoft2-1.0-0")
    assert answer.mimetype == "application/pdf"
    assert answer.data.startswith(b"%PDF-")
    assert b"Nanum" in unpacked(answer.data)


def articles(client: FlaskClient, path: str) -> list[str]:
    """Each household's statement on a paper, without its code, which is as long as a page."""
    found = re.findall(r"<article>(.*?)</article>", read(client, path), re.DOTALL)
    return [re.sub(r"<svg.*?</svg>", "", each, flags=re.DOTALL) for each in found]


def test_all_statements_of_a_complex_are_one_paper(office: FlaskClient, town: BilledTown) -> None:
    town.discharge(town.home("102", "701"), "2026-09-06 07:00", 2_000)
    town.final("2026-09")
    whole = articles(office, "/billing/2026-09/W0G001/papers")
    numbers = [f"202609-W0G001-{serial:04d}" for serial in range(1, len(whole) + 1)]
    assert len(whole) > 1
    assert [articles(office, f"/billing/statements/{number}/print") for number in numbers] == [[each] for each in whole]
    of_building = articles(office, "/billing/2026-09/W0G001/papers?building=102동")
    assert of_building == [each for each in whole if "Building 102," in each]
    assert of_building
    answer = office.get("/billing/2026-09/W0G001/papers?building=999", headers=PAGE)
    assert answer.status_code == 404


def test_buildings_may_have_korean_names(office: FlaskClient, town: BilledTown) -> None:
    town.discharge(town.home("가동", "1"), "2026-10-05 20:15", 1_000)
    town.discharge(town.home("102", "701"), "2026-09-06 07:00", 2_000)
    town.final("2026-09")
    (article,) = articles(office, "/billing/2026-09/W0G001/papers?building=가동")
    assert "Building 가동" in article
    answer = office.get("/billing/2026-09/W0G001/papers/pdf?building=가동", headers=PAGE)
    if answer.status_code != 503:  # where the machine cannot print at all
        answer.headers["Content-Disposition"].encode("latin-1")


@pytest.mark.parametrize("path", ["/billing/2026-10/%00", "/billing/statements/%00-0001", "/billing?x=%00"])
def test_an_address_with_a_nul_leads_nowhere(office: FlaskClient, path: str) -> None:
    assert office.get(path, headers=PAGE).status_code == 404


def test_paper_of_all_leaves_void_statements_out_and_has_what_stands_in_their_place(
    office: FlaskClient, town: BilledTown
) -> None:
    before = articles(office, "/billing/2026-10/W0G001/papers")
    with town.database.begin() as session:
        voids.void(session, town.id, WHOLE, NUMBER, "잘못 발급", True, "kim", now())
    after = articles(office, "/billing/2026-10/W0G001/papers")
    assert len(after) == len(before)
    assert not any(NUMBER in each for each in after)
    assert any("202610-W0G001-R2-0001" in each and "24,000" in each for each in after)


def test_paper_of_a_complex_adds_up(office: FlaskClient) -> None:
    paper = read(office, "/billing/2026-10/W0G001/print")
    assert "101-1203" in paper
    assert paper.count("3,120") >= 3


def test_the_fee_page_shows_control_totals_and_the_file_comes_back(office: FlaskClient) -> None:
    page = read(office, FEES)
    assert "3,120" in page
    file = office.get(f"{FEES}/file?format=csv", headers=PAGE)
    assert file.headers["Jongnyang-Won"] == "3120"
    assert "3120" in file.data.decode("utf-8-sig")
    assert "All 1 rows agree" in check(office, file.data).text
    changed = check(office, file.data.replace(b"3120", b"3000"))
    assert "differences from the statements" in changed.text
    assert check(office, b"none").status_code == 422


def check(client: FlaskClient, content: bytes) -> Any:
    form = {"csrf_token": csrf_token(client, FEES), "file": (io.BytesIO(content), "back.csv")}
    return client.post(f"{FEES}/check", data=form, headers=PAGE | {"Accept-Language": "en"})


def test_columns_are_kept_and_poor_ones_are_refused(office: FlaskClient) -> None:
    form = {"csrf_token": csrf_token(office, FEES), "format": "xlsx", "place_number": "2", "title_number": "번호"}
    refused = office.post(FEES, data=form, headers=PAGE)
    assert refused.status_code == 422
    assert "번호" in refused.text
    kept = office.post(FEES, data=form | {"place_total": "1", "title_total": "부과액"}, headers=PAGE)
    assert kept.status_code == 302
    file = office.get(f"{FEES}/file?format=csv", headers=PAGE).data.decode("utf-8-sig")
    assert file.splitlines()[0] == "부과액,번호"


def test_a_manager_of_another_complex_finds_nothing(office: FlaskClient, app: Flask, town: BilledTown) -> None:
    add_person(town.database, "noh", role="manager", complex_ids=(town.complexes["W0G002"],))
    noh = app.test_client()
    log_in(noh, "noh")
    of_complex = [f"/billing/2026-10/W0G001/{name}" for name in ("print", "pdf", "papers", "papers/pdf")]
    for path in (f"{STATEMENT}/print", f"{STATEMENT}/pdf", FEES, f"{FEES}/file", *of_complex):
        assert noh.get(path, headers=PAGE).status_code == 404, path
