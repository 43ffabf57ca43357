"""Pages of faults: the desk, one fault, a report, and the count by month."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask import Response as FlaskResponse
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_identity, current_reach
from app.context import service
from app.fleet.faults import queries, statistics, words
from app.fleet.faults import rules as policy
from app.fleet.faults import service as faults
from app.fleet.faults.policy import CLASSES
from app.fleet.faults.queries import LISTS, Wanted
from app.fleet.faults.schemas import FIRST_YEAR, LAST_YEAR
from app.languages import choose_language
from app.problems import Problem
from app.schemas import MAX_ID
from app.texts import Text
from app.times import now
from app.web import fields
from app.web.fields import MOST_DIGITS, Fields
from app.web.forms import errors_of, failure_of, flashed, typed
from billing.days import service_day

blueprint = Blueprint("fault_pages", __name__)

PAGE = 100
DIRECTLY = 200  # so many meters are offered at once; of more, first the complex is chosen
FAULT = f"/faults/<int(max={MAX_ID}):fault_id>"
WHICH = {
    "open": _l("Open"),
    "overdue": _l("Past its due time"),
    "unowned": _l("Without anybody in charge"),
    "closed": _l("Closed faults"),
    "all": _l("All"),
}
DONE = {
    "take": _l("You are in charge now."),
    "note": _l("The note is added."),
    "close": _l("The fault is closed."),
    "class": _l("The class is changed."),
    "owner": _l("Somebody else is in charge now, and is told."),
    "due": _l("The due time is changed."),
}
MANAGED = ("owner", "due")


@blueprint.get("/faults")
@rules.scope("fault:read", reach="complex")
def desk() -> str:
    """What is broken: open faults by their due time, found by list, class, complex and person."""
    asked = _asked()
    identity, moment = current_identity(), now()
    wanted = Wanted(
        asked.get("which", "open"),
        asked.get("fault_class"),
        asked.get("complex"),
        identity.account_id if asked.get("mine") else None,
        _id("incident"),
    )
    with service().database.session() as session:
        here = (session, current_district_id(), current_reach())
        rows = queries.fault_page(*here, moment, wanted, _id("after"), PAGE + 1)
        counts, by_class = queries.fault_counts(*here, moment, identity.account_id), queries.open_by_class(*here)
        incidents = queries.incident_page(*here, open_only=True)
        incident = queries.incident_detail(*here, wanted.incident_id) if wanted.incident_id else None
        complexes = queries.complexes_within(*here)
    more = rows[PAGE - 1]["id"] if len(rows) > PAGE else None
    found = {"faults": rows[:PAGE], "more": more, "counts": counts, "by_class": by_class, "complexes": complexes}
    return render_template(
        "faults.html", **found, incidents=incidents, incident=incident, asked=asked, told=flashed(), **shared()
    )


@blueprint.get("/faults/new")
@rules.scope("fault:write", reach="complex")
def new() -> str:
    """The form to report a fault at a bin."""
    return _report({"meter": request.args.get("meter", "")[:40]})


@blueprint.post("/faults/new")
@rules.scope("fault:write", reach="complex")
def report() -> Response | tuple[str, int]:
    """Report a fault at a bin."""
    given = typed("meter", "fault_class", "words")
    try:
        with service().database.begin() as session:
            here = (session, current_district_id(), current_reach())
            made = faults.report_fault(
                *here, given["meter"], given["fault_class"], given["words"], current_actor(), now()
            )
    except Problem as problem:
        return _report(given, problem), 422
    flash(_("The fault is reported; whoever is in charge is told."))
    return redirect(url_for("fault_pages.fault", fault_id=made))


@blueprint.get(FAULT)
@rules.scope("fault:read", reach="complex")
def fault(fault_id: int) -> str:
    """One fault: what was seen where, who is in charge, what happened, and what can be done."""
    return _fault(fault_id)


@blueprint.post(FAULT)
@rules.scope("fault:write", reach="complex")
def act(fault_id: int) -> Response | tuple[str, int]:
    """Take a fault, note, close, reclassify; staff also give it to somebody or change its due time."""
    action = request.form.get("action", "")
    try:
        _act(fault_id, action)
    except Problem as problem:
        if problem.slug in ("not-found", "not-allowed"):
            raise
        return _fault(fault_id, action, problem), 422
    flash(str(DONE[action]))
    return redirect(url_for("fault_pages.fault", fault_id=fault_id))


@blueprint.get("/faults/statistics")
@rules.scope("fault:read", reach="complex")
def by_month() -> str:
    """Faults by class and month of a year."""
    year, rows = _by_month()
    total = {name: sum(row["by_class"][name] for row in rows) for name in CLASSES}
    return render_template("fault_statistics.html", year=year, rows=rows, total=total, classes=CLASSES, **shared())


@blueprint.get("/faults/statistics.csv")
@rules.scope("fault:read", reach="complex")
def by_month_csv() -> FlaskResponse:
    """The same as a file for spreadsheets."""
    year, rows = _by_month()
    headers = {"Content-Disposition": f"attachment; filename=faults-{year}.csv"}
    return FlaskResponse(statistics.as_csv(rows), mimetype="text/csv", headers=headers)


def _act(fault_id: int, action: str) -> None:
    identity = current_identity()
    if action in MANAGED and not (identity.may("fault:manage") and identity.reach.whole):
        raise Problem("not-allowed", scope="fault:manage")
    if action not in DONE:
        raise Problem("invalid", errors={"action": action[:40]})
    form, moment = Fields(action), now()
    calls: dict[str, tuple[Any, Callable[[], dict[str, Any]]]] = {
        "take": (faults.take_fault, lambda: {"account_id": identity.account_id}),
        "note": (faults.note_fault, lambda: {"note": form.text("note")}),
        "close": (faults.close_fault, lambda: {"note": form.text("note")}),
        "class": (
            faults.reclassify_fault,
            lambda: {"fault_class": form.text("fault_class"), "note": form.text("note")},
        ),
        "owner": (faults.assign_fault, lambda: {"login": form.text("owner")}),
        "due": (faults.change_due, lambda: {"due_at": form.moment("due_at", moment), "note": form.text("note")}),
    }
    use_case, wanted = calls[action]
    values = wanted()
    form.check()
    with service().database.begin() as session:
        here = (session, current_district_id(), current_reach(), fault_id)
        use_case(*here, **values, actor=current_actor(), now=moment)


def _fault(fault_id: int, action: str = "", refusal: Problem | None = None) -> str:
    with service().database.session() as session:
        district_id = current_district_id()
        row = queries.fault_detail(session, district_id, current_reach(), fault_id, now())
        manages = current_identity().may("fault:manage") and current_reach().whole
        people = policy.answerers(session, district_id, row["complex_id"]) if manages else []
    given = {"class_fault_class": row["fault_class"], "owner_owner": row["owner"]} | dict(request.form.items())
    said = {"told": flashed(), "failure": failure_of(refusal) if refusal else ""}
    errors = fields.errors_of(action, refusal) if refusal else {}
    return render_template(
        "fault.html", row=row, people=people, manages=manages, given=given, errors=errors, **said, **shared()
    )


def _report(given: dict[str, str], refusal: Problem | None = None) -> str:
    with service().database.session() as session:
        here = (session, current_district_id(), current_reach())
        complexes = queries.complexes_within(*here)
        code = request.args.get("complex", "")[:40] or None
        meters = queries.standing_meters(*here, now(), code, DIRECTLY + 1)
    choosing = len(meters) > DIRECTLY
    return render_template(
        "fault_report.html",
        meters=[] if choosing else meters,
        complexes=complexes if choosing or code else [],
        code=code,
        given=given,
        errors=errors_of(refusal) if refusal else {},
        failure=failure_of(refusal) if refusal else "",
        **shared(),
    )


def _by_month() -> tuple[int, list[dict[str, Any]]]:
    moment = now()
    text = request.args.get("year", "")
    year = int(text) if is_whole(text) and FIRST_YEAR <= int(text) <= LAST_YEAR else statistics.year_of(moment)
    with service().database.session() as session:
        return year, statistics.by_month(session, current_district_id(), current_reach(), year, moment)


def _asked() -> dict[str, Any]:
    """What of the address narrows the list; what makes no sense is left out."""
    asked: dict[str, Any] = {}
    if request.args.get("which") in LISTS:
        asked["which"] = request.args["which"]
    if request.args.get("fault_class") in CLASSES:
        asked["fault_class"] = request.args["fault_class"]
    if code := request.args.get("complex", "")[:40]:
        asked["complex"] = code
    if request.args.get("mine"):
        asked["mine"] = "1"
    if (incident := _id("incident")) is not None:
        asked["incident"] = incident
    return asked


def _id(name: str) -> int | None:
    text = request.args.get(name, "")
    return int(text) if is_whole(text) and 0 < int(text) < MAX_ID else None


def shared() -> dict[str, Any]:
    """What every page of faults is given: words in the reader's language, and what they may do."""
    identity = current_identity()
    language = choose_language()

    def said(text: Text) -> str:
        return text.said(language)

    return {
        "words": words,
        "said": said,
        "which_names": WHICH,
        "class_choices": [(name, said(words.CLASS_NAMES[name])) for name in CLASSES],
        "today": service_day(now()),
        "may_write": identity.may("fault:write"),
        "sees_district": identity.reach.whole,
    }


def is_whole(text: str) -> bool:
    """Whether a text is a whole number that is not absurd."""
    return text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS
