"""Made-up files of others, and a clerk who imports and reads them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.db import Database
from app.metering.reported.anomalies import Anomaly, anomalies
from app.metering.reported.queries import By, ReportedVolume, reported_volumes
from app.metering.reported.report import Report
from app.metering.reported.service import import_volumes
from app.registry import service as registry
from app.registry.imports.service import Order
from app.registry.imports.sheets import File
from app.registry.imports.undo import undo

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
DATA = Path(__file__).parents[3].parent / "shared" / "data"
JEJU = "base_date,emd_nm,waste_em_cnt,waste_em_g,waste_pay_amt"
SITES = "base_date,aptCode,emd_nm,disQuantity,disCount"
ALWAYS = (date(2000, 1, 1), date(2030, 1, 1))


def published(name: str) -> Path:
    """A real file, which is no part of the product."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{path} is missing: real files of others are not part of the product.")
    return path


def jeju(*rows: Sequence[Any]) -> str:
    """A file of dong days; each row is day, dong, discharges, grams, won."""
    return "\n".join([JEJU, *(",".join(map(str, row)) for row in rows)]) + "\n"


def sites(*rows: Sequence[Any]) -> str:
    """A file of site months; each row is month, site, dong, grams, discharges."""
    return "\n".join([SITES, *(",".join(map(str, row)) for row in rows)]) + "\n"


def days(first: date, count: int) -> list[date]:
    return [first + timedelta(days=number) for number in range(count)]


def quiet(first: date, count: int, dongs: Iterable[str], grams: int = 100_000) -> dict[tuple[date, str], int]:
    """The same grams for every dong and day, by day and dong, to be disturbed by a test."""
    return {(day, dong): grams for day in days(first, count) for dong in dongs}


def as_file(grams: dict[tuple[date, str], int]) -> str:
    """Dong days of 2,000 g a discharge whose won fit the tariff."""
    return jeju(*((day, dong, max(g // 2000, 1), g, g * 30 // 1000) for (day, dong), g in grams.items()))


class Desk:
    """Imports files and reads what there is, for the district T0X unless another is named."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.ids = {"T0X": self._add("T0X")}

    def _add(self, code: str) -> int:
        with self.database.begin() as session:
            return registry.add_district(session, code, f"구 {code}").id

    def another_district(self, code: str) -> None:
        self.ids[code] = self._add(code)

    def take_in(
        self, content: str | bytes | Path, source: str = "jeju", dry_run: bool = False, district: str = "T0X"
    ) -> Report:
        path = content if isinstance(content, Path) else self.folder / "file.csv"
        if not isinstance(content, Path):
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return import_volumes(self.database, Order(File.opened(path), "tester", NOW, dry_run, district), source)

    def undo(self, batch: str | None) -> dict[str, int]:
        return undo(self.database, str(batch), "tester", NOW)[1]

    def volumes(
        self,
        by: By = "place",
        per: str = "dong",
        source: str = "jeju",
        span: tuple[date, date] = ALWAYS,
        district: str = "T0X",
        place: str | None = None,
    ) -> list[ReportedVolume]:
        with self.database.session() as session:
            return reported_volumes(session, self.ids[district], source, by, per, *span, place)

    def grams(self, **options: Any) -> dict[str, int | None]:
        """Grams by place."""
        return {volume.place: volume.grams for volume in self.volumes(**options)}

    def anomalies(self, kind: str | None = None, **options: Any) -> list[Anomaly]:
        with self.database.session() as session:
            found = anomalies(session, self.ids["T0X"], **options)
        return [each for each in found if kind in (None, each.kind)]


def skipped(report: Report) -> list[tuple[int | None, str]]:
    """Line and reason of each row that was not used."""
    return [(note.line, note.reason) for note in report.skipped]


def noted(report: Report) -> list[tuple[int | None, str]]:
    """Line and reason of each note."""
    return [(note.line, note.reason) for note in report.notes]
