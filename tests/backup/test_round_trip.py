"""A backup of a service at work comes back as one moment of it, on both databases."""

import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import sqlalchemy as sa

from app.access import audit, audit_chain
from app.access.audit import Entry
from app.backup import archive
from app.backup.manifest import Manifest
from app.db import Database, downgrade, upgrade
from app.times import now
from tests.access.people import running_app
from tests.backup.conftest import Type
from tests.backup.packing import rewrite, zipped
from tests.builders import Box, Town
from tests.metering.reading import agrees, ledger, rows_of, statuses

RECORDS = 5  # of a batch


class Delivering(Thread):
    """A gateway that delivers and a person who changes something, one after the other, until told to stop."""

    def __init__(self, box: Box, database: Database) -> None:
        super().__init__()
        self.box, self.database = box, database
        self.delivered = 0
        self.wanted = True
        self.failed: BaseException | None = None

    def run(self) -> None:
        try:
            while self.wanted:
                self.deliver()
        except BaseException as error:
            self.failed = error

    def deliver(self) -> None:
        """One batch of weights that differ, and one entry of the audit log."""
        first = self.delivered + 1
        batch = [self.box.weighing(seq, seq % 900 + 1) for seq in range(first, first + RECORDS)]
        assert {status for _, status, _ in statuses(self.box.post(batch))} == {"stored"}
        with self.database.begin() as session:
            audit.book(session, 1, Entry("gateway.added", "gateway", 1, f"after {first}"), "kim", now())
        self.delivered += RECORDS


@contextmanager
def delivering(box: Box, database: Database) -> Iterator[Delivering]:
    service = Delivering(box, database)
    service.deliver()
    service.start()
    try:
        yield service
    finally:
        service.wanted = False
        service.join()
    if service.failed:
        raise service.failed


def the_backup(folder: Path) -> tuple[Path, Manifest]:
    (path,) = folder.glob("*.zip")
    return path, archive.read_manifest(path)


