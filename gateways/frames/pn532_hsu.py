"""NXP PN532 on a high-speed UART, 115200 8N1: ISO 14443A cards; the host asks (PN532 user manual UM0701-02).

`00 00 FF LEN LCS TFI data DCS 00`: LEN + LCS and TFI + data + DCS are 0 modulo 256; TFI is D4 from the host, D5 from
the PN532, and 7F alone is an error. ACK is `00 00 FF 00 FF 00`, NACK `00 00 FF FF 00 00`. Extended frames (more than
255 bytes) are not used by the commands below.

The answer to InListPassiveTarget is `4B NbTg`, then for each card Tg, SENS_RES(2), SEL_RES, IDLen, UID(4, 7 or 10) and,
from cards of ISO 14443-4 (bit 5 of SEL_RES), an ATS that begins with its own length.
"""

from typing import Final

from gateways.frames import DeviceProtocol, Dialogue, Line, Reading, Reply, TagRead
from gateways.frames.base import MORE, NO_FRAME, StreamParser, Taken

_START: Final = b"\x00\x00\xff"
_ACK, _NACK = b"\x00\xff", b"\xff\x00"
_HOST, _DEVICE, _ERROR = 0xD4, 0xD5, 0x7F
_UID_LENGTHS: Final = (4, 7, 10)
_HAS_ATS: Final = 0x20


class Pn532Parser(StreamParser):
    """A card that stays on the reader yields one `TagRead` per poll."""

    STARTS = frozenset(b"\x00")

    def take(self, buffer: bytes, at: int) -> Taken:
        """Cut by LEN, once LCS has confirmed it."""
        head = buffer[at : at + 6]
        if not _START.startswith(head[:3]):
            return NO_FRAME
        if len(head) < 6:
            return MORE
        if head[3:5] in (_ACK, _NACK):
            reply = Reply("ack" if head[3:5] == _ACK else "nack", None, head)
            return (6, (reply,)) if head[5] == 0 else "no_end"
        if reason := _reason_to_reject_head(head):
            return reason
        end = at + 7 + head[3]
        return MORE if len(buffer) < end else _take_frame(buffer[at:end])


def _reason_to_reject_head(head: bytes) -> str | None:
    length, check, sender = head[3:6]
    if not length or (length + check) & 0xFF:
        return "length"
    if sender == _HOST:
        return "host_frame"
    return None if sender == _DEVICE or (sender == _ERROR and length == 1) else "sender"


def _take_frame(frame: bytes) -> Taken:
    if sum(frame[5:-1]) & 0xFF:
        return "checksum"
    if frame[-1]:
        return "no_end"
    readings = _read(frame[6:-2], frame)
    return (len(frame), readings) if readings else "data"


def _read(data: bytes, frame: bytes) -> list[Reading]:
    """What the bytes after TFI say; nothing if they are malformed."""
    if frame[5] == _ERROR:
        return [Reply("error", "7F", frame)]
    if data[:1] == b"\x4b":
        return _cards(data[1:]) if data[1:] != b"\x00" else [Reply("no_card", None, frame)]
    if data[:1] == b"\x03" and len(data) == 5:
        return [Reply("identity", f"IC {data[1]:02X} v{data[2]}.{data[3]}", frame)]
    # An answer has the number of its command plus one.
    return [Reply("done", bytes((data[0] - 1, *data[1:])).hex(" ").upper(), frame)] if data and data[0] & 1 else []


def _cards(listed: bytes) -> list[Reading]:
    """The cards of `NbTg, targets`; none if a single byte is missing or too many."""
    cards: list[Reading] = []
    at = 1
    for number in range(1, 1 + (listed[0] if listed else 0)):
        uid = listed[at + 5 : at + 5 + listed[at + 4]] if len(listed) > at + 4 else b""
        if len(uid) not in _UID_LENGTHS or listed[at] != number or not any(uid) or listed[at + 4] != len(uid):
            return []
        cards.append(TagRead(uid.hex().upper()))
        has_ats = listed[at + 3] & _HAS_ATS
        at += 5 + len(uid)
        if has_ats and at < len(listed):
            at += listed[at] or len(listed)
    return cards if at == len(listed) else []


def command(data: bytes) -> bytes:
    """Return the frame of a command from the host."""
    body = bytes((_HOST,)) + data
    return b"%s%c%c%s%c\x00" % (_START, len(body), -len(body) & 0xFF, body, -sum(body) & 0xFF)


# The first byte after power-up only wakes it, slowly: zeros give it time. It must then be told to be a normal reader.
_WAKE_UP: Final = b"\x55\x55" + bytes(14)
_SAM_CONFIGURATION: Final = command(b"\x14\x01\x00\x01")
# Item 5, MaxRetries: two attempts at a card. Without it InListPassiveTarget waits until there is one.
_RF_CONFIGURATION: Final = command(b"\x32\x05\xff\x01\x01")
_LIST_PASSIVE_TARGET: Final = command(b"\x4a\x01\x00")
_GET_FIRMWARE_VERSION: Final = command(b"\x02")

PROTOCOL: Final = DeviceProtocol(
    name="pn532_hsu",
    kind="reader",
    make=lambda _options: Pn532Parser(),
    line=Line(115200),
    dialogue=Dialogue(
        start=(_WAKE_UP + _SAM_CONFIGURATION, _RF_CONFIGURATION),
        poll=_LIST_PASSIVE_TARGET,
        poll_every_s=0.15,
        identify=_GET_FIRMWARE_VERSION,
    ),
    other_lines=(Line(9600), Line(57600)),
)
