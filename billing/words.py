"""What billing says to people stands in both languages, next to each other, so that neither is forgotten."""

from typing import NamedTuple


class Words(NamedTuple):
    """One sentence in Korean and in English."""

    ko: str
    en: str

    def said(self, language: str) -> str:
        """The sentence in one language, `ko` or `en`."""
        return self.ko if language == "ko" else self.en


class Refused(ValueError):
    """Terms that cannot be billed by. `words` say what is wrong and what to do; nothing was changed."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words
