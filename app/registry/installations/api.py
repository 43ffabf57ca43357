"""The people's API of the programme: applications, their steps, and the table of what was installed."""

from typing import Any

from flask_smorest import Blueprint
from marshmallow import RAISE

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_reach
from app.context import service
from app.problems import Problem
from app.registry.installations import queries
from app.registry.installations import service as programme
from app.registry.installations.schemas import (
    ApplicationArguments,
    ApplicationDetailSchema,
    ApplicationPage,
    ApplicationTakeStepSchema,
    ApplicationWishSchema,
    CountsChangedSchema,
    InstallationTargetSchema,
    InstalledTableSchema,
    OpeningCountListSchema,
)
from app.registry.installations.service import Count, Step, Wish
from app.times import now

blueprint = Blueprint("installations", __name__, url_prefix="/api/v1", description="The installation programme")
APPLICATION = "/installations/<int(max=2147483647):application_id>"


@blueprint.get("/installations")
@rules.scope("registry:read", reach="complex")
@blueprint.arguments(ApplicationArguments, location="query", unknown=RAISE)
@blueprint.response(200, ApplicationPage)
def list_applications(page: dict[str, Any]) -> dict[str, Any]:
    """Applications of complexes, the newest first."""
    with service().database.session() as session:
        items = queries.application_page(session, current_district_id(), current_reach(), **page)
    return {"items": items, "next_before": items[-1]["id"] if len(items) == page["limit"] else None}


@blueprint.post("/installations")
@rules.scope("programme:apply", reach="complex")
@blueprint.arguments(ApplicationWishSchema)
@blueprint.response(201, ApplicationDetailSchema)
def apply(wanted: dict[str, Any]) -> dict[str, Any]:
    """Apply for meters or a reducer. `few` in the answer warns of fewer than 60 households."""
    district_id, reach = current_district_id(), current_reach()
    with service().database.begin() as session:
        made = programme.apply(session, district_id, Wish(**wanted), current_actor(), now(), reach)
        return queries.application(session, district_id, made.id, reach)


@blueprint.get(APPLICATION)
@rules.scope("registry:read", reach="complex")
@blueprint.response(200, ApplicationDetailSchema)
def show_application(application_id: int) -> dict[str, Any]:
    """One application with its steps."""
    with service().database.session() as session:
        return queries.application(session, current_district_id(), application_id, current_reach())


@blueprint.post(f"{APPLICATION}/steps")
@rules.scope("registry:write")
@blueprint.arguments(ApplicationTakeStepSchema)
@blueprint.response(201, ApplicationDetailSchema)
def take_step(wanted: dict[str, Any], application_id: int) -> dict[str, Any]:
    """Take an application to its next state."""
    district_id = current_district_id()
    step = Step(**wanted | {"meters": tuple(wanted["meters"])})
    with service().database.begin() as session:
        programme.take_step(session, district_id, application_id, step, current_actor(), now())
        return queries.application(session, district_id, application_id)


@blueprint.get("/installations/table")
@rules.scope("registry:read")
@blueprint.response(200, InstalledTableSchema)
def show_table() -> dict[str, Any]:
    """What was installed by year and kind, with targets."""
    with service().database.session() as session:
        return queries.table(session, current_district_id())


@blueprint.post("/installations/counts")
@rules.scope("registry:write")
@blueprint.arguments(OpeningCountListSchema)
@blueprint.response(200, CountsChangedSchema)
def set_counts(wanted: dict[str, Any]) -> dict[str, int]:
    """Take over what an earlier system counted; a year that is known is counted anew."""
    counts = [Count(**count) for count in wanted["counts"]]
    with service().database.begin() as session:
        changed = programme.set_counts(session, current_district_id(), counts, current_actor(), now())
    if not changed:
        raise Problem("nothing-changes")
    return {"changed": changed}


@blueprint.post("/installations/targets")
@rules.scope("registry:write")
@blueprint.arguments(InstallationTargetSchema)
@blueprint.response(204)
def set_target(wanted: dict[str, Any]) -> None:
    """Set how many are to be installed in a year."""
    with service().database.begin() as session:
        programme.set_target(session, current_district_id(), **wanted, actor=current_actor(), now=now())
