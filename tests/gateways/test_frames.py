"""Bytes become a card or a weight only if they are a whole, valid frame, however they were cut or dirtied."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways.frames import TagRead, WeightSample
from gateways.frames.cas22 import Cas22Parser
from gateways.frames.rdm6300 import Rdm6300Parser
from gateways.simulate.bin import card_frame, weight_frame

SHARED_FRAMES = Path(__file__).parents[3] / "shared" / "data" / "frames" / "frames.jsonl"
OURS = {"rdm6300", "id20la", "cas_22"}


def shared_frames() -> list[Any]:
    if not SHARED_FRAMES.exists():
        skip = pytest.mark.skip(reason="the collection of published frames (frames.jsonl) is not beside this checkout")
        return [pytest.param(None, marks=skip)]
    rows = [json.loads(line) for line in SHARED_FRAMES.read_text(encoding="utf-8").splitlines()]
    return [pytest.param(row, id=f"{row['protocol']}: {row['meaning']}") for row in rows if row["protocol"] in OURS]


def cards(data: bytes) -> list[str]:
    return [read.number for read in Rdm6300Parser().feed(data)]


def weights(data: bytes) -> list[WeightSample]:
    return Cas22Parser().feed(data)


@pytest.mark.parametrize("row", shared_frames())
def test_every_published_frame_is_read_as_its_line_says(row: dict[str, Any]) -> None:
    data = bytes.fromhex(row["hex"])
    if row["protocol"] == "cas_22":
        check_weight(row["class"], weights(data))
    elif row["class"] == "card":
        assert cards(data)
        assert all(number.encode() in data for number in cards(data))
    else:
        assert not cards(data)


def check_weight(kind: str, samples: list[WeightSample]) -> None:
    if kind == "invalid":
        assert not samples
        return
    (sample,) = samples
    assert sample.stable is (kind == "stable_weight")
    assert (sample.grams is None) is (kind in ("fault", "config_error"))
    assert (sample.fault is not None) is (kind in ("fault", "config_error"))


# --- Own copies of what matters most


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("02 30 44 30 30 33 31 39 43 44 30 37 30 03", "0D00319CD0"),
        ("02 30 31 43 38 46 30 30 38 30 30 33 31 03", "01C8F00800"),  # a peer's wrong XOR refuses this one
        ("02 30 43 30 30 30 36 32 31 41 35 38 45 0D 0A 03", "0C000621A5"),  # ID-20LA
        ("98 80 0A 02 31 46 30 30 36 34 34 42 42 36 38 36 03", "1F00644BB6"),  # noise first
        ("02 30 44 30 02 31 46 30 30 36 34 34 42 42 36 38 36 03", "1F00644BB6"),  # a cut frame first
    ],
)
def test_a_card_keeps_all_forty_bits(text: str, number: str) -> None:
    assert cards(bytes.fromhex(text)) == [number]


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"\x020D00319CD071\x03", "checksum"),
        (b"\x020d00319cd070\x03", "bad_digit"),
        (b"\x0200000000000\x03", "bad_digit"),
        (b"\x02000000000000\x03", "zero_id"),
        (b"\x020D00319CD070\x02", "no_end"),
        (b"\x020D00319CD070\r\x03", "no_end"),
    ],
)
def test_a_damaged_card_is_counted_and_refused(frame: bytes, reason: str) -> None:
    parser = Rdm6300Parser()
    assert parser.feed(frame) == []
    assert parser.stats.rejects == {reason: 1}
    assert parser.stats.frames == 0


@pytest.mark.parametrize(
    ("frame", "grams", "stable"),
    [
        (b"ST,GS,1\xc4,000013.5 kg\r\n", 13_500, True),
        (b"ST,GS,\r\xc4,000013.5 kg\r\n", 13_500, True),  # the device id is CR
        (b"ST,GS,=\xe4,00041.23 kg\r\n", 41_230, True),
        (b"US,GS,1\x84,000013.7 kg\r\n", 13_700, False),
        (b"ST,GS,1\x84,000013.5 kg\r\n", 13_500, False),  # header and lamp disagree
        (b"US,GS,1\xc4,000013.5 kg\r\n", 13_500, False),
        (b"ST,GS,1\xd4,000013.5 kg\r\n", 13_500, False),  # hold: a frozen display
        (b"ST,GS,1\xc4,-   0.05 kg\r\n", -50, True),
        (b"ST,GS,1\xc4,    1.25  t\r\n", 1_250_000, True),
    ],
)
def test_a_weight_is_exact_and_stable_only_if_every_mark_says_so(frame: bytes, grams: int, stable: bool) -> None:
    (sample,) = weights(frame)
    assert (sample.grams, sample.stable, sample.fault) == (grams, stable, None)
    assert sample.raw == frame


@pytest.mark.parametrize(
    ("frame", "fault"),
    [
        (b"OL,GS,1\x84,         kg\r\n", "overload"),
        (b"OL,GS,1\x84,000013.5 kg\r\n", "overload"),
        (b"ST,GS,1\x44,000013.5 kg\r\n", "port must be 8N1"),
    ],
)
def test_a_frame_without_a_usable_weight_has_none(frame: bytes, fault: str) -> None:
    (sample,) = weights(b"ST,GS,1\xc4,000013.5 kg\r\n" + frame)[1:]
    assert (sample.grams, sample.stable, sample.fault) == (None, False, fault)


def test_a_tared_weight_is_never_stable() -> None:
    for frame in (b"ST,NT,1\xc4,000013.5 kg\r\n", b"ST,GS,1\xc6,000013.5 kg\r\n"):
        (sample,) = weights(frame)
        assert not sample.stable
        assert sample.fault == "tared"


@pytest.mark.parametrize(
    "data",
    [
        b"000013.5 kg\r\n",  # the first nine bytes were lost
        b"ST,GS,1\xc4,000013.5 lb\r\n",
        b"ST,GS,1\xc4,0000 3.5 kg\r\n",
        b"ST,GS,1\xc4,00.013.5 kg\r\n",
        b"ST,GS,1\xc4,0000013. kg\r\n",
        b"ST,GS,1\xc4,         kg\r\n",
        b"ST,GS,1\xc4,0.000135 kg\r\n",  # a fraction of a gram would have to be rounded
        b"ST,GS,1\xc4,000013.5 kg\n\r",
    ],
)
def test_a_damaged_weight_is_no_weight(data: bytes) -> None:
    assert weights(data) == []


@given(grams=st.integers(0, 9_999_999).map(lambda g: g // 10 * 10), stable=st.booleans())
def test_what_a_simulated_scale_shows_is_what_the_parser_reads(grams: int, stable: bool) -> None:
    (sample,) = weights(weight_frame(grams, stable=stable))
    assert (sample.grams, sample.stable) == (grams, stable)


# --- Fuzz: the oracle is a search over the whole stream at once, which a parser on a live port cannot do

_CARD = re.compile(rb"\x02([0-9A-F]{10})([0-9A-F]{2})(?:\r\n)?\x03")
_WEIGHT = re.compile(
    rb"(?:ST|US|OL),(?:GS|NT),.[\x80-\xff],[ +\-0-9][ .0-9]{7} (?:kg| t|t )\r\n",
    re.DOTALL,
)

card_numbers = st.integers(1, 2**40 - 1).map(lambda value: f"{value:010X}")
good_cards = card_numbers.map(card_frame)
good_weights = st.builds(
    lambda g, stable: weight_frame(g * 10, stable=stable), st.integers(0, 99_999), stable=st.booleans()
)
near_misses = st.sampled_from(
    [b"\x02", b"\x03", b"\x020D0", b"0D00319CD070\x03", b"\r\n", b"ST,GS,", b"ST,GS,1\xc4,0000", b"OL,", b"US,NT,S"]
)


def streams(good: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    cut = st.builds(lambda frame, a, b: frame[a : a + b], good, st.integers(0, 21), st.integers(0, 22))
    flipped = st.builds(
        lambda frame, at, bit: bytes(b ^ (1 << bit) if i == at else b for i, b in enumerate(frame)),
        good,
        st.integers(0, 21),
        st.integers(0, 7),
    )
    return st.lists(st.one_of(good, cut, flipped, near_misses, st.binary(max_size=30)), max_size=12).map(b"".join)


def is_card(match: re.Match[bytes]) -> bool:
    checksum = 0
    for byte in bytes.fromhex(match[1].decode()):
        checksum ^= byte
    return checksum == int(match[2], 16) and match[1] != b"0" * 10


@settings(max_examples=400)
@given(streams(good_cards))
def test_every_card_stands_in_a_valid_frame_and_every_valid_frame_is_found(stream: bytes) -> None:
    assert cards(stream) == [m[1].decode() for m in _CARD.finditer(stream) if is_card(m)]


@settings(max_examples=400)
@given(streams(good_weights))
def test_every_weight_stands_in_a_valid_frame(stream: bytes) -> None:
    for sample in weights(stream):
        assert sample.raw in stream
        assert _WEIGHT.fullmatch(sample.raw) or sample.fault is not None


@settings(max_examples=200)
@given(st.lists(st.tuples(st.binary(max_size=30), good_weights), max_size=6))
def test_no_noise_costs_the_next_good_weight(parts: list[tuple[bytes, bytes]]) -> None:
    # The noise is kept from looking like a header: a lying header may swallow 21 bytes, no parser can know.
    stream = b"".join(noise.replace(b",", b";") + frame for noise, frame in parts)
    assert [sample.raw for sample in weights(stream)] == [frame for _, frame in parts]


@settings(max_examples=200)
@given(
    data=st.one_of(streams(good_cards), streams(good_weights), streams(st.one_of(good_cards, good_weights))),
    sizes=st.lists(st.integers(1, 25), min_size=1),
    parser=st.sampled_from([Rdm6300Parser, Cas22Parser]),
)
def test_how_the_bytes_are_cut_never_changes_the_readings(
    data: bytes, sizes: list[int], parser: type[Rdm6300Parser | Cas22Parser]
) -> None:
    whole, chunked = parser(), parser()
    readings: list[TagRead | WeightSample] = []
    rest, turn = data, 0
    while rest:
        size = sizes[turn % len(sizes)]
        readings += chunked.feed(rest[:size])
        rest, turn = rest[size:], turn + 1
    assert readings == whole.feed(data)
    assert chunked.stats == whole.stats
