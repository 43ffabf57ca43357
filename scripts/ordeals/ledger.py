"""What the service has booked, as entries of `gateways.simulate.books`, and a table of the comparison."""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from app.db import Database
from app.fleet.models import GatewayEpoch
from app.metering import service
from app.metering.models import Discharge, Quarantine
from app.registry.models import Gateway, Meter
from gateways.simulate.books import Books, Entry


def entries(database: Database) -> list[Entry]:
    """Return every record that the service keeps, quarantined ones too, in the order of their numbers."""
    with database.session() as session:
        booked = [*_discharges(session), *_quarantined(session)]
    return [entry for _, entry in sorted(booked, key=lambda row: row[0])]


def _discharges(session: sa.orm.Session) -> Iterator[tuple[tuple[str, int, int], Entry]]:
    statement = (
        sa.select(Gateway.code, Discharge.epoch_no, Discharge.seq, Meter.code, Discharge)
        .join(Meter, sa.and_(Meter.district_id == Discharge.district_id, Meter.id == Discharge.meter_id))
        .join(Gateway, sa.and_(Gateway.district_id == Discharge.district_id, Gateway.id == Discharge.gateway_id))
    )
    for gateway, epoch, seq, meter, row in session.execute(statement):
        card = row.card_hash.hex() if row.card_hash is not None else None
        weights = row.gross_before_g, row.gross_after_g, row.net_g
        yield (gateway, epoch, seq), Entry(gateway, str(epoch), seq, meter, card, row.outcome, *weights)


def _quarantined(session: sa.orm.Session) -> Iterator[tuple[tuple[str, int, int], Entry]]:
    statement = (
        sa.select(Gateway.code, Quarantine.epoch_no, Quarantine.seq, Quarantine.raw)
        .join(Gateway, sa.and_(Gateway.district_id == Quarantine.district_id, Gateway.id == Quarantine.gateway_id))
        .where(Quarantine.kind == "discharge")
    )
    for gateway, epoch, seq, raw in session.execute(statement):
        record: dict[str, Any] = json.loads(raw)
        card = record["card"]["hash"] if record["card"] else None
        weights = record["gross_before_g"], record["gross_after_g"], record["net_g"]
        number = 0 if seq is None else seq
        entry = Entry(gateway, str(epoch), number, record["meter"], card, record["outcome"], *weights)
        yield (gateway, epoch, number), entry


def quarantined(database: Database) -> dict[str, int]:
    """Return how many records were kept aside, by the reason."""
    statement = sa.select(Quarantine.code, sa.func.count()).group_by(Quarantine.code)
    with database.session() as session:
        return {row[0]: row[1] for row in session.execute(statement)}


def clocks(database: Database) -> dict[str, int]:
    """Return how many records came with which quality of clock."""
    statement = sa.select(Discharge.clock, sa.func.count()).group_by(Discharge.clock)
    with database.session() as session:
        return {row[0]: row[1] for row in session.execute(statement)}


def disorders(database: Database) -> list[str]:
    """Return what is wrong with the service's own books: numbers that are missing, rollups that differ."""
    with database.session() as session:
        gaps = session.execute(sa.select(GatewayEpoch).where(GatewayEpoch.missing != "[]")).scalars().all()
        missing = [f"numbers missing in epoch {row.epoch}: {row.missing}" for row in gaps]
        districts = session.scalars(sa.select(Gateway.district_id).distinct()).all()
    return missing + [
        f"rollup: {difference}" for id_ in districts for difference in service.check_rollups(database, id_)
    ]


def print_books(books: Books) -> None:
    """Print the account of each meter, in grams, and what is wrong."""
    heads = (
        "meter",
        "true",
        "billed",
        "recovered",
        "unsettled",
        "collected",
        "other",
        "difference",
        "allowed",
        "records",
    )
    print(f"{heads[0]:<14}" + "".join(f"{head:>11}" for head in heads[1:]))
    for row in books.meters:
        values = (
            row.true_g, row.billed_g, row.recovered_g, row.resolved_g, row.collected_g, row.other_g,
            row.difference_g, row.allowed_g, row.records,
        )  # fmt: skip
        print(f"{row.meter:<14}" + "".join(f"{value:>11}" for value in values))
    outcomes = ", ".join(f"{name} {count}" for name, count in sorted(books.outcomes.items()))
    print(f"\n{books.drops} discharges, {books.records} records: {outcomes}")
    off = max((abs(row.difference_g) for row in books.meters), default=0)
    print(f"largest difference of a meter {off} g over {max((row.records for row in books.meters), default=0)} records")
    print(f"lost {len(books.lost)}, doubled {len(books.doubled)}, without a discharge {len(books.invented)}, ", end="")
    print(f"uneven meters {sum(not row.is_even for row in books.meters)}, wrongly billed cards {len(books.miscarded)}")
