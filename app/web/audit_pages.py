"""The audit log for staff: who did what to what, filtered, in sentences."""

from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from flask import Blueprint, current_app, render_template, request
from flask_babel import gettext
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException

from app.access import rules
from app.access.accounts import current_district_id, current_reach
from app.access.audit_queries import VIA, Asked, entries
from app.access.audit_schemas import AuditArguments
from app.access.audit_sentences import ORIGINS, Told, told
from app.access.audit_words import ACTIONS, KINDS
from app.context import service
from app.languages import choose_language
from app.registry.models import Complex
from app.texts import Text

blueprint = Blueprint("audit_pages", __name__)

PAGE = 100
FILTERS = ("actor", "kind", "action", "subject", "subject_id", "complex", "from", "to", "via")
# Where a subject has a page, by its kind; `subject` is what staff call it.
PATHS = {
    "account": "/people/{subject}",
    "fault": "/faults/{subject_id}",
    "gateway": "/gateways/{subject}",
    "household": "/households/{subject_id}",
    "meter": "/meters/{subject}",
}


@blueprint.app_template_filter("said")
def said(text: Text) -> str:
    """A sentence in the reader's language."""
    return text.said(choose_language())


@blueprint.get("/audit")
@rules.scope("audit:read")
def audit() -> Any:
    """Entries, newest first; each says who did what, what differs, why and from where."""
    given = {name: value for name in (*FILTERS, "before") if (value := request.args.get(name, "").strip())}
    try:
        wanted = AuditArguments().load(given)
    except ValidationError as error:
        return _page(given, [], errors=_for_people(error.messages_dict)), 422
    before, shown = wanted.pop("before", None), {name: given[name] for name in FILTERS if name in given}
    asked = Asked(**{name: wanted[name] for name in Asked._fields if name in wanted})
    with service().database.reading() as connection:
        rows = entries(connection, current_district_id(), current_reach(), asked, before, PAGE + 1)
    more = rows[PAGE - 1]["id"] if len(rows) > PAGE else None
    return _page(shown, list(map(told, rows[:PAGE])), more=more)


def _page(
    given: dict[str, str], found: list[Told], more: int | None = None, errors: dict[str, Any] | None = None
) -> str:
    return render_template(
        "audit.html",
        given=given,
        errors=errors,
        found=[(entry, _path(entry)) for entry in found],
        more=more,
        choices={
            "kind": _options(KINDS),
            "action": _options({action: _as_heading(text) for action, text in ACTIONS.items()}),
            "complex": _complexes(),
            "via": [(via, said(ORIGINS[via])) for via in VIA],
        },
    )


def _options(words: dict[str, Text]) -> list[tuple[str, str]]:
    return sorted(((name, said(text)) for name, text in words.items()), key=lambda option: option[1])


def _as_heading(text: Text) -> Text:
    """The sentence of an action without names: `… gave gateway … a command`."""
    return text.fill(actor="…", subject="…")


def _complexes() -> list[tuple[str, str]]:
    mine = sa.select(Complex.code, Complex.name).where(Complex.district_id == current_district_id())
    with service().database.reading() as connection:
        return [(code, f"{name} ({code})") for code, name in connection.execute(mine.order_by(Complex.name))]


def _path(entry: Told) -> str | None:
    """The page of the entry's subject, if there is one."""
    pattern = PATHS.get(entry.row["subject_kind"])
    if pattern is None:
        return None
    path = pattern.format(**{name: quote(entry.row[name], safe="") for name in ("subject", "subject_id")})
    try:
        current_app.url_map.bind("").match(path, "GET")
    except HTTPException:
        return None
    return path


def _for_people(errors: dict[str, Any]) -> dict[str, Any]:
    # What marshmallow says to programs is of no use beside a date field.
    days = dict.fromkeys(("from", "to"), gettext("Write a day as 2026-10-31."))
    return errors | {name: text for name, text in days.items() if name in errors}
