"""`jongnyang gateway …`: what staff tell the boxes, and what became of it. The group itself is the registry's."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from app.console import Command, actor, open_database, read_settings, say, say_json
from app.fleet import queries
from app.fleet import service as fleet
from app.fleet.service import Release
from app.registry.districts import the_district
from app.registry.gateway_commands import district_option
from app.registry.imports.words import shown
from app.texts import Refused, Text
from app.times import format_instant, now
from billing.days import service_day

GIVEN = Text(
    "{gateway}이(가) 다음에 접속하면 전달됩니다({until}까지): {kind}. 결과: jongnyang gateway commands",
    "{gateway} is told to {kind} when it reports next, until {until}. Result: jongnyang gateway commands",
)
REVOKED = Text(
    "{gateway}의 키를 폐기했습니다: {keys}. 다시 쓰려면: jongnyang gateway claim-code {gateway}",
    "Keys of {gateway} were revoked: {keys}. To let it in again: jongnyang gateway claim-code {gateway}",
)
NO_KEYS = Text("{gateway}에는 쓰이는 키가 없습니다.", "{gateway} has no live key.")
RATE = Text(
    "{day}부터 화면의 예상 수수료를 kg당 {won}원으로 정했습니다. 고지에는 쓰이지 않습니다.",
    "From {day} on the displays estimate {won} won a kilogram. Statements do not use it.",
)
NO_RATE = Text("금액이 아닙니다: {won}. 130 또는 147.5처럼 적어 주세요.", "Not an amount: {won}. Write 130 or 147.5.")
ADDED = Text(
    "배포판 {version}을(를) 등록했습니다({size:,}바이트). 설치: jongnyang gateway update CODE --version {version}",
    "Release {version} was added ({size:,} bytes). Install: jongnyang gateway update GATEWAY --version {version}",
)
COMMAND = Text(
    "{created_at}  {gateway}  {kind}  {state}  {created_by}  {detail}",
    "{created_at}  {gateway}  {kind}  {state}  {created_by}  {detail}",
)
NO_COMMANDS = Text("명령이 없습니다.", "There are no commands.")
EVENT = Text("{at}  {gateway}  {kind}  {actor}  {detail}", "{at}  {gateway}  {kind}  {actor}  {detail}")
NO_EVENTS = Text("기록된 일이 없습니다.", "Nothing has happened yet.")

as_json = click.option("--json", "json_", is_flag=True, help="Print it as JSON.")
GATEWAY = click.argument("gateway")


@contextmanager
def in_district(code: str | None) -> Iterator[tuple[Session, int]]:
    """A transaction, and the district that is meant."""
    with open_database() as database, database.begin() as session:
        yield session, the_district(session, code).id


def _give(gateways: tuple[str, ...], kind: str, arguments: dict[str, str], district: str | None) -> None:
    """Tell all of them, or none where one of them is unknown."""
    with in_district(district) as (session, district_id):
        made = [fleet.give_command(session, district_id, each, kind, arguments, actor(), now()) for each in gateways]
        until = shown(made[0].expires_at.replace(microsecond=0))
    for gateway in gateways:
        say(GIVEN.fill(gateway=gateway, kind=kind, until=until))


@click.command(
    "open-lid",
    cls=Command,
    ko="점검을 위해 종량기의 뚜껑을 엽니다(5분 안에).",
    example="jongnyang gateway open-lid W0G-001-01-1",
)
@click.argument("meter")
@district_option
def open_lid(meter: str, district: str | None) -> None:
    """Open a meter's lid for service, within five minutes."""
    with in_district(district) as (session, district_id):
        gateway = queries.gateway_of_meter(session, district_id, meter, now())
    _give((gateway,), "open_lid", {"meter": meter}, district)


def _plain(name: str, kind: str, ko: str, help_: str) -> click.Command:
    """A command for gateways that takes nothing else."""

    @click.command(name, cls=Command, ko=ko, example=f"jongnyang gateway {name} W0G-GW-001", help=help_)
    @click.argument("gateways", nargs=-1, required=True)
    @district_option
    def give(gateways: tuple[str, ...], district: str | None) -> None:
        _give(gateways, kind, {}, district)

    return give


rotate = _plain("rotate", "rotate_key", "게이트웨이의 키를 새 키로 바꾸게 합니다.", "Have gateways change their keys.")
sync_cards = _plain(
    "sync-cards",
    "sync_cards",
    "카드 목록을 새로 받게 합니다.",
    "Have gateways fetch their whole list of cards.",
)
roll_back = _plain(
    "roll-back", "roll_back", "바로 전 소프트웨어로 되돌립니다.", "Have gateways return to the release before."
)


@click.command(
    cls=Command,
    ko="게이트웨이에 배포판을 설치하게 합니다.",
    example="jongnyang gateway update W0G-GW-001 W0G-GW-002 --version 0.2.0",
)
@click.argument("gateways", nargs=-1, required=True)
@click.option("--version", required=True, help="A release that was added.")
@district_option
def update(gateways: tuple[str, ...], version: str, district: str | None) -> None:
    """Have gateways install a release."""
    _give(gateways, "update", {"version": version}, district)


