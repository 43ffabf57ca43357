"""The manual: a page for each role, in both languages, that names every task and what it needs.

The texts are Markdown in app/web/manual/LANGUAGE.md: first what each role is for, then the tasks. Under each task a
comment, `<!-- needs: SCOPE … -->`, says which scopes it takes (`log-in` for none). A role's page has the tasks that it
may do, so that no manual tells of what its reader cannot; tests hold the comments against the roles.
"""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from flask import Blueprint, abort, g, render_template
from flask_babel import lazy_gettext as _l
from markdown_it import MarkdownIt
from markupsafe import Markup

from app.access import rules
from app.access.rules import ROLES
from app.languages import choose_language

blueprint = Blueprint("manual_pages", __name__)

FOLDER = Path(__file__).with_name("manual")
EVERYBODY = "log-in"
ROLE = re.compile(r"^# (\w+)\n(.*?)(?=^#)", re.MULTILINE | re.DOTALL)
TASK = re.compile(r"^(## .*?)\n<!-- needs: (.*?) -->\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
ROLE_NAMES = {
    "administrator": _l("Administrator"),
    "operator": _l("Operator"),
    "viewer": _l("Viewer"),
    "manager": _l("Apartment manager"),
    "contractor": _l("Maintenance contractor"),
    "vendor": _l("Vendor"),
    "auditor": _l("Auditor"),
}


class Task(NamedTuple):
    """A task: its Markdown, and the scopes that it takes."""

    text: str
    needs: frozenset[str]


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
    purpose = dict(ROLE.findall(source(language)))[role]
    texts = [purpose, *(task.text for task in tasks(language) if task.needs <= ROLES[role].scopes)]
    return Markup(MarkdownIt("commonmark", {"html": False}).render("\n".join(texts)))  # noqa: S704 - our own files


def tasks(language: str) -> list[Task]:
    """Every task of the manual, in its order."""
    found = TASK.findall(source(language))
    return [Task(f"{title}\n{text}", frozenset(needs.split()) - {EVERYBODY}) for title, needs, text in found]


def source(language: str) -> str:
    """The Markdown of one language."""
    return (FOLDER / f"{language}.md").read_text(encoding="utf-8")
