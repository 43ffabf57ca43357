"""How complexes are billed, what they weighed elsewhere, and the limits."""

from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask import Response as FlaskResponse
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_identity, current_reach
from app.context import service
from app.csv_lines import MIME, csv_lines
from app.problems import Problem
from app.registry.imports.sheets import File
from app.registry.places import complex_of
from app.statements.terms import closed, policy, terms, weights
from app.statements.terms import words as terms_words
from app.statements.terms.closed import month_named
from app.statements.terms.terms import Terms
from app.texts import Refused
from app.times import now
from app.web import tariff_words
from app.web.fault_pages import is_whole
from app.web.forms import errors_of, failure_of, flashed, typed
from billing.days import month_of, service_day
from billing.units import kilograms

blueprint = Blueprint("terms_pages", __name__)

READ, WRITE, CLOSE = "billing:read", "billing:write", "billing:close"
KG = "kg_"  # before the code of a complex: the field of its weight
Row = dict[str, Any]
Answer = Response | tuple[str, int]


@blueprint.get("/billing/terms")
@rules.scope(READ, reach="complex")
def list_terms() -> str:
    """How each complex is billed in a month, and the form that changes it for several."""
    return _terms()


@blueprint.post("/billing/terms")
@rules.scope(CLOSE)
def change_terms() -> Answer:
    """Bill the chosen complexes, or all, by other terms."""
    form = typed("first_month", *Terms._fields, "reason", "which")
    try:
        with service().database.begin() as session:
            month = month_named(form["first_month"], "first_month")
            codes = request.form.getlist("complexes")
            if form["which"] == "all":
                codes = [row["code"] for row in terms.listed(session, current_district_id(), current_reach(), month)]
            count = _change(session, codes, month, form)
    except Problem as problem:
        return _terms(problem), 422
    flash(_("The terms of %(count)s complexes are set.", count=count))
    return redirect(url_for("terms_pages.list_terms", month=form["first_month"]))


@blueprint.get("/billing/terms/<string(maxlength=40):code>")
@rules.scope(READ, reach="complex")
def show_terms(code: str) -> str:
    """One complex: its terms as they follow each other."""
    return _complex(code)


@blueprint.post("/billing/terms/<string(maxlength=40):code>")
@rules.scope(CLOSE)
def change_one(code: str) -> Answer:
    """Bill this complex by other terms."""
    form = typed("first_month", *Terms._fields, "reason")
    try:
        with service().database.begin() as session:
            complex_of(session, current_district_id(), code, current_reach())
            _change(session, [code], month_named(form["first_month"], "first_month"), form)
    except Problem as problem:
        if problem.slug == "not-found":
            raise
        return _complex(code, problem), 422
    flash(_("The terms are set."))
    return redirect(url_for("terms_pages.show_terms", code=code))


@blueprint.get("/billing/weights")
@rules.scope(READ, reach="complex")
def list_weights() -> str:
    """What complexes weighed elsewhere in a month, with the forms that say so."""
    return _weights(_asked_month())


@blueprint.get("/billing/weights.csv")
@rules.scope(READ, reach="complex")
def weights_csv() -> FlaskResponse:
    """The table to fill in: every complex that is billed as a whole, with its weight so far."""
    month = _asked_month()
    with service().database.session() as session:
        rows = _weighed(session, month)
    cells = ((row["code"], row["name"], row["kg"]) for row in rows)
    name = {"Content-Disposition": f"attachment; filename=weights-{month:%Y-%m}.csv"}
    return FlaskResponse("".join(csv_lines(("complex", "name", "kg"), cells)), mimetype=MIME, headers=name)


@blueprint.post("/billing/weights")
@rules.scope(WRITE)
def set_weights() -> Answer | str:
    """Check a file, or write weights down."""
    form = typed("month", "source", "action")
    month = date.min
    try:
        month = month_named(form["month"])
        if form["action"] == "check":
            return _check_file(month)
        with service().database.begin() as session:
            said = (month, _typed_weights(), form["source"], current_actor(), now())
            count = weights.set_weights(session, current_district_id(), *said)
    except (Problem, Refused) as refusal:
        month = month if month > date.min else month_of(service_day(now()))
        return _weights(month, refusal), 422
    flash(_("The weights of %(count)s complexes are written down.", count=count))
    return redirect(url_for("terms_pages.list_weights", month=form["month"]))


@blueprint.get("/billing/limits")
@rules.scope(READ, reach="complex")
def show_limits() -> str:
    """The limits and windows."""
    return _limits()


@blueprint.post("/billing/limits")
@rules.scope(CLOSE)
def set_limits() -> Answer:
    """Set the limits and windows."""
    form = typed(*policy.Policy._fields)
    try:
        values = {name: int(text) if is_whole(text) else -1 for name, text in form.items()}
        with service().database.begin() as session:
            policy.change(session, current_district_id(), policy.Policy(**values), current_actor(), now())
    except Problem as problem:
        return _limits(problem), 422
    flash(_("The limits are set."))
    return redirect(url_for("terms_pages.show_limits"))


