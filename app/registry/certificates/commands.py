"""`jongnyang meter certify …`: an inspection of a scale, or a file of them."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import click
from sqlalchemy.orm import Session

from app.console import Command, actor, explain, say
from app.problems import Problem
from app.registry.certificates.models import RESULTS
from app.registry.certificates.service import Inspection, record
from app.registry.gateway_commands import district_option
from app.registry.imports.sheets import File, Row, read_sheet
from app.registry.terminal import day_type, dry_run_option, in_district
from app.texts import Refused, Text
from app.times import now

REQUIRED, OPTIONAL = ("meter", "number", "inspected_on", "body"), ("due_on", "result", "remark")

RECORDED = Text(
    "종량기 {meter}의 검정을 등록했습니다(만료 {due_on}).", "Recorded for meter {meter}; the next is due by {due_on}."
)
ONE_OR_FILE = Text(
    "종량기 코드와 --number, --on, --by를 적거나, --file로 CSV 파일을 주세요.",
    "Name the meter with --number, --on and --by, or give a CSV file with --file.",
)
LINE = Text("{line}번째 줄 {meter}: {why}", "line {line}, {meter}: {why}")
NO_DAY = Text("날짜를 2026-11-20처럼 적어 주세요: {value}.", "Write the day as 2026-11-20: {value}.")
TOTAL = Text("행 {rows}개 중 {used}개 등록, {skipped}개 건너뜀", "{rows} rows: {used} recorded, {skipped} skipped")
DRY_RUN = Text("미리 보기라서 아무것도 바꾸지 않았습니다.", "This was a dry run: nothing was changed.")


@click.command(
    cls=Command,
    ko="저울 검정을 등록합니다: 하나, 또는 CSV 파일(meter,number,inspected_on,body[,due_on,result,remark]).",
    example="jongnyang meter certify W0G-001-01-1 --number 2026-1234 --on 2026-11-20 --by 한국계량측정협회\n"
    "jongnyang meter certify --file certificates.csv --dry-run",
)
@click.argument("meter", required=False)
@click.option("--number", help="Of the certificate.")
@click.option("--on", "day", type=day_type, help="Day of the inspection.")
@click.option("--by", "body", help="Who inspected it.")
@click.option("--result", type=click.Choice(RESULTS), default="passed", show_default=True)
@click.option("--due", type=day_type, help="Default: when the legal two years end.")
@click.option("--file", type=click.Path(path_type=Path), help="CSV instead of one meter.")
@dry_run_option
@district_option
def certify(
    meter: str | None,
    number: str | None,
    day: datetime | None,
    body: str | None,
    result: str,
    due: datetime | None,
    file: Path | None,
    dry_run: bool,
    district: str | None,
) -> None:
    """Record an inspection of a scale, or a CSV file: meter,number,inspected_on,body[,due_on,result,remark]."""
    if file is None and not (meter and number and day and body):
        raise Refused(ONE_OR_FILE)
    with in_district(district) as (session, district_id):
        if file is not None:
            _take_in(session, district_id, file)
        elif meter and number and day and body:
            seen = Inspection(number, day.date(), body, result, due.date() if due else None)
            made = record(session, district_id, meter, seen, actor(), now())
            say(RECORDED.fill(meter=meter, due_on=made.due_on))
        if dry_run:
            say(DRY_RUN)
            session.rollback()


def _take_in(session: Session, district_id: int, file: Path) -> None:
    """Record every row that can be; tell of each that cannot why."""
    sheet = read_sheet(File.opened(file), REQUIRED, OPTIONAL)
    skipped = 0
    for row in sheet.rows:
        told = list(_record_row(session, district_id, row))
        skipped += bool(told)
        for why in told:
            say(LINE.fill(line=row.line, meter=row.cells["meter"], why=why))
    say(TOTAL.fill(rows=len(sheet.rows), used=len(sheet.rows) - skipped, skipped=skipped))


def _record_row(session: Session, district_id: int, row: Row) -> Iterator[Text]:
    """Record one row; what is wrong with it otherwise."""
    cells = {name: value for name, value in row.cells.items() if value}
    meter = cells.pop("meter", "")
    days: dict[str, date] = {}
    for name in ("inspected_on", "due_on"):
        if name in cells or name in REQUIRED:
            try:
                days[name] = date.fromisoformat(cells.pop(name, ""))
            except ValueError:
                yield NO_DAY.fill(value=row.cells[name])
                return
    seen = Inspection(**{"number": "", "body": ""} | cells | days)  # type: ignore[arg-type]
    try:
        with session.begin_nested():
            record(session, district_id, meter, seen, actor(), now())
    except Problem as problem:
        yield from explain(problem)
