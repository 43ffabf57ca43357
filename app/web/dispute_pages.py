"""The disputes desk: objections to lines of statements, what they are about, and how they end."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_identity, current_reach
from app.context import service
from app.fleet.faults.words import CLASS_NAMES
from app.languages import choose_language
from app.problems import Problem
from app.registry.certificates.words import STATES as CERTIFICATES
from app.registry.devices.queries import complex_choices
from app.schemas import MAX_ID
from app.statements import queries as statements
from app.statements.disputes import evidence, queries, words
from app.statements.disputes import service as disputes
from app.statements.disputes.queries import LISTS, Wanted
from app.texts import Text
from app.times import now
from app.web import billing_words, fields
from app.web.fault_pages import is_whole
from app.web.fields import Fields
from app.web.forms import errors_of, failure_of, flashed, typed
from billing.days import service_day
from billing.words import Words

blueprint = Blueprint("dispute_pages", __name__)

Row = dict[str, Any]
PAGE = 100
DISPUTE = f"/billing/disputes/<int(max={MAX_ID}):dispute_id>"
OBJECTION = "/billing/statements/<string(maxlength=80):number>/dispute"
WHICH = {
    "open": _l("Waiting for a reply"),
    "overdue": _l("Reply overdue"),
    "closed": _l("Closed"),
    "all": _l("All"),
}
DECISIONS = {
    "accepted": _l("Accept: all that is held is credited"),
    "partly": _l("Accept a part: the credit below"),
    "refused": _l("Refuse: the line stands"),
}
DONE = {
    "note": _l("The note is added."),
    "decide": _l("The decision is booked. What is credited comes with the household's next statement."),
    "withdraw": _l("The objection is withdrawn."),
    "reopen": _l("The objection is open again; a reply is due anew."),
}
DECIDED_BY = "billing:write"


@blueprint.get("/billing/disputes")
@rules.scope("billing:read", reach="complex")
def desk() -> str:
    """Objections by the day on which a reply is due, found by list and complex."""
    asked = _asked()
    wanted = Wanted(asked.get("which", "open"), asked.get("complex"))
    with service().database.session() as session:
        here = (session, current_district_id(), current_reach())
        rows = queries.dispute_page(*here, service_day(now()), wanted, _after(), PAGE + 1)
        counts = queries.counts(*here, service_day(now()))
        complexes = complex_choices(*here)
    more = rows[PAGE - 1]["id"] if len(rows) > PAGE else None
    found = {"rows": rows[:PAGE], "more": more, "counts": counts, "complexes": complexes}
    return render_template("disputes.html", **found, asked=asked, which=WHICH, told=flashed(), **_shared())


@blueprint.get(DISPUTE)
@rules.scope("billing:read", reach="complex")
def dispute(dispute_id: int) -> str:
    """One objection: the words, the line, what it follows from, and what can be done."""
    return _dispute(dispute_id)


@blueprint.post(DISPUTE)
@rules.scope("billing:review", reach="complex")
def act(dispute_id: int) -> Response | tuple[str, int]:
    """Note, withdraw or reopen an objection; staff decide about it."""
    action = request.form.get("action", "")
    try:
        _act(dispute_id, action)
    except Problem as problem:
        if problem.slug in ("not-found", "not-allowed"):
            raise
        return _dispute(dispute_id, action, problem), 422
    flash(str(DONE[action]))
    return redirect(url_for("dispute_pages.dispute", dispute_id=dispute_id))


@blueprint.get(OBJECTION)
@rules.scope("billing:review", reach="complex")
def new(number: str) -> str:
    """The form to object to a line of a statement."""
    return _objection(number, {"line": request.args.get("line", "1")[:9]})


@blueprint.post(OBJECTION)
@rules.scope("billing:review", reach="complex")
def object_to(number: str) -> Response | tuple[str, int]:
    """Object to a line, in the resident's words."""
    given = typed("line", "words", "held_won")
    try:
        with service().database.begin() as session:
            here = (session, current_district_id(), current_reach())
            made = disputes.open_dispute(*here, _wanted(number, given), current_actor(), now())
    except Problem as problem:
        if problem.slug == "not-found":
            raise
        return _objection(number, given, problem), 422
    flash(_("The objection is taken down. What it holds is not asked for until it is decided."))
    return redirect(url_for("dispute_pages.dispute", dispute_id=made))


