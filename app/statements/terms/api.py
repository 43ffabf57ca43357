"""Tariffs, payer classes and terms for programs."""

import json
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_smorest import Blueprint
from marshmallow import RAISE

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_identity, current_reach
from app.context import service
from app.problems import Problem
from app.statements.runs import SETTLED
from app.statements.terms import classes, policy, tariffs, terms, weights, what_if
from app.statements.terms.closed import month_named
from app.statements.terms.drafting import tariff_of
from app.statements.terms.plain import plain_result, plain_tariff
from app.statements.terms.schemas import (
    ChangedComplexesSchema,
    ComplexTermsListSchema,
    LimitsSchema,
    MonthArguments,
    NewClassSchema,
    NewPayerClassSchema,
    NewTariffSchema,
    NewTermsSchema,
    NewWeightsSchema,
    PayerClassListSchema,
    TariffArguments,
    TariffIdSchema,
    TariffListSchema,
    TenancyClassListSchema,
    WeightListSchema,
    WhatIfArguments,
    WhatIfSchema,
    WithdrawalOfTariffSchema,
)
from app.statements.terms.terms import Terms
from app.times import now
from billing.days import month_of, service_day

blueprint = Blueprint("billing_terms", __name__, url_prefix="/api/v1/billing", description="Tariffs and billing terms")
NUMBER = "int(max=2147483647)"


@blueprint.get("/tariffs")
@rules.scope("billing:read", reach="complex")
@blueprint.arguments(TariffArguments, location="query", unknown=RAISE)
@blueprint.response(200, TariffListSchema)
def list_tariffs(asked: dict[str, Any]) -> dict[str, Any]:
    """The tariffs in force, each until the next begins."""
    with service().database.session() as session:
        return {"items": [plain_tariff(row) for row in tariffs.listed(session, current_district_id(), **asked)]}


@blueprint.post("/tariffs")
@rules.scope("billing:close")
@blueprint.arguments(NewTariffSchema)
@blueprint.response(201, TariffIdSchema)
def add_tariff(given: dict[str, Any]) -> dict[str, int]:
    """Add a tariff from a day on, or put it in the place of the one of that day."""
    tariff = tariff_of(given.pop("first_day"), given.pop("terms"))
    with service().database.begin() as session:
        wanted = tariffs.Wanted(tariff=tariff, **given)
        return {"id": tariffs.add(session, current_district_id(), wanted, current_actor(), now())}


@blueprint.post(f"/tariffs/<{NUMBER}:tariff_id>/withdrawal")
@rules.scope("billing:close")
@blueprint.arguments(WithdrawalOfTariffSchema)
@blueprint.response(204)
def withdraw_tariff(given: dict[str, Any], tariff_id: int) -> None:
    """Take a tariff out again; the one before it goes on."""
    with service().database.begin() as session:
        tariffs.withdraw(session, current_district_id(), tariff_id, given["reason"], current_actor(), now())


@blueprint.get("/payer-classes")
@rules.scope("billing:read", reach="complex")
@blueprint.response(200, PayerClassListSchema)
def list_classes() -> dict[str, Any]:
    """Payer classes that there are, and those offered."""
    with service().database.session() as session:
        return {"items": classes.listed(session, current_district_id())}


@blueprint.post("/payer-classes")
@rules.scope("billing:close")
@blueprint.arguments(NewPayerClassSchema)
@blueprint.response(204)
def add_class(given: dict[str, Any]) -> None:
    """Add a payer class of the district's own."""
    with service().database.begin() as session:
        classes.add(session, current_district_id(), **given, actor=current_actor(), now=now())


@blueprint.get(f"/households/<{NUMBER}:household_id>/classes")
@rules.scope("billing:read", reach="complex")
@blueprint.response(200, TenancyClassListSchema)
def show_household_classes(household_id: int) -> dict[str, Any]:
    """The payer classes of a household's tenancies, named only for those who may see them."""
    may_see = classes.may_see(current_identity())
    with service().database.session() as session:
        where = (session, current_district_id(), household_id, current_reach())
        return {"items": classes.of_household(*where, may_see)}


@blueprint.post(f"/households/<{NUMBER}:household_id>/classes")
@rules.scope("billing:write")
@blueprint.arguments(NewClassSchema)
@blueprint.response(204)
def set_class(given: dict[str, Any], household_id: int) -> None:
    """Put a tenancy of the household into a class from a month on."""
    with service().database.begin() as session:
        district_id = current_district_id()
        tenancy_id = classes.tenancy_of(session, district_id, household_id, given["tenancy_id"])
        said = (month_named(given["first_month"]), given["payer_class"], given["reason"])
        classes.set_class(session, district_id, tenancy_id, *said, current_actor(), now())


