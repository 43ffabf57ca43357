"""What a status says, put together from the spool and the meters."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import msgspec

from gateways import __version__
from gateways.clock import Clock, rfc3339
from gateways.link.allow_list import cards_status
from gateways.link.records import (
    SCHEMA,
    CommandResult,
    DiskStatus,
    MeterStatus,
    Notice,
    SpoolStatus,
    StatusReport,
    Touch,
)
from gateways.spool import AliveRow, NoticeRow, Spool, TouchRow
from gateways.spool import CommandResult as ResultRow

# docs/gateway-api.md, Status; an interval is about a quarter of a record, of which a batch takes 500.
MAX_ALIVE: Final = 2000
MAX_TOUCHES: Final = 50
MAX_NOTICES: Final = 100
MAX_RESULTS: Final = 50


@dataclass(frozen=True, slots=True)
class MeterReading:
    """What a status says of a meter besides its alive intervals. `ports`: PORT objects by `reader`, `scale`, `lid`."""

    meter: str
    gross_g: int | None
    lid_open: bool | None
    faults: list[str]
    fill_percent: int | None = None
    zero_drift_g: int | None = None
    ports: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """What waits in the spool to be told, as much as goes into one status."""

    alive: list[AliveRow]
    touches: list[TouchRow]
    notices: list[NoticeRow]
    results: list[ResultRow]

    @classmethod
    def waiting(cls, spool: Spool) -> "Told":
        """Read what waits."""
        return cls(
            spool.alive(MAX_ALIVE),
            spool.touches(MAX_TOUCHES),
            spool.notices(MAX_NOTICES),
            spool.command_results(MAX_RESULTS),
        )

    @property
    def only_alive(self) -> "Told":
        """Return the alive intervals alone: what every server has understood from the first."""
        return Told(self.alive, [], [], [])

    @property
    def is_full(self) -> bool:
        """Whether more may wait."""
        sizes = (len(self.alive), len(self.touches), len(self.notices), len(self.results))
        return any(size == most for size, most in zip(sizes, _MOST, strict=True))

    def forget(self, spool: Spool) -> None:
        """Drop from the spool what the server has heard; the alive intervals are the caller's."""
        spool.forget_touches([row.id for row in self.touches])
        spool.forget_notices([row.id for row in self.notices])
        spool.forget_results([row.id for row in self.results])


_MOST: Final = (MAX_ALIVE, MAX_TOUCHES, MAX_NOTICES, MAX_RESULTS)


def make_report(spool: Spool, clock: Clock, readings: Iterable[MeterReading], told: Told) -> StatusReport:
    """Return the status of this moment."""
    now, room = clock.now(), spool.room()
    return StatusReport(
        schema=SCHEMA,
        epoch=spool.epoch(),
        boot_id=clock.boot_id,
        sent_at=rfc3339(now.wall),
        mono_ms=now.mono_ms,
        clock=now.quality,
        firmware=__version__,
        spool=spool_status(spool, clock),
        meters=[_meter_status(reading, told.alive) for reading in readings],
        disk=DiskStatus(room.spool_bytes, room.free_bytes, room.refusing),
        cards=cards_status(spool, clock),
        commands=[CommandResult(row.id, row.state, row.detail) for row in told.results],
        touches=[_touch(row) for row in told.touches],
        notices=[_notice(row) for row in told.notices],
    )


def spool_status(spool: Spool, clock: Clock) -> SpoolStatus:
    """Return depth and age; a record of an earlier boot is at least as old as this boot."""
    depth = spool.depth()
    if depth.oldest is None:
        return SpoolStatus(depth.records, 0)
    now_ms = clock.now().mono_ms
    since_ms = depth.oldest.mono_ms if depth.oldest.boot_id == clock.boot_id else 0
    return SpoolStatus(depth.records, max(0, now_ms - since_ms) // 1000)


def _meter_status(reading: MeterReading, rows: Sequence[AliveRow]) -> MeterStatus:
    return MeterStatus(
        meter=reading.meter,
        alive=[msgspec.Raw(row.body) for row in rows if row.meter == reading.meter],
        gross_g=reading.gross_g,
        fill_percent=reading.fill_percent,
        zero_drift_g=reading.zero_drift_g,
        lid="unknown" if reading.lid_open is None else "open" if reading.lid_open else "closed",
        faults=reading.faults,
        ports=reading.ports,
    )


def _notice(row: NoticeRow) -> Notice:
    """Return it under a number that is its own: a restored image of the disk gives the same rows to other notices.

    21 bits are the row's, so that the numbers are in order, 32 a hash of the notice: together a whole number of JSON.
    """
    values = asdict(row)
    hashed = hashlib.blake2b(repr(values).encode(), digest_size=4).digest()
    values["id"] = row.id % 2**21 << 32 | int.from_bytes(hashed, "big")
    return msgspec.convert(values, Notice)


def _touch(row: TouchRow) -> Touch:
    values = asdict(row)
    del values["id"]  # the spool's own
    return msgspec.convert(values, Touch)
