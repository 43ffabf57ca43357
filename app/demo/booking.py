"""Writes generated discharges and alive intervals as ingest does: ledger, rollups and cursor in one transaction.

Ingest decides record by record. Here everything is new and nothing is doubtful, so whole columns are made and go
through the ledger's own bulk statement.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa

from app.db import from_microseconds, is_sqlite, run_many, upsert
from app.demo.residents import (
    HOUR_US,
    LATE_CLOSE,
    OUTCOMES,
    RECOVERED,
    SECOND_US,
    UNSETTLED,
    Deeds,
    Numbers,
    Stretches,
    join,
)
from app.metering import ledger, rollups
from app.metering.cursors import Cursor
from app.metering.ledger import Row
from app.metering.models import MeterAlive, UnknownCard
from app.metering.rollups import Sums
from billing.days import month_of

UNDERWAY_US = 2 * SECOND_US  # from the bin to the server
BOOKING_US = SECOND_US // 20
FLAGS = {LATE_CLOSE: '["extended_open"]', RECOVERED: '["power_cut"]'}
BOOT = "history"  # of the alive intervals
BOOTED_US = 1_577_836_800 * SECOND_US  # 2020-01-01: the boxes of the history have run since


class Holder(NamedTuple):
    """Whose a card is: nobody's, where it is not in the registry."""

    card_hash: bytes
    household_id: int | None = None
    tenancy_id: int | None = None


class Place(NamedTuple):
    """A complex with its gateway: ids of meters and holders of cards, at the index that deeds have.

    `strangers` are cards that the registry does not know, with their last four digits.
    """

    district_id: int
    complex_id: int
    gateway_id: int
    meter_ids: list[int]
    homes: list[Holder]
    strangers: list[tuple[Holder, str]]


def book(connection: sa.Connection, place: Place, cursor: Cursor, month: Mapping[date, Deeds]) -> int:
    """Write the deeds of some days of one month behind the cursor, which moves on with them; how many."""
    deeds = join(month.values())
    count = len(deeds.at_us)
    if not count:
        return 0
    lengths = [len(of_day.at_us) for of_day in month.values()]
    columns = _columns(connection, place, cursor, deeds)
    columns["seq"] = range(cursor.high_seq + 1, cursor.high_seq + 1 + count)
    columns["service_day"] = _days(connection, month, lengths)
    ledger.write(connection, list(map(Row._make, zip(*(columns[name] for name in Row._fields), strict=False))))
    cursor.high_seq += count
    cursor.last_occurred_at = from_microseconds(int(deeds.at_us[-1]))
    for table, sums in _sums(place, list(month), lengths, deeds).items():
        rollups.store(connection, table, sums)
    _note_strangers(connection, place, deeds)
    return count


def _columns(connection: sa.Connection, place: Place, cursor: Cursor, deeds: Deeds) -> dict[str, Iterable[Any]]:
    """The ledger's columns by name, but for number and service day."""
    holders = _holders(place, deeds)
    settled = (deeds.outcome != UNSETTLED).tolist()
    occurred_at = _instants(connection, deeds.at_us)
    received_us = deeds.at_us + UNDERWAY_US
    return {
        "district_id": repeat(place.district_id),
        "gateway_id": repeat(place.gateway_id),
        "epoch_no": repeat(cursor.epoch_no),
        "meter_id": np.array(place.meter_ids)[deeds.meter].tolist(),
        "complex_id": repeat(place.complex_id),
        "household_id": [holder.household_id for holder in holders],
        "tenancy_id": [holder.tenancy_id for holder in holders],
        "card_hash": [holder.card_hash for holder in holders],
        "occurred_at": occurred_at,
        "earliest_at": repeat(None),
        "latest_at": repeat(None),
        "claimed_at": occurred_at,
        "clock": repeat("synced"),
        "outcome": [OUTCOMES[outcome] for outcome in deeds.outcome.tolist()],
        "gross_before_g": deeds.before_g.tolist(),
        "gross_after_g": _where(settled, deeds.after_g),
        "net_g": _where(settled, deeds.net_g),
        "billable": _billable(deeds).tolist(),
        "flags": [FLAGS.get(outcome, "[]") for outcome in deeds.outcome.tolist()],
        "evidence": repeat("{}"),
        "content_hash": deeds.mark.tolist(),
        "received_at": _instants(connection, received_us),
        "booked_at": _instants(connection, received_us + BOOKING_US),
    }


def _instants(connection: sa.Connection, at_us: Numbers) -> list[Any]:
    """As the driver stores them: converted one by one by SQLite's, they would take as long as all the rest."""
    numbers: list[int] = at_us.tolist()
    return numbers if is_sqlite(connection) else list(map(from_microseconds, numbers))


def _days(connection: sa.Connection, month: Mapping[date, Deeds], lengths: list[int]) -> Iterator[Any]:
    for day, length in zip(month, lengths, strict=True):
        yield from repeat(day.isoformat() if is_sqlite(connection) else day, length)


def _holders(place: Place, deeds: Deeds) -> list[Holder]:
    homes, strangers = place.homes, place.strangers
    return [
        homes[home] if home >= 0 else strangers[stranger][0]
        for home, stranger in zip(deeds.home.tolist(), deeds.stranger.tolist(), strict=True)
    ]


def _where(settled: list[bool], grams: Numbers) -> list[int | None]:
    return [value if known else None for known, value in zip(settled, grams.tolist(), strict=True)]


