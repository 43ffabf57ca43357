"""What cards and weights stand in some bytes, found by looking at every window of them at once.

Written from the protocols' descriptions and in another way than the parsers (patterns over the whole input, fractions,
bitwise checksums), so that both would have to be wrong alike. A parser on a live port cannot work like this.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from gateways.frames import Options, Reading, Reply, TagRead, WeightSample


@dataclass(frozen=True, slots=True)
class Window:
    """A valid frame in the input, and its first card or its weight: grams (None: a fault), stable, net."""

    start: int
    end: int
    says: str | tuple[int | None, bool, bool]


Oracle = Callable[[bytes, Options], Iterator[Window]]
_GRAMS: Final = {"kg": Fraction(1000), "g": Fraction(1), "t": Fraction(10**6), "lb": Fraction(45359237, 100000)}
_NUMBER: Final = rb" *[+-]? *\d+(?:\.\d+)?"


def first_false(oracle: Oracle, data: bytes, options: Options, readings: Sequence[Reading]) -> Reading | None:
    """Return the first card or weight that does not stand in the input after the ones before it, if there is one."""
    windows = sorted(oracle(data, options), key=lambda window: (window.start, window.end))
    rest, at, frame = 0, 0, (0, 0)
    for reading in readings:
        if isinstance(reading, Reply):
            continue
        for index, window in enumerate(windows[rest:], rest):
            place = (window.start, window.end)
            # Several cards may stand in one frame; otherwise frames do not overlap.
            if (window.start >= at or place == frame) and _agrees(window, data, reading):
                rest, at, frame = index + 1, window.end, place
                break
        else:
            return reading
    return None


def _agrees(window: Window, data: bytes, reading: TagRead | WeightSample) -> bool:
    if isinstance(reading, TagRead):
        return window.says == reading.number
    said = (reading.grams, reading.stable, reading.net)
    is_whole = (reading.grams is None) == (reading.fault is not None)
    return is_whole and window.says == said and data[window.start : window.end] == reading.raw


def _everywhere(pattern: bytes, data: bytes) -> Iterator[re.Match[bytes]]:
    """All matches of a pattern that holds one group around it all, overlapping ones too."""
    return re.finditer(b"(?s)(?=" + pattern + b")", data)


def _grams(number: bytes, unit: str, factor: Fraction = Fraction(1)) -> int:
    return round(Fraction(number.replace(b" ", b"").decode()) * _GRAMS[unit] * factor)


def em4100(data: bytes, _options: Options) -> Iterator[Window]:
    """RDM6300 and ID-20LA."""
    for match in _everywhere(rb"(\x02([0-9A-F]{12})(?:\r\n)?\x03)", data):
        value = int(match[2], 16)
        folded = 0
        for shift in range(0, 48, 8):
            folded ^= value >> shift & 0xFF
        if folded == 0 and value != 0:
            yield Window(match.start(), match.end(1), f"{value >> 8:010X}")


def pn532(data: bytes, _options: Options) -> Iterator[Window]:
    """The cards of InListPassiveTarget's answer."""
    for match in _everywhere(rb"(\x00\x00\xff(.)(.)\xd5\x4b(.))", data):
        length, end = match[2][0], match.start() + 7 + match[2][0]
        body = data[match.start() + 5 : end - 2]
        sums = ((length + match[3][0]) % 256, sum(data[match.start() + 5 : end - 1]) % 256)
        if len(data) >= end and sums == (0, 0) and data[end - 1] == 0:
            for uid in _uids(body[3:], 1, match[4][0]) or ():
                yield Window(match.start(), end, uid.hex().upper())


_TARGET: Final = re.compile(rb"(?s)(.)..(.)(?:\x04(.{4})|\x07(.{7})|\x0a(.{10}))")


def _uids(rest: bytes, number: int, count: int) -> list[bytes] | None:
    """The UIDs of targets `number` to `count` if `rest` holds exactly them."""
    if number > count:
        return None if rest else []
    match = _TARGET.match(rest)
    if match is None or match[1][0] != number:
        return None
    uid = match[3] or match[4] or match[5]
    rest = rest[match.end() :]
    if match[2][0] & 0x20 and rest:
        if not 0 < rest[0] <= len(rest):
            return None
        rest = rest[rest[0] :]
    others = _uids(rest, number + 1, count)
    return None if others is None or not any(uid) else [uid, *others]


