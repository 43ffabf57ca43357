"""The month's board: how far each complex is, what blocks closing it; previews, reviews and closing from there."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from app.access import audit, rules
from app.access.accounts import current_actor, current_district_id, current_identity, current_reach
from app.context import service
from app.problems import KINDS, Problem
from app.registry.devices.queries import complex_choices
from app.statements import board as boards
from app.statements import runs, warnings
from app.statements.board import SORTS, Board
from app.statements.checks.api import after_of, named
from app.statements.checks.asked import Asked, narrowed
from app.statements.runs import Outcome
from app.times import now
from app.web import billing_words as words
from app.web import board_words, tariff_words
from app.web.billing_pages import month_of_address
from app.web.forms import failure_of, flashed, typed
from billing.days import service_day

blueprint = Blueprint("board_pages", __name__)

PAGE = 100
MONTH = "/billing/<string(length=7):month>"
PREVIEWED = _l("The preview is made.")
CLOSED = _l("The month is closed. What changes from now on becomes an adjustment.")


@blueprint.get("/billing")
@rules.scope("billing:read", reach="complex")
def newest() -> Response:
    """The board of the newest month that is not closed."""
    with service().database.session() as session:
        month = boards.newest_open(session, current_district_id(), current_reach(), now())
    return redirect(url_for("board_pages.board", month=f"{month:%Y-%m}"))


@blueprint.get(MONTH)
@rules.scope("billing:read", reach="complex")
def board(month: str) -> str:
    """Each complex of a month: how far it is, what it amounts to, and what blocks it."""
    return _board(month_of_address(month))


@blueprint.post(f"{MONTH}/preview")
@rules.scope("billing:write")
def preview(month: str) -> str | Response | tuple[str, int]:
    """Make the previews of all complexes that are not closed, or of one."""
    first_day = month_of_address(month)
    codes = _chosen(_read(first_day).not_final)
    how = (first_day, codes, current_actor(), now())
    return _told(first_day, runs.preview_month(service().database, current_district_id(), *how), "preview", PREVIEWED)


@blueprint.post(f"{MONTH}/finalise")
@rules.scope("billing:close")
def finalise(month: str) -> str | Response | tuple[str, int]:
    """Close the month of all complexes that are ready, or of one, as the board showed them."""
    first_day = month_of_address(month)
    found = _read(first_day)
    if found.seen != typed("seen")["seen"]:
        return _board(first_day, Problem("preview-changed")), 422
    how = (first_day, _chosen(found.ready), current_actor(), now())
    shown = {row["complex_id"]: row["content_hash"] for row in found.rows if row["content_hash"]}
    outcomes = runs.finalise_month(service().database, current_district_id(), *how, seen=shown)
    return _told(first_day, outcomes, "final", CLOSED)


@blueprint.get(f"{MONTH}/warnings/<string(maxlength=20):kind>")
@rules.scope("billing:read", reach="complex")
def show_warnings(month: str, kind: str) -> str:
    """The rows of one kind of warning, and what to do about them."""
    first_day = month_of_address(month)
    if kind not in warnings.KINDS:
        raise Problem("not-found")
    code = request.args.get("complex", "")[:40]
    with service().database.session() as session:
        here = (session, current_district_id())
        asked = narrowed(Asked(*here, first_day, current_reach(), now()), code)
        names = tariff_words.class_names(session, current_district_id())
        rows = [row | _class_name(row, names) for row in warnings.rows(asked, kind, _after(), PAGE + 1)]
        choices = complex_choices(*here, current_reach())
    again: dict[str, Any] = {"month": month, "kind": kind, "complex": code or None}
    more = url_for("board_pages.show_warnings", after=named(rows[PAGE - 1]), **again) if len(rows) > PAGE else None
    told = {"kind": kind, "warned": board_words.WARNINGS[kind], "rows": rows[:PAGE], "more": more, "choices": choices}
    return render_template("warnings.html", month=first_day, asked={"complex": code}, **told, **_shared())


def _board(month: date, refusal: Problem | None = None) -> str:
    found = _read(month)
    with service().database.session() as session:
        months = boards.months(session, current_district_id(), current_reach(), now())
    asked = _asked()
    rows = boards.sorted_rows(found.rows, asked["sort"].removeprefix("-"), asked["sort"].startswith("-"))
    if asked["blocked"]:
        rows = [row for row in rows if row["blocks"]]
    if asked["warning"]:
        rows = [row for row in rows if asked["warning"] in row["warnings"]]
    said = {"told": flashed(), "failure": failure_of(refusal) if refusal else ""}
    return render_template(
        "board.html", found=found, rows=rows, months=months, asked=asked, sort_path=_sort_path, **said, **_shared()
    )


def _read(month: date) -> Board:
    with service().database.session() as session:
        return boards.board(session, current_district_id(), month, current_reach(), now())


def _asked() -> dict[str, str]:
    """What of the address narrows and sorts the rows; what makes no sense is left out."""
    sort, warning = request.args.get("sort", ""), request.args.get("warning", "")
    return {
        "sort": sort if sort.removeprefix("-") in SORTS else "complex",
        "blocked": "1" if request.args.get("blocked") else "",
        "warning": warning if warning in warnings.KINDS else "",
    }


def _sort_path(month: date, name: str) -> str:
    """The address of the same rows sorted by a column: amounts from the largest on, the other way round next time."""
    asked = _asked()
    first, second = (name, f"-{name}") if name in ("complex", "state") else (f"-{name}", name)
    narrowed: dict[str, Any] = {key: value for key, value in asked.items() if value and key != "sort"}
    sort = second if asked["sort"] == first else first
    return url_for("board_pages.board", month=f"{month:%Y-%m}", sort=sort, **narrowed)


def _chosen(otherwise: Sequence[str]) -> Sequence[str]:
    """The one complex that was chosen, else all of these."""
    one = typed("one")["one"]
    return [one] if one else otherwise


def _told(month: date, outcomes: Sequence[Outcome], wanted: str, told: Any) -> str | Response | tuple[str, int]:
    """Back to the board where one complex went well; else what became of each.

    The answer is no redirect: it is too long to be carried over, and to send the form again changes nothing.
    """
    if not any(outcome.changed for outcome in outcomes):
        audit.nothing_changed()
    refused = [outcome for outcome in outcomes if outcome.problem]
    if len(outcomes) == 1 and not refused:
        flash(str(told))
        return redirect(url_for("board_pages.board", month=f"{month:%Y-%m}"))
    done = [outcome for outcome in outcomes if not outcome.problem]
    with service().database.session() as session:
        names = tariff_words.class_names(session, current_district_id())
    given = {"done": done, "refused": refused, "wanted": wanted, "kinds": KINDS, "class_names": names}
    page = render_template("month_result.html", month=month, **given, **_shared())
    return (page, 422) if refused and not done else page


def _class_name(row: dict[str, Any], names: dict[str, str]) -> dict[str, str]:
    return {"class_name": names.get(row["payer_class"], row["payer_class"])} if "payer_class" in row else {}


def _after() -> tuple[int, int] | None:
    """Where a page of warnings begins; what makes no sense begins at the first row."""
    text = request.args.get("after", "")
    parts = text.split(".")
    whole = len(parts) == 2 and all(part.isascii() and part.isdecimal() and len(part) < 10 for part in parts)
    return after_of(text) if whole else None


def _shared() -> dict[str, Any]:
    identity = current_identity()
    may: Callable[[str], bool] = identity.may
    given = {"words": words, "board_words": board_words, "may": may, "sees_district": identity.reach.whole}
    return given | {"today": service_day(now())}
