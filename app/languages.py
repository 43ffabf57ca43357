"""Korean or English: what the reader chose, else what the browser prefers, else Korean."""

from flask import has_request_context, request

LANGUAGES = ("ko", "en")
COOKIE = "language"


def choose_language() -> str:
    """The language of this answer."""
    if not has_request_context():
        return LANGUAGES[0]
    chosen = request.args.get("lang") or request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return str(chosen)
    return request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]