@click.command(
    cls=Command,
    ko="게이트웨이 배포판(wheel)과 제작자의 서명을 등록합니다.",
    example="jongnyang gateway release jongnyang-0.2.0-py3-none-any.whl --version 0.2.0 --signature q3r0PzVY…",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--version", required=True, help="As in the wheel's name.")
@click.option("--signature", required=True, help="The maker's Ed25519 signature, base64url.")
@district_option
def release(file: Path, version: str, signature: str, district: str | None) -> None:
    """Add a release, which gateways can then be told to install."""
    content = file.read_bytes()
    wanted = Release(version, file.name, content, signature)
    with in_district(district) as (session, district_id):
        fleet.add_release(session, district_id, wanted, actor(), now(), read_settings().release_key)
    say(ADDED.fill(version=version, size=len(content)))


@click.command(
    "revoke-key",
    cls=Command,
    ko="게이트웨이의 키를 곧바로 폐기합니다.",
    example="jongnyang gateway revoke-key W0G-GW-001\njongnyang gateway revoke-key W0G-GW-001 --key W0G/W0G-GW-001/1",
)
@GATEWAY
@click.option("--key", "key_id", metavar="KEY", help="Only this key; default: all.")
@district_option
def revoke_key(gateway: str, key_id: str | None, district: str | None) -> None:
    """Refuse a gateway's keys from now on."""
    with in_district(district) as (session, district_id):
        revoked = fleet.revoke_keys(session, district_id, gateway, actor(), now(), key_id)
    say((REVOKED if revoked else NO_KEYS).fill(gateway=gateway, keys=", ".join(revoked)))


@click.command(
    cls=Command,
    ko="기기 화면이 예상 수수료를 계산하는 kg당 단가를 정합니다.",
    example="jongnyang gateway rate 130 --from 2026-12-01",
)
@click.argument("won_per_kg")
@click.option("--from", "first_day", type=click.DateTime(["%Y-%m-%d"]), help="First day; default: today.")
@district_option
def rate(won_per_kg: str, first_day: datetime | None, district: str | None) -> None:
    """Set what the displays estimate fees from, in won a kilogram."""
    try:
        won = Decimal(won_per_kg)
    except InvalidOperation as error:
        raise Refused(NO_RATE.fill(won=won_per_kg)) from error
    day = first_day.date() if first_day else service_day(now())
    with in_district(district) as (session, district_id):
        fleet.set_display_rate(session, district_id, won, day, actor(), now())
    say(RATE.fill(day=day, won=won_per_kg))


@click.command(
    "commands",
    cls=Command,
    ko="최근 명령과 그 결과를 보입니다.",
    example="jongnyang gateway commands\njongnyang gateway commands W0G-GW-001 --json",
)
@click.argument("gateway", required=False)
@as_json
@district_option
def list_commands(gateway: str | None, json_: bool, district: str | None) -> None:
    """Show the newest commands and what became of them."""
    with in_district(district) as (session, district_id):
        mine = queries.gateway_id_of(session, district_id, gateway, now()) if gateway else None
        rows = queries.command_list(session, district_id, now(), gateway_id=mine)
    _print(rows, json_, COMMAND, NO_COMMANDS, "created_at")


@click.command(
    cls=Command,
    ko="게이트웨이에 있었던 일을 최근 것부터 보입니다.",
    example="jongnyang gateway events W0G-GW-001",
)
@click.argument("gateway", required=False)
@as_json
@district_option
def events(gateway: str | None, json_: bool, district: str | None) -> None:
    """Show what happened to gateways, the newest first."""
    with in_district(district) as (session, district_id):
        mine = queries.gateway_id_of(session, district_id, gateway, now()) if gateway else None
        rows = queries.event_page(session, district_id, gateway_id=mine)
    _print(rows, json_, EVENT, NO_EVENTS, "at")


@click.command(
    cls=Command,
    ko="게이트웨이 하나의 상태를 모두 보입니다(JSON).",
    example="jongnyang gateway show W0G-GW-001",
)
@GATEWAY
@district_option
def show(gateway: str, district: str | None) -> None:
    """Show all that is known of one gateway, as JSON."""
    with in_district(district) as (session, district_id):
        row = queries.gateway_detail(session, district_id, gateway, now())
    say_json(printable(row))


def printable(value: Any) -> Any:
    """A row with its instants as text."""
    return json.loads(json.dumps(value, default=lambda found: format_instant(found)))


def _print(rows: list[dict[str, Any]], json_: bool, line: Text, none: Text, at: str) -> None:
    if json_:
        say_json(printable(rows))
        return
    for row in rows:
        blank = {name: "–" if value is None else value for name, value in row.items()}
        say(line.fill(**blank | {at: shown(row[at].replace(microsecond=0))}))
    if not rows:
        say(none)
