"""`jongnyang import volumes` and `jongnyang volumes anomalies`."""

import getpass
from pathlib import Path

import click

from app.console import Command, language, open_database, say_json
from app.metering.reported.models import SOURCES
from app.metering.reported.rendering import as_text
from app.metering.reported.report import as_json
from app.metering.reported.service import import_volumes as take_in
from app.registry.imports.service import Order
from app.times import now

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
        report = take_in(database, Order(file, _actor(), now(), dry_run, district), source)
    if json_:
        say_json(as_json(report, language()))
    else:
        click.echo(as_text(report, language()))


def _actor() -> str:
    """Whoever types the command, by the name that the machine knows."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return "cli"
