"""Damage costs the frame that it hit, and no other."""

from itertools import chain

import pytest

from gateways.frames import Options, TagRead, WeightSample
from gateways.frames.protocols import PROTOCOLS
from scripts.fuzz.oracle import ORACLES, first_false
from tests.gateways.frames.support import ROWS, Row, options_for, parser_for, read, rows_of, words

READING = [row for row in ROWS if row.says]


@pytest.mark.parametrize(
    ("protocol", "data", "reason"),
    [
        ("rdm6300", b"\x020D00319CD071\x03", "checksum"),
        ("rdm6300", b"\x020d00319cd070\x03", "bad_digit"),
        ("rdm6300", b"\x0200000000000\x03", "bad_digit"),
        ("rdm6300", b"\x02000000000000\x03", "zero_id"),
        ("rdm6300", b"\x020D00319CD070\x02", "no_end"),
        ("rdm6300", b"\x020D00319CD070\r\x03", "no_end"),
        ("pn532_hsu", bytes.fromhex("0000FF05FDD54B01000000"), "length"),  # LCS cannot be right
        ("pn532_hsu", bytes.fromhex("0000FF00FF01"), "no_end"),
        ("pn532_hsu", bytes.fromhex("0000FF03FDD54B00E100"), "checksum"),
        ("pn532_hsu", bytes.fromhex("0000FF03FDD54B00E001"), "no_end"),
        ("pn532_hsu", bytes.fromhex("0000FF03FDD44B00E100"), "host_frame"),
        ("pn532_hsu", bytes.fromhex("0000FF03FDD64B00DF00"), "sender"),
        ("pn532_hsu", bytes.fromhex("0000FF0DF3D54B010100040805B0864D25250000"), "data"),  # a UID of 5 bytes
        ("pn532_hsu", bytes.fromhex("0000FF0CF4D54B01010004080400000000CE00"), "data"),  # a UID of zeros
        ("uhf_m100", bytes.fromhex("BB022200100000"), "length"),
        ("uhf_m100", bytes.fromhex("BB01280001002A7D"), "no_end"),
        ("uhf_m100", bytes.fromhex("BB0128000100297E"), "checksum"),
        ("uhf_m100", bytes.fromhex("BB0222000DC9340030751FEB705C5904307FB57E"), "epc_length"),
        ("uhf_m100", bytes.fromhex("BB02220011C9340030751FEB705C5904E3D50D713A76F07E"), "tag_crc"),
        ("cas_22", b"ST,GS,1\xc4,000013.5 lb\r\n", "unit"),
        ("cas_22", b"ST,GS,1\xc4,0000 3.5 kg\r\n", "data"),
        ("cas_22", b"ST,GS,1\xc4,00.013.5 kg\r\n", "data"),
        ("cas_22", b"ST,GS,1\xc4,0000013. kg\r\n", "data"),
        ("cas_22", b"ST,GS,1\xc4,         kg\r\n", "data"),
        ("cas_22", b"ST,GS,1\xc4,000013.5 kg\n\r", "separator"),
        ("cas_22", b"OL,GS,1\x84,0000#3.5 kg\r\n", "data"),
        ("cas_and18", b"ST,GS,+0013.50oz\r\n", "unit"),
        ("cas_and18", b"ST,GS,+00 3.50kg\r\n", "data"),
        ("cas_and18", b"ST,GS,+-013.50kg\r\n", "data"),
        ("cas_and18", b"OL,GS,+0013.50oz\r\n", "data"),
        ("and_standard", b"ST,+0001.234 oz\r\n", "unit"),
        ("and_standard", b"QT,+00012345 kg\r\n", "unit"),
        ("and_standard", b"ST,+    1.23 kg\r\n", "data"),
        ("and_standard", b"OL,+9999#9.9  g\r\n", "data"),
        ("toledo_continuous", b"\x02\x2e0   4123     0\r\x19", "status"),
        ("toledo_continuous", b"\x02,0\x31  4123     0\r\x0a", "status"),  # a unit that is not proven
        ("toledo_continuous", b"\x02,0   41 3     0\r\x2d", "data"),
        ("toledo_continuous", b"\x02,0            0\re", "data"),  # blank, but in range
        ("toledo_continuous", b"\x02,0   4123     0\n\x1e", "no_end"),
        ("toledo_8217", b"\x0201250\r", "data"),
        ("toledo_8217", b"\x02.01250\r", "data"),
        ("toledo_8217", b"\x021.250\r", "data"),
        ("toledo_8217", b"\x0201.2-0\r", "data"),
        ("toledo_8217", b"\x02001.2500000", "no_end"),
        ("toledo_8217", b"\x02?\x21\r", "status"),
        ("toledo_8217", b"\x02?a\n", "no_end"),
        ("mt_sics", b"S S     105.00 oz\r\n", "unit"),
        ("mt_sics", b"S S    105.00 g\r\n", "data"),
        ("mt_sics", b"S S     105.0- g\r\n", "data"),
        ("ohaus_defender", b"   0.360 kg    X\r\n", "separator"),
        ("ohaus_defender", b"   0.360 oz    G\r\n", "unit"),
        ("ohaus_defender", b"   0.36  kg    G\r\n", "data"),
        ("ohaus_scoutpro", b"       12.73 g    !\r\n", "separator"),
        ("kern_ascii", b"       0.665 oz \r\n", "unit"),
        ("kern_ascii", b"       0.665.g  \r\n", "separator"),
        ("kern_ascii", b"         665.    \r\n"[1:], "data"),
    ],
)
def test_a_damaged_frame_is_counted_by_its_reason_and_yields_nothing(protocol: str, data: bytes, reason: str) -> None:
    parser = parser_for(protocol)
    assert parser.feed(data) == []
    assert parser.stats.rejects[reason] >= 1
    assert parser.stats.frames == 0


