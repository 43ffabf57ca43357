"""The menu says where the reader is: on one page of one group, or below it."""

import re

import pytest
from flask.testing import FlaskClient

from tests.access.people import PAGE

MARKED = re.compile(r'<a href="([^"]+)" aria-current="(page|true)">')


@pytest.mark.parametrize(
    ("path", "marked"),
    [
        ("/billing/arrears", [("/billing", "true"), ("/billing/arrears", "page")]),
        ("/billing/tariffs", [("/billing/tariffs", "page"), ("/billing/tariffs", "page")]),
        ("/billing/tariffs/new", [("/billing/tariffs", "true"), ("/billing/tariffs", "true")]),
        ("/billing/2026-10", [("/billing", "true"), ("/billing", "true")]),
        ("/faults/rules", [("/faults", "true"), ("/faults/rules", "page")]),
    ],
)
def test_one_group_and_one_page_of_it_are_current(
    client: FlaskClient, path: str, marked: list[tuple[str, str]]
) -> None:
    answer = client.get(path, headers=PAGE | {"Accept-Language": "en"})
    assert answer.status_code == 200
    assert MARKED.findall(answer.text.split("<main")[0]) == marked
