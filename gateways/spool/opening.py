"""Opening the spool at boot: whatever lies there, a sound spool comes out, and what was in it is kept.

A file that is damaged or of the old version is replaced in steps that a power cut may interrupt anywhere:

1. the file and its log are moved into the folder `NAME.moving`, beside the reason if it is damaged;
2. a new spool is made from them as `NAME.new`, which then takes the file's place in one step;
3. the folder becomes `NAME.corrupt-N` and is kept for the operator, or goes if the file was sound.
"""

import itertools
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import structlog

from gateways.clock import Clock
from gateways.limits import SpoolLimits
from gateways.spool.carrying import carry_damaged, carry_sound
from gateways.spool.check import find_damage, is_of_old_version
from gateways.spool.reserve import Reserve
from gateways.spool.schema import PAGE_BYTES, TABLES, VERSION
from gateways.spool.spool import Spool

log = structlog.get_logger()

_REASON: Final = "reason.txt"


def open_spool(path: Path, limits: SpoolLimits | None = None, clock: Clock | None = None) -> Spool:
    """Open the spool at boot: made if missing; if damaged, moved aside (kept) and begun anew with a new epoch.

    What can be read of a damaged spool goes into the new one, with a notice dated by `clock`.
    Raises sqlite3.OperationalError if the place cannot be read or written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace_if_needed(path, clock or Clock())
    except OSError as error:
        raise sqlite3.OperationalError(f"{path}: {error.strerror}") from error
    spool = Spool(path, limits=limits)
    spool.prepare()
    spool.hold_reserve()
    spool.shrink()
    return spool


def _replace_if_needed(path: Path, clock: Clock) -> None:
    replacement = _Replacement(path)
    if replacement.is_needed():
        Reserve.beside(path, 0).free()
        replacement.carry_out(clock)


class _Replacement:
    """The steps for the spool at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._log = path.with_name(f"{path.name}-wal")
        self._new = path.with_name(f"{path.name}.new")
        self._folder = path.with_name(f"{path.name}.moving")
        self._old = self._folder / path.name
        self._damage: str | None = None

    def is_needed(self) -> bool:
        """Whether one was interrupted, or has to begin."""
        if self._old.exists():
            return True
        shutil.rmtree(self._folder, ignore_errors=True)
        self._damage = find_damage(self._path)
        return self._damage is not None or is_of_old_version(self._path)

    def carry_out(self, clock: Clock) -> None:
        """Take the steps that are left."""
        is_replaced = self._old.exists() and self._path.exists()
        if not is_replaced:
            self._move()
            self._make(clock)
            self._new.replace(self._path)
            _sync(self._path.parent)
        self._finish()

    def _move(self) -> None:
        if not self._old.exists():
            self._folder.mkdir()
            if self._damage is not None:
                (self._folder / _REASON).write_text(self._damage, encoding="utf-8")
            self._path.touch()  # a log may stand alone
            self._path.rename(self._old)
        if self._log.exists():
            self._log.rename(self._folder / self._log.name)
        self._path.with_name(f"{self._path.name}-shm").unlink(missing_ok=True)
        _sync(self._folder)
        _sync(self._path.parent)

    def _make(self, clock: Clock) -> None:
        try:
            goes_on = self._fill()
        except sqlite3.OperationalError:
            raise  # the disk is full or broken: the old file is kept, and the next boot goes on from here
        except Exception:
            log.exception("spool_not_readable", todo="send the folder moved aside to the maker")
            _make_tables(self._new).close()
            goes_on = False
        with closing(Spool(self._new)) as spool:
            if not goes_on:
                self._begin_epoch(spool, clock)
        _sync(self._new)

    def _fill(self) -> bool:
        with closing(_make_tables(self._new)) as new, new:
            if self._reason is None:
                return carry_sound(self._old, new)
            carry_damaged(self._old, new)
        return False

    def _begin_epoch(self, spool: Spool, clock: Clock) -> None:
        spool.begin_epoch()
        if self._reason is not None:
            saved = spool.depth().records
            detail = f"{self._reason}; {saved} unacknowledged records saved; kept as {self._kept.name}"
            spool.add_notice("spool_corrupt", detail, clock.now(), clock.boot_id)
            log.error("spool_corrupt", reason=self._reason, saved=saved, kept_as=str(self._kept))

    def _finish(self) -> None:
        if self._reason is None:
            shutil.rmtree(self._folder)
        else:
            self._folder.rename(self._kept)
        _sync(self._path.parent)

    @property
    def _reason(self) -> str | None:
        file = self._folder / _REASON
        return file.read_text(encoding="utf-8") if file.exists() else None

    @property
    def _kept(self) -> Path:
        names = (self._path.with_name(f"{self._path.name}.corrupt-{number}") for number in itertools.count(1))
        return next(name for name in names if not name.exists())


def _make_tables(path: Path) -> sqlite3.Connection:
    """A new file, quick to fill: it counts for nothing before it takes its place."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    db = sqlite3.connect(path)
    db.executescript(f"PRAGMA page_size = {PAGE_BYTES}; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;")
    db.executescript(f"{TABLES} PRAGMA user_version = {VERSION};")
    return db


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
