"""Monthly runs and statements for programs."""

from datetime import date
from typing import Any

from flask_smorest import Blueprint
from marshmallow import RAISE

from app.access import audit, rules
from app.access.accounts import current_actor, current_district_id, current_reach
from app.context import service
from app.languages import choose_language
from app.problems import Problem
from app.registry.places import complex_of
from app.statements import queries, runs
from app.statements.runs import Outcome
from app.statements.schemas import (
    BilledDayList,
    BilledMonthList,
    FinaliseMonthSchema,
    PreviewMonthSchema,
    RunOutcomeList,
    RunSchema,
    StatementArguments,
    StatementDetailSchema,
    StatementPage,
    VerifiedSchema,
)
from app.statements.terms.closed import month_named
from app.statements.verify import verify
from app.times import now

blueprint = Blueprint("billing", __name__, url_prefix="/api/v1/billing", description="Monthly runs and statements")
MONTH = "/months/<string(maxlength=10):month>"
RUN = "/complexes/<string(maxlength=40):code>/months/<string(maxlength=10):month>"
STATEMENT = "/statements/<string(maxlength=80):number>"


@blueprint.get("/months")
@rules.scope("billing:read", reach="complex")
@blueprint.response(200, BilledMonthList)
def list_months() -> dict[str, Any]:
    """Months that have runs, the newest first."""
    with service().database.session() as session:
        return {"items": queries.months(session, current_district_id(), current_reach())}


@blueprint.post(f"{MONTH}/preview")
@rules.scope("billing:write")
@blueprint.arguments(PreviewMonthSchema)
@blueprint.response(200, RunOutcomeList)
def preview_month(wanted: dict[str, Any], month: str) -> dict[str, Any]:
    """Preview the month of all complexes or of some; what became of each."""
    how = (month_of(month), wanted.get("complexes"), current_actor(), now())
    return _told(runs.preview_month(service().database, current_district_id(), *how))


@blueprint.post(f"{MONTH}/finalise")
@rules.scope("billing:close")
@blueprint.arguments(FinaliseMonthSchema)
@blueprint.response(200, RunOutcomeList)
def finalise_month(wanted: dict[str, Any], month: str) -> dict[str, Any]:
    """Close the month of all complexes or of some, as previewed; what became of each."""
    how = (month_of(month), wanted.get("complexes"), current_actor(), now())
    reason = wanted.get("early_reason")
    return _told(runs.finalise_month(service().database, current_district_id(), *how, early_reason=reason))


@blueprint.get(f"{MONTH}/verify")
@rules.scope("billing:read")
@blueprint.response(200, VerifiedSchema)
def verify_month(month: str) -> dict[str, Any]:
    """Whether the final statements of a month still say what they said, and the ledger as well."""
    with service().database.session() as session:
        found = verify(session, current_district_id(), month_of(month))
    language = choose_language()
    told = [{"run": each.run, "subject": each.subject, "said": each.text.said(language)} for each in found.differences]
    return {"runs": found.runs, "statements": found.statements, "differences": told}


@blueprint.get(RUN)
@rules.scope("billing:read", reach="complex")
@blueprint.response(200, RunSchema)
def show_run(code: str, month: str) -> dict[str, Any]:
    """A complex's statement of a month: how its total comes about."""
    with service().database.session() as session:
        place = complex_of(session, current_district_id(), code, current_reach())
        return queries.complex_statement(session, place.district_id, place.id, month_of(month), current_reach())


@blueprint.post(f"{RUN}/review")
@rules.scope("billing:review", reach="complex")
@blueprint.response(204)
def review(code: str, month: str) -> None:
    """Agree to the preview, as a manager: the district need not wait until the review is over."""
    with service().database.begin() as session:
        place = complex_of(session, current_district_id(), code, current_reach())
        if current_reach().whole:
            raise Problem("review-of-managers")
        runs.review(session, place.district_id, place.id, month_of(month), current_actor(), now())


@blueprint.get(f"{RUN}/statements")
@rules.scope("billing:read", reach="complex")
@blueprint.arguments(StatementArguments, location="query", unknown=RAISE)
@blueprint.response(200, StatementPage)
def list_statements(page: dict[str, int], code: str, month: str) -> dict[str, Any]:
    """The statements of a complex's month, by building and unit."""
    with service().database.session() as session:
        place = complex_of(session, current_district_id(), code, current_reach())
        run = queries.complex_statement(session, place.district_id, place.id, month_of(month), current_reach())
        items = queries.statement_page(session, place.district_id, run["number"], current_reach(), **page)
    return {"items": items, "next_after": items[-1]["serial"] if len(items) == page["limit"] else None}


@blueprint.get(STATEMENT)
@rules.scope("billing:read", reach="complex")
@blueprint.response(200, StatementDetailSchema)
def show_statement(number: str) -> dict[str, Any]:
    """One statement with its lines, each explained in both languages, and what became of it."""
    with service().database.session() as session:
        return queries.statement(session, current_district_id(), number, current_reach())


@blueprint.get(f"{STATEMENT}/days")
@rules.scope("billing:read", reach="complex")
@blueprint.response(200, BilledDayList)
def show_days(number: str) -> dict[str, Any]:
    """The discharges behind a statement, day by day, as the ledger read when it was made."""
    with service().database.session() as session:
        return {"items": queries.days(session, current_district_id(), number, current_reach())}


def month_of(text: str) -> date:
    """The month of an address, as 2026-10; anything else is not found."""
    try:
        return month_named(text)
    except Problem:
        raise Problem("not-found") from None


def _told(outcomes: list[Outcome]) -> dict[str, Any]:
    if not any(outcome.changed for outcome in outcomes):
        audit.nothing_changed()
    return {"items": [outcome._asdict() for outcome in outcomes]}