def uhf(data: bytes, options: Options) -> Iterator[Window]:
    """Tag notices in either framing."""
    for head, tail in ((0xBB, 0x7E), (0xAA, 0xDD)):
        if options.framing in (None, f"{head:X}"):
            for match in _everywhere(b"(%c\x02\x22\x00(.))" % head, data):
                end = match.start() + 7 + match[2][0]
                frame = data[match.start() : end]
                if len(frame) == end - match.start() >= 12 and frame[-1] == tail and _is_tag(frame):
                    yield Window(match.start(), end, frame[8:-4].hex().upper())


def _is_tag(frame: bytes) -> bool:
    register = 0xFFFF
    for byte in frame[6:-4]:
        for bit in range(7, -1, -1):
            feedback = (register >> 15 ^ byte >> bit) & 1
            register = register << 1 & 0xFFFF ^ feedback * 0x1021
    has_crc = (register ^ 0xFFFF).to_bytes(2, "big") == frame[-4:-2]
    return (
        has_crc and sum(frame[1:-2]) % 256 == frame[-2] and frame[6] // 8 * 2 == len(frame[8:-4]) and any(frame[8:-4])
    )


def cas_22(data: bytes, _options: Options) -> Iterator[Window]:
    """CAS 22 bytes."""
    for match in _everywhere(rb"((ST|US|OL),(GS|NT),.(.),([ +\-.\dE]{8}) (kg| t|t )\r\n)", data):
        status, mode, lamp, number, unit = match.group(2, 3, 4, 5, 6)
        window = (match.start(), match.end(1))
        has_number = re.fullmatch(_NUMBER, number)
        if status == b"OL" or (lamp[0] < 0x80 and has_number):
            yield Window(*window, (None, False, False))
        elif has_number:
            is_stable = status == b"ST" and lamp[0] & 0b01010000 == 0b01000000
            is_net = mode == b"NT" or lamp[0] & 2 == 2
            yield Window(*window, (_grams(number, unit.decode().strip()), is_stable, is_net))


def cas_and18(data: bytes, _options: Options) -> Iterator[Window]:
    """CAS and A&D 18 bytes."""
    for match in _everywhere(rb"((ST|US|OL),(GS|NT|TR),([ +-][ +\-.\dE]{7})(kg| g|g | t|t |lb|  )\r\n)", data):
        status, mode, number, unit = match.group(2, 3, 4, 5)
        window = (match.start(), match.end(1))
        if status == b"OL":
            yield Window(*window, (None, False, False))
        elif mode != b"TR" and unit.strip() and re.fullmatch(_NUMBER, number):
            yield Window(*window, (_grams(number, unit.decode().strip()), status == b"ST", mode == b"NT"))


def and_standard(data: bytes, _options: Options) -> Iterator[Window]:
    """A&D of 17 and 19 bytes."""
    for number, unit in ((8, 3), (9, 4)):
        units = b"|".join(name.encode().rjust(unit) for name in _GRAMS)
        for match in _everywhere(rb"((ST|US),([+-].{%d})(%s)\r\n)" % (number, units), data):
            if re.fullmatch(rb".\d+(\.\d+)?", match[3]):
                grams = _grams(match[3], match[4].decode().strip())
                yield Window(match.start(), match.end(1), (grams, match[2] == b"ST", False))
        for match in _everywhere(rb"(OL,[+-](.{%d})\r\n)" % (number + unit), data):
            if re.fullmatch(rb"[ +\-.\dE]*[ gkltb]*", match[2]):
                yield Window(match.start(), match.end(1), (None, False, False))


