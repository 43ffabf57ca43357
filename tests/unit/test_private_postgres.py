"""The private PostgreSQL: what it promises to its callers, and that nothing of it stays behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, make_url

from scripts.postgres import (
    SERVER_VARIABLE,
    Installation,
    PostgresError,
    create_database,
    describe,
    drop_database,
    ensure_database,
    find_installation,
    private_postgres,
    require_a_name,
    throwaway_database,
)

ROOT = Path(__file__).parents[2]
SECONDS = 30

# A run of pytest that says which server it got, and then hangs until it is killed.
HANGING_TEST = """
import os, time
from pathlib import Path

def test_hangs(postgres_server):
    Path(os.environ["TOLD"]).write_text(postgres_server)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def _own_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SERVER_VARIABLE, raising=False)


def ask(url: str, question: str) -> object:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return connection.exec_driver_sql(question).scalar_one()


def folder_of(url: str) -> Path:
    return Path(str(make_url(url).query["host"]))


def processes_of(folder: Path) -> list[str]:
    """The command lines that name the folder; a server's helpers die with it and name nothing."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            found += [words] if str(folder) in words else []
    return found


def eventually(condition: Callable[[], object]) -> bool:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


@contextmanager
def hanging_pytest(tmp_path: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A run of pytest that holds a server, and the server's folder."""
    test, told = tmp_path / "test_hanging.py", tmp_path / "told"
    test.write_text(HANGING_TEST)
    child = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "-c", ROOT / "pyproject.toml", "-p", "tests.conftest", *arguments, test],
        cwd=ROOT,
        env={**os.environ, "TOLD": str(told)},
        stdout=subprocess.DEVNULL,
    )
    try:
        assert eventually(lambda: told.exists() and told.read_text())
        yield child, folder_of(told.read_text())
    finally:
        child.kill()
        child.wait()


def test_it_answers_and_leaves_neither_process_nor_folder() -> None:
    with private_postgres() as server:
        folder = folder_of(server)
        assert ask(server, "SELECT 1") == 1
        assert processes_of(folder)
    assert not folder.exists()
    assert not processes_of(folder)


def test_it_listens_on_no_port_and_only_its_own_user_may_enter() -> None:
    with private_postgres() as server:
        assert ask(server, "SHOW listen_addresses") == ""
        assert folder_of(server).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("settings", "fsync"), [(None, "off"), ({}, "on"), ({"work_mem": "8MB"}, "on")])
def test_tests_need_no_disk_and_benchmarks_get_the_durable_defaults(
    settings: Mapping[str, str] | None, fsync: str
) -> None:
    with private_postgres(settings) as server:
        assert ask(server, "SHOW fsync") == fsync
        if settings:
            assert ask(server, "SHOW work_mem") == settings["work_mem"]


@pytest.mark.parametrize("arguments", [[], ["-n", "1"]], ids=["one process", "workers"])
def test_killing_pytest_leaves_neither_process_nor_folder(tmp_path: Path, arguments: list[str]) -> None:
    with hanging_pytest(tmp_path, *arguments) as (child, folder):
        assert processes_of(folder)
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert eventually(lambda: not processes_of(folder) and not folder.exists())


def test_killing_the_guardian_takes_the_server_along(tmp_path: Path) -> None:
    with hanging_pytest(tmp_path) as (child, folder):
        guardians = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
        for guardian in guardians:
            os.kill(int(guardian), signal.SIGKILL)
        assert guardians
        assert eventually(lambda: not processes_of(folder))
    shutil.rmtree(folder)  # the one thing that nobody is left to do


def test_a_server_starts_from_programs_that_its_user_cannot_reach(tmp_path: Path) -> None:
    given = find_installation()
    hidden = tmp_path / "hidden"
    inside = given.bin.relative_to(given.root)
    for part in (inside.parts[0], f"{inside.parts[0]}.libs"):
        if (given.root / part).exists():
            shutil.copytree(given.root / part, hidden / part, symlinks=True)
    hidden.chmod(0o700)
    with private_postgres(installation=Installation(hidden / inside, "a hidden folder")) as server:
        assert ask(server, "SELECT 1") == 1


def test_a_server_that_does_not_start_says_why() -> None:
    with (
        pytest.raises(PostgresError, match='unrecognized configuration parameter "no_such_setting"'),
        private_postgres({"no_such_setting": "1"}),
    ):
        pass


def test_a_user_without_a_name_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 2**31 - 9)
    with pytest.raises(PostgresError, match=r"2147483639 has no name\. Give it a line in /etc/passwd"):
        require_a_name()


def test_missing_programs_say_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setattr("scripts.postgres.DEBIAN_INSTALLATIONS", tmp_path)
    with pytest.raises(PostgresError, match="make install"):
        find_installation()
    assert describe().startswith("none: No PostgreSQL found")


def test_debians_newest_programs_serve_where_the_package_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setattr("scripts.postgres.DEBIAN_INSTALLATIONS", tmp_path)
    for version in ("9.6", "15", "18"):
        (tmp_path / version / "bin").mkdir(parents=True)
        (tmp_path / version / "bin" / "postgres").touch()
    assert find_installation().bin == tmp_path / "18" / "bin"


def test_a_named_server_is_used_instead_and_its_password_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SERVER_VARIABLE, "postgresql://me:secret@db.example/postgres")
    with private_postgres() as server:
        assert server == "postgresql+psycopg://me:secret@db.example/postgres"
    assert "db.example" in describe()
    assert "secret" not in describe()


def test_a_database_is_copied_from_its_template_and_dropped_in_use(postgres_server: str) -> None:
    with throwaway_database(postgres_server) as template:
        engine = create_engine(template, poolclass=NullPool)
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE one (n int); INSERT INTO one VALUES (1)")
        name = f"{make_url(template).database}_copy"
        copy = create_database(postgres_server, name, template=make_url(template).database)
        assert ask(copy, "SELECT n FROM one") == 1
        with create_engine(copy, poolclass=NullPool).connect() as still_open:
            drop_database(postgres_server, name)
            still_open.invalidate()
        assert ask(postgres_server, f"SELECT count(*) FROM pg_database WHERE datname = '{name}'") == 0


@pytest.mark.parametrize("name", ["", "Upper", 'quo"ted', "a-b", "x" * 64])
def test_a_name_that_would_need_quoting_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a plain database name"):
        create_database("postgresql+psycopg://nowhere/", name)


def test_kept_data_are_there_the_next_time_and_after_a_kill() -> None:
    name = f"test-{os.getpid()}"
    with private_postgres(keep=name) as server:
        url = ensure_database(server, "kept")
        with create_engine(url, poolclass=NullPool).begin() as connection:
            connection.exec_driver_sql("CREATE TABLE grams AS SELECT 410 AS grams")
        folder = folder_of(url)
    try:
        assert processes_of(folder) == []
        (folder / "data" / "postmaster.pid").write_text("1\n" * 7 + "ready\n")  # as a server that was killed leaves it
        with private_postgres(keep=name) as server:
            assert ask(ensure_database(server, "kept"), "SELECT grams FROM grams") == 410
    finally:
        shutil.rmtree(folder)
