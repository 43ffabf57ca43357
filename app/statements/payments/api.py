"""Payments, what is owed, and what months brought, for programs."""

from typing import Any

from flask import request
from flask_smorest import Blueprint
from marshmallow import RAISE

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_identity, current_reach
from app.context import service
from app.languages import choose_language
from app.problems import Problem
from app.registry.imports.sheets import File
from app.registry.places import home_of
from app.schemas import MAX_ID
from app.statements.payments import accounts, queries
from app.statements.payments import revenue as revenues
from app.statements.payments import service as payments
from app.statements.payments.accounts import After
from app.statements.payments.lines import Line
from app.statements.payments.queries import Wanted
from app.statements.payments.schemas import (
    AccountList,
    ArrearsArguments,
    ArrearsPage,
    ComplexBalanceList,
    NewPaymentSchema,
    PaymentArguments,
    PaymentFileArguments,
    PaymentFileSchema,
    PaymentIdSchema,
    PaymentPage,
    PaymentSchema,
    RevenueArguments,
    RevenueList,
    ReversalSchema,
    plain_report,
)
from app.texts import Refused
from app.times import now
from billing.days import month_of, service_day

blueprint = Blueprint("payments", __name__, url_prefix="/api/v1/billing", description="Payments and arrears")
PAYMENT = f"/payments/<int(max={MAX_ID}):payment_id>"
CSV = {"text/csv": {"schema": {"type": "string"}}}
MOST_FILE = 16 * 1024 * 1024


@blueprint.url_value_preprocessor
def let_large_files_in(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """A line of every household passes, before anything reads the body."""
    request.max_content_length = MOST_FILE


@blueprint.get("/payments")
@rules.scope("billing:read", reach="complex")
@blueprint.arguments(PaymentArguments, location="query", unknown=RAISE)
@blueprint.response(200, PaymentPage)
def list_payments(asked: dict[str, Any]) -> dict[str, Any]:
    """Payments, the newest first: of a complex, of a month, of a household."""
    month = asked.get("month")
    wanted = Wanted(asked.get("complex", ""), month and month_of(month), asked.get("household"))
    page = (asked.get("after"), asked["limit"])
    with service().database.session() as session:
        items = queries.payment_page(session, current_district_id(), current_reach(), wanted, *page)
    return {"items": items, "next_after": items[-1]["id"] if len(items) == asked["limit"] else None}


@blueprint.post("/payments")
@rules.scope("billing:review", reach="complex")
@blueprint.arguments(NewPaymentSchema)
@blueprint.response(201, PaymentIdSchema)
def pay(wanted: dict[str, Any]) -> dict[str, int]:
    """Book a payment. What a complex pays to the district is booked by those who see the whole district."""
    month = wanted.pop("month")
    line = Line(0, **wanted, month=month and month_of(month))
    with service().database.begin() as session:
        return {"id": payments.pay(session, current_district_id(), current_reach(), line, current_actor(), now())}


@blueprint.post("/payments/files")
@rules.scope("billing:review", reach="complex")
@blueprint.arguments(PaymentFileArguments, location="query", unknown=RAISE)
@blueprint.doc(requestBody={"required": True, "content": CSV})
@blueprint.response(200, PaymentFileSchema)
def take_file(wanted: dict[str, Any]) -> dict[str, Any]:
    """Book a CSV file of payments, or only check it. A payment that is booked already counts once."""
    file = File(wanted["name"], request.get_data())
    identity, moment = current_identity(), now()
    district_id, reach = identity.district_id, identity.reach
    try:
        with service().database.begin() as session:
            if wanted["dry_run"]:
                report = payments.check(session, district_id, reach, file, moment, wanted["complex"])
                payments.book_check(session, district_id, file, identity.actor, moment)
            else:
                how = (identity.actor, moment, wanted["complex"], wanted["skip_bad"])
                report = payments.take(session, district_id, reach, file, *how)
    except Refused as refusal:
        told = [text.said(choose_language()) for text in refusal.texts]
        raise Problem("import-refused", errors=told) from refusal
    return plain_report(report, choose_language())


@blueprint.get(PAYMENT)
@rules.scope("billing:read", reach="complex")
@blueprint.response(200, PaymentSchema)
def show_payment(payment_id: int) -> dict[str, Any]:
    """One payment."""
    with service().database.session() as session:
        return queries.payment(session, current_district_id(), current_reach(), payment_id)


@blueprint.post(f"{PAYMENT}/reversal")
@rules.scope("billing:review", reach="complex")
@blueprint.arguments(ReversalSchema)
@blueprint.response(201, PaymentIdSchema)
def reverse(wanted: dict[str, str], payment_id: int) -> dict[str, int]:
    """Take a payment back by another one of the opposite amount."""
    with service().database.begin() as session:
        here = (session, current_district_id(), current_reach(), payment_id)
        return {"id": payments.reverse(*here, wanted["reason"], current_actor(), now())}


@blueprint.get("/arrears")
@rules.scope("billing:read", reach="complex")
@blueprint.arguments(ArrearsArguments, location="query", unknown=RAISE)
@blueprint.response(200, ArrearsPage)
def list_arrears(asked: dict[str, Any]) -> dict[str, Any]:
    """Tenancies that owe what was due before today, the largest amounts first."""
    page = (asked["complex"], after_of(asked.get("after")), asked["limit"])
    with service().database.session() as session:
        items = accounts.arrears(session, current_district_id(), current_reach(), service_day(now()), *page)
    return {"items": items, "next_after": named(items[-1]) if len(items) == asked["limit"] else None}


@blueprint.get("/balances")
@rules.scope("billing:read", reach="complex")
@blueprint.response(200, ComplexBalanceList)
def list_balances() -> dict[str, Any]:
    """What each complex owes the district, and what its households owe."""
    with service().database.session() as session:
        here = (session, current_district_id(), current_reach())
        return {"items": accounts.by_complex(*here, service_day(now()))}


@blueprint.get(f"/households/<int(max={MAX_ID}):household_id>/account")
@rules.scope("billing:read", reach="complex")
@blueprint.response(200, AccountList)
def show_account(household_id: int) -> dict[str, Any]:
    """What a household owes and how that comes about, tenancy by tenancy, the latest first."""
    with service().database.session() as session:
        home_of(session, current_district_id(), household_id, current_reach())
        here = (session, current_district_id(), household_id, service_day(now()))
        return {"items": accounts.household_account(*here)}


@blueprint.get("/revenue")
@rules.scope("billing:read", reach="complex")
@blueprint.arguments(RevenueArguments, location="query", unknown=RAISE)
@blueprint.response(200, RevenueList)
def show_revenue(asked: dict[str, Any]) -> dict[str, Any]:
    """What closed months brought, by month and complex."""
    first, last = revenues.span(asked.get("first"), asked.get("last"), service_day(now()))
    with service().database.session() as session:
        here = (session, current_district_id(), current_reach())
        items = revenues.revenue(*here, first, last, asked["complex"])
    return {"items": items, "total": revenues.totals(items)}


def after_of(text: str | None) -> After | None:
    """Where a page of arrears goes on: `WON.HOUSEHOLD.TENANCY`."""
    return After(*map(int, text.split("."))) if text else None


def named(row: dict[str, Any]) -> str:
    """What the next page goes on after."""
    return f"{row['arrears_won']}.{row['household_id']}.{row['tenancy_id'] or 0}"
