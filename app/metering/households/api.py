"""The registry desk for programs: households, moves, cards, residents. Personal details are masked until asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask_smorest import Blueprint
from marshmallow import RAISE

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_reach
from app.context import service
from app.metering.households.schemas import (
    AbandonSchema,
    ArrivalSchema,
    CardBackSchema,
    GivenCardSchema,
    HouseholdArguments,
    HouseholdDetailSchema,
    HouseholdIdSchema,
    HouseholdPage,
    MoveAnswerSchema,
    MoveInSchema,
    MoveOutSchema,
    NewCardSchema,
    NewHouseholdSchema,
    ReasonSchema,
    ReissuedSchema,
    ResidentSchema,
    UnitSchema,
)
from app.metering.households.service import Desk
from app.registry.card_changes import CardHash, Enrolled
from app.registry.household_queries import Asked, household_detail, household_page
from app.registry.residents import Details
from app.times import now

blueprint = Blueprint("households", __name__, url_prefix="/api/v1/households", description="Households and moves")
HOUSEHOLD = "/<int(max=2147483647):household_id>"
CARD = f"{HOUSEHOLD}/cards/<int(max=2147483647):card_id>"
WRITE = "household:write"


@contextmanager
def desk() -> Iterator[Desk]:
    """The desk of whoever calls, in a transaction."""
    with service().database.begin() as session:
        yield Desk(session, current_district_id(), current_actor(), now(), current_reach())


@blueprint.get("")
@rules.scope("household:read", reach="complex")
@blueprint.arguments(HouseholdArguments, location="query", unknown=RAISE)
@blueprint.response(200, HouseholdPage)
def list_households(page: dict[str, Any]) -> dict[str, Any]:
    """Households by complex, building and unit."""
    after, limit = page.pop("after"), page.pop("limit")
    with service().database.session() as session:
        asked, reach = Asked(**page), current_reach()
        items = household_page(session, current_district_id(), asked, now(), after, limit, reach)
    return {"items": items, "next_after": items[-1]["id"] if len(items) == limit else None}


@blueprint.post("")
@rules.scope(WRITE, reach="complex")
@blueprint.arguments(NewHouseholdSchema)
@blueprint.response(201, HouseholdIdSchema)
def add_household(wanted: dict[str, Any]) -> dict[str, int]:
    """Register a household."""
    with desk() as at:
        return {"id": at.add(wanted["complex"], wanted["building"], wanted["unit"])}


@blueprint.get(HOUSEHOLD)
@rules.scope("household:read", reach="complex")
@blueprint.response(200, HouseholdDetailSchema)
def show_household(household_id: int) -> dict[str, Any]:
    """One household: tenancies, cards, what an earlier system left; personal details masked."""
    with desk() as at:
        return household_detail(at.session, at.home(household_id), at.now)


@blueprint.post(f"{HOUSEHOLD}/reveal")
@rules.scope("household:reveal", reach="complex")
@blueprint.arguments(ReasonSchema)
@blueprint.response(200, HouseholdDetailSchema)
def reveal(wanted: dict[str, Any], household_id: int) -> dict[str, Any]:
    """One household with its personal details, for a reason that is logged."""
    with desk() as at:
        return at.reveal(household_id, wanted["reason"])


@blueprint.put(f"{HOUSEHOLD}/place")
@rules.scope(WRITE, reach="complex")
@blueprint.arguments(UnitSchema)
@blueprint.response(204)
def rename(wanted: dict[str, Any], household_id: int) -> None:
    """Correct building or unit."""
    with desk() as at:
        at.rename(household_id, **wanted)


@blueprint.post(f"{HOUSEHOLD}/move-in")
@rules.scope(WRITE, reach="complex")
@blueprint.arguments(MoveInSchema)
@blueprint.response(201, MoveAnswerSchema)
def move_in(wanted: dict[str, Any], household_id: int) -> dict[str, int]:
    """A tenancy begins with a day, which may lie in the past."""
    with desk() as at:
        arrival = (_resident(wanted), _card(at, wanted))
        return _answer(at.move_in(household_id, wanted["on"], wanted["until"], *arrival))


@blueprint.post(f"{HOUSEHOLD}/move-out")
@rules.scope(WRITE, reach="complex")
@blueprint.arguments(MoveOutSchema)
@blueprint.response(201, MoveAnswerSchema)
def move_out(wanted: dict[str, Any], household_id: int) -> dict[str, int]:
    """A tenancy ends before a day begins, which may lie in the past."""
    with desk() as at:
        return _answer(at.move_out(household_id, **wanted))


@blueprint.post(f"{HOUSEHOLD}/change-of-tenant")
@rules.scope(WRITE, reach="complex")
@blueprint.arguments(ArrivalSchema)
@blueprint.response(201, MoveAnswerSchema)
def change_tenant(wanted: dict[str, Any], household_id: int) -> dict[str, int]:
    """One tenancy ends and the next begins, with the same cards."""
    with desk() as at:
        return _answer(at.change_tenant(household_id, wanted["on"], _resident(wanted), _card(at, wanted)))


@blueprint.post(f"{HOUSEHOLD}/abandoned")
@rules.scope(WRITE, reach="complex")
@blueprint.arguments(AbandonSchema)
@blueprint.response(201, MoveAnswerSchema)
def abandon(wanted: dict[str, Any], household_id: int) -> dict[str, int]:
    """They left without notice: their cards are blocked, and what those weigh is nobody's."""
    with desk() as at:
        return _answer(at.abandon(household_id, **wanted))


