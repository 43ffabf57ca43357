"""Who owes what since when, and what the closed months brought; each also as a file for spreadsheets."""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask import Response as FlaskResponse
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.access import rules
from app.access.accounts import current_district_id, current_identity, current_reach
from app.context import service
from app.csv_lines import MIME, csv_lines
from app.languages import choose_language
from app.registry.devices.queries import complex_choices
from app.statements.payments import accounts, lines
from app.statements.payments import revenue as revenues
from app.statements.payments.accounts import After
from app.statements.payments.api import after_of, named
from app.statements.payments.revenue import SUMS, span
from app.texts import Text
from app.times import now
from app.web import billing_words as words
from billing.days import service_day

blueprint = Blueprint("owed_pages", __name__)

Row = dict[str, Any]
PAGE = 100
AT_ONCE = 1000  # rows of the file, read together
AMOUNTS = ("balance_won", "arrears_won", "households_balance_won", "households_arrears_won", "late_households")
REVENUE = {
    "statements": _l("Statements"),
    "grams": _l("Weight (g)"),
    "suspense_g": _l("Weight of nobody (g)"),
    "won": _l("Complex's statement (won)"),
    "adjusted_won": _l("of it, of earlier months"),
    "manual_won": _l("of it, by the office"),
    "voided_won": _l("Credit notes since"),
    "issued_anew_won": _l("Issued anew since"),
    "households_won": _l("Households' statements"),
    "households_paid_won": _l("Paid by households"),
    "households_owed_won": _l("Owed by households"),
    "paid_won": _l("Paid by the complex"),
    "owed_won": _l("Owed by the complex"),
}
AFTER = re.compile(r"\d{1,12}\.\d{1,9}\.\d{1,9}", re.ASCII)


@blueprint.get("/billing/arrears")
@rules.scope("billing:read", reach="complex")
def arrears() -> str:
    """What complexes and households owe, and who is late, the largest amounts first."""
    code = _code()
    with service().database.session() as session:
        here = (session, current_district_id(), current_reach())
        rows = accounts.arrears(*here, _today(), code, _after(), PAGE + 1)
        complexes = accounts.by_complex(*here, _today(), code)
        choices = complex_choices(*here)
    more = None
    if len(rows) > PAGE:
        more = url_for("owed_pages.arrears", after=named(rows[PAGE - 1]), complex=code or None)
    total = {name: sum(row[name] for row in complexes) for name in AMOUNTS}
    found = {"rows": rows[:PAGE], "more": more, "complexes": complexes, "total": total, "choices": choices}
    return render_template("arrears.html", **found, asked={"complex": code}, **_shared())


@blueprint.get("/billing/arrears.csv")
@rules.scope("billing:read", reach="complex")
def arrears_csv() -> FlaskResponse:
    """Everybody who is late, as a table."""
    place = (_("Complex"), _("Name"), _("Building"), _("Unit"))
    amounts = (_("In arrears (won)"), _("Balance (won)"), _("Held by objections (won)"))
    columns = (*place, *amounts, _("Due since"), _("Days"), _("Moved out"))
    return _file(columns, map(_arrear, _every_arrear()), f"arrears-{_today()}")


@blueprint.get("/billing/revenue")
@rules.scope("billing:read", reach="complex")
def revenue() -> str:
    """What closed months brought: month by month, and complex by complex."""
    first, last, code = _asked()
    rows = _revenue(first, last, code)
    with service().database.session() as session:
        choices = complex_choices(session, current_district_id(), current_reach())
    asked = {"first": f"{first:%Y-%m}", "last": f"{last:%Y-%m}", "complex": code}
    months, total = revenues.by_month(rows), revenues.totals(rows)
    shown = rows if code or first == last else []
    found = {"months": months, "rows": shown, "total": total, "asked": asked, "choices": choices}
    return render_template("revenue.html", heads=REVENUE, **found, **_shared())


@blueprint.get("/billing/revenue.csv")
@rules.scope("billing:read", reach="complex")
def revenue_csv() -> FlaskResponse:
    """The same of every month and complex, as a table."""
    first, last, code = _asked()
    language, heads = choose_language(), REVENUE
    columns = (_("Month"), _("Complex"), _("Name"), _("Who owes"), *(str(heads[name]) for name in SUMS))

    def cells(row: Row) -> tuple[Any, ...]:
        who_owes = words.SCHEMES[row["scheme"]].said(language)
        return (f"{row['month']:%Y-%m}", row["complex"], row["complex_name"], who_owes, *(row[name] for name in SUMS))

    rows = map(cells, _revenue(first, last, code))
    return _file(columns, rows, f"revenue-{first:%Y%m}-{last:%Y%m}")


def _every_arrear() -> Iterator[Row]:
    after: After | None = None
    with service().database.session() as session:
        here = (session, current_district_id(), current_reach(), _today(), _code())
        while rows := accounts.arrears(*here, after, AT_ONCE):
            yield from rows
            after = after_of(named(rows[-1]))


def _arrear(row: Row) -> tuple[Any, ...]:
    place = (row["complex"], row["complex_name"], row["building"], row["unit"])
    moved_out = row["moved_out"] and service_day(row["moved_out"])
    return (
        *place,
        row["arrears_won"],
        row["balance_won"],
        row["held_won"],
        row["oldest_due_on"],
        row["days"],
        moved_out,
    )


def _revenue(first: date, last: date, code: str) -> list[Row]:
    with service().database.session() as session:
        return revenues.revenue(session, current_district_id(), current_reach(), first, last, code)


def _file(columns: Iterable[str], rows: Iterable[Iterable[Any]], name: str) -> FlaskResponse:
    headers = {"Content-Disposition": f"attachment; filename={name}.csv"}
    return FlaskResponse("".join(csv_lines(columns, rows)), mimetype=MIME, headers=headers)


def _asked() -> tuple[date, date, str]:
    """First and last month, and the complex; what makes no sense is left out."""
    first, last = (lines.month_of(request.args.get(name, "")) for name in ("first", "last"))
    begin, end = span(first, last, _today())
    return min(begin, end), end, _code()


def _after() -> After | None:
    text = request.args.get("after", "")
    return after_of(text) if AFTER.fullmatch(text) else None


def _code() -> str:
    return request.args.get("complex", "")[:40]


def _today() -> date:
    return service_day(now())


def _shared() -> dict[str, Any]:
    identity, language = current_identity(), choose_language()

    def said(text: Text) -> str:
        return text.said(language)

    return {"words": words, "said": said, "may": identity.may, "sees_district": identity.reach.whole, "today": _today()}