def test_a_backup_of_a_service_at_work_is_one_moment_of_it(
    typed: Type, box: Box, database: Database, folder: Path, new_url: str
) -> None:
    with delivering(box, database) as service:
        before = service.delivered
        answer = typed("backup", folder)
        after = service.delivered + RECORDS
    assert answer.exit_code == 0, answer.output
    path, manifest = the_backup(folder)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    held = manifest.discharges.rows
    assert before <= held <= after
    assert f"{held:,} discharges of {manifest.grams:,} g" in answer.stdout
    assert "JONGNYANG_SECRET_KEY" in answer.stdout or "var/secret_key" in answer.stdout

    restored = typed("restore", path, "--into", new_url)
    assert restored.exit_code == 0, restored.output
    assert "are as in the backup" in restored.stdout
    assert "not in this backup" in restored.stdout
    with closing_database(new_url) as copy:
        came_back = ledger(copy)
        assert [row.seq for row in came_back] == list(range(1, held + 1))
        assert sum(row.net_g or 0 for row in came_back) == manifest.grams
        assert [row.net_g for row in came_back] == [row.net_g for row in ledger(database)[:held]]
        assert agrees(copy)
        with audit_chain.snapshot(copy) as connection:
            head = manifest.audit["W0G"]
            assert list(audit_chain.verify(connection, 1, expected=[audit_chain.Head(head.entry, head.hash)])) == []
        assert rows_of(copy, f"SELECT id, action FROM audit_entry WHERE id > {head.entry}") == [
            (head.entry + 1, "database.restored")
        ]
        assert head.entry in (held // RECORDS, held // RECORDS - 1)  # an entry follows its batch

    again = typed("restore", path, "--into", new_url)
    assert again.exit_code == 2
    assert "is not empty" in again.stderr or "is there already" in again.stderr


def test_a_backup_is_proved_without_a_trace(typed: Type, box: Box, database: Database, folder: Path) -> None:
    box.post([box.weighing(1, 410), box.weighing(2, 90)])
    assert typed("backup", folder).exit_code == 0
    path, _ = the_backup(folder)
    proof = typed("restore", path, "--verify")
    assert (proof.exit_code, proof.stderr.count("…")) == (0, 3), proof.output
    assert "500 g of discharges" in proof.stdout
    if not database.is_sqlite:
        databases = rows_of(database, "SELECT datname FROM pg_database")
        assert not [name for (name,) in databases if name.startswith("jongnyang_verify")]


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_proof_is_told_in_korean_and_as_json(typed: Type, town: Town, folder: Path) -> None:
    typed("backup", folder)
    path, manifest = the_backup(folder)
    as_json = json.loads(typed("restore", path, "--verify", "--json").stdout)
    assert (as_json["faults"], as_json["flaws"], as_json["remarks"]) == ([], [], [])
    assert as_json["manifest"]["tables"]["complex"] == {"rows": 1, "sums": {}}
    assert as_json["manifest"]["parts"][0]["sha256"] == manifest.parts[0].sha256
    korean = typed("restore", path, "--verify", language="ko_KR.UTF-8").stdout
    assert korean.startswith("백업이 그대로 복원됩니다")


def test_a_restored_service_goes_on(typed: Type, box: Box, folder: Path, new_url: str) -> None:
    box.post([box.weighing(1, 410)])
    typed("backup", folder)
    box.post([box.weighing(2, 90)])
    assert typed("restore", the_backup(folder)[0], "--into", new_url).exit_code == 0
    with running_app(new_url) as app:
        other = Box(app.test_client())
        # What was acknowledged after the backup is missing until somebody brings it; nothing else is in its way.
        answer = other.post([other.weighing(3, 70)])
        assert statuses(answer) == [(3, "stored", None)]
        assert answer.json["acked_through"] == 1
        assert statuses(other.post([other.weighing(2, 90)])) == [(2, "stored", None)]
        assert other.post([]).json["acked_through"] == 3
        assert agrees(app.extensions["jongnyang"].database)


def test_what_a_restored_database_lacks_is_told_by_table_column_and_district(
    typed: Type, box: Box, database: Database, folder: Path
) -> None:
    box.post([box.weighing(1, 410)])
    typed("backup", folder)
    path, manifest = the_backup(folder)
    content = json.loads(zipped(path)["manifest.json"])
    content["tables"]["discharge"] |= {"rows": 2, "sums": {"net_g": 411}}
    content["tables"]["lost"] = {"rows": 3, "sums": {}}
    content["audit"]["W0G"] = {"entry": 7, "hash": "ab"}
    rewrite(path, {"manifest.json": json.dumps(content).encode()})
    proof = typed("restore", path, "--verify")
    assert proof.exit_code == 1
    for told in (
        "discharge: 1 rows, in the backup 2",
        "sum of discharge.net_g: 410, in the backup 411",
        "lost: 0 rows, in the backup 3",
        "the audit log of W0G ends elsewhere",
        "audit log of W0G: Entry 7, whose hash was noted, is not there",
        "Do not rely on it",
        "manifest.json of the backup was changed",
    ):
        assert told in proof.stdout
    assert manifest.discharges.rows == 1


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_what_was_wrong_before_the_backup_is_told_apart(
    typed: Type, box: Box, database: Database, folder: Path
) -> None:
    box.post([box.weighing(1, 410)])
    with database.begin() as session:
        audit.book(session, 1, Entry("gateway.added", "gateway", 1, "GW-1"), "kim", now())
    with database.engine.begin() as connection:
        connection.execute(sa.text("UPDATE complex_day SET weighed_g = 7"))
        connection.execute(sa.text("DROP TRIGGER audit_entry_append_only_update"))
        connection.execute(sa.text("UPDATE audit_entry SET actor = 'lee'"))
    typed("backup", folder)
    proof = typed("restore", the_backup(folder)[0], "--verify")
    assert proof.exit_code == 1
    assert "W0G: 1 rollup rows differ from the ledger" in proof.stdout
    assert "audit log of W0G: Entry 1 was changed." in proof.stdout
    assert "comes back as it was, but what is listed above was wrong already" in proof.stdout


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_backup_of_an_older_release_is_proved_by_its_upgrade(
    typed: Type, database_url: str, folder: Path, tmp_path: Path
) -> None:
    downgrade(database_url, "0008_registry_work")
    assert typed("backup", folder).exit_code == 0
    path, manifest = the_backup(folder)
    assert manifest.revision == "0008_registry_work"
    proof = typed("restore", path, "--verify")
    assert proof.exit_code == 0, proof.output
    assert "run: jongnyang db upgrade" in proof.stdout
    target = f"sqlite:///{tmp_path / 'old.db'}"
    restored = typed("restore", path, "--into", target)
    assert restored.exit_code == 0
    assert "run: jongnyang db upgrade" in restored.stdout
    upgrade(target)


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_backup_of_a_newer_release_is_refused_before_anything_is_done(
    typed: Type, database: Database, folder: Path, tmp_path: Path
) -> None:
    with database.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999_future'"))
    typed("backup", folder)
    path, _ = the_backup(folder)
    assert typed("backup", "check", path).exit_code == 0
    refused = typed("restore", path, "--into", f"sqlite:///{tmp_path / 'new.db'}")
    assert refused.exit_code == 2
    assert "9999_future" in refused.stderr
    assert "or newer, then restore" in refused.stderr
    assert not (tmp_path / "new.db").exists()


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_another_secret_key_is_told_when_a_backup_comes_back(
    typed: Type, town: Town, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed("backup", folder)
    monkeypatch.setenv("JONGNYANG_SECRET_KEY", "of another machine")
    proof = typed("restore", the_backup(folder)[0], "--verify")
    assert proof.exit_code == 0
    assert "made by a service with another JONGNYANG_SECRET_KEY" in proof.stdout


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_a_month_that_begins_during_a_backup_waits_for_nothing(box: Box, database: Database, database_url: str) -> None:
    box.post([box.record(1)])

    @sa.event.listens_for(database.engine, "connect")
    def _be_impatient(connection: Any, _record: object) -> None:
        connection.execute("SET lock_timeout = '3s'")
        connection.commit()

    database.engine.dispose()
    with closing_database(database_url) as other, other.engine.connect() as backup, backup.begin():
        backup.execute(sa.text("LOCK TABLE discharge IN ACCESS SHARE MODE"))  # as pg_dump holds it until its end
        long_ago = box.record(2, ago=timedelta(days=400), boot_id="boot-0", mono_ms=1000)
        assert statuses(box.post([long_ago, box.record(3)])) == [(2, "stored", None), (3, "stored", None)]


@contextmanager
def closing_database(url: str) -> Iterator[Database]:
    database = Database(url, pool_size=1)
    try:
        yield database
    finally:
        database.dispose()
