"""`jongnyang meter …` and `jongnyang reducer …`: devices installed, moved, retired, and where they stand."""

from datetime import datetime
from typing import Any

import click

from app.console import Command, Group, actor, say, say_json
from app.metering.devices import service as moves
from app.metering.devices.queries import alive_days, free_from
from app.registry.certificates import queries as certificates
from app.registry.certificates.words import STATES
from app.registry.devices import queries
from app.registry.devices import service as devices
from app.registry.devices.queries import Wanted, find_meter
from app.registry.devices.service import To
from app.registry.gateway_commands import district_option
from app.registry.imports.words import shown
from app.registry.terminal import as_json, day_type, in_district, printable
from app.texts import Text
from app.times import now
from billing.days import SEOUL, service_day

MOST = 10_000  # meters in a list: far more than a district has
INSTALLED = Text("종량기 {code}: {complex} 단지에 설치했습니다.", "Meter {code} now stands at {complex}.")
RETIRED = Text(
    "종량기 {code}을(를) 철거했습니다. 다시 설치: jongnyang meter install {code} --complex 단지 --gateway 게이트웨이",
    "Meter {code} was taken away. To install it anew: jongnyang meter install {code} --complex CODE --gateway CODE",
)
LISTED = Text("{code}  {where}  검정: {certificate}", "{code}  {where}  certificate: {certificate}")
NOWHERE = Text("설치 안 됨", "stands nowhere")
NO_METERS = Text("해당하는 종량기가 없습니다.", "There is no such meter.")
STOOD = Text(
    "  {valid_from} ~ {valid_to}  {complex}  {gateway}  {why}",
    "  {valid_from} – {valid_to}  {complex}  {gateway}  {why}",
)
CERTIFIED = Text(
    "  검정 {inspected_on}  {number}  {result}  만료 {due_on}{gone}",
    "  certificate {inspected_on}  {number}  {result}  due {due_on}{gone}",
)
GONE = Text("  (철회)", "  (withdrawn)")
NOTHING = Text("", "")
REDUCER = Text("대형감량기 {code}을(를) 등록했습니다.", "Reducer {code} was registered.")
REDUCER_GONE = Text("대형감량기 {code}을(를) 폐기했습니다.", "Reducer {code} was retired.")
REDUCERS = Text("{code}  {complex}  {installed_on} ~ {retired_on}", "{code}  {complex}  {installed_on} – {retired_on}")
NO_REDUCERS = Text("등록된 대형감량기가 없습니다.", "There is no reducer yet.")

at_option = click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d"]),
    help="From when on, in Korean time; default: now.",
)
complex_option = click.option("--complex", "complex_code", metavar="CODE", required=True)
gateway_option = click.option("--gateway", metavar="CODE", required=True, help="Which runs it.")


@click.group("meter", cls=Group, ko="종량기: 설치, 이동, 철거, 검정", example="jongnyang meter list")
def meters() -> None:
    """Meters: installed, moved, retired and certified."""


@meters.command(
    cls=Command,
    ko="종량기를 단지에 설치합니다(새것이나 철거했던 것).",
    example="jongnyang meter install W0G-001-01-3 --complex W0G001 --gateway W0G-GW-001",
)
@click.argument("code")
@complex_option
@gateway_option
@click.option("--name", default="", help="What people call it; for a new one.")
@at_option
@district_option
def install(code: str, complex_code: str, gateway: str, name: str, at: datetime | None, district: str | None) -> None:
    """Install a meter at a complex: a new one, or one that was taken away."""
    moment = now()
    with in_district(district) as (session, district_id):
        to = To(complex_code, gateway, _moment(at, moment))
        devices.install(session, district_id, code, to, actor(), moment, name)
    say(INSTALLED.fill(code=code, complex=complex_code))


@meters.command(
    cls=Command,
    ko="종량기를 다른 단지나 게이트웨이로 옮깁니다.",
    example="jongnyang meter move W0G-001-01-3 --complex W0G002 --gateway W0G-GW-002 --at '2026-11-20 14:00'",
)
@click.argument("code")
@complex_option
@gateway_option
@click.option("--reason", default="", help="Why; it stays with the place that it left.")
@at_option
@district_option
def move(code: str, complex_code: str, gateway: str, reason: str, at: datetime | None, district: str | None) -> None:
    """Move a meter to another complex or gateway; not before what it weighed where it stands."""
    moment = now()
    with in_district(district) as (session, district_id):
        to = To(complex_code, gateway, _moment(at, moment))
        moves.move(session, district_id, code, to, reason, actor(), moment)
    say(INSTALLED.fill(code=code, complex=complex_code))


@meters.command(
    cls=Command, ko="종량기를 철거합니다.", example="jongnyang meter retire W0G-001-01-3 --reason '저울 파손'"
)
@click.argument("code")
@click.option("--reason", required=True, help="Why; it stays with the meter.")
@at_option
@district_option
def retire(code: str, reason: str, at: datetime | None, district: str | None) -> None:
    """Take a meter away from where it stands; it keeps its history."""
    moment = now()
    with in_district(district) as (session, district_id):
        moves.retire(session, district_id, code, _moment(at, moment), reason, actor(), moment)
    say(RETIRED.fill(code=code))