@blueprint.get("/terms")
@rules.scope("billing:read", reach="complex")
@blueprint.arguments(MonthArguments, location="query", unknown=RAISE)
@blueprint.response(200, ComplexTermsListSchema)
def list_terms(asked: dict[str, Any]) -> dict[str, Any]:
    """How each complex is billed in a month, this one unless told."""
    month = _month(asked)
    with service().database.session() as session:
        rows = terms.listed(session, current_district_id(), current_reach(), month)
    return {
        "month": f"{month:%Y-%m}",
        "items": [{"complex": row.pop("code"), "complex_name": row.pop("name")} | row for row in rows],
    }


@blueprint.post("/terms")
@rules.scope("billing:close")
@blueprint.arguments(NewTermsSchema)
@blueprint.response(200, ChangedComplexesSchema)
def set_terms(given: dict[str, Any]) -> dict[str, int]:
    """Bill complexes by other terms from a month on."""
    wanted = Terms(*(given[name] for name in Terms._fields))
    said = (given["complexes"], month_named(given["first_month"]), wanted, given["reason"])
    with service().database.begin() as session:
        return {"changed": terms.change(session, current_district_id(), *said, current_actor(), now())}


@blueprint.get("/weights")
@rules.scope("billing:read", reach="complex")
@blueprint.arguments(MonthArguments, location="query", unknown=RAISE)
@blueprint.response(200, WeightListSchema)
def list_weights(asked: dict[str, Any]) -> dict[str, Any]:
    """What complexes weighed elsewhere in a month, as by the truck."""
    month = _month(asked)
    with service().database.session() as session:
        items = weights.listed(session, current_district_id(), current_reach(), month)
    return {"month": f"{month:%Y-%m}", "items": items}


@blueprint.post("/weights")
@rules.scope("billing:write")
@blueprint.arguments(NewWeightsSchema)
@blueprint.response(200, ChangedComplexesSchema)
def set_weights(given: dict[str, Any]) -> dict[str, int]:
    """Write what complexes weighed elsewhere in a month."""
    month = month_named(given["month"])
    grams = {each["complex"]: each["weighed_g"] for each in given["weights"]}
    with service().database.begin() as session:
        said = (month, grams, given["source"])
        return {"changed": weights.set_weights(session, current_district_id(), *said, current_actor(), now())}


@blueprint.get("/limits")
@rules.scope("billing:read", reach="complex")
@blueprint.response(200, LimitsSchema)
def show_limits() -> dict[str, int]:
    """The limits and windows in force."""
    with service().database.session() as session:
        return policy.of(session, current_district_id())._asdict()


@blueprint.put("/limits")
@rules.scope("billing:close")
@blueprint.arguments(LimitsSchema)
@blueprint.response(204)
def set_limits(given: dict[str, int]) -> None:
    """Set the limits and windows."""
    with service().database.begin() as session:
        policy.change(session, current_district_id(), policy.Policy(**given), current_actor(), now())


@blueprint.get("/what-if")
@rules.scope("billing:read", reach="complex")
@blueprint.arguments(WhatIfArguments, location="query", unknown=RAISE)
@blueprint.response(200, WhatIfSchema)
def compare(asked: dict[str, Any]) -> dict[str, Any]:
    """What a month would have cost by another tariff. Nothing is stored."""
    tariff = tariff_of(service_day(now()), _terms(asked))
    draft = what_if.Draft(asked["scheme"], asked["payer_class"], tariff)
    named = classes.may_name(current_identity(), draft.payer_class)
    with service().database.session() as session:
        where = (session, current_district_id(), current_reach())
        month = _month(asked) if "month" in asked else what_if.usual_month(*where[:2], service_day(now()))
        found = what_if.compare(*where, draft, month, now() - SETTLED, asked.get("complex"), named=named)
    return plain_result(found, tariff)


def _terms(asked: dict[str, Any]) -> Any:
    if "terms" not in asked:
        if "won_per_kg" not in asked:
            raise Problem("invalid", errors={"won_per_kg": _l("Give “won_per_kg” or “terms”.")})
        return {"tiers": [{"from_g": 0, "won_per_kg": asked["won_per_kg"]}]}
    try:
        return json.loads(asked["terms"])
    except (ValueError, RecursionError):
        return None


def _month(asked: dict[str, Any]) -> date:
    return month_named(asked["month"]) if "month" in asked else month_of(service_day(now()))
