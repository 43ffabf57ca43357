"""`jongnyang audit …`: the proof that nobody tampered with the audit log, and what stands in it."""

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

import click
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access import audit, audit_chain
from app.access.accounts import district
from app.access.audit_chain import Finding, Head, verify
from app.access.audit_queries import VIA, Asked, entries
from app.access.audit_sentences import Told, as_plain, told
from app.access.people_commands import as_json, district_of, in_district
from app.access.reach import WHOLE
from app.console import Command, Group, language, open_database, say, say_json
from app.schemas import MAX_ID
from app.texts import Refused, Text
from billing.days import SEOUL

HEAD = re.compile(r"(\d{1,10}):([0-9a-fA-F]{64})")
SHOWN = 100

WHOLE_CHAIN = Text(
    "{name}({code}): 기록 {number:,}건이 처음 그대로 이어져 있습니다.\n끝: {number}:{hash}",
    "{name} ({code}): all {number:,} entries are as they were booked.\nHead: {number}:{hash}",
)
PART_CHAIN = Text(
    "{name}({code}): {since:,}번부터 {number:,}번까지 처음 그대로 이어져 있습니다.\n끝: {number}:{hash}",
    "{name} ({code}): entries {since:,} to {number:,} are as they were booked.\nHead: {number}:{hash}",
)
EMPTY = Text("{name}({code}): 아직 기록이 없습니다.", "{name} ({code}): there is no entry yet.")
FAULT = Text("{code}: {text}", "{code}: {text}")
MORE = Text("…그 밖에 {count:,}건", "… and {count:,} more")
BROKEN = Text(
    "{name}({code}): 감사 기록이 훼손되었습니다({count:,}건). 데이터베이스를 그대로 보존하고 백업과 대조하세요.",
    "{name} ({code}): the audit log was tampered with ({count:,} findings). Keep the database as it is and compare it "
    "with a backup.",
)
BAD_HEAD = Text(
    "{value}은(는) 번호와 해시가 아닙니다. audit verify나 백업이 보인 ‘번호:해시(64자리)’를 적어 주세요.",
    "{value} is no number and hash. Write NUMBER:HASH (64 digits) as audit verify or a backup showed it.",
)
ONE_DISTRICT = Text(
    "--since와 --expect는 자치구 하나의 번호입니다. --district CODE로 지정하세요.",
    "--since and --expect count in one district. Name it with --district CODE.",
)
ENTRY = Text("{id}  {at}  {sentence}  [{origin}]", "{id}  {at}  {sentence}  [{origin}]")
LINE = Text("    {line}", "    {line}")
REASON = Text("    사유: {reason}", "    reason: {reason}")
NONE = Text("조건에 맞는 기록이 없습니다.", "There is no such entry.")

Day = click.DateTime(["%Y-%m-%d"])


@click.group("audit", cls=Group, ko="감사 기록: 확인과 조회", example="jongnyang audit verify")
def audits() -> None:
    """The audit log: proof and contents."""


@audits.command(
    "verify",
    cls=Command,
    ko="감사 기록이 바뀌거나 지워지거나 끼워지지 않았는지 확인합니다. 훼손되었으면 1로 끝납니다.",
    example="jongnyang audit verify\njongnyang audit verify --district W0G --since 120000\n"
    "jongnyang audit verify --district W0G --expect 118204:9f2c…64자리",
)
@in_district
@click.option("--since", type=click.IntRange(1, MAX_ID), default=1, metavar="NUMBER", help="Begin at this entry.")
@click.option(
    "--expect", "heads", multiple=True, metavar="NUMBER:HASH", help="What was noted of an entry; may be repeated."
)
@click.option("--json", "json_", is_flag=True, help="Print a list of districts with their findings.")
def verify_command(code: str | None, since: int, heads: tuple[str, ...], json_: bool) -> None:
    """Tell every entry that was changed, removed or inserted; ends with 1 where there is one."""
    expected = list(map(_head, heads))
    with open_database() as database, audit_chain.snapshot(database) as connection:
        places = _districts(connection, code)
        if len(places) > 1 and (since > 1 or expected):
            raise Refused(ONE_DISTRICT)
        results = [_prove(connection, place, since, expected, json_) for place in places]
    if json_:
        say_json(results)
    if any(result["found"] for result in results):
        raise click.exceptions.Exit(1)


