"""What staff do with the ledger: correct a discharge, decide about quarantine, check and rebuild the rollups.

Each use case is one transaction, and the only place that commits.
"""

from datetime import datetime
from typing import Any

from app.access import audit
from app.access.reach import WHOLE, Reach
from app.db import Database
from app.metering import corrections, effective, quarantine, suspense
from app.metering.corrections import Correction, Number, State
from app.metering.effective import Difference
from app.metering.ledger import MissingMonths, Partitions
from app.metering.models import Quarantine
from app.metering.quarantine import Decision
from app.metering.release import release
from app.problems import Problem
from app.times import now


def correct_discharge(database: Database, district_id: int, number: Number, wanted: Correction) -> State:
    """Void, re-weigh or re-attribute a discharge; how it reads now."""
    with database.begin() as session:
        return corrections.correct(session, district_id, number, wanted, now())


def discard(database: Database, district_id: int, quarantine_id: int, note: str, actor: str) -> None:
    """Decide that a quarantined record stays out of the ledger."""
    moment = now()
    entry = audit.Entry("quarantine.discarded", "quarantine", quarantine_id, str(quarantine_id), reason=note)
    with database.begin() as session:
        quarantine.decide(session, district_id, quarantine_id, Decision("discarded", note, actor), moment)
        audit.book(session, district_id, entry, actor, moment)


def release_record(
    database: Database, district_id: int, quarantine_id: int, note: str, actor: str, corrected: dict[str, Any]
) -> Number:
    """Book a quarantined record after all, with the fields that staff corrected; the number it got."""
    partitions = Partitions(database)
    decision = Decision("released", note, actor, corrected)
    try:
        return _release(database, partitions, district_id, quarantine_id, decision)
    except MissingMonths as missing:
        partitions.create(missing.months)
        return _release(database, partitions, district_id, quarantine_id, decision)


def _release(
    database: Database, partitions: Partitions, district_id: int, quarantine_id: int, decision: Decision
) -> Number:
    moment = now()
    with database.begin() as session:
        quarantine.decide(session, district_id, quarantine_id, decision, moment)
        kept = session.get_one(Quarantine, (district_id, quarantine_id))
        if kept.kind != "discharge":
            raise Problem("cannot-release", code=kept.code, reason="an alive interval is sent again by its gateway")
        row = release(session, partitions, kept, decision.corrected, moment)
        number = Number(row.gateway_id, row.epoch_no, row.seq)
        entry = audit.Entry(
            "quarantine.released",
            "quarantine",
            quarantine_id,
            str(quarantine_id),
            after={"number": str(number)} | _without_card(decision.corrected),
            reason=decision.note,
            complex_id=row.complex_id,
        )
        audit.book(session, district_id, entry, decision.actor, moment)
    return number


def _without_card(corrected: dict[str, Any]) -> dict[str, Any]:
    # Corrected fields may hold a card, which is personal; the decision itself keeps it.
    return {name: "…" if name in ("card", "evidence") else value for name, value in corrected.items()}


def suspense_of_card(
    database: Database, district_id: int, card_hash: bytes, since: datetime | None, reach: Reach = WHOLE
) -> list[Number]:
    """Discharges of a card that are nobody's, since an instant or since today began in Korea."""
    begin = since or suspense.start_of_today(now())
    with database.session() as session:
        return suspense.suspense_of_card(session, district_id, card_hash, begin, reach)


def attribute_suspense(
    database: Database, district_id: int, card_hash: bytes, wanted: Correction, since: datetime | None = None
) -> list[Number]:
    """Give a card's suspense of today, or since an instant, to a household; which discharges."""
    moment = now()
    with database.begin() as session:
        begin = since or suspense.start_of_today(moment)
        return suspense.attribute(session, district_id, card_hash, begin, wanted, moment)


def check_rollups(database: Database, district_id: int) -> list[Difference]:
    """Where the stored rollups differ from the ledger, read at one moment; empty when all is well."""
    options: dict[str, Any] = {"read_only": True} if database.is_sqlite else {"isolation_level": "REPEATABLE READ"}
    with database.engine.connect().execution_options(**options) as connection:
        return list(effective.differences(connection, district_id))


def rebuild_rollups(database: Database, district_id: int, actor: str) -> dict[str, int]:
    """Write the rollups anew from the ledger while ingest waits; rows by table."""
    with database.engine.begin() as connection:
        effective.lock_out_ingest(connection)
        written = effective.rebuild(connection, district_id)
        entry = audit.Entry("rollups.rebuilt", "rollups", "all", "", after=written)
        audit.book(connection, district_id, entry, actor, now())
    return written
