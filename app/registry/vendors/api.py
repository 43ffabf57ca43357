"""The people's API of vendors: staff keep all of them, a vendor's people their own profile."""

from typing import Any

from flask_smorest import Blueprint
from marshmallow import RAISE

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_reach
from app.context import service
from app.problems import Problem
from app.registry.vendors import queries
from app.registry.vendors import service as vendors
from app.registry.vendors.schemas import (
    VendorAddSchema,
    VendorArguments,
    VendorChangeSchema,
    VendorEndSchema,
    VendorPage,
    VendorSchema,
)
from app.times import now

blueprint = Blueprint("vendors", __name__, url_prefix="/api/v1", description="Vendors")
VENDOR = "/vendors/<string(maxlength=40):code>"


@blueprint.get("/vendors")
@rules.scope("vendor:read")
@blueprint.arguments(VendorArguments, location="query", unknown=RAISE)
@blueprint.response(200, VendorPage)
def list_vendors(page: dict[str, Any]) -> dict[str, Any]:
    """Vendors by code."""
    with service().database.session() as session:
        items = queries.vendor_page(session, current_district_id(), **page)
    return {"items": items, "next_after": items[-1]["code"] if len(items) == page["limit"] else None}


@blueprint.post("/vendors")
@rules.scope("vendor:write")
@blueprint.arguments(VendorAddSchema)
@blueprint.response(201, VendorSchema)
def add_vendor(wanted: dict[str, Any]) -> dict[str, Any]:
    """Add a manufacturer or sales point."""
    district_id, code, kind = current_district_id(), wanted.pop("code"), wanted.pop("kind")
    with service().database.begin() as session:
        vendors.add(session, district_id, code, kind, wanted, current_actor(), now())
        return queries.vendor(session, district_id, code)


@blueprint.get(VENDOR)
@rules.scope("vendor:read", reach="vendor")
@blueprint.response(200, VendorSchema)
def show_vendor(code: str) -> dict[str, Any]:
    """One vendor."""
    with service().database.session() as session:
        return queries.vendor(session, current_district_id(), code, current_reach())


@blueprint.patch(VENDOR)
@rules.scope("vendor:write", reach="vendor")
@blueprint.arguments(VendorChangeSchema)
@blueprint.response(200, VendorSchema)
def change_vendor(wanted: dict[str, Any], code: str) -> dict[str, Any]:
    """Set fields of a vendor; its own people only those that are theirs."""
    district_id, reach = current_district_id(), current_reach()
    with service().database.begin() as session:
        queries.vendor(session, district_id, code, reach)
        refuse_others_fields(wanted, reach.whole)
        vendors.change(session, district_id, code, wanted, current_actor(), now())
        return queries.vendor(session, district_id, code, reach)


@blueprint.post(f"{VENDOR}/end")
@rules.scope("vendor:write")
@blueprint.arguments(VendorEndSchema)
@blueprint.response(204)
def end_vendor(wanted: dict[str, Any], code: str) -> None:
    """A vendor is one no longer from a day on."""
    with service().database.begin() as session:
        vendors.end(session, current_district_id(), code, **wanted, actor=current_actor(), now=now())


def refuse_others_fields(wanted: dict[str, Any], staff: bool) -> None:
    """Raise `invalid` where a vendor's people set what the district keeps."""
    kept = {} if staff else {name: vendors.STAFF_ALONE for name in wanted if name not in vendors.OWN}
    if kept:
        raise Problem("invalid", errors=kept)
