"""`jongnyang billing adjust|void|reissue|late …`: what becomes of statements that are final."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from app.access.reach import WHOLE
from app.console import Command, Group, actor, open_database, read_settings, say, say_json
from app.registry.districts import the_district
from app.registry.gateway_commands import district_option
from app.statements.corrections import late, manual, voids, words
from app.statements.corrections.voids import Change
from app.statements.corrections.waiting import Key
from app.texts import Text
from app.times import format_instant, now
from billing.units import kilograms

ADDED = Text(
    "정산 #{id}을(를) 등록했습니다. 다음 고지에 들어갑니다.",
    "Adjustment #{id} was added; the next statement carries it.",
)
VOIDED = Text(
    "{number} 고지를 무효로 했습니다: 감액 통지 {note}, {won}원.", "{number} is void: credit note {note}, {won} won."
)
REISSUED = Text("다시 발행한 고지: {number}, {won}원.", "Issued anew as {number}, {won} won.")
CHANGE = Text("  {kind} {month}  {old} → {new}", "  {kind} {month}  {old} → {new}")
SIDE = Text("{kg} kg {won}원", "{kg} kg {won} won")
ADJUSTMENT = Text(
    "#{id}  {place}  {month}  {won}원  {state}  {actor}: {reason}",
    "#{id}  {place}  {month}  {won} won  {state}  {actor}: {reason}",
)
PENDING, CARRIED = Text("대기", "pending"), Text("고지에 반영", "on a statement")
WAITS = Text(
    "{key}  {place}  {month}  {kg} kg  배출 {count}회  {won}{state}",
    "{key}  {place}  {month}  {kg} kg  {count} discharges  {won}{state}",
)
WON = Text("{won}원", "{won} won")
SUM = Text("{cause}: {rows}건, {kg} kg, {won}원. {remedy}", "{cause}: {rows} rows, {kg} kg, {won} won. {remedy}")
DECIDED = Text("결정 #{id}을(를) 등록했습니다.", "Decision #{id} was booked.")
NONE = Text("해당하는 것이 없습니다.", "There is none.")
NOTHING = Text("–", "–")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")
reason_option = click.option("--reason", required=True, help="Why; it stays with the record.")
NUMBER = click.argument("number", metavar="STATEMENT")


@contextmanager
def _in_district(code: str | None) -> Iterator[tuple[Session, int]]:
    with open_database(read_settings()) as database, database.begin() as session:
        yield session, the_district(session, code).id


@click.group(
    "adjust", cls=Group, ko="다음 고지에 더하거나 뺄 금액", example="jongnyang billing adjust list --which all"
)
def adjust() -> None:
    """Won to add to a household's next statement, or to take off."""


@adjust.command(
    cls=Command,
    ko="확정 고지의 달에 대해 금액을 더하거나(양수) 뺍니다(음수).",
    example='jongnyang billing adjust add 202610-W0G001-0007 --won -500 --reason "계량기 오류 사과"',
)
@NUMBER
@click.option("--won", type=int, required=True, help="Won to add; negative for a credit.")
@reason_option
@json_option
@district_option
def add(number: str, won: int, reason: str, as_json: bool, district: str | None) -> None:
    """Add won about the month of a final statement; negative for a credit."""
    with _in_district(district) as (session, district_id):
        made = manual.add_to_statement(session, district_id, WHOLE, number, won, reason, actor(), now())
    say_json({"id": made}) if as_json else say(ADDED.fill(id=made))


@adjust.command("list", cls=Command, ko="직접 등록한 정산", example="jongnyang billing adjust list --json")
@click.option("--which", type=click.Choice(manual.LISTS), default="pending", show_default=True)
@click.option("--before", type=click.IntRange(1, 2**31 - 1), metavar="ID", help="Go on below this one.")
@click.option("--limit", type=click.IntRange(1, 500), default=100, show_default=True)
@json_option
@district_option
def list_adjustments(which: str, before: int | None, limit: int, as_json: bool, district: str | None) -> None:
    """Manual adjustments, the newest first."""
    with _in_district(district) as (session, district_id):
        rows = manual.listed(session, district_id, WHOLE, before, limit, which)
    if as_json:
        say_json([_plain(row) for row in rows])
        return
    for row in rows:
        told = {"id": row["id"], "place": _place(row), "month": f"{row['usage_month']:%Y-%m}", "won": f"{row['won']:,}"}
        state = PENDING if row["pending"] else CARRIED
        say(ADJUSTMENT.fill(**told, state=state, actor=row["actor"], reason=row["reason"]))
    if not rows:
        say(NONE)


@click.command(
    cls=Command,
    ko="확정 고지를 무효로 하고 다시 발행하지 않습니다. 배출은 결정할 때까지 미고지로 남습니다.",
    example='jongnyang billing void 202610-W0G001-0007 --reason "다른 세대의 고지"',
)
@NUMBER
@reason_option
@json_option
@district_option
def void(number: str, reason: str, as_json: bool, district: str | None) -> None:
    """Void a final statement; its usage waits in the late queue."""
    with _in_district(district) as (session, district_id):
        made = voids.void(session, district_id, WHOLE, number, reason, reissue=False, actor=actor(), now=now())
    _tell_void(number, made, as_json)