@pytest.mark.parametrize("row", READING, ids=lambda row: f"{row.protocol}: {row.about}")
def test_every_byte_of_a_valid_frame_counts_as_no_noise(row: Row) -> None:
    parser = parser_for(row.protocol, row.data)
    readings = parser.feed(row.data)
    framed = sum(len(reading.raw) for reading in readings if not isinstance(reading, TagRead))
    assert parser.stats.noise_bytes + framed <= len(row.data)
    assert sum(parser.stats.rejects.values()) <= parser.stats.noise_bytes


CHECKED = ("rdm6300", "id20la", "pn532_hsu", "uhf_m100")


@pytest.mark.parametrize("protocol", CHECKED)
def test_no_single_flipped_bit_makes_another_card(protocol: str) -> None:
    for row in rows_of(protocol):
        for flipped in flips(row.data) if row.says else ():
            cards = [word for word in read(protocol, flipped) if word.startswith("card")]
            assert set(cards) <= set(row.says)


def test_no_single_flipped_bit_passes_a_toledo_check_byte() -> None:
    for row in rows_of("toledo_continuous"):
        if len(row.data) == 18:
            for flipped in flips(row.data):
                assert PROTOCOLS["toledo_continuous"].make(Options(checksum=True)).feed(flipped) == []


@pytest.mark.parametrize("protocol", sorted(set(PROTOCOLS) - set(CHECKED)))
def test_without_a_checksum_a_flipped_bit_makes_nothing_or_the_number_that_then_stands_there(protocol: str) -> None:
    for row in rows_of(protocol):
        options = options_for(protocol, row.data)
        for flipped in flips(row.data):
            readings = PROTOCOLS[protocol].make(options).feed(flipped)
            assert len(readings) <= max(1, len(row.says))
            assert first_false(ORACLES[protocol], flipped, options, readings) is None


def flips(data: bytes) -> list[bytes]:
    return [
        bytes(byte ^ (1 << bit) if index == at else byte for index, byte in enumerate(data))
        for at in range(len(data))
        for bit in range(8)
    ]


@pytest.mark.parametrize("row", READING, ids=lambda row: f"{row.protocol}: {row.about}")
def test_a_lost_byte_never_makes_a_weight_or_card_that_was_not_sent(row: Row) -> None:
    for at in range(len(row.data)):
        # A stream: the frame before and the one after are whole.
        data = row.data + row.data[:at] + row.data[at + 1 :] + row.data
        options = options_for(row.protocol, row.data)
        got = words(PROTOCOLS[row.protocol].make(options).feed(data))
        if row.protocol not in VARIABLE:
            assert {word for word in got if not word.startswith(("reply", "fault"))} <= set(row.says), data


# Frames of varying length without a checksum: a lost digit leaves a shorter number (docs/adding-a-device.md).
VARIABLE = ("mt_sics", "toledo_8217")


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
def test_a_port_that_was_reopened_joins_no_two_halves(protocol: str) -> None:
    row = next(row for row in rows_of(protocol) if row.says and row.says[-1].split()[0] in ("card", "stable"))
    for at in range(1, len(row.data)):
        parser = parser_for(protocol, row.data)
        first = parser.feed(row.data[:at])
        parser.reset()
        later = parser.feed(row.data[at:])
        assert not any(isinstance(reading, TagRead | WeightSample) for reading in (*first, *later)) or at < 8
        assert words(parser.feed(row.data)) == list(row.says)


