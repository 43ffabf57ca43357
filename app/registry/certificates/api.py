"""The people's API of certificates: what is due, and what was inspected."""

from datetime import date
from typing import Any

from flask_smorest import Blueprint
from marshmallow import RAISE

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_reach
from app.context import service
from app.problems import Problem
from app.registry.certificates import queries
from app.registry.certificates import service as certificates
from app.registry.certificates.schemas import (
    CertificateDuePage,
    CertificateSchema,
    CertificateWithdrawalSchema,
    DueArguments,
    InspectionSchema,
)
from app.times import now
from billing.days import service_day

blueprint = Blueprint("certificates", __name__, url_prefix="/api/v1", description="Certificates of scales")


@blueprint.get("/certificates")
@rules.scope("registry:read", reach="complex")
@blueprint.arguments(DueArguments, location="query", unknown=RAISE)
@blueprint.response(200, CertificateDuePage)
def list_due(asked: dict[str, Any]) -> dict[str, Any]:
    """How the scales of the meters that stand are certified, the most pressing first."""
    moment, limit = now(), asked["limit"]
    where = (current_district_id(), moment, service_day(moment), current_reach())
    chosen = {"state_is": asked["state"], "complex_code": asked["complex"], "after": last_seen(asked["after"])}
    with service().database.session() as session:
        items = queries.due_page(session, *where, **chosen, limit=limit)
        counts, _ = queries.counts(session, *where)
    return {"items": items, "counts": counts, "next_after": name_of(items[-1]) if len(items) == limit else None}


@blueprint.post("/certificates")
@rules.scope("registry:write")
@blueprint.arguments(InspectionSchema)
@blueprint.response(201, CertificateSchema)
def record(wanted: dict[str, Any]) -> dict[str, Any]:
    """Record an inspection of a meter's scale."""
    meter = wanted.pop("meter")
    with service().database.begin() as session:
        seen = certificates.Inspection(**wanted)
        made = certificates.record(session, current_district_id(), meter, seen, current_actor(), now())
        return next(row for row in queries.of_meter(session, made.district_id, made.meter_id) if row["id"] == made.id)


@blueprint.post("/certificates/<int(max=2147483647):certificate_id>/withdrawal")
@rules.scope("registry:write")
@blueprint.arguments(CertificateWithdrawalSchema)
@blueprint.response(204)
def withdraw(wanted: dict[str, Any], certificate_id: int) -> None:
    """Let a certificate that was recorded wrongly count no longer."""
    with service().database.begin() as session:
        certificates.withdraw(session, current_district_id(), certificate_id, wanted["reason"], current_actor(), now())


def last_seen(after: str) -> tuple[date, str] | None:
    """The row after which the next page begins, from what `name_of` made; raises the Problem `invalid`."""
    if not after:
        return None
    day, _, meter = after.partition("~")
    try:
        return date.fromisoformat(day), meter
    except ValueError as error:
        raise Problem("invalid", errors={"after": after[:80]}) from error


def name_of(row: dict[str, Any]) -> str:
    """What names a row of the due list as the last one of its page."""
    return f"{(row['due_on'] or queries.NEVER).isoformat()}~{row['meter']}"
