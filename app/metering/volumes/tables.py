"""Volumes as rows for programs and spreadsheets: the same fields in JSON, CSV and on the terminal."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from app.csv_lines import csv_lines
from app.metering.volumes.model import Volume
from app.metering.volumes.slots import By
from billing.days import SEOUL, service_day


def plain(row: Volume, by: By | None) -> dict[str, Any]:
    """The fields of a volume as the API gives them."""
    return row._asdict() | {
        "start": shown(row.start, by),
        "end": shown(row.end, by),
        "grams_per_household_day": row.grams_per_household_day,
    }


def shown(instant: datetime, by: By | None) -> str:
    """A day in Seoul; for hours the instant with Seoul's offset."""
    if by == "hour":
        return instant.astimezone(SEOUL).isoformat(timespec="seconds")
    return service_day(instant).isoformat()


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the API with the place's fields first, as a table has them."""
    place = row["place"]
    names = {"kind": place["kind"], "id": place["id"], "code": place["code"], "name": place["name"]}
    return names | {name: value for name, value in row.items() if name != "place"}


def as_csv(rows: Iterable[dict[str, Any]], columns: list[str]) -> Iterator[str]:
    """The lines of a CSV file with these columns of the rows."""
    flattened = (flat(row) for row in rows)
    return csv_lines(columns, ([cells.get(column) for column in columns] for cells in flattened))
