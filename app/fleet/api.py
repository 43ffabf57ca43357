"""The people's side of the fleet: gateways and what can be done to them; cards enrolled at the bin."""

from datetime import timedelta
from typing import Any

from flask_smorest import Blueprint
from marshmallow import RAISE

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_reach
from app.access.claims import VALID
from app.context import service
from app.fleet import queries
from app.fleet import service as fleet
from app.fleet.schemas import (
    BackwardArguments,
    ClaimCodeSchema,
    CommandSchema,
    EnrolledSchema,
    EnrolmentSchema,
    EventPage,
    GatewayArguments,
    GatewayDetailSchema,
    GatewayPage,
    OrderSchema,
    RateListSchema,
    RateSchema,
    ReleaseListSchema,
    RevocationSchema,
    RevokedSchema,
    SummarySchema,
    TouchArguments,
    TouchListSchema,
)
from app.fleet.touches import recent_touches
from app.registry.card_changes import CardHash, Enrolled
from app.times import now

blueprint = Blueprint("fleet", __name__, url_prefix="/api/v1", description="Gateways, and cards enrolled at the bin")
GATEWAY = "/fleet/gateways/<string(maxlength=40):code>"


@blueprint.get("/fleet/gateways")
@rules.scope("fleet:read", reach="complex")
@blueprint.arguments(GatewayArguments, location="query", unknown=RAISE)
@blueprint.response(200, GatewayPage)
def list_gateways(page: dict[str, Any]) -> dict[str, Any]:
    """Gateways by code: contact, keys, spool, software, faults, what is missing."""
    with service().database.session() as session:
        items = queries.gateway_page(session, current_district_id(), now(), **page, reach=current_reach())
    return {"items": items, "next_after": items[-1]["code"] if len(items) == page["limit"] else None}


@blueprint.get("/fleet/summary")
@rules.scope("fleet:read", reach="complex")
@blueprint.response(200, SummarySchema)
def show_summary() -> dict[str, int]:
    """How many gateways report, are silent, have faults or miss records."""
    with service().database.session() as session:
        return queries.fleet_summary(session, current_district_id(), now(), current_reach())


@blueprint.get(GATEWAY)
@rules.scope("fleet:read", reach="complex")
@blueprint.response(200, GatewayDetailSchema)
def show_gateway(code: str) -> dict[str, Any]:
    """One gateway, with its ports, epochs and their missing ranges, commands and events."""
    with service().database.session() as session:
        return queries.gateway_detail(session, current_district_id(), code, now(), current_reach())


@blueprint.get(f"{GATEWAY}/events")
@rules.scope("fleet:read", reach="complex")
@blueprint.arguments(BackwardArguments, location="query", unknown=RAISE)
@blueprint.response(200, EventPage)
def list_events(page: dict[str, Any], code: str) -> dict[str, Any]:
    """What happened to a gateway, the newest first."""
    with service().database.session() as session:
        items = queries.events_of(session, current_district_id(), code, now(), **page, reach=current_reach())
    return {"items": items, "next_before": items[-1]["id"] if len(items) == page["limit"] else None}


@blueprint.post(f"{GATEWAY}/claim-codes")
@rules.scope("fleet:write")
@blueprint.response(201, ClaimCodeSchema)
def make_claim_code(code: str) -> dict[str, Any]:
    """A one-time code with which the box fetches its key; its use ends the keys before it."""
    moment = now()
    with service().database.begin() as session:
        claim_code = fleet.make_claim_code(session, current_district_id(), code, current_actor(), moment)
    return {"claim_code": claim_code, "expires_at": moment + VALID}


@blueprint.post(f"{GATEWAY}/revocations")
@rules.scope("fleet:write")
@blueprint.arguments(RevocationSchema)
@blueprint.response(201, RevokedSchema)
def revoke_keys(wanted: dict[str, Any], code: str) -> dict[str, list[str]]:
    """Refuse one key of a gateway, or all, from now on."""
    with service().database.begin() as session:
        return {"revoked": fleet.revoke_keys(session, current_district_id(), code, current_actor(), now(), **wanted)}


@blueprint.post(f"{GATEWAY}/commands")
@rules.scope("fleet:write")
@blueprint.arguments(OrderSchema)
@blueprint.response(201, CommandSchema)
def give_command(wanted: dict[str, Any], code: str) -> dict[str, Any]:
    """Tell a gateway to open a lid, change its key, fetch its cards, install a release or return to the one before."""
    with service().database.begin() as session:
        command = fleet.give_command(session, current_district_id(), code, **wanted, actor=current_actor(), now=now())
        return queries.command_row(command, code)


@blueprint.get("/fleet/releases")
@rules.scope("fleet:read")
@blueprint.response(200, ReleaseListSchema)
def list_releases() -> dict[str, Any]:
    """Releases that gateways can be told to install, the newest first."""
    with service().database.session() as session:
        return {"items": queries.release_list(session, current_district_id())}


@blueprint.get("/fleet/display-rates")
@rules.scope("fleet:read")
@blueprint.response(200, RateListSchema)
def list_rates() -> dict[str, Any]:
    """What the displays at the bins estimate fees from, by first day."""
    with service().database.session() as session:
        return {"items": queries.display_rates(session, current_district_id())}


@blueprint.post("/fleet/display-rates")
@rules.scope("fleet:write")
@blueprint.arguments(RateSchema)
@blueprint.response(204)
def set_rate(wanted: dict[str, Any]) -> None:
    """Set what the displays estimate fees from, from a day on; nothing is billed by it."""
    with service().database.begin() as session:
        fleet.set_display_rate(session, current_district_id(), **wanted, actor=current_actor(), now=now())


@blueprint.get("/touches")
@rules.scope("household:write", reach="complex")
@blueprint.arguments(TouchArguments, location="query", unknown=RAISE)
@blueprint.response(200, TouchListSchema)
def list_touches(asked: dict[str, Any]) -> dict[str, Any]:
    """Cards that a bin refused lately, the newest first."""
    asked |= {"within": timedelta(minutes=asked.pop("minutes")), "complex_code": asked.pop("complex", None)}
    with service().database.session() as session:
        items = recent_touches(session, current_district_id(), now(), **asked, reach=current_reach())
    return {"items": items}


@blueprint.post("/enrolments")
@rules.scope("household:write", reach="complex")
@blueprint.arguments(EnrolmentSchema)
@blueprint.response(201, EnrolledSchema)
def enrol(wanted: dict[str, Any]) -> Enrolled:
    """Give a card that was held at a bin to a household, to collectors, to service or to common areas."""
    card = CardHash(bytes.fromhex(wanted.pop("card_hash")), None)
    by = {"actor": current_actor(), "now": now(), "reach": current_reach(), "complex_code": wanted.pop("complex")}
    with service().database.begin() as session:
        return fleet.enrol(session, current_district_id(), card, **wanted, **by)
