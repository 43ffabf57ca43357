"""`jongnyang import volumes` and `jongnyang volumes anomalies`."""

import re
from datetime import date
from pathlib import Path

import click

from app.console import Command, actor, language, open_database, say_json
from app.metering.reported.anomalies import anomalies as find_anomalies
from app.metering.reported.anomaly_rendering import SHOWN, anomalies_json, anomalies_text
from app.metering.reported.anomaly_texts import BAD_MONTH
from app.metering.reported.models import SOURCES
from app.metering.reported.periods import months_after
from app.metering.reported.queries import reported_fit, reported_series
from app.metering.reported.rendering import as_text
from app.metering.reported.report import as_json
from app.metering.reported.service import import_volumes as take_in
from app.registry.districts import the_district
from app.registry.imports.service import Order
from app.registry.imports.sheets import File
from app.texts import Refused
from app.times import now

MONTH = re.compile(r"([12][0-9]{3})-(0[1-9]|1[0-2])")

district_option = click.option("--district", metavar="CODE", help="District, where there are several.")


@click.command(
    "volumes",
    cls=Command,
    ko="다른 기관이 공표한 배출량(K-eco 일자별·지점별, 제주 동별)을 가져옵니다. 우리 원장과는 따로 둡니다.",
    example="jongnyang import volumes dong_day_2018_2019.csv --source jeju --dry-run",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--source", type=click.Choice(SOURCES), required=True, help="Who published the file.")
@click.option("--dry-run", is_flag=True, help="Print the same report and change nothing.")
@click.option("--json", "json_", is_flag=True, help="Print the report as JSON.")
@district_option
def import_volumes(file: Path, source: str, dry_run: bool, json_: bool, district: str | None) -> None:
    """Take in volumes that others published, apart from our own ledger: K-eco by date or site, Jeju by dong."""
    with open_database() as database:
        report = take_in(database, Order(File.opened(file), actor(), now(), dry_run, district), source)
    if json_:
        say_json(as_json(report, language()))
    else:
        click.echo(as_text(report, language()))


@click.command(
    "anomalies",
    cls=Command,
    ko="공표 배출량에서 눈에 띄는 것을 보입니다. 장애(보고 누락)와 실제 감소를 구분합니다. 오류라는 뜻은 아닙니다.",
    example="jongnyang volumes anomalies --source jeju --month 2018-10\njongnyang volumes anomalies --json",
)
@click.option("--source", type=click.Choice(SOURCES), help="Whose figures; default: all.")
@click.option("--month", metavar="YYYY-MM", help="A calendar month; default: all that was imported.")
@click.option("--limit", type=click.IntRange(1), help="Lines of each kind; default: 20, all with --json.")
@click.option("--json", "json_", is_flag=True, help="Print a list of objects.")
@district_option
def anomalies(source: str | None, month: str | None, limit: int | None, json_: bool, district: str | None) -> None:
    """Show what stands out in reported volumes, telling outages from real falls. None of it is called an error."""
    start, end = _month(month) if month else (None, None)
    with open_database() as database, database.session() as session:
        district_id = the_district(session, district).id
        series = reported_series(session, district_id, source)
        found = find_anomalies(session, district_id, source, start, end)
        fits = reported_fit(session, district_id, source, start, end)
    if json_:
        say_json(anomalies_json(found, fits, limit, language()))
    else:
        click.echo(anomalies_text(series, found, fits, limit or SHOWN, language()))


def _month(text: str) -> tuple[date, date]:
    found = MONTH.fullmatch(text)
    if not found:
        raise Refused(BAD_MONTH.fill(month=text))
    start = date(int(found[1]), int(found[2]), 1)
    return start, months_after(start, 1)
