"""Simulated card readers, written from the readers' documents and sharing no code with the parsers they test.

Each is a `Device` of this package whose world is the number of the card being held, or None.
"""

from collections.abc import Callable, Iterator
from functools import reduce
from operator import xor
from typing import Final

_PN532_ACK: Final = bytes.fromhex("0000FF00FF00")
_PN532_ERROR: Final = bytes.fromhex("0000FF01FF7F8100")
_PN532_START: Final = b"\x00\x00\xff"


class PushReader:
    """RDM6300 and ID-20LA: EM4100 cards, sent again and again while one is held; deaf."""

    def __init__(self, tail: bytes) -> None:
        self._tail = tail

    def restart(self) -> None:
        """Power has come back; nothing to forget."""

    def push(self, card: str | None) -> bytes:
        """Return `02 | 10 hex digits | 2 hex digits XOR | 03`, the ID-20LA's with `0D 0A` before the end."""
        if card is None:
            return b""
        checksum = reduce(xor, bytes.fromhex(card))
        return b"\x02%s%02X%s" % (card.encode("ascii"), checksum, self._tail)

    def hear(self, _data: bytes, _card: str | None) -> bytes:
        """Return nothing: these readers only talk."""
        return b""


def rdm6300() -> PushReader:
    """Return an RDM6300: 14 bytes a frame."""
    return PushReader(b"\x03")


def id20la() -> PushReader:
    """Return an ID-20LA: 16 bytes a frame."""
    return PushReader(b"\r\n\x03")


