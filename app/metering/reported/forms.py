"""The files that are understood, told apart by their columns."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from app.metering.reported.models import PERIOD_OF
from app.metering.reported.texts import FORM_FAULT, FORMS_KNOWN, NO_FORM, OTHER_SOURCE, WEEKDAYS
from app.registry.imports.sheets import Sheet
from app.texts import Refused, Text, listed

DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")
NUMBER = re.compile(r"[0-9]{1,4}")
NATION = "KR"

Cells = dict[str, str]


class Place(NamedTuple):
    """A place by its code or, where the source has none, by its name."""

    code: str
    name: str
    dong_name: str | None = None


@dataclass(frozen=True)
class Form:
    """One kind of file: its columns, and how a row says when and where."""

    key: str
    source: str
    level: str
    title: Text
    when: tuple[str, ...]
    where: tuple[str, ...]
    grams: str
    count: str
    starts_on: Callable[[Cells], date | None]
    place: Callable[[Cells], Place]
    won: str | None = None
    weekday: str | None = None  # the column that gives it, 1 for Sunday

    @property
    def period(self) -> str:
        return PERIOD_OF[self.level]

    @property
    def columns(self) -> tuple[str, ...]:
        """Without these a file is not of this form."""
        return (*self.when, *self.where, self.grams, self.count, *([self.won] if self.won else []))


def _day(cells: Cells) -> date | None:
    found = DAY.fullmatch(cells["base_date"])
    return _made(*found.groups()) if found else None


def _month(cells: Cells) -> date | None:
    found = MONTH.fullmatch(cells["base_date"])
    return _made(*found.groups(), "1") if found else None


def _keco_day(cells: Cells) -> date | None:
    return _made(cells["disYear"], cells["disMonth"], cells["disDate"])


def _made(*parts: str) -> date | None:
    if not all(map(NUMBER.fullmatch, parts)):
        return None
    try:
        return date(*map(int, parts))
    except ValueError:
        return None


def _nation(cells: Cells) -> Place:
    return Place(NATION, "전국")


def _city(cells: Cells) -> Place:
    return Place(cells["cityCode"], f"{cells['citySidoName']} {cells['citySggName']}".strip())


def _dong(cells: Cells) -> Place:
    return Place(cells["emd_nm"], cells["emd_nm"])


def _site(cells: Cells) -> Place:
    return Place(cells["aptCode"], cells["aptCode"], cells["emd_nm"] or None)


KECO_DATE = ("disYear", "disMonth", "disDate")

# The first that fits: a list by city has all columns of the national one.
FORMS = (
    Form(
        key="city_days",
        source="keco",
        level="city",
        title=Text("K-eco 시군구별 일 배출량", "K-eco daily volumes by city"),
        when=KECO_DATE,
        where=("cityCode", "citySidoName", "citySggName"),
        grams="disQuantity",
        count="disCount",
        starts_on=_keco_day,
        place=_city,
        weekday="disDay",
    ),
    Form(
        key="nation_days",
        source="keco",
        level="nation",
        title=Text("K-eco 전국 일 배출량", "K-eco daily volumes of the nation"),
        when=KECO_DATE,
        where=(),
        grams="disQuantity",
        count="disCount",
        starts_on=_keco_day,
        place=_nation,
        weekday="disDay",
    ),
    Form(
        key="site_months",
        source="keco",
        level="site",
        title=Text("K-eco 배출 지점별 월 배출량", "K-eco monthly volumes by site"),
        when=("base_date",),
        where=("aptCode", "emd_nm"),
        grams="disQuantity",
        count="disCount",
        starts_on=_month,
        place=_site,
    ),
    Form(
        key="dong_days",
        source="jeju",
        level="dong",
        title=Text("제주 동별 일 배출량", "Jeju daily volumes by dong"),
        when=("base_date",),
        where=("emd_nm",),
        grams="waste_em_g",
        count="waste_em_cnt",
        won="waste_pay_amt",
        starts_on=_day,
        place=_dong,
    ),
)
WEEKDAY_LIST = {"disMonth", "disDay", "disQuantity"}  # and no date
KNOWN_COLUMNS = tuple(
    dict.fromkeys(column for form in FORMS for column in (*form.columns, *([form.weekday] if form.weekday else [])))
)


def recognise(sheet: Sheet, source: str) -> Form:
    """The form of a file. Raises Refused for weekday lists, unknown columns and a form of another source."""
    found = set(sheet.rows[0].cells)
    form = next((each for each in FORMS if set(each.columns) <= found), None)
    if form is None:
        raise Refused(_no_form(sheet, sorted(found)))
    if form.source != source:
        raise Refused(OTHER_SOURCE.fill(name=sheet.name, form=form.title, source=form.source))
    return form


def _no_form(sheet: Sheet, found: Sequence[str]) -> Text:
    if set(found) >= WEEKDAY_LIST and "disDate" not in found:
        return WEEKDAYS.fill(name=sheet.name)
    known = listed((FORM_FAULT.fill(form=form.title, columns=", ".join(form.columns)) for form in FORMS), "\n")
    columns = ", ".join(filter(None, [*found, *sheet.ignored_columns])) or "–"
    return NO_FORM.fill(name=sheet.name, columns=columns, known=FORMS_KNOWN.fill(forms=known))
