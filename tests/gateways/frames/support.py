"""The table of frames, and readings in its words."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gateways.frames import Options, Parser, Reading, Reply, TagRead
from gateways.frames.protocols import PROTOCOLS

TABLE = Path(__file__).with_name("frames.txt")
SHARED = Path(__file__).parents[4] / "shared" / "data" / "frames" / "frames.jsonl"


@dataclass(frozen=True)
class Row:
    """A line of the table; `says` is empty if nothing may come out."""

    protocol: str
    data: bytes
    says: tuple[str, ...]
    about: str


def table() -> Iterator[Row]:
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            protocol, data, says, about = line.split(" | ", 3)
            yield Row(protocol, bytes.fromhex(data), () if says == "-" else tuple(says.split(" ; ")), about)


ROWS = tuple(table())


def rows_of(protocol: str) -> list[Row]:
    return [row for row in ROWS if row.protocol == protocol]


def options_for(protocol: str, data: bytes = b"") -> Options:
    """The settings with which `decode` reads these bytes, and kg where a unit must be given."""
    found = PROTOCOLS[protocol]
    return Options(unit="kg" if found.needs_unit else None, checksum=found.infer(data).checksum)


def parser_for(protocol: str, data: bytes = b"") -> Parser:
    return PROTOCOLS[protocol].make(options_for(protocol, data))


def read(protocol: str, data: bytes) -> list[str]:
    return words(parser_for(protocol, data).feed(data))


def words(readings: Iterable[Reading]) -> list[str]:
    return [in_words(reading) for reading in readings]


def in_words(reading: Reading) -> str:
    if isinstance(reading, TagRead):
        return f"card {reading.number}"
    if isinstance(reading, Reply):
        return f"reply {reading.name} {reading.value or ''}".strip()
    if reading.grams is None:
        assert not reading.stable
        return f"fault {reading.fault}"
    assert reading.fault is None
    return f"{'stable' if reading.stable else 'moving'} {'net ' if reading.net else ''}{reading.grams}"