class Pn532:
    """NXP PN532 over its high-speed UART, ISO 14443A (UM0701-02): silent until asked, and after a restart asleep.

    InListPassiveTarget blocks until a card comes, unless RFConfiguration item 5 (MaxRetries) was sent before it.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.restart()

    def restart(self) -> None:
        """Forget the configuration and any command under way."""
        self._buffer.clear()
        self._retries_set = self._listing = False

    def push(self, card: str | None) -> bytes:
        """Return the answer to a listing that has waited for this card."""
        if card is None or not self._listing:
            return b""
        self._listing = False
        return _pn532_answer(_target(card))

    def hear(self, data: bytes, card: str | None) -> bytes:
        """Return an ACK and the answer to each whole command in `data`; an ACK of the host ends a listing."""
        self._buffer += data
        return b"".join(self._obey(command, card) for command in self._commands())

    def _commands(self) -> Iterator[bytes]:
        """The data of each frame after TFI D4; wake-up bytes and whatever else is no frame are skipped."""
        while (start := self._buffer.find(_PN532_START)) >= 0 and len(self._buffer) >= start + 5:
            length, check = self._buffer[start + 3 : start + 5]
            if (length, check) == (0x00, 0xFF):
                self._listing = False
                del self._buffer[: start + 6]
            elif (length + check) % 256:
                del self._buffer[: start + 3]
            elif len(self._buffer) < start + 5 + length + 2:
                return
            else:
                body = bytes(self._buffer[start + 5 : start + 5 + length])
                intact = sum(self._buffer[start + 5 : start + 6 + length]) % 256 == 0
                del self._buffer[: start + 5 + length + 2]
                if intact and body[:1] == b"\xd4":
                    yield body[1:]

    def _obey(self, command: bytes, card: str | None) -> bytes:
        self._listing = False
        match command[:1]:
            case b"\x02":  # GetFirmwareVersion: IC 32, version 1.6, ISO 14443 A and B, ISO 18092
                return _PN532_ACK + _pn532_answer(b"\x03\x32\x01\x06\x07")
            case b"\x14":  # SAMConfiguration
                return _PN532_ACK + _pn532_answer(b"\x15")
            case b"\x32":  # RFConfiguration
                self._retries_set = self._retries_set or command[1:2] == b"\x05"
                return _PN532_ACK + _pn532_answer(b"\x33")
            case b"\x4a":  # InListPassiveTarget
                return _PN532_ACK + self._list(card)
            case b"\x44" | b"\x52":  # InDeselect, InRelease
                return _PN532_ACK + _pn532_answer(bytes([command[0] + 1, 0]))
            case _:
                return _PN532_ACK + _PN532_ERROR

    def _list(self, card: str | None) -> bytes:
        if card is not None:
            return _pn532_answer(_target(card))
        self._listing = not self._retries_set
        return b"" if self._listing else _pn532_answer(b"\x4b\x00")


def _target(card: str) -> bytes:
    """NbTg, Tg, SENS_RES, SEL_RES, length and UID of a MIFARE Classic 1K (4 bytes) or an NTAG (7, 10)."""
    uid = bytes.fromhex(card)
    sens, sel = (b"\x00\x04", 0x08) if len(uid) == 4 else (b"\x00\x44", 0x00)
    return b"\x4b\x01\x01%s%c%c%s" % (sens, sel, len(uid), uid)


def _pn532_answer(data: bytes) -> bytes:
    body = b"\xd5" + data
    return b"%s%c%c%s%c\x00" % (_PN532_START, len(body), -len(body) % 256, body, -sum(body) % 256)


class UhfM100:
    """M100, QM100 and R200 modules, EPC Gen2: `head | type | command | length | parameters | sum | tail`.

    Older modules frame with BB and 7E, newer manuals (R200 V2.3.3) with AA and DD.
    """

    def __init__(self, head: int, tail: int) -> None:
        self._head, self._tail = head, tail
        self._buffer = bytearray()

    def restart(self) -> None:
        """Forget half a command."""
        self._buffer.clear()

    def push(self, _card: str | None) -> bytes:
        """Return nothing: single polls are answered, nothing else is sent."""
        return b""

    def hear(self, data: bytes, card: str | None) -> bytes:
        """Return the answer to each whole command in `data`."""
        self._buffer += data
        return b"".join(self._obey(command, card) for command in self._commands())

    def _commands(self) -> Iterator[int]:
        while (start := self._buffer.find(self._head)) >= 0 and len(self._buffer) >= start + 5:
            end = start + 5 + int.from_bytes(self._buffer[start + 3 : start + 5], "big") + 2
            if self._buffer[start + 1] != 0 or end - start > 64:
                del self._buffer[: start + 1]
            elif len(self._buffer) < end:
                return
            else:
                frame = bytes(self._buffer[start:end])
                del self._buffer[:end]
                if sum(frame[1:-2]) % 256 == frame[-2] and frame[-1] == self._tail:
                    yield frame[2]

    def _obey(self, command: int, card: str | None) -> bytes:
        if command == 0x22:
            return self._frame(1, 0xFF, b"\x15") if card is None else self._frame(2, 0x22, _notice(card))
        if command == 0x03:
            return self._frame(1, 0x03, b"\x00M100 V1.00")
        if command == 0x28:
            return self._frame(1, 0x28, b"\x00")
        return self._frame(1, 0xFF, b"\x17")  # unknown command

    def _frame(self, kind: int, command: int, parameters: bytes) -> bytes:
        body = b"%c%c%s%s" % (kind, command, len(parameters).to_bytes(2, "big"), parameters)
        return b"%c%s%c%c" % (self._head, body, sum(body) % 256, self._tail)


def _notice(epc_hex: str) -> bytes:
    """RSSI (-55 dBm), PC, EPC and the tag's own CRC over both."""
    epc = bytes.fromhex(epc_hex)
    tag = (len(epc) // 2 << 11).to_bytes(2, "big") + epc
    return b"\xc9" + tag + _crc16(tag).to_bytes(2, "big")


def _crc16(data: bytes) -> int:
    """CRC-16 of ISO 18000-6C: polynomial 1021, start FFFF, result inverted."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021) & 0xFFFF if crc & 0x8000 else crc << 1
    return crc ^ 0xFFFF


def uhf_bb() -> UhfM100:
    """Return a module that frames with BB and 7E."""
    return UhfM100(0xBB, 0x7E)


def uhf_aa() -> UhfM100:
    """Return a module that frames with AA and DD."""
    return UhfM100(0xAA, 0xDD)


Reader = PushReader | Pn532 | UhfM100
MakeReader = Callable[[], Reader]
