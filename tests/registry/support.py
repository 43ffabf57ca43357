"""Small files and a real database around the imports."""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.db import Database
from app.registry.imports import service
from app.registry.imports.changes import ORDER, table_of
from app.registry.imports.complex_rows import COLUMNS
from app.registry.imports.report import Report
from app.registry.imports.sheets import File

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
SHARED = Path(__file__).parents[2].parent / "shared"
KECO = SHARED / "data" / "keco" / "gangseo_complexes.csv"

COMPLEX = {
    "aptCode": "T0X001",
    "aptName_x": "새싹(BM)",
    "aptName_y": "새싹",
    "aptMemo": "",
    "cityCode_x": "T0X",
    "citySidoName": "시험특별시",
    "citySggName": "새싹구",
    "equipName": "개별계량장비",
    "chargeName": "후불",
    "roadAddr1": "시험특별시 새싹구 새싹로 1",
    "roadAddr2": "(새싹동, 새싹)",
    "hbgvCode": "9950010200",
    "ctznCnt": "251",
    "regDate": "2016-10-09 19:51:43",
    "xlatlng": "126.85",
    "ylatlng": "37.54",
}
HOUSEHOLD = {
    "complex_code": "T0X001",
    "building": "101",
    "unit": "1203",
    "card_number": "0A1B2C3D4E",
    "moved_in": "2026-03-02",
    "moved_out": "",
}


def complexes(*rows: Mapping[str, str], columns: Iterable[str] = COLUMNS) -> str:
    """A K-eco file whose rows are COMPLEX but for what is given."""
    return _csv([COMPLEX | row for row in rows], list(columns))


def households(*rows: Mapping[str, str]) -> str:
    """A household file whose rows are HOUSEHOLD but for what is given."""
    return _csv([HOUSEHOLD | row for row in rows], list(HOUSEHOLD))


def _csv(rows: list[dict[str, str]], columns: list[str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


class Registry:
    """A database with the imports at hand; files are written beside it."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder

    def file(self, content: str | bytes, name: str = "file.csv") -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def order(self, content: str | bytes | Path, **options: Any) -> service.Order:
        path = content if isinstance(content, Path) else self.file(content)
        return service.Order(File.opened(path), "tester", NOW, **options)

    def complexes(self, content: str | bytes | Path, **options: Any) -> Report:
        return service.import_complexes(self.database, self.order(content, **options))

    def households(self, content: str | bytes | Path, **options: Any) -> Report:
        return service.import_households(self.database, self.order(content, **options))

    def rows(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        """Rows of a table, or some columns of them, sorted."""
        source = table_of(table)
        selected = [source.c[column] for column in columns] if columns else [source]
        with self.database.engine.connect() as connection:
            return sorted((tuple(row) for row in connection.execute(sa.select(*selected))), key=repr)

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that an import may touch, but for the district, which stays, and the record of imports."""
        return {table: self.rows(table) for table in ORDER}


def reasons(report: Report) -> list[tuple[int | None, str]]:
    """Line and reason of each row that was not used."""
    return [(note.line, note.reason) for note in report.skipped]


def noted(report: Report) -> list[tuple[int | None, str]]:
    """Line and reason of each note."""
    return [(note.line, note.reason) for note in report.notes]
