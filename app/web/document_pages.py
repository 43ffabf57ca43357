"""Statements on paper (print pages and PDF), and what a household sees by the code on its paper."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import segno
from flask import Blueprint, Response, current_app, render_template, request, url_for
from limits import parse
from markupsafe import Markup

from app.access import rules
from app.access.accounts import current_district_id, current_reach
from app.access.attempts import Attempts
from app.access.reach import WHOLE, Reach
from app.context import service
from app.languages import choose_language
from app.registry.places import complex_of
from app.reports.documents import access, paper
from app.reports.documents.access import Named
from app.reports.fees.rows import fees
from app.statements import queries
from app.statements.composing import statement_number
from app.statements.models import StatementRun
from app.statements.terms import policy
from app.times import now
from app.web import billing_words as words
from app.web.billing_pages import COMPLEX, STATEMENT, month_of_address
from billing.days import service_day

blueprint = Blueprint("document_pages", __name__)

Row = dict[str, Any]
STYLE = Path(__file__).parent / "static" / "paper.css"
LOOKS = parse("60/minute")  # of one network address: more than a household looks
COUNTER = "jongnyang_paper_looks"
blueprint.record_once(lambda state: state.app.extensions.setdefault(COUNTER, Attempts()))


@blueprint.get(f"{STATEMENT}/print")
@rules.scope("billing:read", reach="complex")
def print_statement(number: str) -> str:
    """A household's statement as it goes on paper."""
    return _paper(number, linked=True)


@blueprint.get(f"{STATEMENT}/pdf")
@rules.scope("billing:read", reach="complex")
def statement_pdf(number: str) -> Response:
    """The same as PDF."""
    return _pdf(_paper(number, linked=False), number)


@blueprint.get(f"{COMPLEX}/print")
@rules.scope("billing:read", reach="complex")
def print_complex(month: str, code: str) -> str:
    """A complex's statement as it goes on paper, with the amounts of its households."""
    return _complex_paper(month_of_address(month), code, linked=True)


@blueprint.get(f"{COMPLEX}/pdf")
@rules.scope("billing:read", reach="complex")
def complex_pdf(month: str, code: str) -> Response:
    """The same as PDF."""
    return _pdf(_complex_paper(month_of_address(month), code, linked=False), f"{month}-{code}")


@blueprint.get("/s/<string(maxlength=200):token>")
@rules.public
def own(token: str) -> Response:
    """The statement that the code on a paper leads to: explained, with its days and what became of it since."""
    current_app.extensions[COUNTER].count(LOOKS, request.remote_addr or "")
    named = access.named(service().settings.secret_key, token)
    with service().database.session() as session:
        run = session.get(StatementRun, (named.district_id, named.run_id))
        number = statement_number(run.number, named.serial) if run else ""
        row = queries.statement(session, named.district_id, number, WHOLE)
        days = queries.days(session, named.district_id, number, WHOLE)
        due = _due(session, named.district_id, row)
    page = render_template("own_statement.html", row=row, days=days, due=due, **_shared())
    headers = {"X-Robots-Tag": "noindex", "Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer"}
    return Response(page, headers=headers)


def _paper(number: str, *, linked: bool) -> str:
    with service().database.session() as session:
        here = (session, current_district_id())
        row = queries.statement(*here, number, current_reach())
        days = queries.days(*here, number, current_reach())
        due = _due(*here, row)
    code = _code(Named(current_district_id(), row["run_id"], row["serial"]))
    return render_template("paper.html", row=row, days=days, due=due, code=code, linked=linked, **_shared())


def _complex_paper(month: date, code: str, *, linked: bool) -> str:
    reach: Reach = current_reach()
    with service().database.session() as session:
        place = complex_of(session, current_district_id(), code, reach)
        run = queries.complex_statement(session, place.district_id, place.id, month, reach)
        rows = fees(session, place, month, reach).statements
    return render_template("complex_paper.html", run=run, rows=rows, linked=linked, **_shared())


def _pdf(html: str, name: str) -> Response:
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"'}
    return Response(paper.pdf(html, STYLE), mimetype="application/pdf", headers=headers)


def _code(named: Named) -> Row:
    """The household's own address, and the code that a telephone reads it from."""
    settings = service().settings
    path = url_for("document_pages.own", token=access.token(settings.secret_key, named))
    address = (settings.public_url or request.host_url).rstrip("/") + path
    drawn = segno.make(address, error="m", micro=False)
    return {"address": address, "svg": Markup(drawn.svg_inline(scale=3, border=2))}  # noqa: S704 - our own drawing


def _due(session: Any, district_id: int, row: Row) -> date | None:
    """By when a final statement is to be paid."""
    if row["finalised_at"] is None:
        return None
    return service_day(row["finalised_at"]) + timedelta(days=policy.of(session, district_id).pay_days)


def _shared() -> Row:
    language = choose_language()
    return {"words": words, "said": lambda text: text.said(language), "today": service_day(now())}
