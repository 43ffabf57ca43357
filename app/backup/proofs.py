"""Whether a database is the one that a backup was made of: rows, grams, won, audit logs, and rollups that add up."""

from collections.abc import Iterator

import sqlalchemy as sa

from app.access import audit_chain
from app.backup import facts, words
from app.backup.manifest import Counted, Manifest
from app.db import Database, current_revision
from app.metering.service import check_rollups
from app.texts import Text

SHOWN = 20  # faults of one kind and district


def compared(manifest: Manifest, connection: sa.Connection) -> Iterator[Text]:
    """Every number that is not what the manifest says."""
    if (found := current_revision(connection)) != manifest.revision:
        yield words.OTHER_REVISION.fill(found=found or words.NONE, expected=manifest.revision)
    counted = facts.count(connection)
    nothing = Counted(0, {})
    for table in sorted({*manifest.tables, *counted}):
        yield from _differences(table, manifest.tables.get(table, nothing), counted.get(table, nothing))
    heads = facts.audit_heads(connection)
    for code in sorted({*manifest.audit, *heads}):
        if heads.get(code) != manifest.audit.get(code):
            yield words.OTHER_HEAD.fill(district=code, found=heads.get(code), expected=manifest.audit.get(code))


def flaws(manifest: Manifest, database: Database) -> Iterator[Text]:
    """Where the database contradicts itself: audit logs with a broken chain, rollups that differ from the ledger.

    It must be at the newest migration.
    """
    with database.reading() as connection:
        districts = facts.district_ids(connection)
    for code, id_ in districts.items():
        head = manifest.audit.get(code)
        expected = [audit_chain.Head(head.entry, head.hash)] if head and head.entry else []
        with audit_chain.snapshot(database) as connection:
            broken = list(audit_chain.verify(connection, id_, expected=expected))
        yield from (words.BROKEN_CHAIN.fill(district=code, fault=fault.text) for fault in broken[:SHOWN])
        if differing := len(check_rollups(database, id_)):
            yield words.ROLLUPS_DIFFER.fill(district=code, count=differing)


def _differences(table: str, expected: Counted, found: Counted) -> Iterator[Text]:
    if found.rows != expected.rows:
        yield words.OTHER_ROWS.fill(table=table, found=found.rows, expected=expected.rows)
    for column in sorted({*expected.sums, *found.sums}):
        sums = found.sums.get(column, 0), expected.sums.get(column, 0)
        if sums[0] != sums[1]:
            yield words.OTHER_SUM.fill(table=table, column=column, found=sums[0], expected=sums[1])
