"""Whether a write-ahead log lost commits: SQLite stops at the first frame whose checksum is wrong, and says nothing.

Source: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateways.spool.schema import PAGE_BYTES

_HEADER: Final = struct.Struct(">8I")  # magic, version, page size, checkpoint, two salts, two checksums
_FRAME: Final = struct.Struct(">6I")  # page, pages after the commit or 0, two salts, two checksums
_MAGIC: Final = 0x377F0682  # its last bit: checksums are made of big-endian words
FRAME_BYTES: Final = _FRAME.size + PAGE_BYTES


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame as it lies in the file: which page it holds, whether it ends a commit, and what proves it."""

    page_no: int
    is_commit: bool
    salts: tuple[int, int]
    checksums: tuple[int, int]
    head: bytes
    page: bytes


def frames(log: Path) -> Iterator[Frame]:
    """Yield every whole frame, valid or not; nothing if there is no log."""
    if not log.exists():
        return
    with log.open("rb") as file:
        file.seek(_HEADER.size)
        while len(raw := file.read(FRAME_BYTES)) == FRAME_BYTES:
            page_no, pages, salt1, salt2, sum1, sum2 = _FRAME.unpack_from(raw)
            yield Frame(page_no, pages > 0, (salt1, salt2), (sum1, sum2), raw[:8], raw[_FRAME.size :])


def lost_commits(log: Path) -> bool:
    """Return whether a commit follows a frame that SQLite will stop at.

    A last commit that a power cut tore may look the same: it is then treated as damage, which costs a new epoch only.
    """
    head = log.read_bytes()[: _HEADER.size] if log.exists() else b""
    if len(head) < _HEADER.size:
        return False  # no frame was ever committed to it
    magic, _, page_bytes, _, *salts, sum1, sum2 = _HEADER.unpack(head)
    is_big = bool(magic & 1)
    if magic & ~1 != _MAGIC or page_bytes != PAGE_BYTES or _checksums(head[:24], (0, 0), is_big) != (sum1, sum2):
        return log.stat().st_size > _HEADER.size
    return _is_broken(log, (salts[0], salts[1]), (sum1, sum2), is_big)


def _is_broken(log: Path, salts: tuple[int, int], sums: tuple[int, int], is_big: bool) -> bool:
    is_valid = True
    for frame in frames(log):
        if is_valid and frame.salts == salts:
            sums = _checksums(frame.head + frame.page, sums, is_big)
            is_valid = sums == frame.checksums
        else:
            is_valid = False
        if not is_valid and frame.is_commit and frame.salts == salts:
            return True
    return False


def _checksums(data: bytes, sums: tuple[int, int], is_big: bool) -> tuple[int, int]:
    words = array("I", data)
    if is_big != (struct.pack("=H", 1) == struct.pack(">H", 1)):
        words.byteswap()
    one, two = sums
    pairs = iter(words)
    for first, second in zip(pairs, pairs, strict=True):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return one, two
