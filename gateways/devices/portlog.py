"""What the ports said, recorded for `replay`: JSON lines in numbered files of bounded size, without any card number.

    {"boot_id": "…", "at_ms": 1000}                                                  first line of a process
    {"at_ms": 123456, "port": "/dev/…", "bytes": 44, "hex": "5354…0d0a5354…0d0a"}      scale: its valid frames
    {"at_ms": 123460, "port": "/dev/…", "bytes": 14, "cards": [{"hash": "…", "last4": "9CD0"}]}    reader
    {"at_ms": 123470, "port": "/dev/…", "bytes": 9, "rejects": {"checksum": 1}, "noise_bytes": 2}  either
    {"at_ms": 123480, "port": "/dev/…", "lid": "open"}                             lid: when it moves, and once a minute

`at_ms` is monotonic (CLOCK_BOOTTIME). What never reaches a file is any byte of a reader, and any byte of a scale's port
outside a valid weight frame: of those the counts are kept. A damaged frame may hold most of a card number, in ASCII or
in binary, and a reader may be plugged in where the scale belongs, so no masking of digits would do.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal, TextIO

import structlog

from gateways.cards import hash_card
from gateways.frames import FrameStats, Reading, TagRead, WeightSample

log = structlog.get_logger()

_FLUSH_EVERY_S: Final = 5.0
_RETRY_S: Final = 60.0
_LID_AGAIN_S: Final = 60.0


class PortLog:
    """Writes into `folder`, at most `files` files of `file_bytes` bytes; the oldest goes first. Never raises.

    A disk that takes no more costs the log a minute's pause, never the meter anything.
    """

    def __init__(
        self, folder: Path, card_key: bytes, boot_id: str, *, file_bytes: int = 8_000_000, files: int = 8
    ) -> None:
        self._folder = folder
        self._card_key = card_key
        self._boot_id = boot_id
        self._file_bytes = file_bytes
        self._files = files
        self._file: TextIO | None = None
        self._size = 0
        self._flush_at = 0.0
        self._retry_at = float("-inf")
        self._skipped: dict[str, tuple[dict[str, int], int]] = {}
        self._lids: dict[str, tuple[bool, float]] = {}

    def received(
        self,
        port: str,
        at: float,
        kind: Literal["reader", "scale"],
        length: int,
        readings: Sequence[Reading],
        stats: FrameStats,
    ) -> None:
        """Record what `length` bytes from a port came to; `stats` are its parser's counts after them."""
        row = self._news(port, stats)
        if kind == "scale":
            raw = b"".join(reading.raw for reading in readings if isinstance(reading, WeightSample))
            row |= {"hex": raw.hex()} if raw else {}
        elif cards := [reading for reading in readings if isinstance(reading, TagRead)]:
            hashed = [hash_card(card.number, self._card_key) for card in cards]
            row["cards"] = [{"hash": card.hash, "last4": card.last4} for card in hashed]
        if row:
            self._write(at, {"port": port, "bytes": length, **row})

    def _news(self, port: str, stats: FrameStats) -> dict[str, Any]:
        """What was refused since the last call."""
        rejects_before, noise_before = self._skipped.get(port, ({}, 0))
        self._skipped[port] = (dict(stats.rejects), stats.noise_bytes)
        rejects = {
            reason: count - rejects_before.get(reason, 0)
            for reason, count in stats.rejects.items()
            if count > rejects_before.get(reason, 0)
        }
        noise = stats.noise_bytes - noise_before
        return ({"rejects": rejects} if rejects else {}) | ({"noise_bytes": noise} if noise > 0 else {})

    def lid(self, port: str, at: float, is_open: bool) -> None:
        """Record how the lid stands, if that is news."""
        was_open, told_at = self._lids.get(port, (None, 0.0))
        if is_open is was_open and at - told_at < _LID_AGAIN_S:
            return
        self._write(at, {"port": port, "lid": "open" if is_open else "closed"})
        self._lids[port] = (is_open, at)

    def close(self) -> None:
        """Write out what is in memory."""
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError as error:
                log.warning("port_log_failed", folder=str(self._folder), error=str(error))

    def _write(self, at: float, row: dict[str, Any]) -> None:
        if at < self._retry_at:
            return
        try:
            if self._file is None or self._size >= self._file_bytes:
                self._next_file(at)
            self._put({"at_ms": int(at * 1000), **row})
            if at >= self._flush_at and self._file is not None:
                self._file.flush()
                self._flush_at = at + _FLUSH_EVERY_S
        except OSError as error:
            self.close()
            self._retry_at = at + _RETRY_S
            log.warning("port_log_failed", folder=str(self._folder), error=str(error), retry_s=_RETRY_S)

    def _put(self, row: dict[str, Any]) -> None:
        assert self._file is not None
        self._size += self._file.write(json.dumps(row, separators=(",", ":")) + "\n")

    def _next_file(self, at: float) -> None:
        """Begin the next file; its number follows the newest there is, also after a restart."""
        self.close()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        there = log_files(self._folder)
        for old in there[: max(0, len(there) + 1 - self._files)]:
            old.unlink()
        number = int(there[-1].stem.removeprefix("ports-")) + 1 if there else 1
        path = self._folder / f"ports-{number:08d}.jsonl"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "w", encoding="ascii")
        self._size = 0
        self._lids.clear()  # each file tells how the lids stand when it begins
        self._put({"boot_id": self._boot_id, "at_ms": int(at * 1000)})


def log_files(folder: Path) -> list[Path]:
    """Return the log's files, oldest first."""
    return sorted(path for path in folder.glob("ports-*.jsonl") if path.stem.removeprefix("ports-").isdigit())