def test_a_false_header_of_a_length_framed_protocol_delays_a_card_but_does_not_lose_it() -> None:
    card = bytes.fromhex("0000FF0CF4D54B0101000408045CBBE5D5FD00")
    parser = parser_for("pn532_hsu")
    assert parser.feed(bytes.fromhex("0000FFC838D5") + card) == []  # promises 200 bytes
    answers = list(chain.from_iterable(parser.feed(card) for _ in range(12)))
    assert words(answers) == ["card 5CBBE5D5"] * 13


def test_both_framings_of_uhf_modules_are_read_unless_one_is_set() -> None:
    tag_b = bytes.fromhex("BB02220011C9340030751FEB705C5904E3D50D703A76EF7E")
    tag_a = bytes.fromhex("AA02220011C9340030751FEB705C5904E3D50D703A76EFDD")
    mixed = bytes.fromhex("BB02220011C9340030751FEB705C5904E3D50D703A76EFDD")
    make = PROTOCOLS["uhf_m100"].make
    assert len(make(Options()).feed(tag_a + tag_b + mixed)) == 2
    assert len(make(Options(framing="BB")).feed(tag_a + tag_b + mixed)) == 1
    assert len(make(Options(framing="AA")).feed(tag_a + tag_a + tag_b + mixed)) == 2
    with pytest.raises(ValueError, match="framing = 'CC' must be BB or AA"):
        make(Options(framing="CC"))


def test_framing_bytes_inside_an_epc_end_nothing() -> None:
    epc = bytes.fromhex("BB7EAADD7EBB02220011BB7E")
    frame = uhf_tag(epc)
    assert read("uhf_m100", frame + frame) == [f"card {epc.hex().upper()}"] * 2


def uhf_tag(epc: bytes) -> bytes:
    crc = 0xFFFF
    for byte in (sent := bytes((len(epc) // 2 << 3, 0)) + epc):
        for bit in range(7, -1, -1):
            crc = (crc << 1) & 0xFFFF ^ (0x1021 if crc >> 15 ^ byte >> bit & 1 else 0)
    body = b"\x02\x22\x00" + bytes((len(sent) + 3, 0xC9)) + sent + (crc ^ 0xFFFF).to_bytes(2, "big")
    return b"\xbb" + body + bytes((sum(body) % 256, 0x7E))


def test_a_toledo_check_byte_that_looks_like_the_next_frame_is_a_check_byte() -> None:
    frame = b"\x02,0   4140     0\r"
    check = -sum(frame) & 0x7F
    frames = [frame[:9] + bytes((48 + digit,)) + frame[10:] for digit in range(10)]
    for body in frames:
        check = -sum(body) & 0x7F
        assert len(parser_for("toledo_continuous").feed((body + bytes((check,))) * 3)) == 3
    by_two = next(
        body for number in range(1_000, 10_000) if -sum(body := b"\x02,0   %d     0\r" % number) & 0x7F == 0x02
    )
    assert len(PROTOCOLS["toledo_continuous"].make(Options(checksum=True)).feed((by_two + b"\x02") * 3)) == 3
    assert len(PROTOCOLS["toledo_continuous"].make(Options(checksum=False)).feed((by_two + b"\x02") * 3)) == 3


def test_a_scale_that_sends_no_check_byte_is_not_read_unless_the_settings_say_so() -> None:
    frame = b"\x02-0  41230     0\r"
    assert PROTOCOLS["toledo_continuous"].make(Options()).feed(frame * 5) == []
    assert len(PROTOCOLS["toledo_continuous"].make(Options(checksum=False)).feed(frame * 5)) == 5


def test_an_unknown_unit_in_the_settings_is_refused_in_words() -> None:
    for protocol in ("toledo_8217", "kern_ascii"):
        with pytest.raises(ValueError, match="unit = 'stone' must be one of kg, g, t, lb"):
            PROTOCOLS[protocol].make(Options(unit="stone"))
    with pytest.raises(ValueError, match="unit must say which one"):
        PROTOCOLS["toledo_8217"].make(Options())


def test_a_moving_kern_has_grams_only_if_the_settings_name_its_unit() -> None:
    moving = b"     -29.186    \r\n"
    (sample,) = PROTOCOLS["kern_ascii"].make(Options(unit="kg")).feed(moving)
    assert sample == WeightSample(-29_186, False, None, moving)