@audits.command(
    "list",
    cls=Command,
    ko="감사 기록을 최근 것부터 보입니다.",
    example="jongnyang audit list --actor kim --from 2026-11-01\n"
    "jongnyang audit list --kind household --subject 1203 --json",
)
@in_district
@click.option("--actor", metavar="LOGIN", help="Who: a login with its tokens, or cli:USER.")
@click.option("--action", metavar="ACTION", help="What, such as card.blocked.")
@click.option("--kind", metavar="KIND", help="Kind of subject, such as household or gateway.")
@click.option("--subject", metavar="TEXT", help="Part of what the subject is called.")
@click.option("--id", "subject_id", metavar="ID", help="The subject's number.")
@click.option("--complex", metavar="CODE", help="Code of a complex.")
@click.option("--from", "first_day", type=Day, help="First day.")
@click.option("--to", "last_day", type=Day, help="Last day.")
@click.option("--via", type=click.Choice(VIA), help="From where.")
@click.option("--before", type=click.IntRange(1, MAX_ID), metavar="NUMBER", help="Go on below this entry.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@as_json
def list_command(code: str | None, before: int | None, limit: int, json_: bool, **wanted: Any) -> None:
    """Show the audit log, the newest entry first."""
    days = {name: wanted[name].date() for name in ("first_day", "last_day") if wanted[name]}
    with open_database() as database, database.session() as session:
        district_id = district_of(session, code).id
        rows = entries(session, district_id, WHOLE, Asked(**wanted | days), before, limit)
    found = list(map(told, rows))
    if json_:
        say_json([_printable(as_plain(entry, language())) for entry in found])
        return
    for entry in found:
        _tell(entry)
    if not found:
        say(NONE)


def _head(value: str) -> Head:
    found = HEAD.fullmatch(value)
    if found is None:
        raise Refused(BAD_HEAD.fill(value=value))
    return Head(int(found[1]), found[2])


def _districts(connection: sa.Connection, code: str | None) -> list[Any]:
    """The district of this code, or all of them."""
    if code is not None:
        with Session(connection) as session:
            return [district_of(session, code)]
    return list(connection.execute(sa.select(district).order_by(district.c.code)))


def _prove(connection: sa.Connection, place: Any, since: int, expected: list[Head], quiet: bool) -> dict[str, Any]:
    """Walk one district's chain, telling what is found while it is found."""
    head = Head(*audit.head(connection, place.id))
    shown, count = _count(verify(connection, place.id, since, expected), place.code, quiet)
    names = {"name": place.name, "code": place.code, "since": since, "count": count}
    if not quiet:
        say(_verdict(count, head, since).fill(**names, number=head.number, hash=head.hash))
    return {"district": place.code, "head": head._asdict(), "found": count, "findings": shown}


def _count(found: Iterator[Finding], code: str, quiet: bool) -> tuple[list[dict[str, Any]], int]:
    """The first findings, told as they come, and how many there are; the rest is only counted."""
    shown = []
    for finding in islice(found, SHOWN):
        shown.append(finding._asdict() | {"text": finding.text.said(language())})
        if not quiet:
            say(FAULT.fill(code=code, text=finding.text))
    rest = sum(1 for _ in found)
    if rest and not quiet:
        say(MORE.fill(count=rest))
    return shown, len(shown) + rest


def _verdict(count: int, head: Head, since: int) -> Text:
    if count:
        return BROKEN
    if not head.number:
        return EMPTY
    return WHOLE_CHAIN if since == 1 else PART_CHAIN


def _tell(entry: Told) -> None:
    at = f"{entry.at.astimezone(SEOUL):%Y-%m-%d %H:%M:%S}"
    say(ENTRY.fill(id=entry.id, at=at, sentence=entry.sentence, origin=entry.origin))
    for change in entry.changes:
        say(LINE.fill(line=change.line))
    if entry.reason:
        say(REASON.fill(reason=entry.reason))


def _printable(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
