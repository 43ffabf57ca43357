"""Entries of the audit log, and somebody with the rights of the database's owner who tampers with them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.access import audit
from app.access.audit_chain import Finding, Head, snapshot, verify
from app.access.models import AuditEntry
from app.db import Database, is_sqlite
from app.registry.service import add_district

START = datetime(2026, 11, 2, 0, 30, tzinfo=UTC)
TRIGGERS = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_entry'"
TABLE = AuditEntry.__table__
FINDINGS = list[tuple[str, int, int]]


class Log:
    """The audit log of district 1."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.begin() as session:
            self.district_id = add_district(session, "W0G", "강서구").id

    def book(self, count: int = 1, **fields: Any) -> None:
        """So many entries, each in a transaction of its own."""
        for _ in range(count):
            with self.database.begin() as session:
                number = audit.head(session, self.district_id)[0] + 1
                named: dict[str, Any] = {"actor": "kim", "now": START + timedelta(minutes=number)} | fields
                actor, now = named.pop("actor"), named.pop("now")
                told = {"before": {"net_g": number}, "after": {"net_g": 0}, "reason": "잘못 잰 무게", "complex_id": 7}
                entry = audit.Entry("discharge.voided", "discharge", f"1-1-{number}", f"1-1-{number}", **told)
                audit.book(session, self.district_id, entry._replace(**named), actor, now)

    @property
    def head(self) -> Head:
        """Number and hash of the newest entry."""
        with self.database.session() as session:
            return Head(*audit.head(session, self.district_id))

    def found(self, **options: Any) -> list[Finding]:
        """What the proof finds."""
        with snapshot(self.database) as connection:
            return list(verify(connection, self.district_id, **options))

    def faults(self, **options: Any) -> FINDINGS:
        """The same, short: kind, first and last number."""
        return [(finding.kind, finding.first, finding.last) for finding in self.found(**options)]

    @contextmanager
    def tampering(self) -> Iterator[sa.Connection]:
        """A transaction of somebody who has put the triggers out of the way, and puts them back."""
        with self.database.engine.begin() as connection:
            if not is_sqlite(connection):
                connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
                yield connection
                return
            triggers = connection.exec_driver_sql(TRIGGERS).all()
            for name, _ in triggers:
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
            yield connection
            for _, sql in triggers:
                connection.exec_driver_sql(sql)

    def row(self, connection: sa.Connection, number: int) -> dict[str, Any]:
        """An entry as it is stored."""
        return dict(connection.execute(sa.select(TABLE).where(TABLE.c.id == number)).mappings().one())

    def change(self, number: int, again: bool = False, **values: Any) -> None:
        """Write into an entry; `again` puts the hash that would fit."""
        with self.tampering() as connection:
            if again:
                values["hash"] = audit.hash_of(self.row(connection, number) | values)
            connection.execute(sa.update(TABLE).where(TABLE.c.id == number).values(values))

    def remove(self, *numbers: int) -> None:
        """Delete entries."""
        with self.tampering() as connection:
            connection.execute(sa.delete(TABLE).where(TABLE.c.id.in_(numbers)))

    def shift(self, connection: sa.Connection, first: int, by: int) -> None:
        """Give the entries from `first` on other numbers; by way of numbers that none has."""
        for step in (1_000_000, by - 1_000_000):
            later = TABLE.c.id >= (first if step > 0 else 1_000_000)
            connection.execute(sa.update(TABLE).where(later).values(id=TABLE.c.id + step))
