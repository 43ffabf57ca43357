"""A month's board and its warnings for programs."""

from typing import Any

from flask_smorest import Blueprint
from marshmallow import RAISE

from app.access import rules
from app.access.accounts import current_district_id, current_reach
from app.context import service
from app.problems import Problem
from app.statements import warnings
from app.statements.api import month_of
from app.statements.board import board
from app.statements.checks.asked import After, Asked, narrowed
from app.statements.checks.schemas import BoardArguments, BoardSchema, WarningArguments, WarningPage
from app.times import now

blueprint = Blueprint(
    "billing_board", __name__, url_prefix="/api/v1/billing", description="What blocks closing a month"
)
MONTH = "/months/<string(maxlength=10):month>"


@blueprint.get(f"{MONTH}/board")
@rules.scope("billing:read", reach="complex")
@blueprint.arguments(BoardArguments, location="query", unknown=RAISE)
@blueprint.response(200, BoardSchema)
def show_board(asked: dict[str, bool], month: str) -> dict[str, Any]:
    """Each complex's month: how far it is, what it amounts to, what blocks it and what to look at first."""
    with service().database.session() as session:
        found = board(session, current_district_id(), month_of(month), current_reach(), now())
    items = [row for row in found.rows if row["blocks"] or not asked["blocked"]]
    return found._asdict() | {"ready": found.ready, "items": items}


@blueprint.get(f"{MONTH}/warnings/<string(maxlength=20):kind>")
@rules.scope("billing:read", reach="complex")
@blueprint.arguments(WarningArguments, location="query", unknown=RAISE)
@blueprint.response(200, WarningPage)
def list_warnings(page: dict[str, Any], month: str, kind: str) -> dict[str, Any]:
    """The rows of one kind of warning, complex by complex."""
    if kind not in warnings.KINDS:
        raise Problem("not-found")
    with service().database.session() as session:
        here = (session, current_district_id())
        asked = narrowed(Asked(*here, month_of(month), current_reach(), now()), page.get("complex", ""))
        items = warnings.rows(asked, kind, after_of(page.get("after")), page["limit"])
    return {"items": items, "next_after": named(items[-1]) if len(items) == page["limit"] else None}


def after_of(text: str | None) -> After | None:
    """Where a page of warnings goes on: `COMPLEX_ID.KEY`."""
    if not text:
        return None
    complex_id, _, key = text.partition(".")
    return int(complex_id), int(key)


def named(row: dict[str, Any]) -> str:
    """What the next page goes on after."""
    return f"{row['complex_id']}.{row['key']}"
