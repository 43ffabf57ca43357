"""What the simulated scales really showed: JSON lines, on disk before the scale shows it.

The log is also the bins' memory: a simulation that starts again finds every bin as heavy as the log says.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from gateways.cards import Card
from gateways.clock import rfc3339


class Drop(msgspec.Struct, frozen=True):
    """One change of a bin's weight: `grams` thrown in by a card's owner, or taken out (`emptied`, no card).

    `gross_g` is the weight afterwards; `at` is wall time in UTC, for people.
    """

    at: str
    kind: Literal["drop", "emptied"]
    meter: str
    card: Card | None
    grams: int
    gross_g: int


def read_truth(path: Path) -> list[Drop]:
    """Return the log in order; a last line that a crash cut short was never shown by a scale and is left out."""
    return list(_lines(path)) if path.exists() else []


def _lines(path: Path) -> Iterator[Drop]:
    for line in path.read_bytes().split(b"\n")[:-1]:
        yield msgspec.json.decode(line, type=Drop)


class TruthLog:
    """Appends to the log at `path`; one writer."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.gross_g: dict[str, int] = {}
        self.drops = 0
        for entry in read_truth(path):
            self._count(entry)
        self._file = path.open("ab")
        self._drop_torn_line(path)

    def _drop_torn_line(self, path: Path) -> None:
        content = path.read_bytes()
        self._file.truncate(content.rfind(b"\n") + 1)

    def _count(self, entry: Drop) -> None:
        self.gross_g[entry.meter] = entry.gross_g
        self.drops += entry.kind == "drop"

    def append(self, kind: Literal["drop", "emptied"], meter: str, card: Card | None, grams: int) -> int:
        """Add a change of weight and return the gross in grams; durable when this returns."""
        gross = self.gross_g.get(meter, 0) + grams
        entry = Drop(rfc3339(datetime.now(UTC)), kind, meter, card, grams, gross)
        self._file.write(msgspec.json.encode(entry) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._count(entry)
        return gross

    def close(self) -> None:
        """Release the file."""
        self._file.close()
