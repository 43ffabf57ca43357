"""Whether there is room for another session. At the hard limit service is refused and said so."""

import os
import sqlite3
from contextlib import suppress
from typing import Final

from gateways.clock import Instant
from gateways.spool.connection import Connection, SpoolFullError, even_if_full
from gateways.spool.notes import insert_notice
from gateways.spool.rows import Room
from gateways.spool.schema import PAGE_BYTES

# Service comes back only when this much more than the limit is free, so that it does not flicker.
_MARGIN: Final = 0.05
_WORTH_SHRINKING: Final = 64_000_000


class Disk(Connection):
    """The methods around the disk."""

    def room(self) -> Room:
        """Return how much there is, and whether service is refused: the last word of `watch_room`, or worse."""
        used, free = self._used_bytes(), self._free_bytes()
        return Room(used, free, self._is_refusing(used, free, was_refusing=self._was_refusing()))

    def watch_room(self, moment: Instant, boot_id: str) -> Room:
        """Like `room`; keep a notice when service begins or ends to be refused, and hold the reserve again.

        To be called before each session and every minute or so.
        """
        room = self.room()
        if room.refusing != self._was_refusing():
            with suppress(SpoolFullError):  # not even the reserve helped: told as soon as there is room
                self._tell(room, moment, boot_id)
        self.hold_reserve()
        return room

    @even_if_full
    def _tell(self, room: Room, moment: Instant, boot_id: str) -> None:
        with self._transaction() as db:
            db.execute("REPLACE INTO meta VALUES ('refusing', ?)", (int(room.refusing),))
            insert_notice(db, "disk_full" if room.refusing else "disk_ok", self._explain(room), moment, boot_id)

    def hold_reserve(self) -> None:
        """Make the reserve, if it is not there and there is room for it."""
        if not self._reserve.is_there and self._free_bytes() > self._limits.min_free_bytes + self._reserve.size:
            self._reserve.make()

    def shrink(self) -> None:
        """Give free pages back to the disk if they are most of a large file. Takes seconds: for the boot only."""
        pages, unused = self._pragma("page_count"), self._pragma("freelist_count")
        if unused > pages // 2 and unused * PAGE_BYTES > _WORTH_SHRINKING:
            with suppress(sqlite3.OperationalError):  # no room for the copy: then they wait for records to come
                self._db.execute("VACUUM")

    def _was_refusing(self) -> bool:
        row = self._db.execute("SELECT value FROM meta WHERE key = 'refusing'").fetchone()
        return bool(row and row[0])

    def _is_refusing(self, used: int, free: int, *, was_refusing: bool) -> bool:
        margin = _MARGIN if was_refusing else 0.0
        return (
            used >= self._limits.max_bytes * (1 - margin)  # at the limit is beyond it: the next record would be
            or free < self._limits.min_free_bytes * (1 + margin)
        )

    def _used_bytes(self) -> int:
        pages = self._pragma("page_count") - self._pragma("freelist_count")
        log = self.path.with_name(f"{self.path.name}-wal")
        return pages * PAGE_BYTES + (log.stat().st_size if log.exists() else 0)

    def _pragma(self, name: str) -> int:
        return int(self._db.execute(f"PRAGMA {name}").fetchone()[0])

    def _free_bytes(self) -> int:
        disk = os.statvfs(self.path.parent)
        return disk.f_bavail * disk.f_frsize

    def _explain(self, room: Room) -> str:
        limits = self._limits
        return (
            f"spool {room.spool_bytes} bytes of {limits.max_bytes}, "
            f"disk {room.free_bytes} bytes free, {limits.min_free_bytes} needed"
        )
