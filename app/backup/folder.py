"""The folder of backups: one at work at a time, what a killed one left behind, and the old ones that go."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from app.backup import archive, words
from app.backup.manifest import Manifest
from app.texts import Refused, Text

LOCK = ".jongnyang-backup.lock"
UNFINISHED = ".jongnyang-*.part*"


class Found(NamedTuple):
    """A file of the folder; without a manifest where it could not be read, and why."""

    path: Path
    bytes: int
    manifest: Manifest | None
    problem: Text | None


def name_of(taken_at: datetime) -> str:
    """`jongnyang-20261122T093005.120Z.zip`."""
    return f"jongnyang-{taken_at:%Y%m%dT%H%M%S}.{taken_at.microsecond // 1000:03}Z.zip"


@contextmanager
def at_work(folder: Path) -> Iterator[None]:
    """Nobody else makes a backup here meanwhile; what one that was killed left behind is removed."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refused(words.AT_WORK.fill(folder=folder)) from error
        for leftover in folder.glob(UNFINISHED):
            leftover.unlink(missing_ok=True)
        yield


def listed(folder: Path) -> list[Found]:
    """The folder's backups, oldest first; those that cannot be read come first of all."""
    found = [_found(path) for path in sorted(folder.glob("*.zip"))]
    return sorted(found, key=lambda each: each.manifest.taken_at.timestamp() if each.manifest else 0.0)


def remove_older(folder: Path, newest: Manifest, keep: int) -> list[Path]:
    """Remove all but the newest `keep` backups of the database that `newest` is of; manifests tell."""
    mine = [each.path for each in listed(folder) if each.manifest and each.manifest.source == newest.source]
    for path in mine[:-keep]:
        path.unlink()
    return mine[:-keep]


def _found(path: Path) -> Found:
    try:
        return Found(path, path.stat().st_size, archive.read_manifest(path), None)
    except Refused as error:
        return Found(path, path.stat().st_size, None, error.texts[0])
