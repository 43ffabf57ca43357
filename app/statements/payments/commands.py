"""`jongnyang billing pay|payments|arrears|revenue`: what was paid, who owes, what months brought."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from app.access.reach import WHOLE
from app.console import Command, Group, actor, language, open_database, read_settings, say, say_json
from app.registry.districts import the_district
from app.registry.gateway_commands import district_option
from app.registry.imports.sheets import File
from app.statements.payments import accounts, queries
from app.statements.payments import revenue as revenues
from app.statements.payments import service as payments_service
from app.statements.payments.lines import Line
from app.statements.payments.queries import Wanted
from app.statements.payments.schemas import plain_report
from app.statements.payments.service import Report
from app.texts import Text
from app.times import format_instant, now
from billing.days import service_day
from billing.units import kilograms

PAID = Text("납부 #{id}을(를) 등록했습니다.", "Payment #{id} was booked.")
REVERSED = Text("납부 #{id}을(를) 되돌렸습니다(#{by}).", "Payment #{id} was taken back by #{by}.")
NONE = Text("해당하는 납부가 없습니다.", "There is no such payment.")
LINE = Text("#{id}  {day}  {month}  {payer}  {won}원  {state}", "#{id}  {day}  {month}  {payer}  {won} won  {state}")
TAKEN_BACK = Text("되돌림 #{id}", "taken back by #{id}")
TAKES_BACK = Text("#{id} 되돌림", "takes back #{id}")
NOTHING = Text("", "")
CHECKED = Text(
    "{name}: 등록할 것 {good}건 {won}원, 이미 등록된 것 {known}건, 쓸 수 없는 줄 {bad}개",
    "{name}: {good} to book ({won} won), {known} booked already, {bad} lines of no use",
)
BOOKED = Text(
    "{name}: {good}건 {won}원을 등록했습니다. 이미 등록된 것 {known}건, 쓸 수 없는 줄 {bad}개",
    "{name}: {good} booked ({won} won), {known} were booked already, {bad} lines of no use",
)
BAD = Text("  {line}번째 줄: {text}", "  line {line}: {text}")
NO_ARREARS = Text("밀린 세대가 없습니다.", "Nobody is in arrears.")
LATE = Text(
    "{payer}  {won}원  {due}부터 {days}일  (잔액 {balance}원, 보류 {held}원)",
    "{payer}  {won} won  since {due}, {days} days  ({balance} won in all, {held} won disputed)",
)
BROUGHT = Text(
    "{month}  {complex} {name}  {kilograms} kg  고지 {won}원  납부 {paid}원  남음 {owed}원  세대 미납 {households}원",
    "{month}  {complex} {name}  {kilograms} kg  {won} won  paid {paid}  owed {owed}  owed by households {households}",
)
TOTAL = Text("합계  {won}원  납부 {paid}원  남음 {owed}원", "total  {won} won  paid {paid}  owed {owed}")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")
MONTH = click.DateTime(["%Y-%m"])
complex_option = click.option("--complex", "complex_", metavar="CODE", default="", help="Of this complex.")


@click.command(
    cls=Command,
    ko="납부 한 건을 등록합니다. 고지번호 대신 --complex, --building, --unit, --month로도 됩니다.",
    example="jongnyang billing pay 3120 --statement 202610-W0G001-0007 --on 2026-11-25",
)
@click.argument("won", type=click.IntRange(-999_999_999, 999_999_999))
@click.option("--statement", default="", help="Number of the statement, or of a complex's run.")
@click.option("--complex", "complex_", metavar="CODE", default="", help="Where no statement is named.")
@click.option("--building", default="")
@click.option("--unit", default="")
@click.option("--month", type=MONTH)
@click.option("--on", "paid_on", type=click.DateTime(["%Y-%m-%d"]), help="The day; today, unless given.")
@click.option("--receipt", default="", help="The same one counts once.")
@click.option("--note", default="")
@district_option
def pay(
    won: int,
    statement: str,
    complex_: str,
    building: str,
    unit: str,
    month: datetime | None,
    paid_on: datetime | None,
    receipt: str,
    note: str,
    district: str | None,
) -> None:
    """Book one payment of WON; below zero: paid back."""
    moment = now()
    day = paid_on.date() if paid_on else service_day(moment)
    line = Line(0, won, day, statement, complex_, building, unit, month.date() if month else None, receipt, note)
    with _in_district(district) as (session, district_id):
        made = payments_service.pay(session, district_id, WHOLE, line, actor(), moment)
    say(PAID.fill(id=made))


@click.group(
    "payments",
    cls=Group,
    ko="납부 목록, 납부 파일, 되돌리기",
    example="jongnyang billing payments import payments.csv --dry-run\njongnyang billing payments list --month 2026-10",
)
def payments() -> None:
    """Payments: files of them, the list, taking one back."""


@payments.command(
    "import",
    cls=Command,
    ko="납부 파일(CSV)을 등록합니다. 열: 고지번호 또는 단지,동,호,월 그리고 금액,납부일[,영수번호,비고]",
    example="jongnyang billing payments import payments.csv --dry-run",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Print the same report and change nothing.")
@click.option("--skip-bad", is_flag=True, help="Book the other lines where some cannot be used.")
@click.option("--complex", "complex_", metavar="CODE", default="", help="Of lines that name none.")
@json_option
@district_option
def take(file: Path, dry_run: bool, skip_bad: bool, complex_: str, as_json: bool, district: str | None) -> None:
    """Take in a CSV file: statement, or complex,building,unit,month, and won,paid_on[,reference,note].

    The same payment counts once, however often its file is taken in.
    """
    with _in_district(district) as (session, district_id):
        here = (session, district_id, WHOLE, File.opened(file))
        if dry_run:
            report = payments_service.check(*here, now(), complex_)
        else:
            report = payments_service.take(*here, actor(), now(), complex_, skip_bad)
    if as_json:
        return say_json(_plain(plain_report(report, language())))
    return _say_report(report)


@payments.command("list", cls=Command, ko="납부 목록", example="jongnyang billing payments list --complex W0G001")
@complex_option
@click.option("--month", type=MONTH, help="For this month.")
@click.option("--limit", type=click.IntRange(1, 500), default=100, show_default=True)
@json_option
@district_option
def list_payments(complex_: str, month: datetime | None, limit: int, as_json: bool, district: str | None) -> None:
    """Payments, the newest first."""
    wanted = Wanted(complex_, month.date() if month else None)
    with _in_district(district) as (session, district_id):
        rows = queries.payment_page(session, district_id, WHOLE, wanted, limit=limit)
    if as_json:
        return say_json([_plain(row) for row in rows])
    for row in rows:
        say(_line(row))
    if not rows:
        say(NONE)
    return None


@payments.command(
    cls=Command, ko="납부 한 건을 되돌립니다.", example='jongnyang billing payments reverse 12 --reason "잘못 입력"'
)
@click.argument("payment_id", metavar="PAYMENT", type=click.IntRange(1, 2**31 - 1))
@click.option("--reason", required=True, help="Why.")
@district_option
def reverse(payment_id: int, reason: str, district: str | None) -> None:
    """Take a payment back by another one of the opposite amount."""
    with _in_district(district) as (session, district_id):
        by = payments_service.reverse(session, district_id, WHOLE, payment_id, reason, actor(), now())
    say(REVERSED.fill(id=payment_id, by=by))


@click.command(
    cls=Command, ko="밀린 세대: 금액이 큰 것부터", example="jongnyang billing arrears --complex W0G001 --limit 20"
)
@complex_option
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@json_option
@district_option
def arrears(complex_: str, limit: int, as_json: bool, district: str | None) -> None:
    """Who owes what was due before today, the largest amounts first."""
    with _in_district(district) as (session, district_id):
        rows = accounts.arrears(session, district_id, WHOLE, service_day(now()), complex_, limit=limit)
    if as_json:
        return say_json([_plain(row) for row in rows])
    for row in rows:
        amounts = {"won": row["arrears_won"], "balance": row["balance_won"], "held": row["held_won"]}
        told = {name: f"{won:,}" for name, won in amounts.items()}
        say(LATE.fill(payer=_payer(row), due=row["oldest_due_on"], days=row["days"], **told))
    if not rows:
        say(NO_ARREARS)
    return None


@click.command(
    cls=Command,
    ko="확정된 달의 수수료 수입: 달과 단지마다",
    example="jongnyang billing revenue --first 2026-01 --last 2026-12",
)
@click.option("--first", type=MONTH, help="The first month; eleven before the last, unless given.")
@click.option("--last", type=MONTH, help="The last month; this one, unless given.")
@complex_option
@json_option
@district_option
def revenue(first: datetime | None, last: datetime | None, complex_: str, as_json: bool, district: str | None) -> None:
    """What closed months brought, by month and complex."""
    since, until = revenues.span(first.date() if first else None, last.date() if last else None, service_day(now()))
    with _in_district(district) as (session, district_id):
        rows = revenues.revenue(session, district_id, WHOLE, since, until, complex_)
    total = revenues.totals(rows)
    if as_json:
        return say_json({"items": [_plain(row) for row in rows], "total": total})
    for row in rows:
        told = {name: f"{row[f'{name}_won']:,}" for name in ("paid", "owed")} | {"won": f"{row['won']:,}"}
        told |= {"households": f"{row['households_owed_won']:,}", "kilograms": kilograms(row["grams"])}
        say(BROUGHT.fill(month=f"{row['month']:%Y-%m}", complex=row["complex"], name=row["complex_name"], **told))
    say(TOTAL.fill(won=f"{total['won']:,}", paid=f"{total['paid_won']:,}", owed=f"{total['owed_won']:,}"))
    return None


@contextmanager
def _in_district(code: str | None) -> Iterator[tuple[Session, int]]:
    with open_database(read_settings()) as database, database.begin() as session:
        yield session, the_district(session, code).id


def _say_report(report: Report) -> None:
    counts = {name: len(getattr(report, name)) for name in ("good", "known", "bad")}
    said = BOOKED if report.booked else CHECKED
    say(said.fill(name=report.name, won=f"{report.won:,}", **counts))
    for each in report.bad:
        say(BAD.fill(line=each.line, text=each.text))


def _line(row: dict[str, Any]) -> Text:
    state = TAKEN_BACK.fill(id=row["reversed_by_id"]) if row["reversed_by_id"] else NOTHING
    state = TAKES_BACK.fill(id=row["reverses_id"]) if row["reverses_id"] else state
    told = {"id": row["id"], "day": row["paid_on"], "month": f"{row['month']:%Y-%m}", "won": f"{row['won']:,}"}
    return LINE.fill(**told, payer=_payer(row), state=state)


def _payer(row: dict[str, Any]) -> str:
    home = f" {row['building']}-{row['unit']}" if row["building"] else ""
    return f"{row['complex']} {row['complex_name']}{home}"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return format_instant(value)
    return value.isoformat() if isinstance(value, date) else value
