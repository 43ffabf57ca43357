"""`jongnyang card …`: cards of collectors and service, cards enrolled at the bin, blocked and freed."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import click
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.console import Command, Group, actor, say, say_json
from app.fleet import service as fleet
from app.fleet.commands import as_json, in_district, printable
from app.fleet.touches import recent_touches
from app.registry import card_changes
from app.registry.card_changes import CardHash
from app.registry.cards import card_hash, last4
from app.registry.gateway_commands import district_option
from app.registry.imports.words import shown
from app.registry.models import Card, District
from app.registry.queries import households_of, staff_and_blocked_cards
from app.texts import Refused, Text
from app.times import now

Kind = TypeVar("Kind")
HASH = re.compile(r"[0-9a-f]{32}")
ROLES = {
    "household": Text("세대", "household"),
    "collector": Text("수거", "collector"),
    "service": Text("점검", "service"),
    "common": Text("공용 구역", "common areas"),
}
NO_NUMBER = Text(
    "카드 번호가 아닙니다. 리더가 보이는 16진수 8~24자리를 적어 주세요.",
    "That is no card number. Write the 8 to 24 hexadecimal digits that a reader shows.",
)
NO_CARD = Text(
    "{card}에 맞는 카드가 없습니다. 끝 네 자리나 해시 32자리를 적어 주세요(‘jongnyang card touches’).",
    "No card fits {card}. Write its last four digits or its hash of 32 digits (“jongnyang card touches”).",
)
SEVERAL = Text(
    "{card}로 끝나는 카드가 여럿입니다. 해시로 하나를 지정하세요: {hashes}",
    "Several cards end in {card}. Name one by its hash: {hashes}",
)
NO_HOUSEHOLD = Text(
    "그런 세대가 없습니다: {complex} {building}동 {unit}호.", "There is no such household: {complex} {building}-{unit}."
)
GIVEN = Text("카드 …{last4}을(를) 등록했습니다: {whose}.", "Card …{last4} was enrolled: {whose}.")
BLOCKED = Text(
    "카드 …{last4}을(를) 정지했습니다. 기기는 목록을 다음에 받을 때부터 거절합니다.",
    "Card …{last4} is blocked. The bins refuse it once they have fetched their lists.",
)
LOST = Text(
    "카드 …{last4} 분실을 등록하고 정지했습니다. 새 카드: jongnyang card reissue {hash} 번호",
    "Card …{last4} is registered as lost and blocked. Another one: jongnyang card reissue {hash} NUMBER",
)
REISSUED = Text(
    "카드 …{old} 대신 …{new}을(를) 발급했습니다. 앞의 카드는 다시 열리지 않습니다.",
    "Card …{new} was issued in place of …{old}, which never opens again.",
)
FREED = Text("카드 …{last4}의 정지를 풀었습니다.", "Card …{last4} is unblocked.")
LISTED = Text("{hash}  …{last4}  {role}{complex}{blocked}", "{hash}  …{last4}  {role}{complex}{blocked}")
AT = Text(" ({code}에서만)", " (at {code} alone)")
SINCE = Text("  정지 {when} {who}: {reason}", "  blocked {when} by {who}: {reason}")
NOTHING = Text("", "")
NO_CARDS = Text(
    "수거·점검 카드도, 정지된 카드도 없습니다. 등록: jongnyang card collector 번호",
    "There is no collector's, service or blocked card. Add one: jongnyang card collector NUMBER",
)
TOUCH = Text("{when}  {meter}  {card_hash}  …{last4}  {card}", "{when}  {meter}  {card_hash}  …{last4}  {card}")
NO_TOUCHES = Text("최근 {minutes}분 동안 거절된 카드가 없습니다.", "No card was refused in the last {minutes} minutes.")


@click.group("card", cls=Group, ko="카드: 수거·점검용, 기기에서 등록, 정지", example="jongnyang card list")
def cards() -> None:
    """Cards of collectors and service, enrolled at the bin, blocked and freed."""


def _staff(role: str, ko: str, help_: str) -> Callable[..., Any]:
    @cards.command(role, cls=Command, ko=ko, example=f"jongnyang card {role} 0D00319CD0", help=help_)
    @click.argument("number")
    @click.option("--complex", "complex_code", metavar="CODE", help="Opens there alone; default: everywhere.")
    @district_option
    def add(number: str, complex_code: str | None, district: str | None) -> None:
        with in_district(district) as (session, district_id):
            card = _of_number(session, district_id, number)
            fleet.enrol(session, district_id, card, role, None, actor(), now(), complex_code=complex_code)
        say(GIVEN.fill(last4=card.last4, whose=ROLES[role]))

    return add


collector = _staff("collector", "수거원의 카드를 등록합니다.", "Add a collector's card: it opens to empty the bins.")
service = _staff("service", "점검용 카드를 등록합니다.", "Add a service card: it opens for maintenance.")


@cards.command(
    cls=Command,
    ko="단지 공용 구역의 카드를 등록합니다.",
    example="jongnyang card common 0D00319CD0 --complex W0G001",
)
@click.argument("number")
@click.option("--complex", "complex_code", metavar="CODE", required=True)
@district_option
def common(number: str, complex_code: str, district: str | None) -> None:
    """Add a card of a complex's common areas: what is weighed with it is shared by the complex."""
    with in_district(district) as (session, district_id):
        card = _of_number(session, district_id, number)
        fleet.enrol(session, district_id, card, "common", None, actor(), now(), complex_code=complex_code)
    say(GIVEN.fill(last4=card.last4, whose=f"{complex_code}"))


