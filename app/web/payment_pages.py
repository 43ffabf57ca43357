"""Payments: the list, one by hand, a file that is checked first, taking one back; and a household's account."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_identity, current_reach
from app.context import service
from app.languages import choose_language
from app.metering.imports.desk import file_name
from app.problems import Problem
from app.registry.devices.queries import complex_choices
from app.registry.imports import uploads
from app.registry.imports.sheets import File
from app.registry.places import home_of
from app.schemas import MAX_ID
from app.statements.payments import accounts, lines, queries
from app.statements.payments import service as payments
from app.statements.payments import words as payment_words
from app.statements.payments.api import MOST_FILE
from app.statements.payments.lines import Line
from app.statements.payments.queries import Wanted
from app.texts import Refused, Text
from app.times import now
from app.web import billing_words as words
from app.web.fault_pages import is_whole
from app.web.fields import POOR_DAY
from app.web.forms import errors_of, failure_of, flashed, typed
from billing.days import service_day

blueprint = Blueprint("payment_pages", __name__)

PAGE = 100
LINES_SHOWN = 200
KIND = "payments"  # of what is kept between check and import
READ, REVIEW = "billing:read", "billing:review"
PAYMENT = f"/billing/payments/<int(max={MAX_ID}):payment_id>"
CHECKED = "/billing/payments/files/<string(length=64):sha256>"
GIVEN = ("statement", "complex", "building", "unit", "month", "won", "paid_on", "reference", "note", "paid_back")
POOR_WON = _l("Write whole won, such as 3,120.")
POOR_MONTH = _l("Write a month as 2026-10.")


@blueprint.url_value_preprocessor
def let_large_files_in(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """A line of every household passes, before anything reads the form."""
    request.max_content_length = MOST_FILE


@blueprint.get("/billing/payments")
@rules.scope(READ, reach="complex")
def listed() -> str:
    """Payments, the newest first, and the forms for the next one and for a file of them."""
    return _listed({name: request.args.get(name, "")[:80] for name in ("statement", "won")})


@blueprint.post("/billing/payments")
@rules.scope(REVIEW, reach="complex")
def pay() -> Response | tuple[str, int]:
    """Book one payment."""
    given = typed(*GIVEN)
    try:
        line = _line(given)
        with service().database.begin() as session:
            made = payments.pay(session, current_district_id(), current_reach(), line, current_actor(), now())
    except (Problem, Refused) as refusal:
        return _listed(given, refusal), 422
    flash(_("The payment is booked."))
    return redirect(url_for("payment_pages.payment", payment_id=made))


@blueprint.post("/billing/payments/files")
@rules.scope(REVIEW, reach="complex")
def check() -> Response | tuple[str, int]:
    """Keep a file for an hour, and show what would become of it."""
    identity, moment, default = current_identity(), now(), typed("default_complex")["default_complex"]
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        return _listed({}, Problem("invalid", errors={"file": _("Choose a CSV file.")})), 422
    with sent.stream as stream:  # a large one lies in a file of its own
        file = File(file_name(sent.filename), stream.read())
    with service().database.begin() as session:
        key = service().settings.secret_key
        sha256 = uploads.keep(session, identity.district_id, key, KIND, file, identity.actor, moment)
        payments.book_check(session, identity.district_id, file, identity.actor, moment)
    return redirect(url_for("payment_pages.checked", sha256=sha256, complex=default or None))


@blueprint.get(CHECKED)
@rules.scope(REVIEW, reach="complex")
def checked(sha256: str) -> str | tuple[str, int]:
    """What would become of the file, line by line."""
    file, default = _kept(sha256), _default_complex()
    try:
        with service().database.session() as session:
            report = payments.check(session, current_district_id(), current_reach(), file, now(), default)
    except Refused as refusal:
        return _listed({}, refusal), 422
    told = {"report": report, "sha256": sha256, "default": default, "most": LINES_SHOWN}
    return render_template("payment_file.html", **told, **_shared())


@blueprint.post(CHECKED)
@rules.scope(REVIEW, reach="complex")
def take(sha256: str) -> Response | tuple[str, int]:
    """Book the lines of the file that can be used, as they were checked."""
    file, default = _kept(sha256), _default_complex()
    skip_bad = typed("skip_bad")["skip_bad"] == "1"
    try:
        with service().database.begin() as session:
            here = (session, current_district_id(), current_reach(), file, current_actor(), now())
            report = payments.take(*here, default, skip_bad)
            uploads.drop(session, current_district_id(), current_actor(), sha256)
    except Refused as refusal:
        return _listed({}, refusal), 422
    said = {"count": len(report.good), "won": f"{report.won:,}", "known": len(report.known), "bad": len(report.bad)}
    flash(_("%(count)s payments are booked (%(won)s won); %(known)s were booked already, %(bad)s left out.", **said))
    return redirect(url_for("payment_pages.listed"))


@blueprint.get(PAYMENT)
@rules.scope(READ, reach="complex")
def payment(payment_id: int) -> str:
    """One payment, and the way to take it back."""
    return _payment(payment_id)


@blueprint.post(PAYMENT)
@rules.scope(REVIEW, reach="complex")
def reverse(payment_id: int) -> Response | tuple[str, int]:
    """Take a payment back."""
    try:
        with service().database.begin() as session:
            here = (session, current_district_id(), current_reach(), payment_id)
            payments.reverse(*here, typed("reason")["reason"], current_actor(), now())
    except (Problem, Refused) as refusal:
        if isinstance(refusal, Problem) and refusal.slug == "not-found":
            raise
        return _payment(payment_id, refusal), 422
    flash(_("The payment is taken back."))
    return redirect(url_for("payment_pages.payment", payment_id=payment_id))


@blueprint.get(f"/billing/payments/households/<int(max={MAX_ID}):household_id>")
@rules.scope(READ, reach="complex")
def account(household_id: int) -> str:
    """What a household owes, and how that comes about."""
    with service().database.session() as session:
        home = home_of(session, current_district_id(), household_id, current_reach())
        found = accounts.household_account(session, current_district_id(), household_id, service_day(now()))
    return render_template("household_account.html", home=home, accounts=found, **_shared())


def _line(given: dict[str, str]) -> Line:
    """What was typed; raises the Problem `invalid` for what cannot be read."""
    won, day, month = lines.won_of(given["won"]), lines.day_of(given["paid_on"]), lines.month_of(given["month"])
    wrong = {"won": (won is None, POOR_WON), "paid_on": (day is None, POOR_DAY)}
    wrong |= {"month": (bool(given["month"]) and month is None, POOR_MONTH)}
    errors: dict[str, Any] = {name: told for name, (is_wrong, told) in wrong.items() if is_wrong}
    if won is None or day is None or errors:
        raise Problem("invalid", errors=errors)
    texts = {name: given[name] for name in lines.LONGEST}
    return Line(0, -won if given["paid_back"] else won, day, month=month, **texts)


def _listed(given: dict[str, str], refusal: Problem | Refused | None = None) -> str:
    asked = {name: request.args.get(name, "")[:40] for name in ("complex", "month")}
    after = request.args.get("after", "")
    wanted = Wanted(asked["complex"], lines.month_of(asked["month"]))
    with service().database.session() as session:
        here = (session, current_district_id(), current_reach())
        before = int(after) if is_whole(after) else None
        rows = queries.payment_page(*here, wanted, before, PAGE + 1)
        choices = complex_choices(*here)
    again: dict[str, Any] = {name: text for name, text in asked.items() if text}
    more = url_for("payment_pages.listed", after=rows[PAGE - 1]["id"], **again) if len(rows) > PAGE else None
    given = {"paid_on": service_day(now()).isoformat()} | given
    said = {"told": flashed(), "failure": failure_of(refusal) if refusal else ""}
    errors = errors_of(refusal) if refusal else {}
    found = {"rows": rows[:PAGE], "more": more, "choices": choices, "asked": asked, "given": given, "errors": errors}
    return render_template("payments.html", columns=payment_words.COLUMNS, **found, **said, **_shared())


def _payment(payment_id: int, refusal: Problem | Refused | None = None) -> str:
    with service().database.session() as session:
        row = queries.payment(session, current_district_id(), current_reach(), payment_id)
    said = {"told": flashed(), "failure": failure_of(refusal) if refusal else ""}
    errors = errors_of(refusal) if refusal else {}
    return render_template("payment.html", row=row, given=request.form, errors=errors, **said, **_shared())


def _kept(sha256: str) -> File:
    key = service().settings.secret_key
    with service().database.session() as session:
        return uploads.kept(session, current_district_id(), key, KIND, sha256, current_actor(), now())


def _default_complex() -> str:
    return request.values.get("complex", "")[:40].replace("\0", "")


def _shared() -> dict[str, Any]:
    identity, language = current_identity(), choose_language()

    def said(text: Text) -> str:
        return text.said(language)

    given = {"words": words, "sources": payment_words.SOURCES, "said": said, "may": identity.may}
    return given | {"sees_district": identity.reach.whole, "today": service_day(now())}
