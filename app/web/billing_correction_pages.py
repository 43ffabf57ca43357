"""Usage that no statement bills, won that staff add or take off, and statements that are voided or issued anew."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_identity, current_reach
from app.context import service
from app.languages import choose_language
from app.problems import Problem
from app.registry.devices.queries import complex_choices
from app.schemas import MAX_ID
from app.statements import queries as statements
from app.statements.corrections import late, manual, voids, words
from app.statements.corrections.manual import LISTS
from app.statements.corrections.voids import Change, Figures
from app.statements.corrections.waiting import Key
from app.texts import Text
from app.times import now
from app.web import billing_words
from app.web.fault_pages import is_whole
from app.web.forms import errors_of, failure_of, flashed, typed

blueprint = Blueprint("billing_correction_pages", __name__)

Row = dict[str, Any]
PAGE = 100
VOID = "/billing/statements/<string(maxlength=80):number>/void"
WHICH = {"pending": _l("Waiting for the next statement"), "all": _l("All")}
REISSUES = {"1": _l("Issue it anew, as known now"), "": _l("Void it only: its usage waits for a decision")}


@blueprint.get("/billing/late")
@rules.scope("billing:read", reach="complex")
def queue() -> str:
    """Usage that no statement bills, cause by cause; staff decide about what is too old or of a void statement."""
    return _queue({"decide": request.args.get("decide", "")[:60]})


@blueprint.post("/billing/late")
@rules.scope("billing:write")
def decide() -> Response | tuple[str, int]:
    """Let the next run bill a row, or write it off."""
    given = typed("decide", "decision", "reason")
    try:
        key = Key.parse(given["decide"])
        with service().database.begin() as session:
            args = (key.tenancy_id, key.month, given["decision"], given["reason"], current_actor(), now())
            late.decide(session, current_district_id(), current_reach(), *args)
    except Problem as problem:
        gone = problem.slug == "not-found"
        return _queue(given, Problem("nothing-waits") if gone else problem), 422
    flash(_("The decision is booked."))
    asked = _asked()
    return redirect(url_for("billing_correction_pages.queue", cause=asked["cause"], complex=asked["complex"] or None))


@blueprint.get("/billing/adjustments")
@rules.scope("billing:read", reach="complex")
def adjustments() -> str:
    """Won that staff added to statements to come, or took off."""
    return _adjustments({"statement": request.args.get("statement", "")[:80]})


@blueprint.post("/billing/adjustments")
@rules.scope("billing:write")
def adjust() -> Response | tuple[str, int]:
    """Add won about the month of a statement, or take some off."""
    given = typed("statement", "won", "reason")
    try:
        args = (given["statement"], _won(given["won"]), given["reason"], current_actor(), now())
        with service().database.begin() as session:
            manual.add_to_statement(session, current_district_id(), current_reach(), *args)
    except Problem as problem:
        return _adjustments(given, _named(problem)), 422
    flash(_("The adjustment is added. It comes with the household's next statement."))
    return redirect(url_for("billing_correction_pages.adjustments"))


@blueprint.get(VOID)
@rules.scope("billing:write")
def proposal(number: str) -> str:
    """What would change, line by line, if the statement were issued anew, and the form to do so or to void it."""
    return _proposal(number, {"reissue": "1"})


@blueprint.post(VOID)
@rules.scope("billing:write")
def void(number: str) -> Response | tuple[str, int]:
    """Void a statement, and issue it anew where that is chosen."""
    given = typed("reissue", "reason")
    try:
        with service().database.begin() as session:
            args = (number, given["reason"], given["reissue"] == "1", current_actor(), now())
            made = voids.void(session, current_district_id(), current_reach(), *args)
    except Problem as problem:
        if problem.slug in ("not-found", "statement-void", "statement-not-final"):
            raise
        return _proposal(number, given, problem), 422
    flash(_("The statement is void: credit note %(number)s.", number=made.credit_note))
    return redirect(url_for("billing_pages.statement", number=made.reissued_as or number))


def _queue(given: dict[str, str], refusal: Problem | None = None) -> str:
    asked, moment = _asked(), now()
    after = request.args.get("after")
    with service().database.session() as session:
        here = (session, current_district_id(), current_reach())
        sums = late.sums(*here, moment, asked["complex"])
        begin = Key.parse(after[:60]) if after else None
        rows = late.queue(*here, moment, asked["cause"], asked["complex"], begin, PAGE + 1)
        complexes = complex_choices(*here)
    more = rows[PAGE - 1]["key"] if len(rows) > PAGE else None
    chosen = next((row for row in rows if row["key"] == given["decide"] and _is_decided_here(row)), None)
    found = {"rows": rows[:PAGE], "more": more, "sums": sums, "complexes": complexes, "chosen": chosen}
    said = {"told": flashed(), **_refused(refusal), "given": given, "asked": asked}
    return render_template("late.html", **found, **said, decided=late.DECIDED, **_shared())


def _is_decided_here(row: Row) -> bool:
    """Whether staff decide about a row, and have not yet."""
    return row["cause"] in late.DECIDED and row["decision"] is None


def _adjustments(given: dict[str, str], refusal: Problem | None = None) -> str:
    which = request.args.get("which", "")
    which = which if which in LISTS else "pending"
    with service().database.session() as session:
        here = (session, current_district_id(), current_reach())
        rows = manual.listed(*here, _before(), PAGE + 1, which)
    more = rows[PAGE - 1]["id"] if len(rows) > PAGE else None
    said = {"told": flashed(), **_refused(refusal), "given": given, "asked": {"which": which}}
    return render_template("adjustments.html", rows=rows[:PAGE], more=more, which=WHICH, **said, **_shared())


def _proposal(number: str, given: dict[str, str], refusal: Problem | None = None) -> str:
    with service().database.session() as session:
        here = (session, current_district_id())
        changes = voids.proposal(*here, current_reach(), number, now())
        row = statements.statement(*here, number, current_reach())
    old, new = (sum(side.won for side in sides if side) for sides in _sides(changes))
    found = {"row": row, "changes": changes, "won": (old, new), "reissues": REISSUES}
    return render_template("void.html", **found, given=given, **_refused(refusal), **_shared())


def _sides(changes: Sequence[Change]) -> tuple[list[Figures | None], list[Figures | None]]:
    return [each.old for each in changes], [each.new for each in changes]


def _won(text: str) -> int:
    """Won with a sign, as people type them; 0, which is refused, for anything else."""
    digits = text.replace(",", "").replace("−", "-").replace(" ", "")
    sign, digits = (-1, digits[1:]) if digits.startswith("-") else (1, digits.removeprefix("+"))
    return sign * int(digits) if is_whole(digits) else 0


def _named(problem: Problem) -> Problem:
    """A statement that is not there as an error of its field."""
    if problem.slug != "not-found":
        return problem
    told = _l("There is no statement of this number. Copy it from the statement, as 202610-W0G001-0007.")
    return Problem("invalid", errors={"statement": told})


def _asked() -> dict[str, str]:
    """What of the address narrows the queue; what makes no sense is left out."""
    cause, code = request.args.get("cause", ""), request.args.get("complex", "")[:40]
    return {"cause": cause if cause in late.CAUSES else late.CAUSES[0], "complex": code}


def _before() -> int | None:
    text = request.args.get("before", "")
    return int(text) if is_whole(text) and 0 < int(text) <= MAX_ID else None


def _refused(refusal: Problem | None) -> dict[str, Any]:
    return {
        "failure": failure_of(refusal) if refusal else "",
        "errors": errors_of(refusal) if refusal else {},
    }


def _shared() -> dict[str, Any]:
    """What these pages are given: words in the reader's language, and what they may do."""
    identity, language = current_identity(), choose_language()

    def said(text: Text) -> str:
        return text.said(language)

    return {
        "words": words,
        "bill": billing_words,
        "said": said,
        "may": identity.may,
        "may_write": identity.may("billing:write") and identity.reach.whole,
    }
