"""The people's side of metering: quarantine, discharges and their corrections."""

import re
from typing import Any

from flask_smorest import Blueprint
from marshmallow import RAISE

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_reach
from app.context import service
from app.metering import queries
from app.metering import service as metering
from app.metering.corrections import Correction, Number, State
from app.metering.schemas import (
    AttributionSchema,
    CorrectionSchema,
    DiscardSchema,
    DischargeSchema,
    NumberSchema,
    PageArguments,
    QuarantinePage,
    ReleaseSchema,
    StateSchema,
    SuspenseArguments,
    SuspenseSchema,
)
from app.problems import Problem

blueprint = Blueprint("metering", __name__, url_prefix="/api/v1", description="Ledger, corrections and quarantine")


@blueprint.get("/quarantine")
@rules.scope("metering:read")
@blueprint.arguments(PageArguments, location="query", unknown=RAISE)
@blueprint.response(200, QuarantinePage)
def list_quarantine(page: dict[str, Any]) -> dict[str, Any]:
    """Records that could not be accepted, oldest first."""
    with service().database.session() as session:
        items = queries.quarantine_page(session, current_district_id(), **page)
    return {"items": items, "next_after": items[-1]["id"] if len(items) == page["limit"] else None}


@blueprint.post("/quarantine/<int(max=2147483647):quarantine_id>/release")
@rules.scope("metering:correct")
@blueprint.arguments(ReleaseSchema)
@blueprint.response(201, NumberSchema)
def release_quarantined(wanted: dict[str, Any], quarantine_id: int) -> dict[str, str]:
    """Book a quarantined record after all, with corrected fields if need be."""
    number = metering.release_record(
        service().database, current_district_id(), quarantine_id, wanted["note"], current_actor(), wanted["corrected"]
    )
    return {"number": str(number)}


@blueprint.post("/quarantine/<int(max=2147483647):quarantine_id>/discard")
@rules.scope("metering:correct")
@blueprint.arguments(DiscardSchema)
@blueprint.response(204)
def discard_quarantined(wanted: dict[str, Any], quarantine_id: int) -> None:
    """Decide that a quarantined record stays out of the ledger; the record itself is kept."""
    metering.discard(service().database, current_district_id(), quarantine_id, wanted["note"], current_actor())


@blueprint.get("/discharges/<number>")
@rules.scope("metering:read", reach="complex")
@blueprint.response(200, DischargeSchema)
def show_discharge(number: str) -> dict[str, Any]:
    """A discharge as first booked, how it reads now, its evidence and its corrections."""
    with service().database.session() as session:
        return queries.discharge_detail(session, current_district_id(), Number.parse(number), current_reach())


@blueprint.get("/cards/<card_hash>/suspense")
@rules.scope("metering:read", reach="complex")
@blueprint.arguments(SuspenseArguments, location="query", unknown=RAISE)
@blueprint.response(200, SuspenseSchema)
def list_suspense(asked: dict[str, Any], card_hash: str) -> dict[str, list[str]]:
    """Weighed discharges of a card that are nobody's: what may be given to its household once it is enrolled."""
    database, district_id, reach = service().database, current_district_id(), current_reach()
    found = metering.suspense_of_card(database, district_id, _hash(card_hash), asked.get("since"), reach)
    return {"numbers": list(map(str, found))}


@blueprint.post("/cards/<card_hash>/suspense")
@rules.scope("metering:correct")
@blueprint.arguments(AttributionSchema)
@blueprint.response(201, SuspenseSchema)
def attribute_suspense(wanted: dict[str, Any], card_hash: str) -> dict[str, list[str]]:
    """Give a card's suspense to a household, each discharge by a correction of its own."""
    correction = Correction("re_attribute", wanted["reason"], current_actor(), household_id=wanted["household_id"])
    database, district_id = service().database, current_district_id()
    found = metering.attribute_suspense(database, district_id, _hash(card_hash), correction, wanted.get("since"))
    return {"numbers": list(map(str, found))}


@blueprint.post("/discharges/<number>/corrections")
@rules.scope("metering:correct")
@blueprint.arguments(CorrectionSchema)
@blueprint.response(201, StateSchema)
def correct_discharge(wanted: dict[str, Any], number: str) -> State:
    """Void, re-weigh or re-attribute a discharge, with a reason."""
    correction = Correction(actor=current_actor(), **wanted)
    return metering.correct_discharge(service().database, current_district_id(), Number.parse(number), correction)


def _hash(text: str) -> bytes:
    if not re.fullmatch(r"[0-9a-f]{32}", text):
        raise Problem("not-found")
    return bytes.fromhex(text)