@meters.command(
    "list", cls=Command, ko="종량기를 보입니다.", example="jongnyang meter list --certificate overdue --json"
)
@click.option("--complex", "complex_code", metavar="CODE", default="")
@click.option("--gateway", metavar="CODE", default="")
@click.option("--state", type=click.Choice(["standing", "retired"]))
@click.option("--certificate", type=click.Choice(list(certificates.STATES)))
@as_json
@district_option
def list_command(
    complex_code: str, gateway: str, state: str | None, certificate: str | None, json_: bool, district: str | None
) -> None:
    """Show the meters, where they stand and how they are certified."""
    moment = now()
    wanted = Wanted("", complex_code, gateway, state or "", certificate or "")
    with in_district(district) as (session, district_id):
        rows = queries.meter_page(session, district_id, moment, service_day(moment), wanted=wanted, limit=MOST)
    if json_:
        say_json(printable(rows))
        return
    for row in rows:
        where = f"{row['complex']} {row['gateway']}" if row["complex"] else NOWHERE
        say(LISTED.fill(code=row["code"], where=where, certificate=STATES[row["certificate"]]))
    if not rows:
        say(NO_METERS)


@meters.command(cls=Command, ko="종량기 하나의 이력을 보입니다.", example="jongnyang meter show W0G-001-01-3")
@click.argument("code")
@as_json
@district_option
def show(code: str, json_: bool, district: str | None) -> None:
    """Show where a meter stands and stood, its certificates and the last days."""
    moment = now()
    with in_district(district) as (session, district_id):
        meter = find_meter(session, district_id, code, moment)
        row = queries.meter_row(session, meter, moment)
        row["places"] = queries.places(session, district_id, meter.id)
        row["certificates"] = certificates.of_meter(session, district_id, meter.id)
        complexes = {place["complex_id"] for place in row["places"]}
        row["alive"] = [each._asdict() for each in alive_days(session, district_id, meter.id, complexes, moment)]
        row["free_from"] = free_from(session, meter)
    if json_:
        say_json(printable(row))
    else:
        _tell(row)


def _tell(row: dict[str, Any]) -> None:
    where = f"{row['complex']} {row['gateway']}" if row["complex"] else NOWHERE
    say(LISTED.fill(code=row["code"], where=where, certificate=STATES[row["certificate"]]))
    for place in row["places"]:
        times = {name: _minute(place[name]) for name in ("valid_from", "valid_to")}
        say(STOOD.fill(**place | times | {"why": place["end_reason"] or ""}))
    for paper in row["certificates"]:
        say(CERTIFIED.fill(**paper | {"gone": GONE if paper["withdrawn_at"] else NOTHING}))


@click.group("reducer", cls=Group, ko="대형감량기: 등록과 폐기", example="jongnyang reducer list")
def reducers() -> None:
    """Reducers: registered and retired."""


@reducers.command(
    "install",
    cls=Command,
    ko="대형감량기를 등록합니다.",
    example="jongnyang reducer install R-001 --complex W0G001 --on 2026-11-20",
)
@click.argument("code")
@complex_option
@click.option("--on", "day", type=day_type, required=True, help="First day.")
@district_option
def install_reducer(code: str, complex_code: str, day: datetime, district: str | None) -> None:
    """Register a reducer at a complex."""
    with in_district(district) as (session, district_id):
        devices.install_reducer(session, district_id, code, complex_code, day.date(), actor(), now())
    say(REDUCER.fill(code=code))


@reducers.command(
    "retire",
    cls=Command,
    ko="대형감량기를 폐기합니다.",
    example="jongnyang reducer retire R-001 --on 2026-11-20 --reason '내구연한'",
)
@click.argument("code")
@click.option("--on", "day", type=day_type, required=True, help="From this day on it is used no longer.")
@click.option("--reason", required=True)
@district_option
def retire_reducer(code: str, day: datetime, reason: str, district: str | None) -> None:
    """A reducer is used no longer from a day on."""
    with in_district(district) as (session, district_id):
        devices.retire_reducer(session, district_id, code, day.date(), reason, actor(), now())
    say(REDUCER_GONE.fill(code=code))


@reducers.command("list", cls=Command, ko="대형감량기를 보입니다.", example="jongnyang reducer list --json")
@as_json
@district_option
def list_reducers(json_: bool, district: str | None) -> None:
    """Show the reducers."""
    with in_district(district) as (session, district_id):
        rows = queries.reducer_page(session, district_id, limit=MOST)
    if json_:
        say_json(printable(rows))
        return
    for row in rows:
        say(REDUCERS.fill(**{name: value or "" for name, value in row.items()}))
    if not rows:
        say(NO_REDUCERS)


def _moment(at: datetime | None, moment: datetime) -> datetime:
    return at.replace(tzinfo=SEOUL) if at is not None else moment


def _minute(instant: datetime | None) -> str:
    return shown(instant.replace(second=0, microsecond=0))[:16] if instant else ""
