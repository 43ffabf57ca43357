"""Tariffs: those in force as a line of time, a new one with what it would do, and a month's usage by a draft."""

from datetime import date, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_identity, current_reach
from app.context import service
from app.problems import Problem
from app.registry.devices.queries import complex_choices
from app.statements.models import SCHEMES
from app.statements.runs import SETTLED
from app.statements.terms import classes, closed, tariffs, what_if
from app.statements.terms import words as terms_words
from app.statements.terms.closed import month_named
from app.statements.terms.drafting import EXAMPLE_G, example, table
from app.times import now
from app.web import tariff_forms, tariff_words
from app.web.fault_pages import is_whole
from app.web.forms import errors_of, failure_of, flashed, typed
from billing.days import service_day

blueprint = Blueprint("tariff_pages", __name__)

CLOSE = "billing:close"
LONG = 1000
DAY = timedelta(days=1)
Row = dict[str, Any]
Line = tuple[list[tuple[int, int, str]], int]


@blueprint.get("/billing/tariffs")
@rules.scope("billing:read", reach="complex")
def list_tariffs() -> str:
    """The tariffs of each scheme and class, from the first day to the next one's."""
    return _tariffs()


@blueprint.post("/billing/tariffs")
@rules.scope(CLOSE)
def withdraw() -> Response | tuple[str, int]:
    """Take a tariff out again."""
    form = typed("tariff", "reason")
    try:
        with service().database.begin() as session:
            id_ = int(form["tariff"]) if is_whole(form["tariff"]) else 0
            tariffs.withdraw(session, current_district_id(), id_, form["reason"], current_actor(), now())
    except Problem as problem:
        if problem.slug == "not-found":
            raise
        return _tariffs(problem), 422
    flash(_("The tariff is withdrawn; the one before it goes on."))
    return redirect(url_for("tariff_pages.list_tariffs"))


@blueprint.get("/billing/tariffs/new")
@rules.scope(CLOSE)
def new() -> str | tuple[str, int]:
    """The form of a tariff and, once checked, what it would do."""
    fields = _beginning() if "copy" in request.args else tariff_forms.given(request.args)
    if "won_1" not in request.args:
        return _new(fields)
    try:
        return _new(fields, draft=tariff_forms.tariff(fields))
    except Problem as problem:
        return _new(fields, problem), 422


@blueprint.post("/billing/tariffs/new")
@rules.scope(CLOSE)
def add() -> Response | tuple[str, int]:
    """Add what was checked."""
    fields = tariff_forms.given(request.form)
    try:
        draft = tariff_forms.tariff(fields)
        replaces = int(fields["replaces"]) if is_whole(fields.get("replaces", "")) else None
        said = (fields["scheme"], fields["payer_class"], draft, fields.get("reference", ""), replaces)
        with service().database.begin() as session:
            tariffs.add(session, current_district_id(), tariffs.Wanted(*said), current_actor(), now())
    except Problem as problem:
        return _new(fields, problem), 422
    flash(_("The tariff is added."))
    return redirect(url_for("tariff_pages.list_tariffs"))


@blueprint.get("/billing/what-if")
@rules.scope("billing:read", reach="complex")
def compare() -> str | tuple[str, int]:
    """What a month's real usage would have cost by a draft."""
    fields = tariff_forms.given(request.args)
    asked = {name: request.args.get(name, "").strip() for name in ("month", "complex")}
    today = service_day(now())
    problem, found = None, None
    with service().database.reading() as connection, Session(connection) as session:
        here = (session, current_district_id())
        asked["month"] = asked["month"] or f"{what_if.usual_month(*here, today):%Y-%m}"
        shared = _shared(session) | {"complexes": complex_choices(*here, current_reach())}
        if "won_1" in request.args:
            try:
                found = _compared(session, fields, asked, today)
            except Problem as refusal:
                if refusal.slug == "not-found":
                    raise
                problem = refusal
    page = render_template(
        "tariff_what_if.html",
        **{"given": fields | asked, "found": found, "query": _query(fields), **shared},
        **_refused(problem),
    )
    return (page, 422) if problem else page


