"""From simulated serial ports to the ledger while everything on the way is being killed.

Real pseudo-terminals, real gateway processes, the real service; the truth is what the simulated scales showed.
"""

import random
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.access.claims import open_claim
from app.db import Database
from app.metering import service
from app.metering.models import Discharge, Quarantine
from app.registry.models import Meter
from app.times import now
from gateways.simulate import Simulation, SimulationSettings
from gateways.simulate.fleet import Fleet, FleetGateway
from gateways.simulate.truth import read_truth
from tests.builders import Town
from tests.end_to_end.proxy import LossyProxy
from tests.end_to_end.server import ServerProcess
from tests.metering.reading import rows_of

SPEED = 20
DEPOSITS = ("settled", "late_close", "recovered")
REPLY_LOSS = 0.15


@dataclass(frozen=True)
class Ordeal:
    """How much happens: over so many meters, discharges, kills of the server and of gateways."""

    gateways: int
    meters: int
    discharges: int
    server_kills: int
    gateway_kills: int
    timeout_s: int


ORDEALS = {
    "postgresql": Ordeal(gateways=4, meters=5, discharges=2000, server_kills=10, gateway_kills=10, timeout_s=600),
    "sqlite": Ordeal(gateways=2, meters=3, discharges=120, server_kills=3, gateway_kills=3, timeout_s=300),
}

LONG_ORDEAL = Ordeal(gateways=4, meters=5, discharges=10_000, server_kills=50, gateway_kills=50, timeout_s=3600)


def fleet_of(database: Database, ordeal: Ordeal) -> Fleet:
    """A town with the ordeal's gateways, 25 households each, and codes to claim the gateways with."""
    town = Town(database)
    gateways = []
    for number in range(1, ordeal.gateways + 1):
        code = f"W0G-GW-{number:03d}"
        meters = [f"W0G-001-{number:02d}-{place}" for place in range(1, ordeal.meters + 1)]
        row = town.add_gateway(code, meters)
        cards = [f"0D{number:02d}{card:06X}" for card in range(1, 26)]
        for card in cards:
            town.move_in(f"{number}-{card}", card)
        with database.begin() as session:
            claim = open_claim(session, town.district.id, row.id, now())
        gateways.append(FleetGateway(gateway=code, claim_code=claim, meters=meters, cards=cards))
    return Fleet(district=town.code, gateways=gateways)


def torment(ordeal: Ordeal, simulation: Simulation, server: ServerProcess, done: threading.Event) -> None:
    """Kill server and gateways in turn, spread over the run by how much has happened."""
    chance = random.Random(7)
    kills = ["server"] * ordeal.server_kills + ["gateway"] * ordeal.gateway_kills
    chance.shuffle(kills)
    for number, kind in enumerate(kills, 1):
        while simulation.drops < ordeal.discharges * number / (len(kills) + 1) and not done.is_set():
            time.sleep(0.05)
        if kind == "server":
            server.kill()
            time.sleep(chance.uniform(0, 2))
            server.start()
        else:
            simulation.restart_gateway(chance.choice(simulation.gateways))


@pytest.mark.parametrize("dialect", [pytest.param("postgresql", marks=pytest.mark.soak), "sqlite"])
def test_every_discharge_is_in_the_ledger_once_and_to_the_gram(dialect: str, database_url: str, tmp_path: Path) -> None:
    endure(ORDEALS[dialect], database_url, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
def test_a_long_ordeal_ends_in_the_same_books(database_url: str, tmp_path: Path) -> None:
    endure(LONG_ORDEAL, database_url, tmp_path)


def endure(ordeal: Ordeal, database_url: str, tmp_path: Path) -> None:
    """Simulate, torment, wait until every spool is empty, and compare."""
    database = Database(database_url)
    fleet = fleet_of(database, ordeal)
    server = ServerProcess(database_url, tmp_path)
    server.start()
    proxy = LossyProxy(server.address, REPLY_LOSS, seed=11)
    simulation = Simulation(
        SimulationSettings(
            fleet=fleet,
            url=f"http://{proxy.address[0]}:{proxy.address[1]}",
            state_dir=tmp_path / "gateways",
            rate=100_000,
            speed=SPEED,
            count=ordeal.discharges,
            seed=5,
        )
    )
    done = threading.Event()
    tormentor = threading.Thread(target=torment, args=(ordeal, simulation, server, done))
    try:
        proxy.loss, loss = 0.0, proxy.loss  # a claim code works once; its one answer may not be lost
        simulation.start()
        proxy.loss = loss
        tormentor.start()
        assert simulation.wait_count(ordeal.timeout_s), f"only {simulation.drops} discharges happened in time"
        tormentor.join(120)
        assert simulation.wait_drained(120), f"undelivered: {simulation.undelivered()}"
    finally:
        done.set()
        if tormentor.ident is not None:
            tormentor.join(120)
        simulation.stop()
        server.close()
        proxy.close()
    assert proxy.lost > 0
    assert_books_agree(database, simulation.truth_path, ordeal)
    database.dispose()


def assert_books_agree(database: Database, truth_path: Path, ordeal: Ordeal) -> None:
    """Bin by bin, in order: what each card's owner threw in, and the same in the ledger."""
    thrown: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for entry in read_truth(truth_path):
        if entry.kind == "drop" and entry.card is not None:
            thrown[entry.meter].append((entry.card.hash, entry.grams))
    assert sum(map(len, thrown.values())) == ordeal.discharges
    assert booked_by_meter(database) == thrown
    assert service.check_rollups(database, 1) == []
    assert rows_of(database, "SELECT epoch FROM gateway_epoch WHERE missing <> '[]'") == []
    with database.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Quarantine)) == 0
    ((weighed,),) = rows_of(database, "SELECT sum(weighed_g) FROM complex_day")
    assert int(weighed) == sum(grams for bags in thrown.values() for _, grams in bags)


def booked_by_meter(database: Database) -> dict[str, list[tuple[str, int]]]:
    """By meter the deposits of the ledger, in the order of their numbers."""
    booked: dict[str, list[tuple[str, int]]] = defaultdict(list)
    order = (Discharge.gateway_id, Discharge.epoch_no, Discharge.seq)
    same = sa.and_(Meter.district_id == Discharge.district_id, Meter.id == Discharge.meter_id)
    statement = sa.select(Meter.code, Discharge.card_hash, Discharge.net_g).join(Meter, same)
    with database.session() as session:
        for meter, card, net in session.execute(statement.where(Discharge.outcome.in_(DEPOSITS)).order_by(*order)):
            booked[meter].append((card.hex(), net))
    return booked
