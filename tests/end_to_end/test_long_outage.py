"""A month without a server: everything arrives once, in its place, and the box stays within its bounds.

The spool as a box fills it over six boots, of which it knew the time in two; the real uplink; the real service.
"""

import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
import sqlalchemy as sa

from app.db import Database
from app.metering.models import Discharge, MeterAlive, Quarantine
from app.times import now
from billing.days import month_of, service_day
from gateways.cards import Card
from tests.builders import Town
from tests.end_to_end.outage import Plan, boots_of, read_truth
from tests.end_to_end.server import ServerProcess
from tests.metering.reading import rows_of

# docs/spool.md, "How large it grows"; all are bytes
BYTES_A_RECORD = 4096
BYTES_AN_INTERVAL = 300
BYTES_BESIDES = 20_000_000
FILL_MEMORY = 12_000_000
DRAIN_MEMORY = 16_000_000
PROGRAM_MEMORY = 60_000_000

GATEWAY = "GW-OUT"
DISCHARGES_A_METER = 2_500  # a month's of a bin: 62,000 a day at 724 of them
HOUSEHOLDS = 20
NEARLY = timedelta(seconds=2)  # the way to a busy server and its clock's rounding


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_a_month_offline_drains_once_into_its_place_within_the_stated_bounds(
    dialect: str, database_url: str, tmp_path: Path
) -> None:
    endure(database_url, tmp_path, 6_000)


@pytest.mark.soak
def test_a_month_of_a_busy_gateway_offline_drains_the_same_way(database_url: str, tmp_path: Path) -> None:
    endure(database_url, tmp_path, 60_000)


def endure(database_url: str, tmp_path: Path, discharges: int) -> None:
    """Live through the month, deliver it, and look at both ends."""
    database = Database(database_url)
    server = ServerProcess(database_url, tmp_path)
    plan = plan_of(database, server, discharges)
    figures = {f"fill_{name}": value for name, value in run("fill", tmp_path, plan).items()}
    server.start()
    try:
        figures |= run("drain", tmp_path, plan)
    finally:
        server.close()
    print({**figures, "spool_bytes_after": (tmp_path / "spool.db").stat().st_size})
    assert_all_is_in_its_place(database, plan, tmp_path)
    assert_intervals_are_there(database, int(figures["fill_intervals"]))
    most = discharges * BYTES_A_RECORD + figures["fill_intervals"] * BYTES_AN_INTERVAL + BYTES_BESIDES
    assert figures["fill_file_bytes"] <= most
    assert (tmp_path / "spool.db").stat().st_size <= most
    assert figures["fill_rss_growth"] <= FILL_MEMORY
    assert figures["rss_growth"] <= DRAIN_MEMORY
    assert figures["rss"] <= PROGRAM_MEMORY
    database.dispose()


def plan_of(database: Database, server: ServerProcess, discharges: int) -> Plan:
    """A gateway with as many meters as make that many discharges in a month, and some households."""
    town = Town(database)
    meters = [f"W0G-OUT-{number:02d}" for number in range(1, max(2, discharges // DISCHARGES_A_METER) + 1)]
    town.add_gateway(GATEWAY, meters)
    cards = [town.move_in(f"{number}", f"0D01{number:06X}") for number in range(HOUSEHOLDS)]
    url = f"http://{server.address[0]}:{server.address[1]}"
    return Plan(url, GATEWAY, meters, [Card(**card) for card in cards], discharges, now())


def run(part: str, folder: Path, plan: Plan) -> dict[str, float]:
    """One part of the outage, in a process of its own; its figures."""
    command = [sys.executable, "-m", "tests.end_to_end.outage", part, str(folder), msgspec.json.encode(plan).decode()]
    with (folder / f"{part}.log").open("w", encoding="utf-8") as log:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=log, check=False, timeout=3000)
    assert done.returncode == 0, (folder / f"{part}.log").read_text(encoding="utf-8")[-2000:]
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def assert_all_is_in_its_place(database: Database, plan: Plan, folder: Path) -> None:
    """Each number once, none aside; times as well as anybody can know them, and marked where that is not well."""
    truth = read_truth(folder)
    booked = booked_in(database)
    assert [row.seq for row in booked] == [one.seq for one in truth] == list(range(1, plan.discharges + 1))
    assert [row.net_g for row in booked] == [one.net_g for one in truth]
    assert rows_of(database, "SELECT missing FROM gateway_epoch WHERE missing <> '[]'") == []
    with database.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Quarantine)) == 0
    boots = {boot.name: boot for boot in boots_of(plan)}
    _, first_unset, *_, last = boots
    proven_at, undecided = truth[0].at, 0
    for row, one in zip(booked, truth, strict=True):
        if boots[one.boot].knows_the_time:
            assert_placed(row, one.at, timedelta(milliseconds=2))
            assert row.clock != "unset"
            proven_at = one.at
        elif one.boot == last:
            assert_placed(row, one.at, NEARLY)
            assert row.clock == "unset"
        else:
            assert_bounded(row, one.at, proven_at, boots[last].began)
            undecided += not row.billable
    assert undecided >= sum(one.boot == first_unset for one in truth)


class Booked(NamedTuple):
    """What the ledger says of one discharge."""

    seq: int
    net_g: int
    billable: bool
    clock: str
    occurred_at: datetime
    earliest_at: datetime | None
    latest_at: datetime | None


def booked_in(database: Database) -> list[Booked]:
    columns = [getattr(Discharge, name) for name in Booked._fields]
    with database.session() as session:
        rows = session.execute(sa.select(*columns).order_by(Discharge.epoch_no, Discharge.seq))
        return [Booked(*row) for row in rows]


def assert_placed(row: Booked, at: datetime, within: timedelta) -> None:
    assert abs(row.occurred_at - at) <= within, (row, at)
    assert (row.earliest_at, row.latest_at, row.billable) == (None, None, True)


def assert_bounded(row: Booked, at: datetime, after: datetime, before: datetime) -> None:
    """Between the newest moment that was certain and the running boot; billed only if the month is the same for all."""
    assert row.clock == "unset"
    assert row.earliest_at is not None
    assert row.latest_at is not None
    assert after - NEARLY <= row.earliest_at <= at
    assert at <= row.latest_at <= before + NEARLY
    assert row.earliest_at <= row.occurred_at <= row.latest_at
    assert row.billable == (month_of(service_day(row.earliest_at)) == month_of(service_day(row.latest_at)))


def assert_intervals_are_there(database: Database, spooled: int) -> None:
    with database.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(MeterAlive)) == spooled
