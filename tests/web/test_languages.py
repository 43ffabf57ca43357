"""Korean and English: who chooses, and that the pages say which it is."""

import pytest
from flask.testing import FlaskClient

from tests.access.people import PAGE


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("", "ko"), ("ko-KR,ko;q=0.9", "ko"), ("en-GB,en;q=0.8", "en"), ("fr", "ko"), ("de,en;q=0.5,ko;q=0.4", "en")],
)
def test_the_browser_is_answered_in_its_language(client: FlaskClient, accepted: str, language: str) -> None:
    page = client.get("/login", headers={**PAGE, "Accept-Language": accepted}).text
    assert f'<html lang="{language}">' in page


def test_a_choice_is_remembered_and_leads_back(client: FlaskClient) -> None:
    answer = client.get("/language/en?next=/problems", headers={"Accept-Language": "ko"})
    assert (answer.status_code, answer.location) == (302, "/problems")
    assert "All" not in client.get("/problems", headers={"Accept-Language": "ko"}).text
    assert '<html lang="en">' in client.get("/problems", headers={"Accept-Language": "ko"}).text
    client.get("/language/ko")
    assert '<html lang="ko">' in client.get("/problems", headers={"Accept-Language": "en"}).text


def test_the_switch_names_each_language_in_itself(client: FlaskClient) -> None:
    page = client.get("/problems?lang=en", headers=PAGE).text
    assert 'lang="ko" hreflang="ko">한국어</a>' in page
    assert 'lang="en" hreflang="en" aria-current="true">English</a>' in page


@pytest.mark.parametrize("path", ["/language/en?next=https://evil.example/", "/language/en?next=//evil.example"])
def test_the_switch_leads_to_no_other_host(client: FlaskClient, path: str) -> None:
    assert client.get(path).location == "/"


def test_there_is_no_third_language(client: FlaskClient) -> None:
    assert client.get("/language/fr").status_code == 404
