"""`jongnyang billing export` and `check-file`: a complex's maintenance-fee file out, and back."""

import sys
from datetime import date
from pathlib import Path
from typing import Any

import click

from app.access.reach import WHOLE
from app.console import Command, actor, open_database, read_settings, say, say_json
from app.registry.districts import the_district
from app.registry.gateway_commands import district_option
from app.registry.imports.sheets import File
from app.registry.places import complex_of
from app.reports.fees import files, rows
from app.reports.fees import service as fees_service
from app.reports.fees.checking import Difference, titled
from app.reports.fees.models import FORMATS
from app.reports.fees.rows import Fees
from app.reports.fees.schemas import plain_report
from app.statements.terms.closed import month_named
from app.texts import Text
from app.times import now

WRITTEN = Text(
    "{file}: {rows}건, {won}원 ({number}, {state})",
    "{file}: {rows} rows, {won} won ({number}, {state})",
)
REPLACED = Text(
    "CP949에 없는 글자 {count}개를 〓로 바꾸었습니다. 글자를 지키려면 --format csv 또는 xlsx로 내보내세요.",
    "{count} characters that CP949 lacks were replaced by 〓. To keep them, use --format csv or xlsx.",
)
AGREES = Text("{rows}건 모두 고지서와 같습니다.", "All {rows} rows agree with the statements.")
DIFFERS = Text("고지서와 다른 곳이 {count}군데 있습니다.", "{count} differences from the statements.")
KINDS = {
    "changed": Text(
        "  {line}번째 줄 {who}: {field} {expected} → {found}", "  line {line} {who}: {field} {expected} → {found}"
    ),
    "missing": Text("  파일에 없음: {who}", "  missing from the file: {who}"),
    "foreign": Text(
        "  {line}번째 줄 {who}: 이 달의 고지서가 아닙니다", "  line {line} {who}: no statement of this month"
    ),
    "twice": Text("  {line}번째 줄 {who}: 두 번 있습니다", "  line {line} {who}: stands there twice"),
}
STATES = {"preview": Text("미리보기", "preview"), "final": Text("확정", "final")}
COMPLEX, MONTH = click.argument("code", metavar="COMPLEX"), click.argument("month", metavar="MONTH")


@click.command(
    "export",
    cls=Command,
    ko="단지의 한 달 관리비 파일을 내보냅니다.",
    example="jongnyang billing export W0G001 2026-10 --format xlsx --output fees.xlsx",
)
@COMPLEX
@MONTH
@click.option("--format", "format_", type=click.Choice(FORMATS), help="Default: the complex's own.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Default: named by its number, here.")
@district_option
def export(code: str, month: str, format_: str | None, output: Path | None, district: str | None) -> None:
    """Write the maintenance-fee file of COMPLEX and MONTH (2026-10)."""
    fees = _fees(code, month_named(month), district)
    made = files.write(fees, format_)
    path = output or Path(made.name)
    path.write_bytes(made.content)
    told = {"rows": f"{fees.totals.rows:,}", "won": f"{fees.totals.won:,}", "number": fees.number}
    say(WRITTEN.fill(file=path, state=STATES[fees.state], **told))
    if made.replaced:
        say(REPLACED.fill(count=made.replaced))


@click.command(
    "check-file",
    cls=Command,
    ko="내보낸 관리비 파일을 고지서와 대조합니다(다르면 종료 코드 1).",
    example="jongnyang billing check-file W0G001 2026-10 fees.xlsx",
)
@COMPLEX
@MONTH
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")
@district_option
def check_file(code: str, month: str, file: Path, as_json: bool, district: str | None) -> None:
    """Hold FILE against the statements of COMPLEX and MONTH; exit code 1 where they differ."""
    opened = File.opened(file)
    with open_database(read_settings()) as database, database.begin() as session:
        place = complex_of(session, the_district(session, district).id, code)
        fees = rows.fees(session, place, month_named(month), WHOLE)
        report = fees_service.bring_back(session, fees, opened, actor(), now())
    if as_json:
        say_json(plain_report(report))
    else:
        say(AGREES.fill(rows=report.rows) if report.agrees else DIFFERS.fill(count=report.count))
        for each in report.differences:
            say(_said(fees, each))
    sys.exit(0 if report.agrees else 1)


def _fees(code: str, month: date, district: str | None) -> Fees:
    with open_database(read_settings()) as database, database.session() as session:
        return rows.fees(session, complex_of(session, the_district(session, district).id, code), month, WHOLE)


def _said(fees: Fees, difference: Difference) -> Text:
    told: dict[str, Any] = difference._asdict() | {"field": titled(fees.layout, difference.field)}
    return KINDS[difference.kind].fill(**told)
