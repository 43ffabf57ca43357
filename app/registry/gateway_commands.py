"""`jongnyang gateway …`: gateways, their meters, and the codes with which a box fetches its key."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.claims import VALID
from app.access.keys import living
from app.access.models import GatewayKey
from app.console import Command, Group, actor, open_database, say, say_json
from app.registry.districts import the_district
from app.registry.imports.words import shown
from app.registry.models import Complex, District, Gateway, Meter, MeterAssignment
from app.registry.service import make_claim_code, register_gateway
from app.texts import Refused, Text
from app.times import now

CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,39}")

BAD_CODE = Text(
    "쓸 수 없는 코드입니다: {code}. 영문자, 숫자, 붙임표로 40자까지 적어 주세요.",
    "The code cannot be used: {code}. It takes up to 40 letters, digits and hyphens.",
)
TAKEN = Text(
    "이미 등록된 코드입니다: {code}. 다른 코드를 쓰세요.", "The code is registered already: {code}. Choose another one."
)
NO_COMPLEX = Text(
    "등록되지 않은 단지 코드입니다: {code}. 단지를 먼저 가져오세요(jongnyang import complexes).",
    "No complex has the code {code}. Import the complexes first (jongnyang import complexes).",
)
NO_GATEWAY = Text(
    "등록되지 않은 게이트웨이입니다: {code}. ‘jongnyang gateway list’로 확인하세요.",
    "No gateway has the code {code}. See “jongnyang gateway list”.",
)
METER_WHERE = Text(
    "종량기를 설치하려면 --complex로 단지를 지정하세요.", "Name the complex of the meters with --complex."
)
ADDED = Text(
    "게이트웨이 {code} 등록, 종량기 {meters}대. 다음: jongnyang gateway claim-code {code}",
    "Gateway {code} was added with {meters} meters. Next: jongnyang gateway claim-code {code}",
)
CLAIM = Text(
    "{code}\n{until}까지 한 번만 쓸 수 있습니다. 기기에서: jongnyang-gateway claim --help",
    "{code}\nWorks once, until {until}. On the box: jongnyang-gateway claim --help",
)
NO_GATEWAYS = Text(
    "아직 게이트웨이가 없습니다. 등록: jongnyang gateway add CODE --complex CODE --meter CODE",
    "There is no gateway yet. Add one: jongnyang gateway add CODE --complex CODE --meter CODE",
)
LISTED = Text("{district}/{code}  {state}  종량기: {meters}", "{district}/{code}  {state}  meters: {meters}")
KEY = Text("키 {key}({since})", "key {key} ({since})")
NO_KEY = Text("키 없음", "no key")

district_option = click.option("--district", metavar="CODE", help="District, where there are several.")


@click.group("gateway", cls=Group, ko="게이트웨이와 종량기", example="jongnyang gateway list")
def gateways() -> None:
    """Gateways, their meters and their claim codes."""


@gateways.command(
    "add",
    cls=Command,
    ko="게이트웨이와 그 종량기를 등록합니다.",
    example="jongnyang gateway add W0G-GW-001 --complex W0G001 --meter W0G-001-01-1 --meter W0G-001-01-2",
)
@click.argument("code")
@click.option("--complex", "complex_code", metavar="CODE", help="Complex at which the meters stand.")
@click.option("--meter", "meters", metavar="CODE", multiple=True, help="Meter that it runs; may be repeated.")
@district_option
def add(code: str, complex_code: str | None, meters: tuple[str, ...], district: str | None) -> None:
    """Add a gateway and the meters that it runs from now on."""
    if meters and not complex_code:
        raise Refused(METER_WHERE)
    moment = now()
    with open_database() as database, database.begin() as session:
        where = the_district(session, district)
        _refuse_codes(session, where, code, meters)
        complex_ = _complex(session, where, complex_code) if complex_code else None
        register_gateway(session, where.id, code, complex_, meters, actor(), moment)
    say(ADDED.fill(code=code, meters=len(meters)))


@gateways.command(
    "claim-code",
    cls=Command,
    ko="기기가 키를 받을 때 쓰는 일회용 코드를 만듭니다(24시간).",
    example="jongnyang gateway claim-code W0G-GW-001",
)
@click.argument("code")
@click.option("--json", "json_", is_flag=True, help="Print it as JSON.")
@district_option
def claim_code(code: str, json_: bool, district: str | None) -> None:
    """Make a one-time code with which the box fetches its key (24 hours)."""
    moment = now()
    with open_database() as database, database.begin() as session:
        where = the_district(session, district)
        gateway = _gateway(session, where, code)
        claim = make_claim_code(session, gateway, actor(), moment)
    if json_:
        say_json({"gateway": code, "claim_code": claim})
    else:
        say(CLAIM.fill(code=claim, until=shown((moment + VALID).replace(microsecond=0))))


@gateways.command("list", cls=Command, ko="게이트웨이를 보입니다.", example="jongnyang gateway list --json")
@click.option("--json", "json_", is_flag=True, help="Print it as JSON.")
def list_command(json_: bool) -> None:
    """Show the gateways, their keys and meters."""
    with open_database() as database, database.begin() as session:
        rows = list(_listed(session, now()))
    if json_:
        say_json(rows)
        return
    for row in rows:
        state = KEY.fill(key=row["key"], since=row["key_since"]) if row["key"] else NO_KEY
        say(LISTED.fill(**row | {"state": state, "meters": ", ".join(row["meters"]) or "–"}))
    if not rows:
        say(NO_GATEWAYS)


def _refuse_codes(session: Session, district: District, code: str, meters: tuple[str, ...]) -> None:
    for each in (code, *meters):
        if not CODE.fullmatch(each):
            raise Refused(BAD_CODE.fill(code=each))
    taken = {each for each in meters if meters.count(each) > 1}
    for model, codes in ((Gateway, (code,)), (Meter, meters)):
        statement = sa.select(model.code).where(model.district_id == district.id, model.code.in_(codes))
        taken |= set(session.scalars(statement))
    if taken:
        raise Refused(TAKEN.fill(code=", ".join(sorted(taken))))


def _complex(session: Session, district: District, code: str) -> Complex:
    found = session.scalar(sa.select(Complex).where(Complex.district_id == district.id, Complex.code == code))
    if found is None:
        raise Refused(NO_COMPLEX.fill(code=code))
    return found


def _gateway(session: Session, district: District, code: str) -> Gateway:
    statement = sa.select(Gateway).where(Gateway.district_id == district.id, Gateway.code == code)
    gateway = session.scalar(statement)
    if gateway is None:
        raise Refused(NO_GATEWAY.fill(code=code))
    return gateway


def _listed(session: Session, moment: datetime) -> Iterator[dict[str, Any]]:
    keys = {(key.district_id, key.gateway_id): key for key in session.scalars(_working_keys())}
    meters = _meters(session, moment)
    statement = sa.select(District.code, Gateway).join(Gateway, Gateway.district_id == District.id)
    for district, gateway in session.execute(statement.order_by(District.code, Gateway.code)):
        place = (gateway.district_id, gateway.id)
        key = keys.get(place)
        yield {
            "district": district,
            "code": gateway.code,
            "key": key.key_id if key else None,
            "key_since": shown(key.created_at.replace(microsecond=0)) if key else None,
            "meters": meters.get(place, []),
        }


def _working_keys() -> sa.Select[GatewayKey]:
    return sa.select(GatewayKey).where(living(now())).order_by(GatewayKey.created_at, GatewayKey.key_id)


def _meters(session: Session, moment: datetime) -> dict[tuple[int, int], list[str]]:
    """Codes of the meters that each gateway runs now."""
    rows = session.execute(
        sa.select(MeterAssignment.district_id, MeterAssignment.gateway_id, Meter.code)
        .join(Meter, sa.and_(Meter.district_id == MeterAssignment.district_id, Meter.id == MeterAssignment.meter_id))
        .where(MeterAssignment.valid_from <= moment)
        .where(sa.or_(MeterAssignment.valid_to.is_(None), MeterAssignment.valid_to > moment))
        .order_by(Meter.code)
    )
    found: dict[tuple[int, int], list[str]] = {}
    for district_id, gateway_id, code in rows:
        found.setdefault((district_id, gateway_id), []).append(code)
    return found