@cards.command(
    cls=Command,
    ko="기기에 댄 카드를 세대의 카드로 등록합니다.",
    example="jongnyang card enrol 9CD0 --complex W0G001 --building 101 --unit 1203",
)
@click.argument("card")
@click.option("--complex", "complex_code", metavar="CODE", required=True)
@click.option("--building", required=True)
@click.option("--unit", required=True)
@click.option("--minutes", type=click.IntRange(1, 10_080), default=10, show_default=True, help="Touched how lately.")
@district_option
def enrol(card: str, complex_code: str, building: str, unit: str, minutes: int, district: str | None) -> None:
    """Give a card that a bin refused lately (last four digits, or hash) to a household."""
    with in_district(district) as (session, district_id):
        touched = _touched(session, district_id, card, minutes)
        homes = households_of(session, district_id, complex_code, building, unit)
        if not homes:
            raise Refused(NO_HOUSEHOLD.fill(complex=complex_code, building=building, unit=unit))
        fleet.enrol(session, district_id, touched, "household", homes[0]["id"], actor(), now())
    say(GIVEN.fill(last4=touched.last4, whose=f"{complex_code} {building}-{unit}"))


@cards.command(
    cls=Command, ko="최근에 기기가 거절한 카드를 보입니다.", example="jongnyang card touches --meter W0G-001-01-1"
)
@click.option("--minutes", type=click.IntRange(1, 10_080), default=10, show_default=True)
@click.option("--meter", metavar="CODE")
@click.option("--complex", "complex_code", metavar="CODE")
@as_json
@district_option
def touches(minutes: int, meter: str | None, complex_code: str | None, json_: bool, district: str | None) -> None:
    """Show cards that a bin refused lately, the newest first."""
    within = timedelta(minutes=minutes)
    with in_district(district) as (session, district_id):
        rows = recent_touches(session, district_id, now(), within, meter, complex_code)
    if json_:
        say_json(printable(rows))
        return
    for row in rows:
        say(TOUCH.fill(**row | {"when": shown(row["last_seen_at"].replace(microsecond=0))}))
    if not rows:
        say(NO_TOUCHES.fill(minutes=minutes))


@cards.command(cls=Command, ko="카드를 정지합니다.", example="jongnyang card block 9CD0 --reason '분실 신고'")
@click.argument("card")
@click.option("--reason", required=True, help="Why; it stays with the card.")
@district_option
def block(card: str, reason: str, district: str | None) -> None:
    """Refuse a card (last four digits, or hash) at every bin."""
    with in_district(district) as (session, district_id):
        found = _known(session, district_id, card)
        card_changes.block(session, district_id, found.id, reason, actor(), now())
        say(BLOCKED.fill(last4=found.last4))


