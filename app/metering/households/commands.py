"""`jongnyang household …`: who lives where, moves in and out, and leaves without notice."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import click

from app.console import Command, Group, actor, say, say_json
from app.fleet.commands import as_json, in_district
from app.metering.households.schemas import HouseholdDetailSchema
from app.metering.households.service import Desk
from app.registry.card_changes import HANDLINGS
from app.registry.gateway_commands import district_option
from app.registry.household_queries import household_detail
from app.registry.imports.words import shown
from app.registry.places import plain
from app.registry.queries import households_of
from app.registry.residents import Details
from app.texts import Refused, Text
from app.times import now
from billing.days import service_day

STATES = {
    "lived_in": Text("거주 중", "lived in"),
    "empty": Text("비어 있음", "empty"),
    "abandoned": Text("무단 퇴거", "left without notice"),
}
NO_HOUSEHOLD = Text(
    "그런 세대가 없습니다: {complex} {building}동 {unit}호. 세대를 먼저 등록하거나 가져오세요.",
    "There is no such household: {complex} {building}-{unit}. Register or import it first.",
)
HEADING = Text(
    "{complex} {building}-{unit}  {state}  카드 {cards}장", "{complex} {building}-{unit}  {state}  {cards} cards"
)
TENANCY = Text("  {since} – {until}  {name}", "  {since} – {until}  {name}")
CARD = Text("  카드 {last4}  {state}  {since} – {until}", "  card {last4}  {state}  {since} – {until}")
MOVED = Text("등록했습니다. 세대가 바뀐 배출: {count}건.", "Done. Discharges with another holder: {count}.")


@click.group(
    "household", cls=Group, ko="세대: 전입, 전출, 무단 퇴거", example="jongnyang household show W0G001 101 1203"
)
def households() -> None:
    """Households: who lives there, moves in and out, and leaves without notice."""


def _place(command: Any) -> Any:
    for option in (
        district_option,
        click.argument("unit"),
        click.argument("building"),
        click.argument("complex_code", metavar="COMPLEX"),
    ):
        command = option(command)
    return command


def _day(name: str, help_: str) -> Callable[[Any], Any]:
    days = click.DateTime(formats=["%Y-%m-%d"])
    return click.option(name, "on", type=days, help=help_ + " Default: today.")


@households.command(cls=Command, ko="세대 하나를 보입니다.", example="jongnyang household show W0G001 101 1203")
@_place
@as_json
def show(complex_code: str, building: str, unit: str, district: str | None, json_: bool) -> None:
    """Show one household, personal details masked."""
    with _desk(district) as at:
        row = household_detail(at.session, at.home(_found(at, complex_code, building, unit)), at.now)
    if json_:
        say_json(HouseholdDetailSchema().dump(row))
        return
    say(HEADING.fill(**row | {"state": STATES[row["state"]]}))
    for each in row["tenancies"]:
        say(TENANCY.fill(since=shown(each["valid_from"]), until=shown(each["valid_to"]), name=each["name"] or "–"))
    for each in row["held_cards"]:
        dates = {"since": shown(each["valid_from"]), "until": shown(each["valid_to"])}
        say(CARD.fill(last4=each["last4"] or "–", state=each["state"], **dates))


@households.command(
    "move-in",
    cls=Command,
    ko="전입을 등록합니다.",
    example="jongnyang household move-in W0G001 101 1203 --on 2026-11-02 --card 0D00319CD0",
)
@_place
@_day("--on", "First day on which they live there; it may lie in the past.")
@click.option("--name", help="Who lives there.")
@click.option("--phone")
@click.option("--email")
@click.option("--card", metavar="NUMBER", help="A new card of theirs, by its number.")
def move_in(
    complex_code: str, building: str, unit: str, district: str | None, on: datetime | None, card: str | None, **who: Any
) -> None:
    """Move a household in; the cards that the unit kept are theirs."""
    with _desk(district) as at:
        given = at.card_by_number(card) if card else None
        household_id = _found(at, complex_code, building, unit)
        count = at.move_in(household_id, _date(at, on), None, Details(**who), given)
    say(MOVED.fill(count=count))


@households.command(
    "move-out",
    cls=Command,
    ko="전출을 등록합니다.",
    example="jongnyang household move-out W0G001 101 1203 --on 2026-11-02",
)
@_place
@_day("--on", "First day on which nobody lives there; it may lie in the past.")
@click.option("--cards", type=click.Choice(HANDLINGS), default="returned", show_default=True)
def move_out(
    complex_code: str, building: str, unit: str, district: str | None, on: datetime | None, cards: str
) -> None:
    """Move a household out; its cards are returned, kept by the unit, or blocked."""
    with _desk(district) as at:
        count = at.move_out(_found(at, complex_code, building, unit), _date(at, on), cards)
    say(MOVED.fill(count=count))


@households.command(
    cls=Command,
    ko="무단 퇴거를 등록합니다(--back: 취소).",
    example="jongnyang household abandon W0G001 101 1203 --reason '우편물 반송'",
)
@_place
@_day("--on", "First day on which they were gone.")
@click.option("--reason", default="", help="How it is known; it stays on the record.")
@click.option("--back", is_flag=True, help="They are back: tenancy and cards go on.")
def abandon(
    complex_code: str, building: str, unit: str, district: str | None, on: datetime | None, reason: str, back: bool
) -> None:
    """Mark a household that left without notice: its cards are blocked, and what they weigh is nobody's."""
    with _desk(district) as at:
        household_id = _found(at, complex_code, building, unit)
        count = at.come_back(household_id) if back else at.abandon(household_id, _date(at, on), reason)
    say(MOVED.fill(count=count))


@contextmanager
def _desk(district: str | None) -> Iterator[Desk]:
    with in_district(district) as (session, district_id):
        yield Desk(session, district_id, actor(), now())


def _found(at: Desk, complex_code: str, building: str, unit: str) -> int:
    found = households_of(at.session, at.district_id, complex_code, plain(building), plain(unit))
    if not found:
        raise Refused(NO_HOUSEHOLD.fill(complex=complex_code, building=building, unit=unit))
    id_: int = found[0]["id"]
    return id_


def _date(at: Desk, on: datetime | None) -> date:
    return on.date() if on else service_day(at.now)
