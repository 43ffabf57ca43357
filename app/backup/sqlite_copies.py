"""SQLite: a copy of the file by the online backup API, which takes one moment while the service goes on writing."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import sqlalchemy as sa

from app.backup import archive, words
from app.backup.archive import Tell
from app.backup.manifest import Part
from app.texts import Refused

PART = "jongnyang.db"
BUSY_S = 30


@contextmanager
def copied(url: sa.URL, unfinished: Path) -> Iterator[Path]:
    """A checked copy of the database in the file `unfinished`, which is removed at the end."""
    try:
        _copy(Path(str(url.database)), unfinished)
        yield unfinished
    except sqlite3.OperationalError as error:
        full = error.sqlite_errorcode == sqlite3.SQLITE_FULL
        text = words.DISK_FULL.fill(folder=unfinished.parent) if full else words.CANNOT_COPY.fill(error=error)
        raise Refused(text) from error
    finally:
        _remove(unfinished)


def _copy(database: Path, target: Path) -> None:
    archive.private_file(target).close()
    with (
        closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True, timeout=BUSY_S)) as source,
        closing(sqlite3.connect(target, isolation_level=None)) as copy,
    ):
        copy.execute("PRAGMA synchronous = OFF")  # thrown away at a power cut
        # All pages in one step: step by step, every commit of the service would begin the copy anew.
        source.backup(copy)
    require_sound(target)


def require_sound(path: Path) -> None:
    """Raise Refused where the pages of a database contradict each other."""
    with closing(sqlite3.connect(path)) as connection:
        try:
            found = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
        except sqlite3.DatabaseError as error:
            found = [str(error)]
    if found != ["ok"]:
        raise Refused(words.UNSOUND.fill(reason="; ".join(found)))


@contextmanager
def restored(path: Path, part: Part, target: Path, tell: Tell) -> Iterator[Path]:
    """The backup's database under another name, to be proved in the block; then it gets the name `target`."""
    unfinished = target.with_name(f".{target.name}.part")
    _remove(unfinished)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with archive.private_file(unfinished) as file:
            archive.extract(path, part, file, tell)
        require_sound(unfinished)
        yield unfinished
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        unfinished.rename(target)
        archive.sync_folder(target.parent)
    except BaseException:
        _remove(unfinished)
        raise


def url_of(path: Path) -> sa.URL:
    """The URL of a database file, whatever signs its name has."""
    return sa.URL.create("sqlite", database=str(path))


def require_empty(url: sa.URL) -> None:
    """Raise Refused where there is a file already, or the log of one, which SQLite would apply to ours."""
    target = Path(str(url.database))
    for path in (target, *_beside(target)):
        if path.exists():
            raise Refused(words.FILE_EXISTS.fill(file=path))


def _beside(path: Path) -> list[Path]:
    return [path.with_name(path.name + ending) for ending in ("-wal", "-shm", "-journal")]


def _remove(path: Path) -> None:
    for each in (path, *_beside(path)):
        each.unlink(missing_ok=True)