@cards.command(cls=Command, ko="카드의 정지를 풉니다.", example="jongnyang card unblock 9CD0")
@click.argument("card")
@district_option
def unblock(card: str, district: str | None) -> None:
    """Let a card (last four digits, or hash) open again."""
    with in_district(district) as (session, district_id):
        found = _known(session, district_id, card)
        card_changes.unblock(session, district_id, found.id, actor(), now())
        say(FREED.fill(last4=found.last4))


@cards.command(cls=Command, ko="카드 분실을 등록합니다.", example="jongnyang card lost 9CD0 --reason '분실 신고'")
@click.argument("card")
@click.option("--reason", required=True, help="Who reported it, and how; it stays with the card.")
@district_option
def lost(card: str, reason: str, district: str | None) -> None:
    """Register a card (last four digits, or hash) as lost: it is refused at once."""
    with in_district(district) as (session, district_id):
        found = _known(session, district_id, card)
        card_changes.lose(session, district_id, found.id, reason, actor(), now())
        say(LOST.fill(last4=found.last4, hash=bytes(found.card_hash).hex()))


@cards.command(cls=Command, ko="분실 카드를 다시 발급합니다.", example="jongnyang card reissue 9CD0 0D0031AAA1")
@click.argument("card")
@click.argument("number")
@district_option
def reissue(card: str, number: str, district: str | None) -> None:
    """Give a new card, by its NUMBER, in place of a lost one (last four digits, or hash)."""
    with in_district(district) as (session, district_id):
        old, new = _known(session, district_id, card), _of_number(session, district_id, number)
        card_changes.reissue(session, district_id, old.id, new, actor(), now())
        say(REISSUED.fill(old=old.last4, new=new.last4))


@cards.command("list", cls=Command, ko="수거·점검 카드와 정지된 카드를 보입니다.", example="jongnyang card list --json")
@as_json
@district_option
def list_command(json_: bool, district: str | None) -> None:
    """Show the collectors', service and blocked cards."""
    with in_district(district) as (session, district_id):
        rows = staff_and_blocked_cards(session, district_id)
    if json_:
        say_json(printable(rows))
        return
    for row in rows:
        say(_listed(row))
    if not rows:
        say(NO_CARDS)


def _listed(row: dict[str, Any]) -> Text:
    when = shown(row["blocked_at"].replace(microsecond=0)) if row["blocked_at"] else ""
    blocked = SINCE.fill(when=when, who=row["blocked_by"], reason=row["blocked_reason"]) if when else NOTHING
    at = AT.fill(code=row["complex"]) if row["complex"] else NOTHING
    return LISTED.fill(
        hash=row["card_hash"], last4=row["last4"] or "????", role=ROLES[row["role"]], complex=at, blocked=blocked
    )


def _of_number(session: Session, district_id: int, number: str) -> CardHash:
    try:
        return CardHash(card_hash(session.get_one(District, district_id).card_key, number), last4(number))
    except ValueError as error:
        raise Refused(NO_NUMBER) from error


def _touched(session: Session, district_id: int, card: str, minutes: int) -> CardHash:
    """The one card of the recent touches that is meant."""
    rows = recent_touches(session, district_id, now(), timedelta(minutes=minutes))
    found = {
        CardHash(bytes.fromhex(row["card_hash"]), row["last4"])
        for row in rows
        if card.lower() == row["card_hash"] or card.upper() == row["last4"]
    }
    return _the_one(card, {each: each.value.hex() for each in found})


def _known(session: Session, district_id: int, card: str) -> Card:
    """The one card of the registry that is meant."""
    named = card.lower()
    meant = Card.card_hash == bytes.fromhex(named) if HASH.fullmatch(named) else Card.last4 == card.upper()
    found = session.scalars(sa.select(Card).where(Card.district_id == district_id, meant)).all()
    return _the_one(card, {each: bytes(each.card_hash).hex() for each in found})


def _the_one(card: str, found: dict[Kind, str]) -> Kind:
    if not found:
        raise Refused(NO_CARD.fill(card=card))
    if len(found) > 1:
        raise Refused(SEVERAL.fill(card=card, hashes=", ".join(sorted(found.values()))))
    return next(iter(found))
