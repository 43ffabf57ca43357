"""One answer about volumes, from our own ledger or from what others reported, for the API, the pages and commands."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple, cast

import sqlalchemy as sa
from flask_babel import lazy_gettext as _

from app.metering.reported.queries import By as ReportedBy
from app.metering.reported.queries import ReportedVolume, level_for, reported_volumes
from app.metering.volumes.asking import EARLIEST, LEDGER, USUAL_ROWS, all_pages, ask_for, days_of, last_day
from app.metering.volumes.model import Ask, Place
from app.metering.volumes.reading import unknown_page, volumes
from app.metering.volumes.slots import DAY
from app.metering.volumes.tables import plain
from app.problems import Problem
from billing.days import service_day

PLACE_COLUMNS = ["kind", "id", "code", "name", "start", "end", "count", "grams"]
LEDGER_COLUMNS = [
    *PLACE_COLUMNS,
    *("suspense_count", "suspense_grams", "households", "grams_per_household_day"),
    *("meters", "meters_reporting", "silent_meters", "gateways", "gateways_reporting", "gateways_out", "alive_share"),
    *("usual_grams", "condition"),
]
REPORTED_COLUMNS = [*PLACE_COLUMNS, "won", "periods", "periods_reporting", "places", "places_reporting"]


class Answer(NamedTuple):
    """Who asks what: `arguments` are those of `VolumeArguments`."""

    district_id: int
    place: Place
    arguments: dict[str, Any]
    now: datetime

    @property
    def source(self) -> str:
        return str(self.arguments.get("source", LEDGER))

    @property
    def ask(self) -> Ask:
        return ask_for(self.place, self.arguments, self.now)

    @property
    def columns(self) -> list[str]:
        """Of a table of it."""
        return LEDGER_COLUMNS if self.source == LEDGER else REPORTED_COLUMNS

    @property
    def file_name(self) -> str:
        """Of a table of it, without Korean letters, which not every mail program keeps."""
        ask = self.ask
        named = self.place.code if self.place.kind != "household" else f"{self.place.code}-household-{self.place.id}"
        parts = (self.source, named, ask.per, ask.by, ask.start.isoformat(), last_day(ask.end).isoformat())
        return "-".join(["volumes", *filter(None, parts)])


def answer(connection: sa.Connection, asked: Answer) -> dict[str, Any]:
    """A page of rows as `VolumePage` describes it.

    Raises the Problem `invalid`, or Refused for what a source does not have, such as days of sites.
    """
    if asked.source != LEDGER:
        return _reported_page(connection, asked)
    ask = asked.ask
    page = volumes(connection, asked.district_id, ask, asked.now)
    rows = [plain(row, ask.by) for row in page.rows]
    return {"source": asked.source, "items": rows, "next_after": page.next_after}


def every_row(connection: sa.Connection, asked: Answer) -> Iterator[dict[str, Any]]:
    """All rows. Raises as `answer` does."""
    if asked.source != LEDGER:
        return iter(reported_rows(connection, asked))
    ask = asked.ask
    return (plain(row, ask.by) for row in all_pages(connection, asked.district_id, ask, asked.now))


def _reported_page(connection: sa.Connection, asked: Answer) -> dict[str, Any]:
    rows = reported_rows(connection, asked)
    keys = [row["place"]["code"] if "per" in asked.arguments else row["start"] for row in rows]
    after, limit = asked.arguments.get("after"), asked.arguments.get("limit", USUAL_ROWS)
    if after is not None and after not in keys:
        raise unknown_page()
    first = keys.index(after) + 1 if after is not None else 0
    shown = rows[first : first + limit]
    more = first + limit < len(rows)
    return {"source": asked.source, "items": shown, "next_after": keys[first + limit - 1] if more else None}


def reported_rows(connection: sa.Connection, asked: Answer) -> list[dict[str, Any]]:
    """What others reported, in the fields of `VolumeSchema`; without a range all that there is."""
    by = _reported_by(asked)
    start, end = (EARLIEST, service_day(asked.now) + DAY)
    if {"month", "from_", "to"} & asked.arguments.keys():
        start, end = days_of(asked.arguments, asked.now)
    level = asked.arguments.get("level") or ("site" if by == "place" else None)
    level = level or level_for(connection, asked.district_id, asked.source, by)
    if level is None:
        return []
    found = reported_volumes(connection, asked.district_id, asked.source, by, level, start, end)
    return [_plain_reported(row) for row in found]


def _reported_by(asked: Answer) -> ReportedBy:
    if asked.place.kind != "district":
        raise Problem("invalid", errors={"source": [_("Reported volumes are read for the whole district.")]})
    per, by = asked.arguments.get("per"), asked.arguments.get("by")
    if per and by:
        raise Problem("invalid", errors={"per": [_("Reported volumes are shown by place or by time, not by both.")]})
    if per == "household":
        raise Problem("invalid", errors={"per": [_("Nobody reports volumes of single households.")]})
    if per is None:
        return cast(ReportedBy, by or "year")
    return "dong" if per == "dong" else "place"


def _plain_reported(row: ReportedVolume) -> dict[str, Any]:
    return {
        "place": Place(row.level, 0, row.place, row.name)._asdict(),
        "start": row.starts_on.isoformat(),
        "end": row.ends_on.isoformat(),
        "discharges": row.count,
        "grams": row.grams,
        "won": row.won,
        "periods": row.periods,
        "periods_reporting": row.periods_reporting,
        "places": row.places,
        "places_reporting": row.places_reporting,
    }
