"""What the bin says fits its display and exists in both languages."""

import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest

import gateways
from gateways.messages import _TEXTS, Lang, say
from gateways.weighing.outcomes import _TOLD
from gateways.weighing.thresholds import Thresholds
from gateways.weighing.visits import REFUSALS, told

KEYS = sorted(key for key in _TEXTS if key.startswith("bin_"))
VALUES: dict[str, Any] = {"grams": 99_990, "won": 12_990}


def columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def lines(text: str) -> list[str]:
    """The text as a display of twenty columns breaks it, between words."""
    made = [""]
    for word in text.split(" "):
        longer = f"{made[-1]} {word}".strip()
        if columns(longer) <= 20:
            made[-1] = longer
        else:
            made.append(word)
    return made


@pytest.mark.parametrize("lang", ["ko", "en"])
@pytest.mark.parametrize("key", KEYS)
def test_a_text_fits_two_lines_of_twenty_columns(key: str, lang: Lang) -> None:
    made = lines(say(lang, key, **VALUES))
    assert len(made) <= 2
    assert all(columns(line) <= 20 for line in made), made


def test_every_text_that_the_session_can_tell_exists() -> None:
    sources = "".join(path.read_text("utf-8") for path in Path(gateways.__file__).parent.rglob("*.py"))
    told_in_code = set(re.findall(r'Tell\("(\w+)"', sources)) | set(_TOLD.values())
    assert len(told_in_code) > 12
    assert told_in_code | {told(reason) for reason in REFUSALS} | {told("anything else")} <= set(KEYS)


def test_every_refusal_says_what_to_do_next() -> None:
    for key in KEYS:
        if key.startswith("bin_refused"):
            assert re.search(r"call the office|show card again", say("en", key))
            assert re.search(r"관리실에 문의하세요|다시 대 주세요", say("ko", key))


def test_thresholds_that_no_session_could_run_with_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="baseline_tries = 0 must be 1 or more"):
        Thresholds(baseline_tries=0)
