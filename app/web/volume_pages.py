"""Pages of volumes: of the district, a dong, a complex or a household, by time or by part, and the list of complexes.

They take the arguments of the API and cut nothing that it does not; what is wrong with an argument stands beside its
field.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from marshmallow import ValidationError

from app.access import rules
from app.access.accounts import current_district_id, current_reach
from app.context import service
from app.languages import choose_language
from app.metering.reported.queries import reported_series
from app.metering.volumes import places
from app.metering.volumes.answers import Answer, answer
from app.metering.volumes.asking import LEDGER, last_day
from app.metering.volumes.model import Ask, Kind, Place, Volume
from app.metering.volumes.reading import volumes
from app.metering.volumes.schemas import VolumeArguments
from app.metering.volumes.slots import DAY, By
from app.problems import Problem
from app.registry.models import District
from app.texts import Refused
from app.times import now
from app.web.volume_rows import Row, ends_of_month, of_ledger, of_report
from billing.days import service_day

blueprint = Blueprint("volume_pages", __name__)

PAGE = 400  # rows: a year of days in one chart
MOST_BARS = 62  # two months of days; beyond, a line reads better
NAMED_BY_ID = "<int(max=2147483647):key>"
PARTS: dict[str, tuple[str, ...]] = {"district": ("dong", "complex", "household"), "dong": ("complex", "household")}
PARTS |= {"complex": ("household",), "household": ()}
ENDPOINTS = {"dong": "volume_pages.dong", "complex": "volume_pages.complex_", "household": "volume_pages.household"}
BY = {
    "": _l("Not cut"),
    "hour": _l("By hour"),
    "day": _l("By day"),
    "week": _l("By week"),
    "month": _l("By month"),
    "year": _l("By year"),
}
PER = {"": _l("Together"), "dong": _l("By dong"), "complex": _l("By complex"), "household": _l("By household")}
PART = {"dong": _l("Dong"), "complex": _l("Complex"), "household": _l("Household")}
SOURCES = {"ledger": _l("Weighed by our meters"), "keco": _l("Reported by K-eco"), "jeju": _l("Reported by Jeju")}
PLAINLY = {"Not a valid date.": _l("Write a day as 2026-10-31.")}  # for people, what marshmallow says to programs


class Asked(NamedTuple):
    """The form as it was filled in, what it means, and what is wrong with it by field."""

    form: dict[str, str]
    arguments: dict[str, Any]
    errors: dict[str, list[str]]


class Shown(NamedTuple):
    """The rows of a page, the whole range as one row, where the next page begins, and how the rows are drawn."""

    first: date | None
    last: date | None
    rows: list[Row]
    total: Row | None
    next_after: str | None
    chart: str | None


@blueprint.get("/volumes")
@rules.scope("metering:read", reach="complex")
def district() -> Any:
    """What was thrown away in the district; who sees some complexes only chooses one of them."""
    if not current_reach().whole:
        return redirect(url_for("volume_pages.complexes"))
    with service().database.reading() as connection:
        same = District.id == current_district_id()
        code = connection.execute(sa.select(District.code).where(same)).scalar_one()
        return _page(connection, "district", code)


@blueprint.get("/volumes/dongs/<key>")
@rules.scope("metering:read")
def dong(key: str) -> Any:
    """What was thrown away in a dong."""
    with service().database.reading() as connection:
        return _page(connection, "dong", key)


@blueprint.get(f"/volumes/complexes/{NAMED_BY_ID}")
@rules.scope("metering:read", reach="complex")
def complex_(key: int) -> Any:
    """What was thrown into the meters of a complex."""
    with service().database.reading() as connection:
        return _page(connection, "complex", key)


@blueprint.get(f"/volumes/households/{NAMED_BY_ID}")
@rules.scope("metering:read", reach="complex")
def household(key: int) -> Any:
    """What a household threw away."""
    with service().database.reading() as connection:
        return _page(connection, "household", key)


@blueprint.get("/complexes")
@rules.scope("metering:read", reach="complex")
def complexes() -> str:
    """The complexes of the district that the reader sees, found by name or code."""
    search, after = request.args.get("search", "").strip()[:100], request.args.get("after", 0, type=int)
    with service().database.reading() as connection:
        found = places.complexes(connection, current_district_id(), after, PAGE + 1, search, current_reach())
    more = found[PAGE - 1].id if len(found) > PAGE else None
    return render_template("complexes.html", complexes=found[:PAGE], search=search, more=more)


def _page(connection: sa.Connection, kind: Kind, key: str | int) -> tuple[str, int]:
    district_id, moment = current_district_id(), now()
    place = places.place(connection, district_id, kind, key, current_reach())
    asked = read_form(request.args, kind, service_day(moment))
    shown = None
    if not asked.errors:
        try:
            shown = show(connection, Answer(district_id, place, asked.arguments, moment))
        except Problem as problem:
            asked.errors.update(problem.extra.get("errors", {}))
        except Refused as refused:
            asked.errors["by"] = [text.said(choose_language()) for text in refused.texts]
    parts = ("", *PARTS[kind]) if asked.form.get("source", LEDGER) == LEDGER else ("", "dong", "complex")
    page = render_template(
        "volumes.html",
        **{"place": place, "path": _path(connection, district_id, place), "asked": asked, "shown": shown},
        **{"by": BY, "part": PART, "per": {name: text for name, text in PER.items() if name in parts}},
        **{"sources": _sources(connection, district_id) if kind == "district" else [], "source_names": SOURCES},
        **{"link_to": link_to, "csv": csv_link(place, asked.form), "often": _often(place, service_day(moment))},
        without_after={name: value for name, value in asked.form.items() if name != "after"},
    )
    return page, 422 if asked.errors else 200


def read_form(given: Mapping[str, str], kind: Kind, today: date) -> Asked:
    """What the address asks. Without any argument: the last days by day, or the months of a household."""
    form = {name: value.strip() for name, value in given.items() if value.strip() and name not in ("lang", "limit")}
    if not form.keys() - {"source"} and form.get("source", LEDGER) == LEDGER:
        form["by"] = "month" if kind == "household" else "day"
    if form.get("per") == "household" and not {"from", "to", "month"} & form.keys():
        form |= {name: day.isoformat() for name, day in zip(("from", "to"), ends_of_month(today), strict=True)}
    try:
        arguments = VolumeArguments().load(form | {"limit": PAGE})
    except ValidationError as error:
        return Asked(form, {}, {field: _plainly(told) for field, told in error.messages_dict.items()})
    return Asked(form, arguments | {"compare": True}, {})


def _plainly(told: Any) -> list[str]:
    return [str(PLAINLY.get(str(one), one)) for one in (told if isinstance(told, list) else [told])]


def show(connection: sa.Connection, asked: Answer) -> Shown:
    """The answer as a page shows it. Raises as `answer` does."""
    return _ledger(connection, asked) if asked.source == LEDGER else _reported(connection, asked)


def _ledger(connection: sa.Connection, asked: Answer) -> Shown:
    ask, moment = asked.ask, asked.now
    page = volumes(connection, asked.district_id, ask, moment)
    whole = volumes(connection, asked.district_id, ask._replace(by=None, per=None, after=None), moment).rows
    rows = [_row(row, ask, moment) for row in page.rows]
    if ask.per and not ask.by and not ask.after and page.next_after is None:
        rows.sort(key=lambda row: -(row.grams or 0))
    total = _row(whole[0], ask._replace(by=None, per=None), moment) if whole else None
    return Shown(ask.start, last_day(ask.end), rows, total, page.next_after, _chart(ask.per, rows))


def _row(row: Volume, ask: Ask, moment: datetime) -> Row:
    def inside(by: By, first: date, last: date) -> str:
        return link_to(row.place, {"by": by, **_range(first, last)})

    by = "hour" if ask.end - ask.start <= DAY else "day" if ask.end - ask.start <= MOST_BARS * DAY else "month"
    place = link_to(row.place, {"by": by, **_range(ask.start, last_day(ask.end))}) if ask.per else None
    return of_ledger(row, ask.by, moment, place, inside)


def _reported(connection: sa.Connection, asked: Answer) -> Shown:
    per, by = asked.arguments.get("per"), asked.arguments.get("by")
    page = answer(connection, asked)
    items = page["items"]
    if not items:
        return Shown(None, None, [], None, None, None)
    first = date.fromisoformat(min(row["start"] for row in items))
    last = last_day(date.fromisoformat(max(row["end"] for row in items)))
    rows = [of_report(row, None if per else by or "year") for row in items]
    return Shown(first, last, rows, None, page["next_after"], _chart(per, rows))


def _chart(per: str | None, rows: list[Row]) -> str | None:
    if per or len(rows) < 2:
        return None
    return "bars" if len(rows) <= MOST_BARS else "lines"


def link_to(place: Place, arguments: Mapping[str, Any]) -> str:
    """The page of a place with these arguments."""
    if place.kind == "district":
        return url_for("volume_pages.district", **arguments)
    return url_for(ENDPOINTS[place.kind], key=place.code if place.kind == "dong" else place.id, **arguments)


def csv_link(place: Place, form: Mapping[str, str]) -> str:
    """All rows of the same question, from the API."""
    key = place.id if place.kind in ("complex", "household") else place.code
    wanted: dict[str, Any] = {name: value for name, value in form.items() if name != "after"}
    return url_for(f"volumes.{place.kind}_volumes", place=key, **wanted | {"compare": "true", "format": "csv"})


def _often(place: Place, today: date) -> list[tuple[str, dict[str, str]]]:
    """What people ask most, as arguments."""
    month, last_month = ends_of_month(today), ends_of_month(today.replace(day=1) - DAY)
    part = {"district": "complex", "dong": "complex", "complex": "household"}.get(place.kind)
    found = [
        (gettext("Today"), {"by": "hour", **_range(today, today)}),
        (gettext("This month"), {"by": "day", **_range(*month)}),
        (gettext("Last month"), {"by": "day", **_range(*last_month)}),
        (gettext("Twelve months"), {"by": "month"}),
    ]
    if part:
        found.append((gettext("This month, %(parts)s", parts=str(PER[part]).lower()), {"per": part, **_range(*month)}))
    return found


def _range(first: date, last: date) -> dict[str, str]:
    return {"from": first.isoformat(), "to": last.isoformat()}


def _path(connection: sa.Connection, district_id: int, place: Place) -> list[Place]:
    """What a household lives in; other places stand directly below the district."""
    home = places.complex_by_code(connection, district_id, place.code) if place.kind == "household" else None
    return [home] if home else []


def _sources(connection: sa.Connection, district_id: int) -> list[str]:
    """Where volumes come from; only those that there are, and none to choose where all is our own."""
    found = {each.source for each in reported_series(connection, district_id)}
    return [LEDGER, *sorted(found)] if found else []
