"""The manual: a page for each role, in both languages, that names every task and what it needs.

The texts are Markdown in app/web/manual/ROLE.LANGUAGE.md. Under each task a comment, `<!-- needs: SCOPE … -->`, says
which scopes it takes; readers do not see it, tests hold it against the roles.
"""

import re
from functools import cache
from pathlib import Path

from flask import Blueprint, abort, g, render_template
from flask_babel import lazy_gettext as _l
from markdown_it import MarkdownIt
from markupsafe import Markup

from app.access import rules
from app.access.rules import ROLES
from app.languages import choose_language

blueprint = Blueprint("manual_pages", __name__)

FOLDER = Path(__file__).with_name("manual")
NEEDS = re.compile(r"<!-- needs: (.*?) -->\n?")
ROLE_NAMES = {
    "administrator": _l("Administrator"),
    "operator": _l("Operator"),
    "viewer": _l("Viewer"),
    "manager": _l("Apartment manager"),
    "contractor": _l("Maintenance contractor"),
    "vendor": _l("Vendor"),
    "auditor": _l("Auditor"),
}


@blueprint.get("/manual")
@rules.public
def manual() -> str:
    """The manuals, the reader's own first."""
    own = getattr(g.get("identity"), "role", None)
    return render_template("manuals.html", roles=sorted(ROLES, key=lambda role: role != own), names=ROLE_NAMES, own=own)


@blueprint.get("/manual/<role>")
@rules.public
def role_manual(role: str) -> str:
    """The manual of a role in the reader's language."""
    if role not in ROLES:
        abort(404)
    return render_template("manual.html", name=ROLE_NAMES[role], text=_rendered(role, choose_language()))


@cache
def _rendered(role: str, language: str) -> Markup:
    return Markup(MarkdownIt("commonmark", {"html": False}).enable("table").render(text_of(role, language)))  # noqa: S704 - our own files


def text_of(role: str, language: str) -> str:
    """A manual as its reader sees it, in Markdown."""
    return NEEDS.sub("", (FOLDER / f"{role}.{language}.md").read_text(encoding="utf-8"))
