"""The Korean catalogue holds every text of the service, translated, with the same places to fill in."""

import re
from pathlib import Path

import pytest
from babel.messages import Catalog, pofile
from babel.messages.extract import extract_from_dir

APP = Path(__file__).parents[2] / "app"
PO = APP / "translations/ko/LC_MESSAGES/messages.po"
METHODS = [("**.py", "python"), ("web/templates/**.html", "jinja2")]  # the same as in app/babel.cfg
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "_l": None}
PLACE = re.compile(r"%\(\w+\)[sd]")


@pytest.fixture(scope="module")
def used() -> Catalog:
    catalog = Catalog()
    for _file, _line, text, _comments, _context in extract_from_dir(str(APP), METHODS, keywords=KEYWORDS):
        catalog.add(text)
    assert len(catalog) > 50, "Hardly any text was found: this test looks in the wrong place."
    return catalog


@pytest.fixture(scope="module")
def korean() -> Catalog:
    with PO.open("rb") as file:
        return pofile.read_po(file, locale="ko")


def texts(catalog: Catalog) -> set[object]:
    return {message.id for message in catalog if message.id}


def test_the_catalogue_holds_what_the_service_says_and_nothing_else(used: Catalog, korean: Catalog) -> None:
    assert texts(used) - texts(korean) == set(), "Not in the catalogue: see app/babel.cfg for how to update it."
    assert texts(korean) - texts(used) == set(), "Not used any more."


def test_every_text_is_translated(korean: Catalog) -> None:
    translated = [(message.id, message.string) for message in korean if message.id]
    assert [text for text, said in translated if not (all(said) if isinstance(said, tuple) else said)] == []
    assert [message.id for message in korean if message.id and message.fuzzy] == []


def test_translations_fill_in_the_same_values(korean: Catalog) -> None:
    for message in korean:
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        for said in strings if message.id else ():
            assert set(PLACE.findall(str(said))) == set(PLACE.findall(str(ids[-1]))), message.id


def test_the_catalogue_is_compiled_and_not_older_than_its_source() -> None:
    compiled = PO.with_suffix(".mo")
    assert compiled.exists(), "make install compiles it."
    assert compiled.stat().st_mtime >= PO.stat().st_mtime, "make install compiles it anew."


def test_the_methods_are_those_of_the_configuration() -> None:
    lines = (APP / "babel.cfg").read_text().splitlines()
    assert [line for line in lines if line.startswith("[")] == [f"[{kind}: {files}]" for files, kind in METHODS]
