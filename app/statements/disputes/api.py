"""Disputes for programs."""

from typing import Any

from flask_smorest import Blueprint
from marshmallow import RAISE

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_reach
from app.context import service
from app.schemas import MAX_ID
from app.statements.disputes import evidence, queries
from app.statements.disputes import service as disputes
from app.statements.disputes.queries import Wanted
from app.statements.disputes.schemas import (
    DisputeArguments,
    DisputeCountSchema,
    DisputeDecisionSchema,
    DisputeDetailSchema,
    DisputeEvidenceSchema,
    DisputePage,
    DisputeWordsSchema,
    NewDisputeIdSchema,
    NewDisputeSchema,
)
from app.times import now
from billing.days import service_day

blueprint = Blueprint("disputes", __name__, url_prefix="/api/v1/billing", description="Objections to lines")
DISPUTE = f"/disputes/<int(max={MAX_ID}):dispute_id>"


@blueprint.get("/disputes")
@rules.scope("billing:read", reach="complex")
@blueprint.arguments(DisputeArguments, location="query", unknown=RAISE)
@blueprint.response(200, DisputePage)
def list_disputes(asked: dict[str, Any]) -> dict[str, Any]:
    """Disputes: open, overdue, closed or all; at a complex, of a household."""
    wanted = Wanted(asked["which"], asked.get("complex"), asked.get("household"))
    page = (asked.get("after"), asked["limit"])
    with service().database.session() as session:
        here = (session, current_district_id(), current_reach(), service_day(now()))
        items = queries.dispute_page(*here, wanted, *page)
    return {"items": items, "next_after": items[-1]["id"] if len(items) == asked["limit"] else None}


@blueprint.post("/disputes")
@rules.scope("billing:review", reach="complex")
@blueprint.arguments(NewDisputeSchema)
@blueprint.response(201, NewDisputeIdSchema)
def open_dispute(wanted: dict[str, Any]) -> dict[str, int]:
    """Object to a line of a final statement, in the resident's words."""
    with service().database.begin() as session:
        here = (session, current_district_id(), current_reach())
        return {"id": disputes.open_dispute(*here, disputes.Wanted(**wanted), current_actor(), now())}


@blueprint.get("/disputes/counts")
@rules.scope("billing:read", reach="complex")
@blueprint.response(200, DisputeCountSchema)
def count() -> dict[str, int]:
    """How many disputes are open and overdue, and what they hold."""
    with service().database.session() as session:
        return queries.counts(session, current_district_id(), current_reach(), service_day(now()))


@blueprint.get(DISPUTE)
@rules.scope("billing:read", reach="complex")
@blueprint.response(200, DisputeDetailSchema)
def show(dispute_id: int) -> dict[str, Any]:
    """One dispute with its history."""
    with service().database.session() as session:
        return queries.dispute_detail(session, current_district_id(), current_reach(), dispute_id, service_day(now()))


@blueprint.get(f"{DISPUTE}/evidence")
@rules.scope("billing:read", reach="complex")
@blueprint.response(200, DisputeEvidenceSchema)
def show_evidence(dispute_id: int) -> dict[str, Any]:
    """What the line follows from: weighings, neighbours' readings, faults, certificates, past months."""
    with service().database.session() as session:
        here = (session, current_district_id(), current_reach())
        dispute = queries.dispute_detail(*here, dispute_id, service_day(now()))
        found = evidence.of_dispute(*here, dispute)
    told = [each._asdict() for each in found["line"]["words"]]
    return found | {"line": found["line"] | {"words": told}}


@blueprint.post(f"{DISPUTE}/notes")
@rules.scope("billing:review", reach="complex")
@blueprint.arguments(DisputeWordsSchema)
@blueprint.response(204)
def add_note(wanted: dict[str, Any], dispute_id: int) -> None:
    """Add a note to the history."""
    _do(disputes.note, dispute_id, wanted["words"])


@blueprint.post(f"{DISPUTE}/decision")
@rules.scope("billing:write")
@blueprint.arguments(DisputeDecisionSchema)
@blueprint.response(204)
def decide(wanted: dict[str, Any], dispute_id: int) -> None:
    """Accept it, accept a part, or refuse it; a credit comes with the next statement."""
    with service().database.begin() as session:
        decision = disputes.Decision(**wanted)
        disputes.decide(session, current_district_id(), dispute_id, decision, current_actor(), now())


@blueprint.post(f"{DISPUTE}/withdrawal")
@rules.scope("billing:review", reach="complex")
@blueprint.arguments(DisputeWordsSchema)
@blueprint.response(204)
def withdraw(wanted: dict[str, Any], dispute_id: int) -> None:
    """The resident takes the objection back."""
    _do(disputes.withdraw, dispute_id, wanted["words"])


@blueprint.post(f"{DISPUTE}/reopening")
@rules.scope("billing:review", reach="complex")
@blueprint.arguments(DisputeWordsSchema)
@blueprint.response(204)
def reopen(wanted: dict[str, Any], dispute_id: int) -> None:
    """Look at a closed dispute once more; a reply is due anew."""
    _do(disputes.reopen, dispute_id, wanted["words"])


def _do(use_case: Any, dispute_id: int, words: str) -> None:
    with service().database.begin() as session:
        here = (session, current_district_id(), current_reach(), dispute_id)
        use_case(*here, words, current_actor(), now())
