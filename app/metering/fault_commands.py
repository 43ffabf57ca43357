"""`jongnyang fault …`: the watch over the fleet, and what people do with faults."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.models import Account
from app.access.reach import WHOLE
from app.console import Command, Group, actor, open_database, read_settings, say, say_json
from app.db import UNAVAILABLE, Database
from app.fleet.faults import queries, words
from app.fleet.faults import service as faults_service
from app.fleet.faults.policy import CLASSES
from app.fleet.faults.queries import LISTS, Wanted
from app.fleet.faults.watching import Summary
from app.fleet.messages.sending import send_due
from app.metering.fault_watch.alone import alone
from app.metering.fault_watch.watch import check_all
from app.registry.districts import the_district
from app.registry.gateway_commands import district_option
from app.registry.imports.words import shown
from app.settings import Settings
from app.texts import Refused, Text, listed
from app.times import format_instant, now

EVERY = 60.0  # seconds

CHECKED = Text(
    "점검했습니다: 고장 발생 {opened}건, 복구 {closed}건, 상위 알림 {escalated}건{incident}.",
    "Checked: {opened} faults opened, {closed} closed, {escalated} escalated{incident}.",
)
OUTAGE_OPENED = Text(", 통신 장애 #{id} 시작", ", outage #{id} began")
OUTAGE_CLOSED = Text(", 통신 장애 #{id} 끝", ", outage #{id} ended")
NOTHING = Text("", "")
WATCHING = Text(
    "고장을 {every:.0f}초마다 점검합니다. Ctrl-C로 멈춥니다.",
    "Checking for faults every {every:.0f} s. Ctrl-C stops it.",
)
LINE = Text(
    "#{id}  {state}  {what}  {where}  담당 {owner}  기한 {due}{late}",
    "#{id}  {state}  {what}  {where}  in charge {owner}  due {due}{late}",
)
LATE = Text(" (지남)", " (overdue)")
NOBODY = Text("없음", "nobody")
NONE = Text("해당하는 고장이 없습니다.", "There is no such fault.")
EVENT = Text("  {at}  {kind}  {by}  {more}", "  {at}  {kind}  {by}  {more}")
REPORTED = Text("고장 #{id}을(를) 신고했습니다.", "Fault #{id} was reported.")
TAKEN = Text("고장 #{id}을(를) {login} 님이 맡았습니다.", "{login} took fault #{id} over.")
NOTED = Text("고장 #{id}에 메모를 남겼습니다.", "A note was added to fault #{id}.")
CLOSED = Text("고장 #{id}을(를) 종료했습니다.", "Fault #{id} was closed.")
NO_ACCOUNT = Text(
    "계정 {login}이(가) 없습니다. 계정 목록: jongnyang user list",
    "There is no account {login}. See: jongnyang user list",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")
FAULT = click.argument("fault_id", metavar="FAULT", type=click.IntRange(1, 2**31 - 1))
note_option = click.option("--note", required=True, help="What was found or done.")
class_option = click.option("--class", "fault_class", type=click.Choice(CLASSES), help="Of this class.")


@click.group("fault", cls=Group, ko="고장 감시와 처리", example="jongnyang fault list\njongnyang fault check")
def faults() -> None:
    """What is broken, who answers for it, and the watch."""


@faults.command(
    cls=Command, ko="한 번 점검합니다. systemd 타이머로 1분마다 실행하십시오.", example="jongnyang fault check --json"
)
@json_option
def check(as_json: bool) -> None:
    """Check once; for a systemd timer, every minute."""
    with open_database() as database:
        done = check_all(database, now())
    if as_json:
        say_json([summary._asdict() | {"district_id": id_} for id_, summary in done.items()])
        return
    for summary in done.values():
        say(_told(summary))


@faults.command(cls=Command, ko="멈출 때까지 1분마다 점검합니다.", example="jongnyang fault watch --send")
@click.option("--send", is_flag=True, help="Send the messages that are due, too, after each check.")
def watch(send: bool) -> None:
    """Check every minute until Ctrl-C or SIGTERM; one watch at a time."""
    stop, settings = threading.Event(), read_settings()
    with open_database(settings) as database, alone(database):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _number, _frame: stop.set())
        say(WATCHING.fill(every=EVERY))
        _watch(database, stop, settings if send else None)


def _watch(database: Database, stop: threading.Event, sending: Settings | None) -> None:
    while not stop.is_set():
        for summary in check_all(database, now()).values():
            if any(summary):
                say(_told(summary))
        if sending:
            with suppress(*UNAVAILABLE):  # what was not sent is sent the next time
                send_due(database, sending, now())
        stop.wait(EVERY)


@faults.command("list", cls=Command, ko="고장 목록", example="jongnyang fault list --which overdue")
@click.option("--which", type=click.Choice(LISTS), default="open", show_default=True)
@class_option
@click.option("--complex", "complex_", metavar="CODE", help="At this complex.")
@click.option("--limit", type=click.IntRange(1, 500), default=100, show_default=True)
@json_option
@district_option
def list_faults(
    which: str, fault_class: str | None, complex_: str | None, limit: int, as_json: bool, district: str | None
) -> None:
    """Faults: what is open by its due time, what is closed the newest first."""
    with _in_district(district) as (session, district_id):
        wanted = Wanted(which, fault_class, complex_)
        rows = queries.fault_page(session, district_id, WHOLE, now(), wanted, limit=limit)
    if as_json:
        return say_json([_plain(row) for row in rows])
    if not rows:
        say(NONE)
    for row in rows:
        say(_line(row))
    return None


@faults.command(cls=Command, ko="고장 한 건과 그 이력", example="jongnyang fault show 12")
@FAULT
@json_option
@district_option
def show(fault_id: int, as_json: bool, district: str | None) -> None:
    """One fault with its history."""
    with _in_district(district) as (session, district_id):
        row = queries.fault_detail(session, district_id, WHOLE, fault_id, now())
    if as_json:
        say_json(_plain(row) | {"events": [_plain(event) for event in row["events"]]})
        return
    say(_line(row))
    for event in row["events"]:
        more = " ".join(str(event[name]) for name in ("before", "after", "note") if event[name])
        kind, by = words.EVENT_NAMES[event["kind"]], event["actor"] or words.ITSELF
        say(EVENT.fill(at=shown(event["at"].replace(microsecond=0)), kind=kind, by=by, more=more))


@faults.command(
    cls=Command,
    ko="종량기의 고장을 신고합니다.",
    example='jongnyang fault report W0G-001-01-1 --class lock --words "뚜껑이 닫히지 않음"',
)
@click.argument("meter")
@click.option("--class", "fault_class", type=click.Choice(CLASSES), required=True)
@click.option("--words", "told", required=True, help="What is wrong.")
@district_option
def report(meter: str, fault_class: str, told: str, district: str | None) -> None:
    """Report a fault at a bin."""
    with _in_district(district) as (session, district_id):
        id_ = faults_service.report_fault(session, district_id, WHOLE, meter, fault_class, told, actor(), now())
    say(REPORTED.fill(id=id_))


@faults.command(cls=Command, ko="고장 처리를 맡깁니다.", example="jongnyang fault take 12 --login kim")
@FAULT
@click.option("--login", required=True, help="Whoever takes it over.")
@district_option
def take(fault_id: int, login: str, district: str | None) -> None:
    """Have somebody take a fault over."""
    with _in_district(district) as (session, district_id):
        here = (Account.district_id == district_id, Account.login == login)
        account_id = session.scalar(sa.select(Account.id).where(*here))
        if account_id is None:
            raise Refused(NO_ACCOUNT.fill(login=login))
        faults_service.take_fault(session, district_id, WHOLE, fault_id, account_id, actor(), now())
    say(TAKEN.fill(id=fault_id, login=login))


@faults.command(cls=Command, ko="고장에 메모를 남깁니다.", example='jongnyang fault note 12 --note "부품 주문"')
@FAULT
@note_option
@district_option
def note(fault_id: int, note: str, district: str | None) -> None:
    """Add a note to a fault's history."""
    with _in_district(district) as (session, district_id):
        faults_service.note_fault(session, district_id, WHOLE, fault_id, note, actor(), now())
    say(NOTED.fill(id=fault_id))


