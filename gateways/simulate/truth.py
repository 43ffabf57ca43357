"""What the simulated scales really showed, and what went wrong: JSON lines, on disk before the scale shows it.

The log is also the bins' memory: a simulation that starts again finds every bin as heavy as the log says.
"""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from gateways.cards import Card
from gateways.clock import rfc3339

Kind = Literal["drop", "emptied"]


class Drop(msgspec.Struct, frozen=True):
    """One change of a bin's weight: `grams` thrown in by a card's owner, or taken out (`emptied`, perhaps no card).

    `gross_g` is the weight afterwards; `at` is wall time in UTC, for people.
    """

    at: str
    kind: Kind
    meter: str
    card: Card | None
    grams: int
    gross_g: int


class Fault(msgspec.Struct, frozen=True):
    """Something went wrong by order: which fault, and where (`METER/PORT` or a gateway)."""

    at: str
    kind: Literal["fault"]
    fault: str
    where: str


class _Line(msgspec.Struct):
    kind: str


Entry = TypeVar("Entry", Drop, Fault)


def read_truth(path: Path) -> list[Drop]:
    """Return the changes in order; a last line that a crash cut short was never shown by a scale and is left out."""
    return list(_entries(path, Drop, ("drop", "emptied")))


def read_faults(path: Path) -> list[Fault]:
    """Return what went wrong, in order."""
    return list(_entries(path, Fault, ("fault",)))


def _entries(path: Path, kind: type[Entry], names: tuple[str, ...]) -> Iterator[Entry]:
    for line in path.read_bytes().split(b"\n")[:-1] if path.exists() else ():
        if msgspec.json.decode(line, type=_Line).kind in names:
            yield msgspec.json.decode(line, type=kind)


def _wall() -> str:
    return rfc3339(datetime.now(UTC))


class Truth:
    """What each bin weighs, and how it came to that; in memory. `wall` gives the time as text."""

    def __init__(self, wall: Callable[[], str] = _wall) -> None:
        self.gross_g: dict[str, int] = {}
        self.drops = 0
        self.entries: list[Drop] = []
        self.faults: list[Fault] = []
        self._wall = wall

    def append(self, kind: Kind, meter: str, card: Card | None, grams: int) -> int:
        """Add a change of weight and return the gross in grams."""
        gross = self.gross_g.get(meter, 0) + grams
        entry = Drop(self._wall(), kind, meter, card, grams, gross)
        self._keep(entry)
        self._count(entry)
        return gross

    def note(self, fault: str, where: str) -> None:
        """Add something that went wrong."""
        self._note(Fault(self._wall(), "fault", fault, where))

    def _count(self, entry: Drop) -> None:
        self.gross_g[entry.meter] = entry.gross_g
        self.drops += entry.kind == "drop"

    def _keep(self, entry: Drop) -> None:
        self.entries.append(entry)

    def _note(self, fault: Fault) -> None:
        self.faults.append(fault)


class TruthLog(Truth):
    """Keeps the truth in the log at `path`; one writer. A change is durable when `append` returns."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        path.parent.mkdir(parents=True, exist_ok=True)
        for entry in read_truth(path):
            self._count(entry)
        self._file = path.open("ab")
        self._drop_torn_line(path)

    def _drop_torn_line(self, path: Path) -> None:
        content = path.read_bytes()
        self._file.truncate(content.rfind(b"\n") + 1)

    def _keep(self, entry: Drop) -> None:
        self._write(entry)
        os.fsync(self._file.fileno())

    def _note(self, fault: Fault) -> None:
        self._write(fault)

    def _write(self, entry: Drop | Fault) -> None:
        self._file.write(msgspec.json.encode(entry) + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Release the file."""
        self._file.close()
