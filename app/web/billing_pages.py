"""A complex's statement of a month, a household's statement, and statements found by building and unit."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_identity, current_reach
from app.context import service
from app.languages import choose_language
from app.problems import Problem
from app.registry.devices.queries import complex_choices
from app.registry.places import complex_of
from app.statements import finding, queries, runs, warnings
from app.statements.checks.asked import Asked
from app.statements.disputes import queries as disputes
from app.statements.finding import After, Sought
from app.statements.locking import lock, run_of
from app.statements.terms import classes, tariffs
from app.texts import Text
from app.times import now
from app.web import billing_words as words
from app.web import board_words, statement_rows, tariff_words
from app.web.board_words import WARNINGS
from app.web.forms import failure_of, flashed, typed
from billing.days import month_of, service_day
from billing.words import Words

blueprint = Blueprint("billing_pages", __name__)

Row = dict[str, Any]
Link = tuple[str, str]  # what it says, and where it leads
PAGE = 100
OF_A_COMPLEX = 600  # statements on one page: as many as nearly every complex has households
COMPLEX = "/billing/<string(length=7):month>/<string(maxlength=40):code>"
STATEMENT = "/billing/statements/<string(maxlength=80):number>"
FIRST_YEAR = 1990
AFTER = re.compile(r"(\d{4}-\d\d-\d\d)\.(\d{1,9})\.(\d{1,9})", re.ASCII)
DAY = timedelta(days=1)
PREVIEWED = {True: _l("The preview is made."), False: _l("Nothing changed since the preview was made.")}
AGREED = _l("You agreed to these amounts. The district may close the month now.")
CLOSED = _l("The month is closed. What changes from now on becomes an adjustment.")


@blueprint.get(COMPLEX)
@rules.scope("billing:read", reach="complex")
def complex_statement(month: str, code: str) -> str:
    """A complex's month: how its total adds up, what it was made from, and the statements of its households."""
    return _complex(month_of_address(month), code)


@blueprint.post(f"{COMPLEX}/preview")
@rules.scope("billing:write")
def preview(month: str, code: str) -> Response | tuple[str, int]:
    """Make the preview, or make it anew."""
    return _act(month, code, runs.preview, lambda made: PREVIEWED[made.changed])


@blueprint.post(f"{COMPLEX}/agree")
@rules.scope("billing:review", reach="complex")
def agree(month: str, code: str) -> Response | tuple[str, int]:
    """Agree to the preview, as a manager: the district need not wait until the review is over."""
    if current_reach().whole:
        return _complex(month_of_address(month), code, Problem("review-of-managers")), 422
    return _act(month, code, _as_seen(runs.review), lambda _none: AGREED)


@blueprint.post(f"{COMPLEX}/finalise")
@rules.scope("billing:close")
def finalise(month: str, code: str) -> Response | tuple[str, int]:
    """Close the month of the complex as its preview says."""
    reason = typed("early_reason")["early_reason"] or None
    return _act(month, code, _as_seen(partial(runs.finalise, early_reason=reason)), lambda _made: CLOSED)


@blueprint.get("/billing/statements")
@rules.scope("billing:read", reach="complex")
def statements() -> str:
    """Statements found by complex, building and unit."""
    asked = _asked("complex", "building", "unit")
    with service().database.session() as session:
        here = (session, current_district_id())
        choices = complex_choices(*here, current_reach())
        found = _found(*here, Sought(**asked)) if any(asked.values()) else []
    rows, more = _page(found, PAGE, "billing_pages.statements", asked)
    return render_template("statements.html", rows=rows, more=more, asked=asked, choices=choices, **_shared())


@blueprint.get(STATEMENT)
@rules.scope("billing:read", reach="complex")
def statement(number: str) -> str:
    """A household's statement: how its amount comes about, line by line and day by day, and what became of it."""
    with service().database.session() as session:
        here = (session, current_district_id())
        row = queries.statement(*here, number, current_reach())
        days = queries.days(*here, number, current_reach())
        anew = statement_rows.issued_anew(*here, row, current_reach())
        disputed = disputes.of_statement(*here, row["run_id"], row["serial"])
        account = statement_rows.account(*here, row, service_day(now()))
    found = {"row": row, "days": days, "anew": anew, "disputed": disputed, "account": account}
    return render_template("statement.html", **found, links=_links(row), told=flashed(), **_shared())


def _act(
    month: str, code: str, use_case: Callable[..., Any], told: Callable[[Any], LazyString]
) -> Response | tuple[str, int]:
    first_day = month_of_address(month)
    try:
        with service().database.begin() as session:
            place = complex_of(session, current_district_id(), code, current_reach())
            done = use_case(session, place.district_id, place.id, first_day, current_actor(), now())
    except Problem as problem:
        if problem.slug == "not-found":
            raise
        return _complex(first_day, code, problem), 422
    flash(str(told(done)))
    return redirect(url_for("billing_pages.complex_statement", month=month, code=code))


