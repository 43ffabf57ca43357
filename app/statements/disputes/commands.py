"""`jongnyang billing dispute …`: objections to lines of statements."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from app.access.reach import WHOLE
from app.console import Command, Group, actor, open_database, read_settings, say, say_json
from app.registry.districts import the_district
from app.registry.gateway_commands import district_option
from app.registry.imports.words import shown
from app.statements.disputes import evidence, queries, words
from app.statements.disputes import service as disputes_service
from app.statements.disputes.queries import LISTS, Wanted
from app.statements.disputes.service import DECISIONS, Decision
from app.texts import Text
from app.times import format_instant, now
from billing.days import service_day
from billing.units import kilograms

OPENED = Text("이의신청 #{id}을(를) 접수했습니다.", "Dispute #{id} was opened.")
DECIDED = Text("이의신청 #{id}: {state}.", "Dispute #{id}: {state}.")
NOTED = Text("이의신청 #{id}에 메모를 남겼습니다.", "A note was added to dispute #{id}.")
REOPENED = Text("이의신청 #{id}을(를) 다시 열었습니다.", "Dispute #{id} was reopened.")
NONE = Text("해당하는 이의신청이 없습니다.", "There is no such dispute.")
LINE = Text(
    "#{id}  {state}  {statement} 줄 {line}  {place}  보류 {held}원  감액 {credit}원  {clock}",
    "#{id}  {state}  {statement} line {line}  {place}  {held} won held  {credit} won credited  {clock}",
)
REPLIED = Text("답변 {day}", "answered {day}")
EVENT = Text("  {at}  {kind}  {by}  {words}", "  {at}  {kind}  {by}  {words}")
WEIGHING = Text(
    "  {at}  {meter}  {before} → {after} g  고지 {billed} kg, 현재 {now} kg  {outcome} {flags}",
    "  {at}  {meter}  {before} → {after} g  billed {billed} kg, now {now} kg  {outcome} {flags}",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")
DISPUTE = click.argument("dispute_id", metavar="DISPUTE", type=click.IntRange(1, 2**31 - 1))
words_option = click.option("--words", "told", required=True, help="What the resident says, or reads as the reason.")


@click.group(
    "dispute",
    cls=Group,
    ko="고지에 대한 이의신청",
    example="jongnyang billing dispute list --which overdue\njongnyang billing dispute show 12",
)
def disputes() -> None:
    """Objections to lines of statements."""


@disputes.command("list", cls=Command, ko="이의신청 목록", example="jongnyang billing dispute list --which overdue")
@click.option("--which", type=click.Choice(LISTS), default="open", show_default=True)
@click.option("--complex", "complex_", metavar="CODE", help="At this complex.")
@click.option("--limit", type=click.IntRange(1, 500), default=100, show_default=True)
@json_option
@district_option
def list_disputes(which: str, complex_: str | None, limit: int, as_json: bool, district: str | None) -> None:
    """Disputes: open ones by the day on which a reply is due, others the newest first."""
    with _in_district(district) as (session, district_id):
        today, wanted = service_day(now()), Wanted(which, complex_)
        rows = queries.dispute_page(session, district_id, WHOLE, today, wanted, limit=limit)
    if as_json:
        return say_json(_plain(rows))
    for row in rows:
        say(_line(row))
    if not rows:
        say(NONE)
    return None


@disputes.command(cls=Command, ko="이의신청 한 건과 근거", example="jongnyang billing dispute show 12")
@DISPUTE
@json_option
@district_option
def show(dispute_id: int, as_json: bool, district: str | None) -> None:
    """One dispute with its history and evidence."""
    with _in_district(district) as (session, district_id):
        row = queries.dispute_detail(session, district_id, WHOLE, dispute_id, service_day(now()))
        found = evidence.of_dispute(session, district_id, WHOLE, row)
    if as_json:
        line = found["line"] | {"words": [each._asdict() for each in found["line"]["words"]]}
        say_json(_plain(row | {"evidence": found | {"line": line}}))
        return
    say(_line(row))
    for event in row["events"]:
        kind = words.EVENT_NAMES[event["kind"]]
        at = shown(event["at"].replace(microsecond=0))
        say(EVENT.fill(at=at, kind=kind, by=event["actor"], words=event["words"]))
    for each in found["weighings"]:
        say(_weighing(each))


@disputes.command(
    "open",
    cls=Command,
    ko="고지의 한 줄에 이의를 신청합니다.",
    example='jongnyang billing dispute open 202610-W0G001-0007 1 --words "그 주에는 집을 비웠습니다"',
)
@click.argument("statement")
@click.argument("line", type=click.IntRange(1))
@words_option
@click.option("--held", type=click.IntRange(0), help="Won in dispute; default: the whole line.")
@district_option
def open_dispute(statement: str, line: int, told: str, held: int | None, district: str | None) -> None:
    """Object to a line of a final statement."""
    wanted = disputes_service.Wanted(statement, line, told, held)
    with _in_district(district) as (session, district_id):
        made = disputes_service.open_dispute(session, district_id, WHOLE, wanted, actor(), now())
    say(OPENED.fill(id=made))


@disputes.command(
    cls=Command,
    ko="이의신청을 결정합니다.",
    example='jongnyang billing dispute decide 12 partly --credit 400 --words "두 번은 저울 고장으로 확인"',
)
@DISPUTE
@click.argument("decision", type=click.Choice(DECISIONS))
@words_option
@click.option("--credit", type=click.IntRange(0), help="What a part is worth, in won.")
@click.option("--by-correction", is_flag=True, help="The discharges are corrected instead; nothing is credited here.")
@district_option
def decide(
    dispute_id: int, decision: str, told: str, credit: int | None, by_correction: bool, district: str | None
) -> None:
    """Accept a dispute, accept a part, or refuse it."""
    made = Decision(decision, told, credit, by_correction)
    with _in_district(district) as (session, district_id):
        disputes_service.decide(session, district_id, dispute_id, made, actor(), now())
    say(DECIDED.fill(id=dispute_id, state=words.STATE_NAMES[decision]))


@disputes.command(
    cls=Command, ko="메모를 남깁니다.", example='jongnyang billing dispute note 12 --words "현장 저울 확인함"'
)
@DISPUTE
@words_option
@district_option
def note(dispute_id: int, told: str, district: str | None) -> None:
    """Add a note to the history."""
    _do(disputes_service.note, dispute_id, told, district)
    say(NOTED.fill(id=dispute_id))


@disputes.command(
    cls=Command, ko="취하를 등록합니다.", example='jongnyang billing dispute withdraw 12 --words "주민이 취하함"'
)
@DISPUTE
@words_option
@district_option
def withdraw(dispute_id: int, told: str, district: str | None) -> None:
    """The resident takes the objection back."""
    _do(disputes_service.withdraw, dispute_id, told, district)
    say(DECIDED.fill(id=dispute_id, state=words.STATE_NAMES["withdrawn"]))


@disputes.command(
    cls=Command, ko="다시 검토합니다.", example='jongnyang billing dispute reopen 12 --words "새 자료 제출"'
)
@DISPUTE
@words_option
@district_option
def reopen(dispute_id: int, told: str, district: str | None) -> None:
    """Look at a closed dispute once more."""
    _do(disputes_service.reopen, dispute_id, told, district)
    say(REOPENED.fill(id=dispute_id))


def _do(use_case: Callable[..., None], dispute_id: int, told: str, district: str | None) -> None:
    with _in_district(district) as (session, district_id):
        use_case(session, district_id, WHOLE, dispute_id, told, actor(), now())


@contextmanager
def _in_district(code: str | None) -> Iterator[tuple[Session, int]]:
    with open_database(read_settings()) as database, database.begin() as session:
        yield session, the_district(session, code).id


def _line(row: dict[str, Any]) -> Text:
    closed = row["days_left"] is None
    clock = REPLIED.fill(day=service_day(row["decided_at"])) if closed else words.clock(row["days_left"])
    return LINE.fill(
        **{name: row[name] for name in ("id", "statement", "line")},
        **{"state": words.STATE_NAMES[row["state"]], "held": f"{row['held_won']:,}", "clock": clock},
        **{"credit": f"{row['credit_won']:,}", "place": f"{row['complex_name']} {row['building']}-{row['unit']}"},
    )


def _weighing(row: dict[str, Any]) -> Text:
    return WEIGHING.fill(
        **{"at": shown(row["occurred_at"].replace(microsecond=0)), "meter": row["meter"], "outcome": row["outcome"]},
        **{"before": row["gross_before_g"], "after": row["gross_after_g"], "flags": " ".join(row["flags"])},
        **{"billed": kilograms(row["billed_g"]), "now": kilograms(row["now_g"])},
    )


def _plain(value: Any) -> Any:
    """A value as JSON takes it."""
    match value:
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case datetime():
            return format_instant(value)
        case date():
            return value.isoformat()
    return value
