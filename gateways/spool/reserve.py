"""Room on the disk that is kept for an emergency."""

import os
from dataclasses import dataclass
from pathlib import Path

import structlog

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Reserve:
    """A file of `size` bytes that does nothing but hold them."""

    path: Path
    size: int

    @classmethod
    def beside(cls, spool: Path, size: int) -> "Reserve":
        """The reserve of the spool at that path."""
        return cls(spool.with_name(f"{spool.name}.reserve"), size)

    @property
    def is_there(self) -> bool:
        """Whether the room is still held."""
        return self.path.exists()

    def make(self) -> None:
        """Hold the room; a disk that has none is no reason to stop."""
        try:
            with self.path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, max(1, self.size))
        except OSError as error:
            self.path.unlink(missing_ok=True)
            log.warning("spool_reserve_missing", reason=error.strerror)

    def free(self) -> bool:
        """Give the room back; return whether there was any."""
        was_there = self.is_there
        self.path.unlink(missing_ok=True)
        return was_there