def toledo_continuous(data: bytes, options: Options) -> Iterator[Window]:
    """Toledo continuous with (the default) or without check byte."""
    check = b"" if options.checksum is False else b"."
    pattern = rb"(\x02([\x28-\x2d\x30-\x35\x38-\x3d])([\x20-\x3f\x60-\x7f])[ (`h]([ \d]{6})([ \d]{6})\r" + check + b")"
    for match in _everywhere(pattern, data):
        shown, tare, status = match[4].strip(b" "), match[5].strip(b" "), match[3][0]
        is_out = status & 0x44 != 0
        right_aligned = (not match[4].endswith(b" ") or not shown) and (not match[5].endswith(b" ") or not tare)
        digits = b" " not in shown + tare and (bool(shown) or status & 4 != 0)
        if not right_aligned or not digits or (check and not _adds_up(match[1])):
            continue
        if is_out:
            yield Window(match.start(), match.end(1), (None, False, False))
            continue
        power = Fraction(10) ** (2 - match[2][0] % 8)
        grams = _grams(shown, "kg" if status & 16 else "lb", power) * (-1 if status & 2 else 1)
        yield Window(match.start(), match.end(1), (grams, not status & 8, bool(status & 1 or tare.strip(b"0"))))


def _adds_up(frame: bytes) -> bool:
    return frame[-1] < 128 and (-sum(byte % 128 for byte in frame[:-1])) % 128 == frame[-1]


def toledo_8217(data: bytes, options: Options) -> Iterator[Window]:
    """Answers to W."""
    for match in _everywhere(rb"(\x02( *\d+\.\d+)(N?)\r)", data):
        if len(match[2]) in (6, 7):
            grams = _grams(match[2], options.unit or "kg")
            yield Window(match.start(), match.end(1), (grams, True, bool(match[3])))
    for match in _everywhere(rb"(\x02\?([\x60-\x7f])\r)", data):
        if match[2][0] % 8:
            yield Window(match.start(), match.end(1), (None, False, False))


def mt_sics(data: bytes, _options: Options) -> Iterator[Window]:
    """Lines that begin with S."""
    for match in _everywhere(rb"(S ([SD]) (" + _NUMBER + rb") (kg|g|t|lb)\r\n)", data):
        if 10 <= len(match[3]) <= 12:
            yield Window(match.start(), match.end(1), (_grams(match[3], match[4].decode()), match[2] == b"S", False))
    for match in _everywhere(rb"(S [I+L-]\r\n)", data):
        yield Window(match.start(), match.end(1), (None, False, False))


def ohaus(width: int, legend: bytes) -> Oracle:
    """Return the oracle of a number's width and of the pattern of what follows the stability mark."""
    units = b"|".join(unit.encode().ljust(5) for unit in _GRAMS)
    pattern = rb"((.{%d}) (%s)([? ])(%s)\r\n)" % (width, units, legend)

    def look(data: bytes, _options: Options) -> Iterator[Window]:
        for match in _everywhere(pattern, data):
            if re.fullmatch(_NUMBER, match[2]) and match[2][:1] in b" -" and match[5] != b"T":
                grams = _grams(match[2], match[3].decode().strip())
                yield Window(match.start(), match.end(1), (grams, match[4] == b" ", match[5] == b"N"))

    return look


def kern(data: bytes, options: Options) -> Iterator[Window]:
    """Kern of 18 and G&G of 14 bytes."""
    for number, unit in ((9, 2), (12, 3)):
        units = b"|".join(name.encode().ljust(unit) for name in ("", *_GRAMS))
        for match in _everywhere(rb"(([ +-].{%d}) (%s)\r\n)" % (number - 1, units), data):
            if re.fullmatch(_NUMBER, match[2]):
                name = match[3].decode().strip()
                shown = name or options.unit
                grams = _grams(match[2], shown) if shown else None
                yield Window(match.start(), match.end(1), (grams, bool(name), False))


ORACLES: Final[dict[str, Oracle]] = {
    "rdm6300": em4100,
    "id20la": em4100,
    "pn532_hsu": pn532,
    "uhf_m100": uhf,
    "cas_22": cas_22,
    "cas_and18": cas_and18,
    "and_standard": and_standard,
    "toledo_continuous": toledo_continuous,
    "toledo_8217": toledo_8217,
    "mt_sics": mt_sics,
    "ohaus_defender": ohaus(8, b"[GNT]"),
    "ohaus_scoutpro": ohaus(12, b""),
    "kern_ascii": kern,
}
