"""Problems: a page for each kind in both languages, an HTML page for browsers and JSON for programs."""

import json

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from flask_babel import force_locale

from app.access import rules
from app.problems import KINDS, Problem
from tests.access.people import PAGE


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_every_problem_has_its_page_in_both_languages(app: Flask) -> None:
    client = app.test_client()
    for slug, kind in KINDS.items():
        page = client.get(f"/problems/{slug}").get_data(as_text=True)
        with app.test_request_context():
            for language in ("ko", "en"):
                with force_locale(language):
                    texts = [str(kind.title), str(kind.detail)]
                assert all(escaped(text) in page for text in texts), (slug, language)
        assert page.index('lang="ko">\n  <p class="code"') < page.index('lang="en">\n  <p class="code"')


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("'", "&#39;")


def test_the_index_leads_to_every_problem(client: FlaskClient) -> None:
    page = client.get("/problems").text
    assert [slug for slug in KINDS if f'href="/problems/{slug}"' not in page] == []


def test_the_readers_language_comes_first(client: FlaskClient) -> None:
    page = client.get("/problems/not-found", headers={"Accept-Language": "en"}).text
    assert page.index("There is nothing here.") < page.index("찾으시는 페이지나 자료가 없습니다.")


def test_an_unknown_problem_is_not_found(client: FlaskClient) -> None:
    assert client.get("/problems/nonsense").status_code == 404


def test_a_browser_gets_a_page_and_a_program_json(client: FlaskClient) -> None:
    page = client.get("/nothing", headers={**PAGE, "Accept-Language": "ko"})
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert "찾으시는 페이지나 자료가 없습니다." in page.text
    for accept in ("*/*", "application/json", "application/problem+json", ""):
        plain = client.get("/nothing", headers={"Accept": accept, "Accept-Language": "en"})
        assert (plain.status_code, plain.mimetype) == (404, "application/problem+json")
        assert plain.json["title"] == "There is nothing here."


def test_an_unexpected_error_shows_a_page_without_its_inside(app: Flask) -> None:
    @app.get("/broken")
    @rules.public
    def broken() -> str:
        raise RuntimeError("secret inside")

    page = app.test_client().get("/broken", headers={**PAGE, "X-Request-Id": "abc123"})
    assert (page.status_code, page.mimetype) == (500, "text/html")
    assert "abc123" in page.text
    assert "secret inside" not in page.text


def test_a_refusal_of_the_framework_without_a_problem_of_its_own_is_json(app: Flask) -> None:
    @app.get("/teapot")
    @rules.public
    def teapot() -> str:
        abort(418)

    answer = app.test_client().get("/teapot", headers=PAGE)
    assert answer.status_code == 418
    assert json.loads(answer.data)["type"] == "about:blank"


def test_the_page_tells_how_long_to_wait(app: Flask) -> None:
    @app.get("/busy")
    @rules.public
    def busy() -> str:
        raise Problem("unavailable", retry_after=7)

    answer = app.test_client().get("/busy", headers={**PAGE, "Accept-Language": "en"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "7"
    assert "Try again in 7 seconds." in answer.text
