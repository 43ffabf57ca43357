"""The audit log for staff: who did what, filtered, in sentences."""

from flask import Blueprint

from app.languages import choose_language
from app.texts import Text

blueprint = Blueprint("audit_pages", __name__)


@blueprint.app_template_filter("said")
def said(text: Text) -> str:
    """A sentence in the reader's language."""
    return text.said(choose_language())
