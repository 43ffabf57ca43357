"""Real gateways on pseudo-terminals, with every kind of device, while cables and boxes fail."""

from pathlib import Path
from typing import Any

from gateways.simulate import Simulation, SimulationSettings
from gateways.simulate.books import Books, Entry, Tolerance, compare
from gateways.simulate.devices import PROTOCOLS
from gateways.simulate.faults import DRIFT_SPAN_G, Faults, parse_rates
from gateways.simulate.fleet import Fleet, FleetGateway
from gateways.simulate.truth import read_faults, read_truth
from tests.gateways.fake_server import FakeServer, wait_until

DIGITS = (10, 8, 16)


def fleet_of_all_kinds() -> Fleet:
    gateways = []
    for number, digits in enumerate(DIGITS, 1):
        name = f"W0G-GW-{number:03d}"
        meters = [f"W0G-{number:03d}-01-{meter}" for meter in range(1, 4)]
        cards = [f"{number:0{digits - 4}X}{card:04X}" for card in range(1, 21)]
        gateways.append(FleetGateway(name, f"code-of-{name}", meters, cards))
    return Fleet("W0G", gateways)


def simulation(fake: FakeServer, folder: Path, **values: Any) -> Simulation:
    settings = SimulationSettings(
        fleet=fleet_of_all_kinds(),
        url=fake.url,
        state_dir=folder,
        rate=1000,
        speed=20,
        fastest_frame_s=0.05,
        protocols=PROTOCOLS,
        seed=4,
        **values,
    )
    return Simulation(settings)


def books_of(fake: FakeServer, world: Simulation, drift_g: int = 0) -> Books:
    entries = [
        Entry(
            gateway, epoch, seq, record["meter"], record["card"] and record["card"]["hash"], record["outcome"],
            record["gross_before_g"], record["gross_after_g"], record["net_g"],
        )
        for (gateway, epoch), booked in fake.epochs.items()
        for seq, (_, record) in sorted(booked.records.items())
    ]  # fmt: skip
    return compare(read_truth(world.truth_path), entries, {}, Tolerance(10, drift_g))


def test_meters_of_all_kinds_book_what_their_scales_show(tmp_path: Path) -> None:
    with FakeServer() as fake:
        world = simulation(fake, tmp_path, count=40)
        try:
            world.start()
            assert world.wait_count(60)
            assert world.wait_drained(30), world.undelivered()
        finally:
            world.stop()
        books = books_of(fake, world)
    assert books.violations == []
    assert books.outcomes == {"settled": 40}
    configs = "".join(path.read_text() for path in tmp_path.glob("*/gateway.toml"))
    assert sum(f'"{name}"' in configs for name in PROTOCOLS) > 6


def test_boxes_that_lose_power_and_cables_that_spoil_frames_lose_no_gram(tmp_path: Path) -> None:
    # Sparse, so that hardly a lid is open unseen: residents live twenty times faster than the lid is asked.
    rates = "cut=0.04,merged=0.04,flipped=0.04,repeated=0.04,noise=0.04,drifting=0.1,power_cut=0.1,killed=0.3"
    with FakeServer() as fake:
        world = simulation(fake, tmp_path, faults=Faults(parse_rates(rates), 9))
        try:
            world.start()
            assert wait_until(lambda: world.drops >= 20, 60)
            world.let_nobody_come()
            world.heal()
            assert world.wait_drained(60), world.undelivered()
        finally:
            world.stop()
        books = books_of(fake, world, DRIFT_SPAN_G)
    assert books.violations == []
    told = {fault.fault for fault in read_faults(world.truth_path)}
    assert told >= {"cut", "flipped"}
    assert told & {"power_cut", "killed"}
    assert world.deaths == 0
