"""Estimates for programs."""

from typing import Any

from flask_smorest import Blueprint
from marshmallow import RAISE

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_reach
from app.context import service
from app.schemas import MAX_ID
from app.statements.estimates import queries
from app.statements.estimates import service as estimates
from app.statements.estimates.queries import Wanted
from app.statements.estimates.schemas import (
    EstimateArguments,
    EstimateDetailSchema,
    EstimatePage,
    EstimateSettlementSchema,
    EstimateShareArguments,
    EstimateSharePage,
    EstimateSuggestionArguments,
    EstimateSuggestionListSchema,
    NewEstimateIdSchema,
    NewEstimateSchema,
)
from app.statements.estimates.suggesting import suggestions
from app.times import now
from billing.days import month_of

blueprint = Blueprint(
    "estimates", __name__, url_prefix="/api/v1/billing", description="Estimates of days on which meters failed"
)
ESTIMATE = f"/estimates/<int(max={MAX_ID}):estimate_id>"


@blueprint.get("/estimates")
@rules.scope("billing:read", reach="complex")
@blueprint.arguments(EstimateArguments, location="query", unknown=RAISE)
@blueprint.response(200, EstimatePage)
def list_estimates(asked: dict[str, Any]) -> dict[str, Any]:
    """Estimates that count, are settled, or all; of a complex, of a month."""
    month = asked.get("month")
    wanted = Wanted(asked["which"], asked.get("complex"), month and month_of(month))
    page = (asked.get("after"), asked["limit"])
    with service().database.session() as session:
        items = queries.estimate_page(session, current_district_id(), current_reach(), wanted, *page)
    return {"items": items, "next_after": items[-1]["id"] if len(items) == asked["limit"] else None}


@blueprint.post("/estimates")
@rules.scope("billing:write")
@blueprint.arguments(NewEstimateSchema)
@blueprint.response(201, NewEstimateIdSchema)
def add(wanted: dict[str, Any]) -> dict[str, int]:
    """Estimate days of a complex from the 28 before; a month that is final gets it as an adjustment."""
    with service().database.begin() as session:
        made = estimates.add(session, current_district_id(), estimates.Wanted(**wanted), current_actor(), now())
    return {"id": made}


@blueprint.get("/estimates/suggestions")
@rules.scope("billing:read", reach="complex")
@blueprint.arguments(EstimateSuggestionArguments, location="query", unknown=RAISE)
@blueprint.response(200, EstimateSuggestionListSchema)
def list_suggestions(asked: dict[str, Any]) -> dict[str, Any]:
    """Days of a month that are worth an estimate."""
    with service().database.session() as session:
        here = (session, current_district_id(), current_reach())
        return {"items": [each.as_row() for each in suggestions(*here, month_of(asked["month"]), now())]}


@blueprint.get(ESTIMATE)
@rules.scope("billing:read", reach="complex")
@blueprint.response(200, EstimateDetailSchema)
def show(estimate_id: int) -> dict[str, Any]:
    """One estimate, and what of it still counts."""
    with service().database.session() as session:
        return queries.estimate_detail(session, current_district_id(), current_reach(), estimate_id, now())


@blueprint.get(f"{ESTIMATE}/shares")
@rules.scope("billing:read", reach="complex")
@blueprint.arguments(EstimateShareArguments, location="query", unknown=RAISE)
@blueprint.response(200, EstimateSharePage)
def list_shares(asked: dict[str, Any], estimate_id: int) -> dict[str, Any]:
    """What is expected of each tenancy, and what it follows from."""
    with service().database.session() as session:
        found = queries.estimate_detail(session, current_district_id(), current_reach(), estimate_id, now())
        items = queries.share_page(session, current_district_id(), found, asked.get("after"), asked["limit"])
    return {"items": items, "next_after": items[-1]["tenancy_id"] if len(items) == asked["limit"] else None}


@blueprint.post(f"{ESTIMATE}/settlement")
@rules.scope("billing:write")
@blueprint.arguments(EstimateSettlementSchema)
@blueprint.response(204)
def settle(wanted: dict[str, Any], estimate_id: int) -> None:
    """End an estimate: only what was weighed counts from now on."""
    with service().database.begin() as session:
        estimates.settle(session, current_district_id(), estimate_id, wanted["reason"], current_actor(), now())
