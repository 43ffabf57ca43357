"""`jongnyang billing estimate …`: days on which meters failed."""

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
from app.statements.estimates import queries
from app.statements.estimates import service as estimates_service
from app.statements.estimates.queries import LISTS, Wanted
from app.statements.estimates.suggesting import Suggestion, suggestions
from app.texts import Text, listed
from app.times import format_instant, now
from billing.days import service_day
from billing.units import kilograms

ADDED = Text("추정 배출 #{id}을(를) 등록했습니다.", "Estimate #{id} was entered.")
SETTLED = Text("추정 배출 #{id}을(를) 끝냈습니다.", "Estimate #{id} was settled.")
NONE = Text("해당하는 추정 배출이 없습니다.", "There is no such estimate.")
LINE = Text(
    "#{id}  {complex} {name}  {first} ~ {last}  세대 {households}  기준 {expected} kg  {state}",
    "#{id}  {complex} {name}  {first} to {last}  {households} households  {expected} kg expected  {state}",
)
COUNTS = Text("적용 중", "counts")
ENDED = Text("{day} 끝남: {reason}", "settled {day}: {reason}")
STILL = Text(
    "그동안 계량 {weighed} kg, 남은 추정 {estimated} kg. 사유: {reason}",
    "Weighed meanwhile {weighed} kg, still estimated {estimated} kg. Reason: {reason}",
)
NOTHING_TO_SUGGEST = Text("추정이 필요해 보이는 날이 없습니다.", "No day looks as if it needed an estimate.")
SUGGESTED = Text(
    "{complex} {name}  {first} ~ {last}  계량 {weighed} kg / 평소 {usual} kg  {meters}{final}",
    "{complex} {name}  {first} to {last}  {weighed} kg weighed, usually {usual} kg  {meters}{final}",
)
HEARD = Text("{meter} {hours}/{of}시간", "{meter} {hours} of {of} h")
FINAL = Text("  (확정된 달: 정산됨)", "  (final: becomes an adjustment)")
NOTHING = Text("", "")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")
DAY = click.DateTime(["%Y-%m-%d"])
ESTIMATE = click.argument("estimate_id", metavar="ESTIMATE", type=click.IntRange(1, 2**31 - 1))


@click.group(
    "estimate",
    cls=Group,
    ko="종량기가 고장 난 날의 추정 배출",
    example="jongnyang billing estimate suggest 2026-10\njongnyang billing estimate list",
)
def estimates() -> None:
    """Days on which meters failed."""


@estimates.command(cls=Command, ko="추정이 필요해 보이는 날", example="jongnyang billing estimate suggest 2026-10")
@click.argument("month", type=click.DateTime(["%Y-%m"]))
@json_option
@district_option
def suggest(month: datetime, as_json: bool, district: str | None) -> None:
    """Days of a month on which meters were hardly heard and less was weighed than usual."""
    with _in_district(district) as (session, district_id):
        found = suggestions(session, district_id, WHOLE, month.date(), now())
    if as_json:
        return say_json([_plain(each.as_row()) for each in found])
    for each in found:
        say(_suggested(each))
    if not found:
        say(NOTHING_TO_SUGGEST)
    return None


@estimates.command("list", cls=Command, ko="추정 배출 목록", example="jongnyang billing estimate list --which all")
@click.option("--which", type=click.Choice(LISTS), default="active", show_default=True)
@click.option("--complex", "complex_", metavar="CODE", help="Of this complex.")
@click.option("--limit", type=click.IntRange(1, 500), default=100, show_default=True)
@json_option
@district_option
def list_estimates(which: str, complex_: str | None, limit: int, as_json: bool, district: str | None) -> None:
    """Estimates, the newest first."""
    with _in_district(district) as (session, district_id):
        rows = queries.estimate_page(session, district_id, WHOLE, Wanted(which, complex_), limit=limit)
    if as_json:
        return say_json([_plain(row) for row in rows])
    for row in rows:
        say(_line(row))
    if not rows:
        say(NONE)
    return None


@estimates.command(cls=Command, ko="추정 배출 한 건", example="jongnyang billing estimate show 3")
@ESTIMATE
@json_option
@district_option
def show(estimate_id: int, as_json: bool, district: str | None) -> None:
    """One estimate, and what of it still counts."""
    with _in_district(district) as (session, district_id):
        row = queries.estimate_detail(session, district_id, WHOLE, estimate_id, now())
    row.pop("weighed")
    if as_json:
        say_json(_plain(row))
        return
    say(_line(row))
    weights = {name: kilograms(row[f"{name}_g"]) for name in ("weighed", "estimated")}
    say(STILL.fill(**weights, reason=row["reason"]))


@estimates.command(
    cls=Command,
    ko="단지의 날을 그 전 28일에서 추정합니다.",
    example='jongnyang billing estimate add W0G001 2026-10-05 2026-10-06 --reason "종량기 전원 고장"',
)
@click.argument("complex_", metavar="COMPLEX")
@click.argument("first_day", type=DAY)
@click.argument("last_day", type=DAY)
@click.option("--reason", required=True, help="Why the days are estimated.")
@district_option
def add(complex_: str, first_day: datetime, last_day: datetime, reason: str, district: str | None) -> None:
    """Estimate days of a complex from the 28 before."""
    wanted = estimates_service.Wanted(complex_, first_day.date(), last_day.date(), reason)
    with _in_district(district) as (session, district_id):
        made = estimates_service.add(session, district_id, wanted, actor(), now())
    say(ADDED.fill(id=made))


@estimates.command(
    cls=Command, ko="추정을 끝냅니다.", example='jongnyang billing estimate settle 3 --reason "기록이 모두 들어옴"'
)
@ESTIMATE
@click.option("--reason", required=True, help="Why it does not count any more.")
@district_option
def settle(estimate_id: int, reason: str, district: str | None) -> None:
    """End an estimate: only what was weighed counts from now on."""
    with _in_district(district) as (session, district_id):
        estimates_service.settle(session, district_id, estimate_id, reason, actor(), now())
    say(SETTLED.fill(id=estimate_id))


@contextmanager
def _in_district(code: str | None) -> Iterator[tuple[Session, int]]:
    with open_database(read_settings()) as database, database.begin() as session:
        yield session, the_district(session, code).id


def _line(row: dict[str, Any]) -> Text:
    at = row["settled_at"]
    ended = at and ENDED.fill(day=service_day(at), reason=row["settled_reason"])
    return LINE.fill(
        **{"id": row["id"], "complex": row["complex"], "name": row["complex_name"], "state": ended or COUNTS},
        **{"first": row["first_day"], "last": row["last_day"], "households": row["households"]},
        expected=kilograms(row["expected_g"]),
    )


def _suggested(each: Suggestion) -> Text:
    meters = listed(HEARD.fill(meter=meter, hours=alive, of=due) for meter, alive, due in each.meters)
    return SUGGESTED.fill(
        **{"complex": each.complex, "name": each.complex_name, "first": each.first_day, "last": each.last_day},
        **{"weighed": kilograms(each.weighed_g), "usual": kilograms(each.usual_g), "meters": meters},
        final=FINAL if each.final else NOTHING,
    )


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _shown(value) for name, value in row.items()}


def _shown(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_instant(value)
    return value.isoformat() if isinstance(value, date) else value