@click.command(
    cls=Command,
    ko="확정 고지를 무효로 하고 지금 아는 대로 다시 발행합니다. --dry-run은 달라질 줄만 보입니다.",
    example="jongnyang billing reissue 202610-W0G001-0007 --dry-run\n"
    'jongnyang billing reissue 202610-W0G001-0007 --reason "무게 정정"',
)
@NUMBER
@click.option("--reason", help="Why; it stays with the record.")
@click.option("--dry-run", is_flag=True, help="Only show what would change, line by line.")
@json_option
@district_option
def reissue(number: str, reason: str | None, dry_run: bool, as_json: bool, district: str | None) -> None:
    """Void a final statement and issue it anew, as known now."""
    if not dry_run and reason is None:
        raise click.UsageError("Missing option '--reason'.")
    with _in_district(district) as (session, district_id):
        changes = voids.proposal(session, district_id, WHOLE, number, now())
        made = None if dry_run else voids.void(session, district_id, WHOLE, number, reason or "", True, actor(), now())
    if as_json:
        say_json({"changes": [_plain_change(each) for each in changes]} | (made._asdict() if made else {}))
        return
    if made:
        _tell_void(number, made, as_json=False)
    for each in changes:
        say(_change(each))


def _tell_void(number: str, made: voids.Voided, as_json: bool) -> None:
    if as_json:
        say_json(made._asdict())
        return
    say(VOIDED.fill(number=number, note=made.credit_note, won=f"{made.won:,}"))
    if made.reissued_as:
        say(REISSUED.fill(number=made.reissued_as, won=f"{made.reissued_won:,}"))


@click.group("late", cls=Group, ko="고지하지 않은 배출", example="jongnyang billing late sums")
def late_group() -> None:
    """Usage that no statement bills."""


@late_group.command(cls=Command, ko="까닭마다 얼마나 되는지 보입니다.", example="jongnyang billing late sums --json")
@click.option("--complex", "complex_", default="", metavar="CODE", help="Of this complex.")
@json_option
@district_option
def sums(complex_: str, as_json: bool, district: str | None) -> None:
    """How much waits for each cause, and what to do."""
    with _in_district(district) as (session, district_id):
        rows = late.sums(session, district_id, WHOLE, now(), complex_)
    if as_json:
        say_json(rows)
        return
    for row in rows:
        told = {"rows": f"{row['rows']:,}", "kg": kilograms(row["grams"]), "won": f"{row['won']:,}"}
        say(SUM.fill(**told, cause=words.CAUSES[row["cause"]], remedy=words.REMEDIES[row["cause"]]))


@late_group.command(
    "list", cls=Command, ko="고지하지 않은 배출 목록", example="jongnyang billing late list --cause voided"
)
@click.option("--cause", type=click.Choice(late.CAUSES), default="old", show_default=True)
@click.option("--complex", "complex_", default="", metavar="CODE", help="Of this complex.")
@click.option("--after", metavar="KEY", help="Go on after this row.")
@click.option("--limit", type=click.IntRange(1, 500), default=100, show_default=True)
@json_option
@district_option
def list_late(cause: str, complex_: str, after: str | None, limit: int, as_json: bool, district: str | None) -> None:
    """What waits for one cause, the oldest month first."""
    with _in_district(district) as (session, district_id):
        begin = Key.parse(after) if after else None
        rows = late.queue(session, district_id, WHOLE, now(), cause, complex_, begin, limit)
    if as_json:
        say_json([_plain(row) for row in rows])
        return
    for row in rows:
        say(_waiting(row))
    if not rows:
        say(NONE)


@late_group.command(
    cls=Command,
    ko="한 줄(KEY)을 다음 고지에 부과하거나 결손 처리합니다.",
    example='jongnyang billing late decide 2025-07.1.20.31 write_off --reason "정산 기한 경과"',
)
@click.argument("key")
@click.argument("decision", type=click.Choice(late.DECISIONS))
@reason_option
@json_option
@district_option
def decide(key: str, decision: str, reason: str, as_json: bool, district: str | None) -> None:
    """Let the next run bill the row KEY of the list, or write it off."""
    row = Key.parse(key)
    with _in_district(district) as (session, district_id):
        args = (row.tenancy_id, row.month, decision, reason, actor(), now())
        made = late.decide(session, district_id, WHOLE, *args)
    say_json({"id": made}) if as_json else say(DECIDED.fill(id=made))


def _waiting(row: dict[str, Any]) -> Text:
    won = WON.fill(won=f"{row['won']:,}") if row["won"] is not None else NOTHING
    decided = words.DECISIONS[row["decision"]] if row["decision"] else None
    state = Text(f"  {decided.ko}", f"  {decided.en}") if decided else Text("", "")
    told = {"key": row["key"], "place": _place(row), "month": f"{row['month']:%Y-%m}", "count": row["count"]}
    return WAITS.fill(**told, kg=kilograms(row["grams"]), won=won, state=state)


def _change(each: Change) -> Text:
    sides = (
        SIDE.fill(kg=kilograms(side.grams), won=f"{side.won:,}") if side else NOTHING for side in (each.old, each.new)
    )
    old, new = sides
    return CHANGE.fill(kind=words.LINES[each.kind], month=f"{each.usage_month:%Y-%m}", old=old, new=new)


def _place(row: dict[str, Any]) -> str:
    home = f" {row['building']}-{row['unit']}" if row["building"] else ""
    return f"{row['complex']} {row['complex_name']}{home}"


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _printable(value) for name, value in row.items()}


def _plain_change(each: Change) -> dict[str, Any]:
    sides = {"old": each.old and each.old._asdict(), "new": each.new and each.new._asdict()}
    return {"kind": each.kind, "usage_month": each.usage_month.isoformat()} | sides


def _printable(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_instant(value)
    return value.isoformat() if isinstance(value, date) else value
