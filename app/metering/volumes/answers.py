"""One answer about volumes, from our own ledger or from what others reported, for the API, the pages and commands."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.metering.volumes.asking import LEDGER, all_pages, ask_for, last_day
from app.metering.volumes.model import Ask, Place
from app.metering.volumes.reading import volumes
from app.metering.volumes.tables import plain

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
    """A page of rows as `VolumePage` describes it."""
    ask = asked.ask
    page = volumes(connection, asked.district_id, ask, asked.now)
    rows = [plain(row, ask.by) for row in page.rows]
    return {"source": asked.source, "items": rows, "next_after": page.next_after}


def every_row(connection: sa.Connection, asked: Answer) -> Iterator[dict[str, Any]]:
    """All rows."""
    ask = asked.ask
    return (plain(row, ask.by) for row in all_pages(connection, asked.district_id, ask, asked.now))