def _change(session: Session, codes: list[str], month: date, form: dict[str, str]) -> int:
    wanted = Terms(*(form[name] for name in Terms._fields))
    return terms.change(session, current_district_id(), codes, month, wanted, form["reason"], current_actor(), now())


def _terms(refusal: Problem | None = None) -> str:
    month = _asked_month()
    with service().database.session() as session:
        rows = terms.listed(session, current_district_id(), current_reach(), month)
    chosen = request.form.getlist("complexes")
    return page("terms.html", refusal, rows=rows, month=f"{month:%Y-%m}", chosen=chosen)


def _complex(code: str, refusal: Problem | None = None) -> str:
    with service().database.session() as session:
        district_id = current_district_id()
        found = complex_of(session, district_id, code, current_reach())
        history = terms.history(session, district_id, found.id)
        month = month_of(service_day(now()))
        current = terms.of_complexes(session, district_id, [found.id], month)[found.id]
        earliest = closed.first_open_of_complex(session, district_id, found.id)
    given = current._asdict() | {"first_month": f"{max(month, earliest):%Y-%m}"} | _given()
    limit = None if earliest == closed.EVER else f"{earliest:%Y-%m}"
    shown = {"code": code, "name": found.name, "history": history, "current": current, "earliest": limit}
    return page("terms_complex.html", refusal, **shown, given=given)


def _weights(month: date, refusal: Problem | Refused | None = None, checked: list[Any] | None = None) -> str:
    with service().database.session() as session:
        rows = _weighed(session, month)
    typed_in = {name: text for name, text in request.form.items() if name.startswith(KG)}
    wrong = [each for each in checked or () if each.wrong is not None]
    shown = {"rows": rows, "month": f"{month:%Y-%m}", "checked": checked, "wrong": wrong, "typed_in": typed_in}
    return page("weights.html", refusal, **shown, kilograms=kilograms)


def _check_file(month: date) -> str:
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise Problem("invalid", errors={"file": _("Choose a CSV file.")})
    with sent.stream as stream:
        file = File(sent.filename, stream.read())
    with service().database.begin() as session:
        district_id = current_district_id()
        checked = weights.check_file(session, district_id, month, file)
        weights.book_check(session, district_id, month, file.name, len(checked), current_actor(), now())
    return _weights(month, checked=checked)


def _typed_weights() -> dict[str, int]:
    """Grams by complex of the fields that were filled in; raises `invalid` for what is no weight."""
    grams: dict[str, int] = {}
    errors = {}
    for name, text in request.form.items():
        if name.startswith(KG) and text.strip():
            try:
                grams[name.removeprefix(KG)] = weights.grams_of(text)
            except ValueError:
                errors[name[:60]] = _("Write kilograms as 1234.5.")
    if errors:
        raise Problem("invalid", errors=errors)
    return grams


def _weighed(session: Session, month: date) -> list[Row]:
    """Complexes that are billed as a whole in the month, or of which a weight is known, with it."""
    district_id, reach = current_district_id(), current_reach()
    known = {row["complex"]: row for row in weights.listed(session, district_id, reach, month)}
    rows = terms.listed(session, district_id, reach, month)
    wanted = [row for row in rows if row["scheme"] == "complex" or row["code"] in known]
    return [row | {"weight": (weight := known.get(row["code"])), "kg": _kg(weight)} for row in wanted]


def _kg(weight: Row | None) -> str:
    return "" if weight is None else kilograms(weight["weighed_g"]).replace(",", "")


def _limits(refusal: Problem | None = None) -> str:
    with service().database.session() as session:
        found = policy.of(session, current_district_id())._asdict()
    given = {name: str(value) for name, value in found.items()} | _given()
    return page("billing_limits.html", refusal, given=given, defaults=policy.Policy()._asdict())


def _asked_month() -> date:
    """The month that the address or the form names; this month where that is none."""
    try:
        return month_named(request.values.get("month", ""))
    except Problem:
        return month_of(service_day(now()))


def _given() -> dict[str, str]:
    return {name: text for name, text in request.form.items() if isinstance(text, str)}


def page(template: str, refusal: Problem | Refused | None, **shown: Any) -> str:
    """A page with words and choices of terms, what was typed, and what a refusal says."""
    identity = current_identity()
    whole = current_reach().whole
    choices = {
        name: tariff_words.choices(table)
        for name, table in (
            ("schemes", terms_words.SCHEMES),
            ("suspenses", terms_words.SUSPENSE),
            ("sharings", terms_words.SHARING),
        )
    }
    failure = failure_of(refusal) if refusal else ""
    errors = errors_of(refusal) if refusal else {}
    shared = {"may_close": identity.may(CLOSE) and whole, "may_write": identity.may(WRITE) and whole}
    common = {"words": tariff_words, "told": flashed(), "failure": failure, "errors": errors, "given": _given()}
    names = {name: dict(each) for name, each in choices.items()}
    return render_template(template, **(common | choices | shared | {"names": names} | shown))
