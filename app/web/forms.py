"""What pages with forms share: what was typed, and what a refusal says to the person who typed it."""

from typing import Any

from flask import get_flashed_messages, request

from app.languages import choose_language
from app.problems import Problem
from app.texts import Refused


def typed(*names: str) -> dict[str, str]:
    """Fields of the form without blanks around them, and without what a database cannot store."""
    return {name: request.form.get(name, "").strip().replace("\0", "") for name in names}


def failure_of(refusal: Problem | Refused) -> str:
    """A refusal in one paragraph."""
    if isinstance(refusal, Refused):
        return " ".join(text.said(choose_language()) for text in refusal.texts)
    return f"{refusal.kind.title} {refusal.detail or refusal.kind.detail}"


def errors_of(refusal: Problem | Refused) -> dict[str, Any]:
    """What is wrong by field."""
    errors = refusal.extra.get("errors", {}) if isinstance(refusal, Problem) else {}
    return {name: told if isinstance(told, list) else str(told) for name, told in errors.items()}


def flashed() -> str:
    """What the page before left to say."""
    return " ".join(map(str, get_flashed_messages()))
