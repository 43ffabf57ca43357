"""Fields of a page with several forms: each form has an action, which its fields' names begin with.

move = Fields("move")             the fields move_complex, move_at …
to = To(move.text("complex"), move.text("gateway"), move.moment("at", now))
move.check()                      raises the Problem `invalid` with all that could not be read
"""

from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _l

from app.problems import Problem
from app.texts import Refused
from app.web import forms
from billing.days import SEOUL

POOR_DAY = _l("Write a day as 2026-10-31.")
POOR_MOMENT = _l("Write a moment as 2026-10-31 14:00.")
POOR_NUMBER = _l("Write a whole number.")
MOST_DIGITS = 9


class Fields:
    """The fields of one form; what cannot be read is noted, and `check` tells of it."""

    def __init__(self, action: str) -> None:
        self.action = action
        self.errors: dict[str, Any] = {}

    def text(self, name: str) -> str:
        """Without blanks around it."""
        field = f"{self.action}_{name}"
        return forms.typed(field)[field]

    def day(self, name: str, otherwise: date | None = None) -> date:
        """A day; `otherwise` where the field is empty."""
        text = self.text(name)
        if not text and otherwise is not None:
            return otherwise
        try:
            return date.fromisoformat(text)
        except ValueError:
            self.errors[name] = POOR_DAY
            return date.min

    def moment(self, name: str, otherwise: datetime) -> datetime:
        """A moment in Seoul; `otherwise` where the field is empty."""
        text = self.text(name)
        if not text:
            return otherwise
        try:
            return datetime.fromisoformat(text).replace(tzinfo=SEOUL)
        except ValueError:
            self.errors[name] = POOR_MOMENT
            return otherwise

    def whole(self, name: str) -> int:
        """A whole number from 0."""
        digits = self.text(name).replace(",", "")
        if digits.isascii() and digits.isdecimal() and len(digits) <= MOST_DIGITS:
            return int(digits)
        self.errors[name] = POOR_NUMBER
        return 0

    def check(self) -> None:
        """Raise the Problem `invalid` where a field could not be read."""
        if self.errors:
            raise Problem("invalid", errors=self.errors)


def errors_of(action: str, refusal: Problem | Refused) -> dict[str, Any]:
    """What is wrong by the name that the field has on the page."""
    return {f"{action}_{name}": told for name, told in forms.errors_of(refusal).items()}