def _as_seen(use_case: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse (`preview-changed`) where the preview is no longer the one whose amounts the reader looked at."""

    def act(session: Session, district_id: int, complex_id: int, month: date, actor: str, moment: datetime) -> Any:
        lock(session, district_id, complex_id)
        run = run_of(session, district_id, complex_id, month)
        if run is not None and run.state == "preview" and run.content_hash.hex() != typed("seen")["seen"]:
            raise Problem("preview-changed", run=run.number)
        return use_case(session, district_id, complex_id, month, actor, moment)

    return act


def _complex(month: date, code: str, refusal: Problem | None = None) -> str:
    asked = _asked("building", "unit")
    with service().database.session() as session:
        here = (session, current_district_id())
        place = complex_of(*here, code, current_reach())
        run = _run(*here, place.id, month)
        found = _found(*here, Sought(**asked, run_id=run["id"]), OF_A_COMPLEX) if run else []
        used = _tariffs(*here, run) if run else []
        adjusted = finding.adjusted_won(*here, run["id"]) if run else 0
        warned = _warned(*here, place.id, month) if run and run["state"] == "preview" else {}
        failure = _failure(session, refusal) if refusal else ""
    address = {"month": f"{month:%Y-%m}", "code": code}
    rows, more = _page(found, OF_A_COMPLEX, "billing_pages.complex_statement", asked | address)
    said = {"told": flashed(), "failure": failure, "given": request.form}
    return render_template(
        "complex_statement.html",
        **{"place": place, "month": month, "run": run, "tariffs": used, "rows": rows, "more": more, "asked": asked},
        **{
            "warned": warned,
            "warnings": WARNINGS,
            "adjusted_won": adjusted,
            "address": address,
            "moment": now(),
            "links": _links_of_complex(month, code),
        },
        **(said | _shared()),
    )


def _run(session: Session, district_id: int, complex_id: int, month: date) -> Row | None:
    """The complex's statement; None where nobody made a preview yet."""
    try:
        return queries.complex_statement(session, district_id, complex_id, month, current_reach())
    except Problem as problem:
        if problem.slug != "not-found":
            raise
        return None


def _links(row: Row) -> list[Link]:
    """Where one goes from a household's statement."""
    number, identity = row["number"], current_identity()
    links = [
        (_("Print"), url_for("document_pages.print_statement", number=number)),
        (_("PDF"), url_for("document_pages.statement_pdf", number=number)),
    ]
    if row["state"] == "final" and row["won"] > 0 and identity.may("billing:review"):
        links += [(_("Record a payment"), url_for("payment_pages.listed", statement=number, won=row["won"]))]
    if row["state"] == "final" and identity.may("billing:write") and identity.reach.whole:
        links += [
            (_("Void or issue anew"), url_for("billing_correction_pages.proposal", number=number)),
            (_("Add an adjustment"), url_for("billing_correction_pages.adjustments", statement=number)),
        ]
    return links


def _links_of_complex(month: date, code: str) -> list[Link]:
    """Where one goes from a complex's statement."""
    address: dict[str, Any] = {"month": f"{month:%Y-%m}", "code": code}
    before = f"{month_of(month - DAY):%Y-%m}"
    return [
        (_("Maintenance-fee file"), url_for("fee_pages.fees", **address)),
        (_("Print"), url_for("document_pages.print_complex", **address)),
        (_("PDF"), url_for("document_pages.complex_pdf", **address)),
        (_("All statements on paper"), url_for("document_pages.print_papers", **address)),
        (_("Payments"), url_for("payment_pages.listed", complex=code, month=address["month"])),
        (_("Objections"), url_for("dispute_pages.desk", which="all", complex=code)),
        (_("The month before"), url_for("billing_pages.complex_statement", month=before, code=code)),
    ]


def _warned(session: Session, district_id: int, complex_id: int, month: date) -> dict[str, int]:
    """How many rows each kind of warning has about a complex's month."""
    asked = Asked(session, district_id, month, current_reach(), now(), complex_id)
    return warnings.counts(asked).get(complex_id, {})


def _tariffs(session: Session, district_id: int, run: Row) -> list[Row]:
    """The tariffs that a run was made by, each with the name of its payer class in both languages."""
    names = {each["code"]: Text(each["name_ko"], each["name_en"]) for each in classes.listed(session, district_id)}
    return [
        tariffs.one(session, district_id, id_) | {"class_name": names[payer_class]}
        for payer_class, ids in run["detail"]["tariffs"].items()
        for id_ in dict.fromkeys(ids)
    ]


def _found(session: Session, district_id: int, sought: Sought, most: int = PAGE) -> list[Row]:
    return finding.statements(session, district_id, sought, current_reach(), _after(), most + 1)


def _asked(*names: str) -> Row:
    """What of the address narrows the list."""
    return {name: request.args.get(name, "").strip()[:40] for name in names}


def _after() -> After | None:
    """Where the page begins; what makes no sense begins at the first one."""
    parts = AFTER.fullmatch(request.args.get("after", ""))
    try:
        return After(date.fromisoformat(parts[1]), int(parts[2]), int(parts[3])) if parts else None
    except ValueError:
        return None


def _page(found: list[Row], most: int, endpoint: str, asked: Row) -> tuple[list[Row], str | None]:
    """The rows of one page, and where the next one begins."""
    if len(found) <= most:
        return found, None
    last = found[most - 1]
    after = f"{last['month']}.{last['run_id']}.{last['serial']}"
    again: dict[str, Any] = {name: value for name, value in asked.items() if value} | {"after": after}
    return found[:most], url_for(endpoint, **again)


def month_of_address(text: str) -> date:
    """The first day of a month such as 2026-10, this one at the latest; anything else is not found."""
    try:
        month = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise Problem("not-found") from None
    if month.year < FIRST_YEAR or month > service_day(now()):
        raise Problem("not-found")
    return month


def _failure(session: Session, refusal: Problem) -> str:
    """A refusal with the record, day or time that it names."""
    names = tariff_words.class_names(session, current_district_id())
    told = ", ".join(board_words.extras(refusal.extra, names))
    return f"{failure_of(refusal)} ({told})" if told else failure_of(refusal)


def _shared() -> dict[str, Any]:
    """What these pages are given: words in the reader's language, and what they may do."""
    identity, language = current_identity(), choose_language()

    def said(text: Words | Text) -> str:
        return text.said(language)

    return {
        "words": words,
        "said": said,
        "may": identity.may,
        "sees_district": identity.reach.whole,
        "today": service_day(now()),
    }