@faults.command(cls=Command, ko="고장을 종료합니다.", example='jongnyang fault close 12 --note "리더 교체"')
@FAULT
@note_option
@district_option
def close(fault_id: int, note: str, district: str | None) -> None:
    """Close a fault."""
    with _in_district(district) as (session, district_id):
        faults_service.close_fault(session, district_id, WHOLE, fault_id, note, actor(), now())
    say(CLOSED.fill(id=fault_id))


@contextmanager
def _in_district(code: str | None) -> Iterator[tuple[Session, int]]:
    with open_database(read_settings()) as database, database.begin() as session:
        yield session, the_district(session, code).id


def _told(summary: Summary) -> Text:
    told = [
        text.fill(id=id_)
        for text, id_ in ((OUTAGE_OPENED, summary.incident_opened), (OUTAGE_CLOSED, summary.incident_closed))
        if id_ is not None
    ]
    counts = {name: len(getattr(summary, name)) for name in ("opened", "closed", "escalated")}
    return CHECKED.fill(**counts, incident=listed(told, "") if told else NOTHING)


def _line(row: dict[str, Any]) -> Text:
    where = " ".join(str(row[name]) for name in ("complex_name", "meter") if row[name])
    if not row["meter"]:
        where = f"{where} {row['gateway']}"
    return LINE.fill(
        id=row["id"],
        state=words.STATE_NAMES[row["state"]],
        what=words.what(row["fault_class"], row["condition"]),
        where=where,
        owner=row["owner"] or NOBODY,
        due=shown(row["due_at"].replace(microsecond=0)),
        late=LATE if row["overdue"] else NOTHING,
    )


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: format_instant(value) if hasattr(value, "astimezone") else value for name, value in row.items()}