def _compared(session: Session, fields: dict[str, str], asked: dict[str, str], today: date) -> Row:
    tariff = tariff_forms.tariff({**fields, "first_day": ""}, today)
    draft = what_if.Draft(fields["scheme"], fields["payer_class"], tariff)
    named = classes.may_name(current_identity(), draft.payer_class)
    month = month_named(asked["month"])
    where = (session, current_district_id(), current_reach())
    found = what_if.compare(*where, draft, month, now() - SETTLED, asked["complex"] or None, named=named)
    told = {"prices": terms_words.prices(tariff), "conditions": terms_words.conditions(tariff)}
    failed = [each | {"why": failure_of(each["problem"]), **each["problem"].extra} for each in found["failed"]]
    return found | told | {"failed": failed}


def _tariffs(refusal: Problem | None = None) -> str:
    with service().database.session() as session:
        rows = tariffs.listed(session, current_district_id())
        history = tariffs.history(session, current_district_id())
        shared = _shared(session)
    current, today = {row["id"] for row in rows}, service_day(now())
    groups: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        groups.setdefault(row["scheme"], {}).setdefault(row["payer_class"], []).append(row)
    return render_template(
        "tariffs.html",
        **{"groups": groups, "today": today, "told": flashed(), "given_tariff": request.form.get("tariff", "")},
        lines=_lines(groups, today),
        **{"history": [row | {"counts": row["id"] in current} for row in history], **shared},
        **_refused(refusal),
    )


def _lines(groups: dict[str, dict[str, list[Row]]], today: date) -> dict[str, dict[str, Line]]:
    """By scheme and class the spans on a line of 1,000 from the first day of all to a year after the last."""
    rows = [row for by_class in groups.values() for each in by_class.values() for row in each]
    first = min((row["first_day"] for row in rows), default=today)
    days = (max(today, *(row["first_day"] for row in rows)) - first).days + 365 if rows else 365

    def at(day: date) -> int:
        return max(0, (day - first).days * LONG // days)

    def span(row: Row) -> tuple[int, int, str]:
        begin, end = at(row["first_day"]), at(row["until"] + DAY) if row["until"] else LONG
        state = "future" if row["first_day"] > today else "past" if row["until"] and row["until"] < today else "now"
        return begin, max(1, end - begin - 2), state

    return {
        scheme: {code: ([span(row) for row in those], at(today)) for code, those in by_class.items()}
        for scheme, by_class in groups.items()
    }


def _new(fields: dict[str, str], refusal: Problem | None = None, draft: Any = None) -> str:
    with service().database.session() as session:
        shared = _shared(session)
        earliest = {scheme: closed.first_open_of_scheme(session, current_district_id(), scheme) for scheme in SCHEMES}
    page = {"given": fields, "query": _query(fields), "draft": draft, "example_g": EXAMPLE_G}
    limited = {name: day for name, day in earliest.items() if day > closed.EVER}
    if draft is not None:
        won, why = example(draft)
        page |= {"won": won, "why": why, "table": table(draft)}
        page |= {"prices": terms_words.prices(draft), "conditions": terms_words.conditions(draft)}
    return render_template("tariff_new.html", **page, earliest=limited, **shared, **_refused(refusal))


def _beginning() -> dict[str, str]:
    """The form as a tariff that is there fills it, to take its place or to follow it."""
    text = request.args.get("copy", "")
    with service().database.session() as session:
        row = tariffs.one(session, current_district_id(), int(text) if is_whole(text) else 0)
    found = tariff_forms.given({}) | tariff_forms.fields_of(row["tariff"])
    found |= {"scheme": row["scheme"], "payer_class": row["payer_class"]}
    if "replace" in request.args:
        return found | {"replaces": str(row["id"]), "reference": row["reference"]}
    return found | {"first_day": ""}


def _query(fields: dict[str, str]) -> dict[str, str]:
    """The draft as the address of another page carries it."""
    return {name: value for name, value in fields.items() if value and name not in ("replaces", "month", "complex")}


def _shared(session: Session) -> Row:
    """Words and choices of every page of tariffs."""
    names = tariff_words.class_names(session, current_district_id())
    return {
        **{"words": tariff_words, "class_names": names, "tiers": tariff_forms.TIERS},
        "schemes": tariff_words.choices(terms_words.SCHEMES),
        "may_close": current_identity().may(CLOSE) and current_reach().whole,
    }


def _refused(refusal: Problem | None) -> Row:
    errors = errors_of(refusal) if refusal else {}
    failure = failure_of(refusal) if refusal else ""
    if "terms" in errors:  # of no single field
        failure = errors["terms"]
    return {"errors": errors, "failure": failure}
