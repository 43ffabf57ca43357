"""Sentences in both languages, outside of web requests: commands, imports, refusals.

A sentence stands next to its translation, so that neither is forgotten; pages use gettext catalogues instead.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

LANGUAGES = ("ko", "en")


class Text(NamedTuple):
    """One sentence in Korean and in English."""

    ko: str
    en: str

    def fill(self, **values: Any) -> "Text":
        """The sentence with its `{names}` replaced; a value may be a Text itself."""
        return Text(self.ko.format(**_in("ko", values)), self.en.format(**_in("en", values)))

    def said(self, language: str) -> str:
        """The sentence in one language."""
        return self.ko if language == "ko" else self.en


class Refused(Exception):
    """Something was not done, and nothing was changed. Each text says what is wrong, where, and what to do."""

    def __init__(self, *texts: Text) -> None:
        super().__init__("\n".join(text.en for text in texts))
        self.texts = texts


def language_of(environment: Mapping[str, str]) -> str:
    """Korean where the terminal's locale is Korean, else English; the first variable set decides."""
    locale = next(filter(None, (environment.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return "ko" if locale.lower().startswith("ko") else "en"


def listed(texts: Iterable[Text], separator: str = ", ") -> Text:
    """Several texts as one."""
    parts = list(texts)
    return Text(separator.join(part.ko for part in parts), separator.join(part.en for part in parts))


def _in(language: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.said(language) if isinstance(value, Text) else value for name, value in values.items()}
