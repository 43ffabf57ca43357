"""Statements on paper (print pages and PDF), and what a household sees by the code on its paper."""

from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import segno
from flask import Blueprint, Response, current_app, render_template, request, url_for
from limits import parse
from markupsafe import Markup
from sqlalchemy.orm import Session

from app.access import rules
from app.access.accounts import current_district_id, current_reach
from app.access.attempts import Attempts
from app.access.reach import WHOLE, Reach
from app.context import service
from app.languages import choose_language
from app.problems import Problem
from app.registry.places import complex_of, plain
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


class Screen(NamedTuple):
    """Where the screen's copy of a paper leads to."""

    back: str
    pdf: str


OPEN = timedelta(days=400)  # so long a code opens its statement: a year, and until the next bill
STYLE = Path(__file__).parent / "static" / "paper.css"
MOST_PAPERS = 100  # statements of one PDF: fifteen seconds of work
LOOKS = parse("60/minute")  # of one network address: more than a household looks
COUNTER = "jongnyang_paper_looks"
blueprint.record_once(lambda state: state.app.extensions.setdefault(COUNTER, Attempts()))


@blueprint.get(f"{STATEMENT}/print")
@rules.scope("billing:read", reach="complex")
def print_statement(number: str) -> str:
    """A household's statement as it goes on paper."""
    leading = Screen(
        url_for("billing_pages.statement", number=number), url_for("document_pages.statement_pdf", number=number)
    )
    return _paper(number, leading)


@blueprint.get(f"{STATEMENT}/pdf")
@rules.scope("billing:read", reach="complex")
def statement_pdf(number: str) -> Response:
    """The same as PDF."""
    return _pdf(_paper(number), number)


@blueprint.get(f"{COMPLEX}/print")
@rules.scope("billing:read", reach="complex")
def print_complex(month: str, code: str) -> str:
    """A complex's statement as it goes on paper, with the amounts of its households."""
    return _complex_paper(month_of_address(month), code, _screen("document_pages.complex_pdf", month, code))


@blueprint.get(f"{COMPLEX}/pdf")
@rules.scope("billing:read", reach="complex")
def complex_pdf(month: str, code: str) -> Response:
    """The same as PDF."""
    return _pdf(_complex_paper(month_of_address(month), code), f"{month}-{code}")


@blueprint.get(f"{COMPLEX}/papers")
@rules.scope("billing:read", reach="complex")
def print_papers(month: str, code: str) -> str:
    """The statements of all households of a complex, or of one `building`, as they go on paper."""
    return _papers(month, code, _screen("document_pages.papers_pdf", month, code, _building() or None))


@blueprint.get(f"{COMPLEX}/papers/pdf")
@rules.scope("billing:read", reach="complex")
def papers_pdf(month: str, code: str) -> Response:
    """The same as PDF."""
    return _pdf(_papers(month, code, most=MOST_PAPERS), "-".join(part for part in (month, code, _building()) if part))


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
        if not _opens(row, named):
            raise Problem("not-found")
        days = queries.days(session, named.district_id, number, WHOLE)
        due = _due(row, _pay_days(session, named.district_id))
    page = render_template("own_statement.html", row=row, days=days, due=due, **_shared())
    headers = {"X-Robots-Tag": "noindex", "Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer"}
    return Response(page, headers=headers)


def _opens(row: Row, named: Named) -> bool:
    """Whether the code still leads to the statement: to whom it was made out, final, and not long ago."""
    final = row["finalised_at"]
    return row["tenancy_id"] == named.tenancy_id and final is not None and now() - final < OPEN


def _paper(number: str, screen: Screen | None = None) -> str:
    with service().database.session() as session:
        here = (session, current_district_id())
        row = queries.statement(*here, number, current_reach())
        papers = [_sheet(row, queries.days(*here, number, current_reach()), _pay_days(*here))]
    return render_template("paper.html", papers=papers, title=number, screen=screen, **_shared())


def _papers(month: str, code: str, screen: Screen | None = None, most: int | None = None) -> str:
    with service().database.session() as session:
        place = complex_of(session, current_district_id(), code, current_reach())
        here = (session, place.district_id)
        found = queries.papers(*here, place.id, month_of_address(month), current_reach(), _building())
        pay_days = _pay_days(*here)
        papers = [_sheet(row, days, pay_days) for row, days in islice(found, None if most is None else most + 1)]
    if most is not None and len(papers) > most:
        raise Problem("papers-too-many", most=most)
    buildings = list(dict.fromkeys(paper["row"]["building"] for paper in papers))
    said = {"title": f"{month} {code}", "screen": screen, "buildings": buildings if len(buildings) > 1 else []}
    return render_template("paper.html", papers=papers, **said, **_shared())


def _building() -> str:
    return plain(request.args.get("building", ""))


def _sheet(row: Row, days: list[Row], pay_days: int) -> Row:
    named = Named(current_district_id(), row["run_id"], row["serial"], row["tenancy_id"])
    code = _code(named) if row["finalised_at"] else None  # a preview may become somebody else's
    return {"row": row, "days": days, "due": _due(row, pay_days), "code": code}


def _complex_paper(month: date, code: str, screen: Screen | None = None) -> str:
    reach: Reach = current_reach()
    with service().database.session() as session:
        place = complex_of(session, current_district_id(), code, reach)
        run = queries.complex_statement(session, place.district_id, place.id, month, reach)
        rows = fees(session, place, month, reach).statements
    return render_template("complex_paper.html", run=run, rows=rows, screen=screen, **_shared())


def _screen(pdf: str, month: str, code: str, building: str | None = None) -> Screen:
    back = url_for("billing_pages.complex_statement", month=month, code=code)
    return Screen(back, url_for(pdf, month=month, code=code, building=building))


def _pdf(html: str, name: str) -> Response:
    headers = {"Content-Disposition": f"inline; filename*=UTF-8''{quote(name)}.pdf"}
    return Response(paper.pdf(html, STYLE), mimetype="application/pdf", headers=headers)


def _code(named: Named) -> Row:
    """The household's own address, and the code that a telephone reads it from."""
    settings = service().settings
    path = url_for("document_pages.own", token=access.token(settings.secret_key, named))
    address = (settings.public_url or request.host_url).rstrip("/") + path
    drawn = segno.make(address, error="m", micro=False)
    return {"address": address, "svg": Markup(drawn.svg_inline(scale=3, border=2))}  # noqa: S704 - our own drawing


def _pay_days(session: Session, district_id: int) -> int:
    return policy.of(session, district_id).pay_days


def _due(row: Row, pay_days: int) -> date | None:
    """By when a final statement is to be paid."""
    if row["finalised_at"] is None:
        return None
    return service_day(row["finalised_at"]) + timedelta(days=pay_days)


def _shared() -> Row:
    language = choose_language()
    return {"words": words, "said": lambda text: text.said(language), "today": service_day(now())}
