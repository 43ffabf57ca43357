"""However the bytes are cut and dirtied: the same readings, no lost frame, no exception, no growing buffer."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways.frames import Options
from gateways.frames.protocols import PROTOCOLS
from scripts.fuzz.inputs import OPTIONS
from scripts.fuzz.oracle import ORACLES, first_false
from tests.gateways.frames.support import ROWS, options_for, read, rows_of, words

NAMES = sorted(PROTOCOLS)
LONGEST = {
    "rdm6300": 16, "id20la": 16, "pn532_hsu": 262, "uhf_m100": 79, "cas_22": 22, "cas_and18": 18, "and_standard": 19,
    "toledo_continuous": 18, "toledo_8217": 10, "mt_sics": 66, "ohaus_defender": 18, "ohaus_scoutpro": 21,
    "kern_ascii": 18 + 3,
}  # fmt: skip

any_protocol = st.sampled_from(NAMES)
pieces = st.sampled_from([row.data for row in ROWS])
cuts = st.builds(lambda data, a, b: data[a:b], pieces, st.integers(0, 24), st.integers(0, 24))
flipped = st.builds(
    lambda data, at, bit: bytes(b ^ (1 << bit) if i == at else b for i, b in enumerate(data)),
    pieces,
    st.integers(0, 26),
    st.integers(0, 7),
)
streams = st.lists(st.one_of(pieces, cuts, flipped, st.binary(max_size=30)), max_size=10).map(b"".join)


def make(protocol: str, data: Any) -> tuple[Options, Any]:
    options = data.draw(st.sampled_from(OPTIONS.get(protocol, (Options(),))))
    return options, PROTOCOLS[protocol].make(options)


@settings(max_examples=400)
@given(any_protocol, streams, st.data())
def test_a_reading_stands_in_the_bytes_in_its_place(protocol: str, stream: bytes, data: Any) -> None:
    options, parser = make(protocol, data)
    assert first_false(ORACLES[protocol], stream, options, parser.feed(stream)) is None


@settings(max_examples=400)
@given(any_protocol, streams, st.lists(st.integers(1, 25), min_size=1), st.data())
def test_how_the_bytes_are_cut_never_changes_the_readings(
    protocol: str, stream: bytes, sizes: list[int], data: Any
) -> None:
    options, chunked = make(protocol, data)
    whole = PROTOCOLS[protocol].make(options)
    readings: list[object] = []
    rest, turn = stream, 0
    while rest:
        size = sizes[turn % len(sizes)]
        readings += chunked.feed(rest[:size])
        rest, turn = rest[size:], turn + 1
        assert len(chunked._buffer) <= LONGEST[protocol]
    assert readings == whole.feed(stream)
    assert chunked.stats == whole.stats


# What can be promised of noise before a frame, by protocol. Length-framed readers cannot know a false header with a
# right length until as many bytes have come as it promises, so noise there must hold none of its first bytes; and a
# G&G line is not read directly behind three blanks or a comma. All others: any noise, beginnings of frames included.
FORBIDDEN = {"pn532_hsu": (b"\xff", b"\xfe"), "uhf_m100": (b"\xbb", b"\xba")}


def noise_for(protocol: str, noise: bytes) -> bytes:
    if read(protocol, noise):
        return b""  # no noise at all
    noise = noise.replace(*FORBIDDEN.get(protocol, (b"", b"")))
    if protocol == "uhf_m100":
        return noise.replace(b"\xaa", b"\xab")
    return noise + b"#" if protocol == "kern_ascii" and (noise.endswith((b"   ", b","))) else noise


@settings(max_examples=600)
@given(any_protocol, st.data())
def test_noise_before_between_and_after_frames_never_costs_a_frame(protocol: str, data: Any) -> None:
    good = st.sampled_from([row for row in rows_of(protocol) if len(row.says) == 1 and row.about not in JOINED])
    dirty = st.one_of(st.binary(max_size=30), cuts_of(protocol))
    parts = data.draw(st.lists(st.tuples(dirty, good), max_size=5))
    parts = [part for part in parts if options_for(protocol, part[1].data) == options_for(protocol)]
    stream = b"".join(noise_for(protocol, noise) + row.data for noise, row in parts) + noise_for(
        protocol, data.draw(st.binary(max_size=30))
    )
    got = words(PROTOCOLS[protocol].make(options_for(protocol)).feed(stream))
    assert got == [word for _, row in parts for word in row.says]


# These hold other bytes before their frame.
JOINED = {"joined mid-frame: STX inside after 8 bytes of the previous frame", "noise first", "a cut frame first"}


def cuts_of(protocol: str) -> st.SearchStrategy[bytes]:
    """The beginnings of frames, without their last byte at least, and the ends, without their first."""
    frames = st.sampled_from([row.data for row in rows_of(protocol) if len(row.says) == 1 and row.about not in JOINED])
    beginnings = st.builds(lambda data, at: data[: 1 + at % (len(data) - 1)], frames, st.integers(0, 30))
    ends = st.builds(lambda data, at: data[1 + at % (len(data) - 1) :], frames, st.integers(0, 30))
    return st.one_of(beginnings, ends)


@pytest.mark.parametrize("protocol", NAMES)
def test_a_stream_of_frames_without_noise_counts_none(protocol: str) -> None:
    rows = [
        row
        for row in rows_of(protocol)
        if len(row.says) == 1 and row.about not in JOINED and options_for(protocol, row.data) == options_for(protocol)
    ]
    parser = PROTOCOLS[protocol].make(options_for(protocol))
    assert words(parser.feed(b"".join(row.data for row in rows))) == [row.says[0] for row in rows]
    assert parser.stats.noise_bytes == 0
    assert parser.stats.frames == len(rows)
    assert not parser.stats.rejects


@given(st.integers(-9_999, 9_999), st.integers(0, 99), st.sampled_from(["kg", "g", "t", "lb"]))
def test_every_scale_converts_alike_and_exactly(whole: int, hundredths: int, unit: str) -> None:
    shown = f"{'-' if whole < 0 else ''}{abs(whole)}.{hundredths:02d}"
    lines = {
        "cas_and18": f"ST,GS,{shown:>8}{unit:>2}\r\n",
        "and_standard": f"ST,{'-' if whole < 0 else '+'}{shown.lstrip('-'):0>8}{unit:>3}\r\n",
        "mt_sics": f"S S {shown:>10} {unit}\r\n",
        "ohaus_defender": f"{shown:>8} {unit:<5} G\r\n",
        "ohaus_scoutpro": f"{shown:>12} {unit:<5} \r\n",
        "kern_ascii": f"{shown:>12} {unit:<3}\r\n",
    }
    grams = {words(PROTOCOLS[name].make(Options()).feed(line.encode()))[0] for name, line in lines.items()}
    per_unit = {"kg": 100_000_000, "g": 100_000, "t": 100_000_000_000, "lb": 45_359_237}[unit]
    exact = abs(whole) * 100 + hundredths
    rounded, rest = divmod(exact * per_unit, 10_000_000)
    rounded += rest > 5_000_000 or (rest == 5_000_000 and rounded % 2 == 1)
    assert grams == {f"stable {-rounded if whole < 0 else rounded}"}
