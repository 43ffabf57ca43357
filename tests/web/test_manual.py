"""A manual for each role in both languages: every task says what it needs, and every link leads somewhere."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import NotFound

from app.access.rules import ROLES, SCOPES
from app.web.manual_pages import ROLE, source, tasks
from tests.access.people import PAGE

LANGUAGES = ("ko", "en")
LINK = re.compile(r"\]\((/[^)#]*)")
SAID = {"ko": "**필요한 것:**", "en": "**What it needs:**"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_task_says_what_it_needs(language: str) -> None:
    assert len(tasks(language)) == source(language).count("\n## "), "a task without a comment of what it needs"
    assert [task.text.splitlines()[0] for task in tasks(language) if SAID[language] not in task.text] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_role_has_a_purpose_and_a_task_for_all_that_it_may_do(language: str) -> None:
    assert [name for name, _ in ROLE.findall(source(language))] == list(ROLES)
    for role in ROLES.values():
        told = set().union(*(task.needs for task in tasks(language) if task.needs <= role.scopes))
        assert told == role.scopes


def test_tasks_take_scopes_that_there_are() -> None:
    assert set().union(*(task.needs for task in tasks("en"))) == set(SCOPES)


def test_both_languages_tell_of_the_same_tasks() -> None:
    korean, english = ([(task.needs, LINK.findall(task.text)) for task in tasks(each)] for each in LANGUAGES)
    assert korean == english
    assert all(re.search("[가-힣]", task.text.splitlines()[0]) for task in tasks("ko"))


def test_links_of_the_manual_lead_to_pages(app: Flask) -> None:
    adapter = app.url_map.bind("localhost")
    for path in LINK.findall(source("en")):
        try:
            adapter.match(path, method="GET")
        except NotFound:
            pytest.fail(f"nothing answers at {path}")


@pytest.mark.parametrize("dialect", ["sqlite"])
@pytest.mark.parametrize("role", ROLES)
def test_a_manual_is_shown_in_the_readers_language_without_notes_for_us(client: FlaskClient, role: str) -> None:
    assert f"/manual/{role}" in client.get("/manual", headers=PAGE).text
    for language, words in (("ko", "필요한 것"), ("en", "What it needs")):
        page = client.get(f"/manual/{role}", headers=PAGE | {"Accept-Language": language}).text
        assert words in page
        assert "<!-- needs" not in page
        assert "&lt;!--" not in page


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_nobody_reads_of_what_they_cannot_do(client: FlaskClient) -> None:
    pages = {role: client.get(f"/manual/{role}", headers=PAGE | {"Accept-Language": "en"}).text for role in ROLES}
    assert [role for role, page in pages.items() if "Let people in" in page] == ["administrator"]
    assert "Find a household" not in pages["vendor"] + pages["contractor"]
    assert client.get("/manual/king", headers=PAGE).status_code == 404
