"""Addresses are what they say they are, and lead nowhere that the operator did not name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.fleet.messages.addresses import international, masked, normal
from app.fleet.messages.senders import Outcome, judge
from app.fleet.messages.words import SHORT_BYTES, clipped, sms_bytes
from app.texts import Refused, Text

HOSTS = ("hooks.example.kr", "127.0.0.1:9000")


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("010-1234-5678", "010-1234-5678"),
        ("01012345678", "010-1234-5678"),
        ("+82 10 1234 5678", "010-1234-5678"),
        ("+82 (0)10-1234-5678", "010-1234-5678"),
        ("011-123-4567", "011-123-4567"),
    ],
)
def test_a_mobile_number_is_stored_in_one_form(typed: str, stored: str) -> None:
    assert normal("sms", typed, ()) == stored
    assert international("010-1234-5678") == "+821012345678"


@pytest.mark.parametrize("typed", ["", "02-123-4567", "010-123-456", "+1 212 555 0100", "010-1234-56789", "kim"])
def test_what_takes_no_sms_in_korea_is_refused(typed: str) -> None:
    with pytest.raises(Refused):
        normal("sms", typed, ())


@pytest.mark.parametrize(
    "typed",
    ["kim", "kim@", "@example.kr", "kim@localhost", "kim lee@example.kr", "a@b.kr,c@d.kr", "김@예.한국", "a@-b.kr"],
)
def test_what_is_no_mail_address_is_refused(typed: str) -> None:
    with pytest.raises(Refused):
        normal("email", typed, ())


@pytest.mark.parametrize(
    "typed", ["https://hooks.example.kr/a?b=c", "http://127.0.0.1:9000/x", "https://HOOKS.example.kr"]
)
def test_a_webhook_may_call_the_hosts_that_the_operator_names(typed: str) -> None:
    assert normal("webhook", typed, HOSTS) == typed


@pytest.mark.parametrize(
    "typed",
    [
        "http://hooks.example.kr/",
        "https://hooks.example.kr.evil.example/",
        "https://hooks.example.kr@evil.example/",
        "https://evil.example#hooks.example.kr",
        "https://evil.example\\@hooks.example.kr/",
        "https://user:pass@hooks.example.kr/",
        "http://127.0.0.1:9001/",
        "http://127.0.0.1/",
        "http://[::1]:9000/",
        "http://0x7f000001:9000/",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/",
        "file:///etc/passwd",
        "https://",
        "https://hooks.example.kr:99999/",
        "https://hooks.example.kr/a b",
    ],
)
def test_a_webhook_calls_nothing_else(typed: str) -> None:
    with pytest.raises(Refused):
        normal("webhook", typed, HOSTS)


@given(st.sampled_from(["email", "sms", "webhook"]), st.text(max_size=60))
def test_any_text_is_an_address_or_is_refused(kind: str, typed: str) -> None:
    try:
        stored = normal(kind, typed, HOSTS)
    except Refused:
        return
    assert normal(kind, stored, HOSTS) == stored


def test_others_see_too_little_of_an_address_to_use_it() -> None:
    assert masked("email", "kimhaneul@example.kr") == "ki••@example.kr"
    assert masked("sms", "010-1234-5678") == "010-••••-5678"
    assert masked("webhook", "https://hooks.example.kr/secret?token=x") == "https://hooks.example.kr/••"


@given(st.text())
def test_a_short_text_fits_an_sms(text: str) -> None:
    short = clipped(Text(text, text)).ko
    assert sms_bytes(short) <= SHORT_BYTES
    if sms_bytes(text) <= SHORT_BYTES:
        assert short == text


@pytest.mark.parametrize(
    ("log", "outcome"),
    [
        (["Failed to send JSON POST notification: error=404."], Outcome("failed", "refused: 404")),
        (["SMTP recipient a@b.kr was refused: 550 b'no'"], Outcome("failed", "refused: 550")),
        (["Socket Exception: {'a@b.kr': (450, b'busy')}"], Outcome("failed", "refused: 450")),
        (["Connection error while submitting email", "Socket Exception: timed out"], Outcome("failed", "not-reached")),
        (["Socket Exception: Max retries (Caused by ConnectTimeoutError(…))"], Outcome("failed", "not-reached")),
        (["Socket Exception: Read timed out. (read timeout=4.0)"], Outcome("unknown", "no-answer")),
        (["Socket Exception: Connection unexpectedly closed"], Outcome("unknown", "no-answer")),
        (["Notification service 'x' raised an exception."], Outcome("unknown", "no-answer")),
        (["Bad template"], Outcome("failed", "bad-sender")),
    ],
)
def test_only_what_surely_did_not_arrive_is_tried_again(log: list[str], outcome: Outcome) -> None:
    assert judge("FAILURE", log) == outcome


def test_who_took_too_long_may_have_it() -> None:
    assert judge("TIMEOUT", []) == Outcome("unknown", "no-answer")
