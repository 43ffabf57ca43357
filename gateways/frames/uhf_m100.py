"""UHF modules with the M100, QM100 or R200 chip ("MagicRF"), 115200 8N1: EPC Gen2 tags; the host asks.

`BB | type | command | length(2) | parameters | sum | 7E` (M100/QM100 manual); newer manuals (R200 V2.3.3) frame the
same with AA and DD. Type is 00 from the host, 01 an answer, 02 a tag. The sum is the low byte of all from type on. All
four framing values may occur inside an EPC, so frames are cut by length only.

A tag is `RSSI PC(2) EPC CRC(2)`. The CRC is the tag's own, over PC and EPC as it sent them through the air (CRC-16 of
ISO 18000-6C), and the upper five bits of PC are the EPC's length in words: both must agree.
"""

from binascii import crc_hqx
from typing import Final

from gateways.frames import DeviceProtocol, Dialogue, Line, Options, Reading, Reply, TagRead
from gateways.frames.base import MORE, NO_FRAME, StreamParser, Taken

_TAILS: Final = {0xBB: 0x7E, 0xAA: 0xDD}
_FRAMINGS: Final = {None: _TAILS.keys(), "BB": {0xBB}, "AA": {0xAA}}
_HOST, _ANSWER, _TAG = 0x00, 0x01, 0x02
_POLL, _VERSION, _STOP, _FAILED = 0x22, 0x03, 0x28, 0xFF
_NO_TAG: Final = 0x15
_TAG_LENGTHS: Final = range(7, 5 + 62 + 1, 2)  # an EPC of 1 to 31 words
_LONGEST: Final = 72  # more than any answer to the commands below


class UhfM100Parser(StreamParser):
    """Tags in either framing, or in one: `BB`, `AA`."""

    def __init__(self, framing: str | None = None) -> None:
        super().__init__()
        if framing not in _FRAMINGS:
            raise ValueError(f"framing = {framing!r} must be BB or AA")
        self.STARTS = frozenset(_FRAMINGS[framing])

    def take(self, buffer: bytes, at: int) -> Taken:
        """Cut by length, once type and length are possible ones."""
        head = buffer[at : at + 5]
        if len(head) > 1 and head[1] > _TAG:
            return NO_FRAME
        if len(head) < 5:
            return MORE
        kind, command, length = head[1], head[2], head[3] << 8 | head[4]
        if length > _LONGEST or (kind == _TAG and (command != _POLL or length not in _TAG_LENGTHS)):
            return "length"
        end = at + 7 + length
        return MORE if len(buffer) < end else _take_frame(buffer[at:end])


def _take_frame(frame: bytes) -> Taken:
    if frame[-1] != _TAILS[frame[0]]:
        return "no_end"
    if sum(frame[1:-2]) & 0xFF != frame[-2]:
        return "checksum"
    if frame[1] == _HOST:
        return "host_frame"
    said = _tag(frame[6:-2]) if frame[1] == _TAG else _answer(frame[2], frame[5:-2], frame)
    return said if isinstance(said, str) else (len(frame), (said,))


def _tag(sent: bytes) -> TagRead | str:
    """The card of `PC EPC CRC`, or the reason why it is none."""
    epc = sent[2:-2]
    if len(epc) != sent[0] >> 3 << 1:
        return "epc_length"
    if crc_hqx(sent[:-2], 0xFFFF) ^ 0xFFFF != sent[-2] << 8 | sent[-1]:
        return "tag_crc"
    return TagRead(epc.hex().upper()) if any(epc) else "zero_id"


def _answer(command: int, parameters: bytes, frame: bytes) -> Reading | str:
    if not parameters:
        return "data"
    if command == _FAILED:
        code = parameters[0]
        return Reply("no_card", None, frame) if code == _NO_TAG else Reply("error", f"{code:02X}", frame)
    if command == _VERSION and parameters[1:].isascii():
        return Reply("identity", parameters[1:].decode("ascii"), frame)
    return Reply("done", bytes((command, *parameters)).hex(" ").upper(), frame)


def _dialogue(head: int) -> Dialogue:
    def command(number: int, parameters: bytes = b"") -> bytes:
        body = bytes((_HOST, number, 0, len(parameters))) + parameters
        return b"%c%s%c%c" % (head, body, sum(body) & 0xFF, _TAILS[head])

    # A module may still be polling by itself, as its last host told it.
    return Dialogue(
        start=(command(_STOP),), poll=command(_POLL), poll_every_s=0.15, identify=command(_VERSION, b"\x00")
    )


def _make(options: Options) -> UhfM100Parser:
    return UhfM100Parser(options.framing)


PROTOCOL: Final = DeviceProtocol(
    name="uhf_m100",
    kind="reader",
    make=_make,
    line=Line(115200),
    dialogue=_dialogue(0xBB),
    dialogues={"AA": _dialogue(0xAA)},
    other_lines=(Line(9600), Line(38400), Line(57600)),
)
