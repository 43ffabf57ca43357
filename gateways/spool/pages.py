"""Table rows read straight from the pages of a damaged file, whatever became of its header, schema and inner pages.

Nothing here is trusted: whoever takes a row proves it by the row's own checksum. Pages that SQLite has given up still
hold rows; those come too. Source: https://www.sqlite.org/fileformat2.html#b_tree_pages
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from gateways.spool.schema import PAGE_BYTES
from gateways.spool.wal import frames

Value = int | str | bytes | None
Row = tuple[Value, ...]  # the row's id, then its columns (that of the id is None)

_TABLE_LEAF: Final = 0x0D
_FIRST_PAGE_HEADER: Final = 100
_MOST_LOCAL: Final = PAGE_BYTES - 35
_LEAST_LOCAL: Final = (PAGE_BYTES - 12) * 32 // 255 - 23
_INT_BYTES: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


def rows(database: Path) -> Iterator[Row]:
    """Yield what the file's leaf pages hold, then what those of its write-ahead log do."""
    log = {frame.page_no: frame.page for frame in frames(database.with_name(f"{database.name}-wal"))}
    with database.open("rb") as file:
        pages = _Pages(file.fileno())
        for number in range(1, os.fstat(file.fileno()).st_size // PAGE_BYTES + 1):
            yield from _rows_of(pages.get(number), number, [pages, _Overlaid(pages, log)])
        for frame in frames(database.with_name(f"{database.name}-wal")):
            yield from _rows_of(frame.page, frame.page_no, [_Overlaid(pages, log), pages])


class _Pages:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def get(self, number: int) -> bytes:
        """Return a page, empty if it cannot be read."""
        try:
            return os.pread(self._descriptor, PAGE_BYTES, (number - 1) * PAGE_BYTES)
        except (OSError, OverflowError):
            return b""


class _Overlaid(_Pages):
    def __init__(self, pages: _Pages, log: Mapping[int, bytes]) -> None:
        self._below = pages
        self._log = log

    def get(self, number: int) -> bytes:
        return self._log.get(number) or self._below.get(number)


def _rows_of(page: bytes, number: int, views: list[_Pages]) -> Iterator[Row]:
    """Decode each cell; one that continues on other pages once as the file and once as the log has these."""
    at = _FIRST_PAGE_HEADER if number == 1 else 0
    if len(page) < PAGE_BYTES or page[at] != _TABLE_LEAF:
        return
    count = int.from_bytes(page[at + 3 : at + 5], "big")
    for pointer in range(at + 8, min(at + 8 + 2 * count, PAGE_BYTES - 1), 2):
        start = int.from_bytes(page[pointer : pointer + 2], "big")
        for view in views:
            try:
                row, is_whole = _cell(page, start, view)
            except (IndexError, ValueError, KeyError):
                break
            yield row
            if is_whole:
                break


def _cell(page: bytes, at: int, view: _Pages) -> tuple[Row, bool]:
    size, at = _varint(page, at)
    row_id, at = _varint(page, at)
    if size > 1 << 24:
        raise ValueError("no row of ours is that long")
    local = _local_bytes(size)
    payload = page[at : at + local]
    if local < size:
        payload += _overflow(view, int.from_bytes(page[at + local : at + local + 4], "big"), size - local)
    return (row_id, *_columns(payload)), local == size


def _local_bytes(size: int) -> int:
    if size <= _MOST_LOCAL:
        return size
    local = _LEAST_LOCAL + (size - _LEAST_LOCAL) % (PAGE_BYTES - 4)
    return local if local <= _MOST_LOCAL else _LEAST_LOCAL


def _overflow(view: _Pages, number: int, size: int) -> bytes:
    parts: list[bytes] = []
    while size > 0:
        page = view.get(number)
        if len(page) < PAGE_BYTES:
            raise ValueError("the rest of the row is gone")
        number = int.from_bytes(page[:4], "big")
        parts.append(page[4 : 4 + size])
        size -= PAGE_BYTES - 4
    return b"".join(parts)


def _columns(payload: bytes) -> Iterator[Value]:
    end, at = _varint(payload, 0)
    kinds = []
    while at < end:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    for kind in kinds:
        value, at = _value(payload, at, kind)
        yield value


def _value(payload: bytes, at: int, kind: int) -> tuple[Value, int]:
    if kind == 0:
        return None, at
    if kind in (8, 9):
        return kind - 8, at
    if kind < 12:
        end = at + _INT_BYTES[kind]
        return int.from_bytes(payload[at:end], "big", signed=True), end
    end = at + (kind - 12) // 2
    if end > len(payload):
        raise ValueError("longer than its row")
    return (payload[at:end].decode() if kind % 2 else payload[at:end]), end


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(8):
        byte = data[at + place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + place + 1
    return value << 8 | data[at + 8], at + 9
