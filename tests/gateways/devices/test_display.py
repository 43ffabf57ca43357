"""The display shows and says what it is given; slow or gone, it delays nobody."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateways.config import DisplayConfig
from gateways.devices.display import Display, NullDisplay, make_display
from gateways.simulate.pty import Cable
from tests.gateways.devices.support import Now, heard

TEXTS = {"ko": "음식물 410 g", "en": "410 g of food waste"}
KO, EN = TEXTS["ko"].encode(), TEXTS["en"].encode()


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    made = Cable(tmp_path / "display")
    yield made
    made.close()


def display(cable: Cable, now: Now, language: str) -> Display:
    made = make_display(DisplayConfig(str(cable.link), language), now)  # type: ignore[arg-type]
    made.poll(now.s)
    assert heard(cable, b"D\r")  # blank when it comes up
    return made


def pass_time(display: Display, now: Now, seconds: float) -> None:
    now.s += seconds
    display.poll(now.s)


@pytest.mark.parametrize(("language", "text"), [("ko", KO), ("en", EN)])
def test_one_language_is_shown_and_said(cable: Cable, now: Now, language: str, text: bytes) -> None:
    shown = display(cable, now, language)
    shown.show(TEXTS)  # type: ignore[arg-type]
    assert heard(cable, b"D %s\rV %s\r" % (text, text))
    pass_time(shown, now, 3.1)
    assert cable.read() == b""


def test_both_languages_take_turns_and_are_said_in_order(cable: Cable, now: Now) -> None:
    shown = display(cable, now, "both")
    shown.show(TEXTS)  # type: ignore[arg-type]
    assert heard(cable, b"D %s\rV %s\rV %s\r" % (KO, KO, EN))
    pass_time(shown, now, 3.1)
    assert heard(cable, b"D %s\r" % EN)
    pass_time(shown, now, 3.1)
    assert heard(cable, b"D %s\r" % KO)


def test_a_text_is_blanked_before_the_next_resident_reads_it(cable: Cable, now: Now) -> None:
    shown = display(cable, now, "ko")
    shown.show(TEXTS)  # type: ignore[arg-type]
    assert heard(cable, b"D %s\rV %s\r" % (KO, KO))
    pass_time(shown, now, 12.1)
    assert heard(cable, b"D\r")


def test_a_text_is_one_line_cut_between_characters(cable: Cable, now: Now) -> None:
    shown = display(cable, now, "ko")
    shown.show({"ko": "가\r나\n" + "다" * 100, "en": ""})
    line = "가 나 ".encode() + "다".encode() * 50
    assert heard(cable, b"D %s\rV %s\r" % (line, line))


def test_a_display_that_comes_back_shows_the_text_of_the_moment(tmp_path: Path, now: Now) -> None:
    first = Cable(tmp_path / "display")
    shown = display(first, now, "ko")
    first.close()
    shown.show(TEXTS)  # type: ignore[arg-type]
    pass_time(shown, now, 0.1)
    second = Cable(tmp_path / "display")
    pass_time(shown, now, 1.0)
    assert heard(second, b"D %s\r" % KO)
    shown.close()
    second.close()


def test_a_display_that_reads_nothing_delays_nobody(cable: Cable, now: Now) -> None:
    shown = display(cable, now, "both")
    slowest = 0.0
    for _ in range(2000):
        began = time.monotonic()
        shown.show(TEXTS)  # type: ignore[arg-type]
        pass_time(shown, now, 0.01)
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < 0.2


def test_no_display_is_a_display_that_shows_nothing(now: Now) -> None:
    none = make_display(DisplayConfig(), now)
    assert isinstance(none, NullDisplay)
    none.show(TEXTS)  # type: ignore[arg-type]
    none.poll(0.0)
    none.close()