def _wanted(number: str, given: dict[str, str]) -> disputes.Wanted:
    if not is_whole(given["line"]):
        raise Problem("not-found")
    held = given["held_won"].replace(",", "")
    if held and not is_whole(held):
        raise Problem("invalid", errors={"held_won": fields.POOR_NUMBER})
    return disputes.Wanted(number, int(given["line"]), given["words"], int(held) if held else None)


def _objection(number: str, given: dict[str, str], refusal: Problem | None = None) -> str:
    with service().database.session() as session:
        here = (session, current_district_id(), number, current_reach())
        row = statements.statement(*here)
        line = next((each for each in row["lines"] if str(each["line"]) == given["line"]), None)
        if line is None:
            raise Problem("not-found")
        most = disputes.most_to_hold(session, statements.find(*here), line["line"])
    errors, failure = (errors_of(refusal), _failure(refusal)) if refusal else ({}, "")
    shown = {"row": row, "line": line, "most": most, "given": given}
    return render_template("objection.html", **shown, errors=errors, failure=failure, **_shared())


def _act(dispute_id: int, action: str) -> None:
    identity, form = current_identity(), Fields(action)
    if action == "decide" and not (identity.may(DECIDED_BY) and identity.reach.whole):
        raise Problem("not-allowed", scope=DECIDED_BY)
    others: dict[str, Callable[..., None]] = {
        "note": disputes.note,
        "withdraw": disputes.withdraw,
        "reopen": disputes.reopen,
    }
    if action not in DONE:
        raise Problem("invalid", errors={"action": action[:40]})
    decision = _decision(form) if action == "decide" else None
    form.check()
    with service().database.begin() as session:
        if decision:
            disputes.decide(session, current_district_id(), dispute_id, decision, current_actor(), now())
        else:
            here = (session, current_district_id(), current_reach(), dispute_id)
            others[action](*here, form.text("words"), current_actor(), now())


def _decision(form: Fields) -> disputes.Decision:
    credit_won = form.whole("credit_won") if form.text("credit_won") else None
    return disputes.Decision(
        form.text("state"), form.text("words"), credit_won, by_correction=form.text("by_correction") == "1"
    )


def _dispute(dispute_id: int, action: str = "", refusal: Problem | None = None) -> str:
    with service().database.session() as session:
        here = (session, current_district_id(), current_reach())
        row = queries.dispute_detail(*here, dispute_id, service_day(now()))
        found = evidence.of_dispute(*here, row)
    said = {"told": flashed(), "failure": _failure(refusal) if refusal else ""}
    errors = fields.errors_of(action, refusal) if refusal else {}
    return render_template(
        "dispute.html",
        row=row,
        evidence=found,
        given=request.form,
        errors=errors,
        decisions=DECISIONS,
        **said,
        **_shared(),
    )


def _asked() -> dict[str, Any]:
    """What of the address narrows the list; what makes no sense is left out."""
    asked: dict[str, Any] = {}
    if request.args.get("which") in LISTS:
        asked["which"] = request.args["which"]
    if code := request.args.get("complex", "")[:40]:
        asked["complex"] = code
    return asked


def _after() -> int | None:
    text = request.args.get("after", "")
    return int(text) if is_whole(text) and 0 < int(text) < MAX_ID else None


def _failure(refusal: Problem) -> str:
    """A refusal with the record that it names."""
    told = ", ".join(f"#{value}" for name, value in refusal.extra.items() if name == "dispute")
    return f"{failure_of(refusal)} ({told})" if told else failure_of(refusal)


def _shared() -> dict[str, Any]:
    """What these pages are given: words in the reader's language, and what they may do."""
    identity, language = current_identity(), choose_language()

    def said(text: Text | Words) -> str:
        return text.said(language)

    return {
        "words": words,
        "bill": billing_words,
        "said": said,
        "faults": CLASS_NAMES,
        "certificates": CERTIFICATES,
        "today": service_day(now()),
        "may": identity.may,
        "decides": identity.may(DECIDED_BY) and identity.reach.whole,
    }
