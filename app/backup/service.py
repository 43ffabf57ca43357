"""Make a backup, check it, prove that it comes back, and bring it back."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from app import __version__
from app.access import audit
from app.backup import archive, engines, facts, folder, manifest, postgres_dumps, proofs, words
from app.backup.archive import Tell
from app.backup.engines import Moment, is_sqlite
from app.backup.manifest import Manifest
from app.db import Database, alembic_config, current_revision, head_revision, upgrade
from app.settings import Settings
from app.texts import Refused, Text
from app.times import format_instant, now

Say = Callable[[Text], None]  # is told each step


class Made(NamedTuple):
    """A new backup, and the older ones that went for it."""

    path: Path
    bytes: int
    manifest: Manifest
    removed: Sequence[Path]


class Proof(NamedTuple):
    """What a restored database was found to be.

    `faults`: where it differs from the backup. `flaws`: where it contradicts itself, as it did when it was backed up.
    `remarks`: what else to know. None of the first two when all is well.
    """

    manifest: Manifest
    faults: Sequence[Text]
    flaws: Sequence[Text]
    remarks: Sequence[Text]


def back_up(settings: Settings, target: Path, keep: int | None, say: Say, tell: Tell) -> Made:
    """Write one moment of the service's database into one file in the folder `target`, while the service goes on.

    Everything that was committed when the backup began is in it. Raises Refused, and leaves no file, where anything
    fails. With `keep`, only so many files of this database stay in the folder.
    """
    url = _there(sa.make_url(settings.database_url))
    with folder.at_work(target):
        taken_at = now()
        path = target / folder.name_of(taken_at)
        say(words.COPYING.fill(database=_source(url)))
        with engines.moment(url, path.with_name(f".{path.stem}.part.db"), settings.pg_bin) as moment:
            counted = _counted(moment, url, taken_at)
            say(words.PACKING.fill(rows=counted.rows, file=path))
            with archive.new_archive(path, compressed=is_sqlite(url)) as zipped:
                with moment.dump() as dump:
                    part = archive.add_part(zipped, moment.part, dump, tell)
                made = manifest.sealed(msgspec.structs.replace(counted, parts=[part]), settings.secret_key)
                archive.add_manifest(zipped, made)
        return Made(path, path.stat().st_size, made, folder.remove_older(target, made, keep) if keep else [])


def verify(settings: Settings, path: Path, server: str | None, say: Say, tell: Tell) -> Proof:
    """Prove that a backup comes back: restore it into a database that is thrown away, and hold it against the file.

    A PostgreSQL one is made on `server`, or on that of the service. An older one is brought to the newest migration
    before its rollups and audit logs are looked at, which proves that it can be.
    """
    held = _checked(path, say, tell)
    with _throwaway(held, server or settings.database_url) as url:
        say(words.RESTORING.fill(database=_source(url)))
        with engines.restored(path, held, url, settings.pg_bin, tell) as database:
            say(words.PROVING)
            with database.reading() as connection:
                faults = list(proofs.compared(held, connection))
            if held.revision != head_revision():
                upgrade(database.engine.url.render_as_string(hide_password=False))
            flaws = list(proofs.flaws(held, database))
    return Proof(held, faults, flaws, _remarks(held, settings))


def restore(settings: Settings, path: Path, into: str, actor: str, say: Say, tell: Tell) -> Proof:
    """Bring a backup into the empty database `into`, all of it or nothing, and hold it against the file.

    The audit log of each district then says so, unless the database has to be brought to the newest migration first.

    Raises Refused, having changed nothing, where the file is damaged or the database is another kind, or not empty.
    """
    url = sa.make_url(into)
    held = _checked(path, say, tell)
    _require_kind(held, url)
    engines.require_empty(url)
    say(words.RESTORING.fill(database=_source(url)))
    with engines.restored(path, held, url, settings.pg_bin, tell) as database:
        say(words.PROVING)
        with database.reading() as connection:
            faults = list(proofs.compared(held, connection))
        flaws: list[Text] = []
        if held.revision == head_revision():
            flaws += proofs.flaws(held, database)
            _note(database, path, held, actor)
    return Proof(held, faults, flaws, _remarks(held, settings))


def _note(database: Database, path: Path, held: Manifest, actor: str) -> None:
    entry = audit.Entry("database.restored", "database", path.name, format_instant(held.taken_at))
    with database.begin() as session:
        for id_ in facts.district_ids(session.connection()).values():
            audit.book(session, id_, entry, actor, now())


def _counted(moment: Moment, url: sa.URL, taken_at: datetime) -> Manifest:
    revision = current_revision(moment.connection)
    if not revision:
        raise Refused(words.NO_REVISION.fill(database=_source(url)))
    return Manifest(
        format=manifest.FORMAT,
        product=manifest.PRODUCT,
        version=__version__,
        revision=revision,
        taken_at=taken_at,
        database=url.get_backend_name(),
        server=moment.server,
        tool=moment.tool,
        source=_source(url),
        tables=facts.count(moment.connection),
        audit=facts.audit_heads(moment.connection),
        parts=[],
    )


def _checked(path: Path, say: Say, tell: Tell) -> Manifest:
    """The manifest of a file that is whole and that this program understands."""
    say(words.CHECKING.fill(file=path))
    held = archive.check(path, tell)
    known = {script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()}
    if held.revision not in known:
        raise Refused(words.NEWER.fill(file=path, revision=held.revision, version=held.version))
    return held


@contextmanager
def _throwaway(held: Manifest, server: str) -> Iterator[sa.URL]:
    """A new database of the backup's kind that is gone at the end."""
    url = sa.make_url(server)
    if held.database == "sqlite":
        with tempfile.TemporaryDirectory(prefix="jongnyang-verify-") as place:
            yield sa.URL.create("sqlite", database=str(Path(place) / "jongnyang.db"))
        return
    _require_kind(held, url)
    with postgres_dumps.throwaway(url) as made:
        yield made


def _require_kind(held: Manifest, url: sa.URL) -> None:
    if url.get_backend_name() != held.database:
        raise Refused(words.OTHER_KIND.fill(kind=held.database, database=_source(url)))


def _remarks(held: Manifest, settings: Settings) -> list[Text]:
    """What whoever restores must know besides."""
    remarks = []
    if held.revision != (head := head_revision()):
        remarks.append(words.UPGRADE.fill(found=held.revision, head=head))
    state = manifest.seal_state(held, settings.secret_key)
    if state != manifest.SEALED:
        remarks.append(words.SEALS[state])
    return remarks


def _there(url: sa.URL) -> sa.URL:
    """The URL, its file being there if it names one: else an empty one would be made and backed up."""
    if is_sqlite(url) and not Path(str(url.database)).exists():
        raise Refused(words.NO_DATABASE.fill(database=url.database))
    return url


def _source(url: sa.URL) -> str:
    """The database as people know it, without user, password and options."""
    if is_sqlite(url):
        return str(Path(str(url.database)).absolute())
    return f"{url.host or ''}{f':{url.port}' if url.port else ''}/{url.database}"
