"""The people's API of meters and reducers: where they stand, and their moves."""

from typing import Any

from flask_smorest import Blueprint
from marshmallow import RAISE

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_reach
from app.context import service
from app.metering.devices import service as moves
from app.metering.devices.queries import alive_days, free_from
from app.metering.devices.schemas import (
    InstallReducerSchema,
    MeterArguments,
    MeterDetailSchema,
    MeterInstallSchema,
    MeterMoveSchema,
    MeterPage,
    MeterRetireSchema,
    MeterSchema,
    ReducerArguments,
    ReducerPage,
    ReducerSchema,
    RetireReducerSchema,
)
from app.registry.certificates import queries as certificates
from app.registry.devices import queries
from app.registry.devices import service as devices
from app.registry.devices.queries import Standing, Wanted, find_meter
from app.registry.devices.service import To
from app.times import now
from billing.days import service_day

blueprint = Blueprint("devices", __name__, url_prefix="/api/v1", description="Meters and reducers")
METER = "/meters/<string(maxlength=40):code>"


@blueprint.get("/meters")
@rules.scope("registry:read", reach="complex")
@blueprint.arguments(MeterArguments, location="query", unknown=RAISE)
@blueprint.response(200, MeterPage)
def list_meters(asked: dict[str, Any]) -> dict[str, Any]:
    """Meters by code: where each stands, its gateway and its certificate."""
    moment, after, limit = now(), asked.pop("after"), asked.pop("limit")
    where = (current_district_id(), moment, service_day(moment), current_reach())
    with service().database.session() as session:
        items = queries.meter_page(session, *where, Wanted(**asked), after, limit)
    return {"items": items, "next_after": items[-1]["code"] if len(items) == limit else None}


@blueprint.post("/meters")
@rules.scope("registry:write")
@blueprint.arguments(MeterInstallSchema)
@blueprint.response(201, MeterSchema)
def install(wanted: dict[str, Any]) -> dict[str, Any]:
    """Install a new meter, or one that was retired."""
    moment, code, name = now(), wanted["code"], wanted["name"]
    with service().database.begin() as session:
        meter = devices.install(
            session, current_district_id(), code, _to(wanted, moment), current_actor(), moment, name
        )
        return _row(session, meter)


@blueprint.get(METER)
@rules.scope("registry:read", reach="complex")
@blueprint.response(200, MeterDetailSchema)
def show_meter(code: str) -> dict[str, Any]:
    """One meter: where it stands and stood, its certificates, and how long it was alive on the last days."""
    moment, district_id, reach = now(), current_district_id(), current_reach()
    with service().database.session() as session:
        meter = find_meter(session, district_id, code, moment, reach)
        places = queries.places(session, district_id, meter.id, reach)
        complexes = {place["complex_id"] for place in places}
        return _row(session, meter) | {
            "places": places,
            "certificates": certificates.of_meter(session, district_id, meter.id),
            "alive": alive_days(session, district_id, meter.id, complexes, moment),
            "free_from": free_from(session, meter),
        }


@blueprint.post(f"{METER}/moves")
@rules.scope("registry:write")
@blueprint.arguments(MeterMoveSchema)
@blueprint.response(200, MeterSchema)
def move(wanted: dict[str, Any], code: str) -> dict[str, Any]:
    """Move a meter to another complex or gateway; not before what it weighed where it stands."""
    moment = now()
    with service().database.begin() as session:
        to, reason = _to(wanted, moment), wanted["reason"]
        return _row(session, moves.move(session, current_district_id(), code, to, reason, current_actor(), moment))


@blueprint.post(f"{METER}/retirement")
@rules.scope("registry:write")
@blueprint.arguments(MeterRetireSchema)
@blueprint.response(204)
def retire(wanted: dict[str, Any], code: str) -> None:
    """Take a meter away from where it stands."""
    moment = now()
    with service().database.begin() as session:
        at = wanted.get("at", moment)
        moves.retire(session, current_district_id(), code, at, wanted["reason"], current_actor(), moment)


@blueprint.get("/reducers")
@rules.scope("registry:read", reach="complex")
@blueprint.arguments(ReducerArguments, location="query", unknown=RAISE)
@blueprint.response(200, ReducerPage)
def list_reducers(page: dict[str, Any]) -> dict[str, Any]:
    """Reducers by code."""
    with service().database.session() as session:
        items = queries.reducer_page(session, current_district_id(), current_reach(), **page)
    return {"items": items, "next_after": items[-1]["code"] if len(items) == page["limit"] else None}


@blueprint.post("/reducers")
@rules.scope("registry:write")
@blueprint.arguments(InstallReducerSchema)
@blueprint.response(201, ReducerSchema)
def install_reducer(wanted: dict[str, Any]) -> dict[str, Any]:
    """Register a reducer at a complex."""
    district_id, moment = current_district_id(), now()
    values = (wanted["code"], wanted["complex"], wanted["installed_on"])
    with service().database.begin() as session:
        devices.install_reducer(session, district_id, *values, current_actor(), moment)
        return queries.reducer_row(session, district_id, wanted["code"])


@blueprint.post("/reducers/<string(maxlength=40):code>/retirement")
@rules.scope("registry:write")
@blueprint.arguments(RetireReducerSchema)
@blueprint.response(204)
def retire_reducer(wanted: dict[str, Any], code: str) -> None:
    """A reducer is used no longer."""
    with service().database.begin() as session:
        devices.retire_reducer(session, current_district_id(), code, **wanted, actor=current_actor(), now=now())


def _to(wanted: dict[str, Any], moment: Any) -> To:
    return To(wanted["complex"], wanted["gateway"], wanted.get("at", moment))


def _row(session: Any, meter: Standing) -> dict[str, Any]:
    return queries.meter_row(session, meter, now())