@blueprint.delete(f"{HOUSEHOLD}/abandoned")
@rules.scope(WRITE, reach="complex")
@blueprint.response(200, MoveAnswerSchema)
def come_back(household_id: int) -> dict[str, int]:
    """They had not left: tenancy and cards go on as before."""
    with desk() as at:
        return _answer(at.come_back(household_id))


@blueprint.put(f"{HOUSEHOLD}/resident")
@rules.scope(WRITE, reach="complex")
@blueprint.arguments(ResidentSchema)
@blueprint.response(204)
def set_resident(wanted: dict[str, Any], household_id: int) -> None:
    """Store who lives there now, or during another tenancy."""
    with desk() as at:
        at.set_resident(household_id, _resident(wanted), wanted["tenancy_id"])


@blueprint.post(f"{HOUSEHOLD}/cards")
@rules.scope(WRITE, reach="complex")
@blueprint.arguments(GivenCardSchema)
@blueprint.response(201, MoveAnswerSchema)
def give_card(wanted: dict[str, Any], household_id: int) -> dict[str, int]:
    """Give the household a card that was held at a bin."""
    with desk() as at:
        return _answer(at.give_card(household_id, at.card_by_hash(wanted["card_hash"]), wanted["on"]))


@blueprint.post(f"{CARD}/lost")
@rules.scope(WRITE, reach="complex")
@blueprint.arguments(ReasonSchema)
@blueprint.response(204)
def lose_card(wanted: dict[str, Any], household_id: int, card_id: int) -> None:
    """A card was lost: the bins refuse it from now on."""
    with desk() as at:
        at.lose_card(household_id, card_id, wanted["reason"])


@blueprint.post(f"{CARD}/reissue")
@rules.scope(WRITE, reach="complex")
@blueprint.arguments(NewCardSchema)
@blueprint.response(201, ReissuedSchema)
def reissue_card(wanted: dict[str, Any], household_id: int, card_id: int) -> Enrolled:
    """Give another card in place of one, which never opens again."""
    with desk() as at:
        return at.reissue_card(household_id, card_id, at.card_by_hash(wanted["card_hash"]))


@blueprint.post(f"{CARD}/return")
@rules.scope(WRITE, reach="complex")
@blueprint.arguments(CardBackSchema)
@blueprint.response(201, MoveAnswerSchema)
def take_card_back(wanted: dict[str, Any], household_id: int, card_id: int) -> dict[str, int]:
    """A card is this household's no more: returned, kept by the unit, or blocked."""
    with desk() as at:
        return _answer(at.take_card_back(household_id, card_id, wanted["on"], wanted["cards"]))


@blueprint.post(f"{CARD}/block")
@rules.scope(WRITE, reach="complex")
@blueprint.arguments(ReasonSchema)
@blueprint.response(204)
def block_card(wanted: dict[str, Any], household_id: int, card_id: int) -> None:
    """Refuse a card at every bin."""
    with desk() as at:
        at.block_card(household_id, card_id, wanted["reason"])


@blueprint.post(f"{CARD}/unblock")
@rules.scope(WRITE, reach="complex")
@blueprint.response(204)
def unblock_card(household_id: int, card_id: int) -> None:
    """Let a card open again; one that was lost and found belongs to the household again."""
    with desk() as at:
        at.unblock_card(household_id, card_id)


def _resident(wanted: dict[str, Any]) -> Details:
    return Details(wanted["name"], wanted["phone"], wanted["email"])


def _card(at: Desk, wanted: dict[str, Any]) -> CardHash | None:
    return at.card_by_hash(wanted["card_hash"]) if wanted["card_hash"] else None


def _answer(count: int) -> dict[str, int]:
    return {"re_attributed": count}