def _billable(deeds: Deeds) -> Any:
    return (deeds.outcome <= LATE_CLOSE) & (deeds.home >= 0)


def _sums(place: Place, days: list[date], lengths: list[int], deeds: Deeds) -> dict[str, Sums]:
    """What the deeds add to the rollups, as `rollups.Deltas` would have it."""
    measured, meters = _measured(deeds), len(place.meter_ids)
    ids, month = (place.district_id, place.complex_id), month_of(days[0])
    by_hour = _by_key(deeds.at_us // HOUR_US * meters + deeds.meter, measured)
    by_day = _by_key(np.repeat(np.arange(len(days)), lengths), measured)
    by_home = _by_key(deeds.home[deeds.home >= 0], measured[deeds.home >= 0])
    return {
        "meter_hour": {
            (*ids, from_microseconds(key // meters * HOUR_US), place.meter_ids[key % meters]): total
            for key, total in by_hour
        },
        "complex_day": {(*ids, days[key]): total for key, total in by_day},
        "household_month": {
            (place.district_id, place.homes[key].household_id, month, place.homes[key].tenancy_id): total
            for key, total in by_home
        },
    }


def _measured(deeds: Deeds) -> Numbers:
    """`rollups.measures` of each deed, in the order of rollups.MEASURES."""
    weighed = deeds.outcome <= RECOVERED
    count = np.column_stack([weighed, _billable(deeds), weighed & (deeds.home < 0)]).astype(np.int64)
    grams = count * deeds.net_g[:, None]
    return np.column_stack([count[:, 0], grams[:, 0], count[:, 1], grams[:, 1], count[:, 2], grams[:, 2], ~weighed])


def _by_key(keys: Numbers, measured: Numbers) -> Iterator[tuple[int, tuple[int, ...]]]:
    unique, position = np.unique(keys, return_inverse=True)
    sums = np.zeros((len(unique), measured.shape[1]), np.int64)
    np.add.at(sums, position, measured)
    yield from zip(unique.tolist(), map(tuple, sums.tolist()), strict=True)


def _note_strangers(connection: sa.Connection, place: Place, deeds: Deeds) -> None:
    seen, first = np.unique(deeds.stranger, return_index=True)
    cards = [
        {
            "district_id": place.district_id,
            "card_hash": place.strangers[stranger][0].card_hash,
            "last4": place.strangers[stranger][1],
            "first_seen_at": from_microseconds(int(deeds.at_us[index])),
        }
        for stranger, index in zip(seen.tolist(), first.tolist(), strict=True)
        if stranger >= 0
    ]
    if cards:
        connection.execute(upsert(connection, UnknownCard).on_conflict_do_nothing(), cards)


_ALIVE_COLUMNS = MeterAlive.__table__.columns.keys()
_ALIVE_TYPES = ["int4", "int4", "text", "int8", *["timestamptz"] * 3, "int4", "int4"]
_ALIVE_COPY = f"COPY meter_alive ({', '.join(_ALIVE_COLUMNS)}) FROM STDIN (FORMAT BINARY)"
_ALIVE_INSERT = f"INSERT INTO meter_alive ({', '.join(_ALIVE_COLUMNS)}) VALUES ({', '.join('?' * len(_ALIVE_COLUMNS))})"  # noqa: S608 - own names


def book_alive(connection: sa.Connection, place: Place, month: Mapping[date, Stretches]) -> None:
    """Write alive intervals of some days of one month, each within an hour, and add them to their sums."""
    stretches = join(month.values())
    ends = _instants(connection, stretches.to_us)
    rows = zip(
        repeat(place.district_id),
        np.array(place.meter_ids)[stretches.meter].tolist(),
        repeat(BOOT),
        ((stretches.to_us - BOOTED_US) // 1000).tolist(),
        _instants(connection, stretches.from_us),
        *(ends, ends),
        *(repeat(place.gateway_id), repeat(place.complex_id)),
        strict=False,
    )
    if is_sqlite(connection):
        run_many(connection, _ALIVE_INSERT, rows)
    else:
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(_ALIVE_COPY) as copy:
            copy.set_types(_ALIVE_TYPES)
            for row in rows:
                copy.write_row(row)
    lengths = [len(of_day.meter) for of_day in month.values()]
    for table, sums in _alive_sums(place, list(month), lengths, stretches).items():
        rollups.store(connection, table, sums)


def _alive_sums(place: Place, days: list[date], lengths: list[int], stretches: Stretches) -> dict[str, Sums]:
    """What the intervals add to the rollups, as `alive_rollups.add` would have it."""
    alive_ms = ((stretches.to_us - stretches.from_us) // 1000)[:, None]
    meters, month = len(place.meter_ids), month_of(days[0])
    by_hour = _by_key(stretches.from_us // HOUR_US * meters + stretches.meter, alive_ms)
    by_day = _by_key(np.repeat(np.arange(len(days)), lengths) * meters + stretches.meter, alive_ms)
    by_meter = _by_key(stretches.meter, alive_ms)

    def key(unit: Any, meter: int) -> tuple[Any, ...]:
        return (place.district_id, place.complex_id, unit, place.gateway_id, place.meter_ids[meter])

    return {
        "alive_hour": {
            key(from_microseconds(each // meters * HOUR_US), each % meters): total for each, total in by_hour
        },
        "alive_day": {key(days[each // meters], each % meters): total for each, total in by_day},
        "alive_month": {key(month, meter): total for meter, total in by_meter},
    }
