"""Real gateway processes on real pseudo-terminals: what the scales showed is what the server has, whoever dies."""

import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from gateways.cli import COMMANDS, main
from gateways.simulate import Simulation, SimulationSettings, read_truth
from tests.gateways.fake_server import FakeServer, Refusal, loses_replies, make_fleet, wait_until

BILLED_OR_RECOVERED = {"settled", "late_close", "recovered"}


def simulation(fake: FakeServer, folder: Path, **values: Any) -> Simulation:
    chosen: dict[str, Any] = {"fleet": make_fleet(1, 4), "rate": 10_000, "speed": 30, "seed": 7, **values}
    return Simulation(SimulationSettings(url=fake.url, state_dir=folder, **chosen))


def drops(path: Path) -> Counter[tuple[str, str, int]]:
    return Counter(
        (drop.meter, drop.card.hash, drop.grams) for drop in read_truth(path) if drop.card and drop.kind == "drop"
    )


def booked(records: list[dict[str, Any]]) -> Counter[tuple[str, str, int]]:
    return Counter(
        (record["meter"], record["card"]["hash"], record["net_g"])
        for record in records
        if record["outcome"] in BILLED_OR_RECOVERED
    )


def assert_exactly_once(fake: FakeServer, world: Simulation) -> None:
    assert booked(fake.records) == drops(world.truth_path)
    assert fake.conflicts == 0
    for epoch in fake.epochs.values():
        assert epoch.through == epoch.high  # no number is missing


def test_gateways_killed_at_random_and_replies_lost_at_random_lose_and_double_nothing(tmp_path: Path) -> None:
    rng = random.Random(11)
    with FakeServer() as fake:
        world = simulation(fake, tmp_path, fleet=make_fleet(2, 3), count=60)
        try:
            world.start()
            fake.misbehave = loses_replies(0.3, seed=5)
            for _ in range(10):
                time.sleep(rng.uniform(0.3, 1.2))
                world.restart_gateway(rng.choice(world.gateways))
            assert world.wait_count(60)
            fake.misbehave = lambda _path, _body: None
            assert world.wait_drained(40), world.undelivered()
        finally:
            world.stop()
        assert world.drops == 60
        assert_exactly_once(fake, world)
        assert {record["outcome"] for record in fake.records} <= BILLED_OR_RECOVERED | {"empty_open"}
        cards = [number for gateway in world.fleet.gateways for number in gateway.cards]
    for path in tmp_path.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            assert not [number for number in cards if number.encode() in content], f"a card number stands in {path}"


def test_a_simulation_goes_on_where_it_ended_and_keeps_its_keys(tmp_path: Path) -> None:
    with FakeServer() as fake:
        for _ in range(2):
            world = simulation(fake, tmp_path, fleet=make_fleet(1, 2), count=4)
            try:
                world.start()
                assert world.wait_count(30)
                assert world.wait_drained(20)
            finally:
                world.stop()
        assert_exactly_once(fake, world)
        assert len(fake.records) == 8
        assert len(fake.epochs) == 1
        assert sum(path.endswith("/claim") for path, _ in fake.requests) == 1
        assert fake.statuses
        alive = [a for status in fake.statuses for meter in status["meters"] for a in meter["alive"]]
        assert alive
    key = tmp_path / "W0G-GW-001" / "gateway.key"
    assert key.stat().st_mode & 0o777 == 0o600


def test_a_full_bin_is_emptied_and_told_apart_from_discharges(tmp_path: Path) -> None:
    with FakeServer() as fake:
        world = simulation(fake, tmp_path, fleet=make_fleet(1, 1), count=8, full_g=1_000, rate=40)
        try:
            world.start()
            assert wait_until(lambda: any(r["outcome"] == "unattended_step" for r in fake.records), 40)
            assert world.wait_count(60)
            assert world.wait_drained(20)
        finally:
            world.stop()
        assert_exactly_once(fake, world)


def test_a_gateway_whose_server_is_away_serves_residents_and_delivers_later(tmp_path: Path) -> None:
    with FakeServer() as fake:
        world = simulation(fake, tmp_path, count=6)
        try:
            world.start()
            fake.misbehave = lambda _path, _body: Refusal()
            assert world.wait_count(30)
            assert wait_until(lambda: sum(world.undelivered().values()) >= 6)
            assert fake.records == []
            fake.misbehave = lambda _path, _body: None
            assert world.wait_drained(20)
        finally:
            world.stop()
        assert_exactly_once(fake, world)


# --- The command


def command(*arguments: str, **values: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateways.cli", *arguments], capture_output=True, text=True, check=False, **values
    )


def test_the_simulate_command_counts_prints_and_ends(tmp_path: Path) -> None:
    fleet = tmp_path / "fleet.json"
    fleet.write_bytes(msgspec.json.encode(make_fleet(1, 3)))
    with FakeServer() as fake:
        done = command(
            *("simulate", "--meters", "2", "--households", "5", "--rate", "9999", "--url", fake.url, "--seed", "1"),
            *("--fleet", str(fleet), "--speed", "30", "--state-dir", str(tmp_path / "state"), "--count", "3"),
            *("--lang", "en"),
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("g discharged") == 3
        assert "2 meters, 1 gateways and 5 cards" in done.stdout
        assert len(fake.records) == 3
        status = command("status", "--config", str(tmp_path / "state" / "W0G-GW-001" / "gateway.toml"), "--json")
        values = json.loads(status.stdout)
        assert (values["depth"], values["next_seq"]) == (0, 4)
        assert values["last_contact"]
    with closing(sqlite3.connect(tmp_path / "state" / "W0G-GW-001" / "spool.db")) as db:
        assert db.execute("SELECT count(*) FROM acks WHERE status = 'stored'").fetchone() == (3,)


def test_a_simulation_that_is_killed_leaves_no_gateway_behind(tmp_path: Path) -> None:
    fleet = tmp_path / "fleet.json"
    fleet.write_bytes(msgspec.json.encode(make_fleet(1, 1)))
    state = tmp_path / "state"
    with FakeServer() as fake:
        arguments = ["simulate", "--url", fake.url, "--fleet", str(fleet), "--state-dir", str(state), "--speed", "30"]
        with subprocess.Popen(
            [sys.executable, "-m", "gateways.cli", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            log = state / "W0G-GW-001" / "gateway.log"
            assert wait_until(lambda: log.exists() and b"port_opened" in log.read_bytes(), 20)
            process.send_signal(signal.SIGKILL)
        assert wait_until(lambda: b"gateway_stopped" in log.read_bytes(), 10)


def test_two_gateways_never_serve_one_spool(tmp_path: Path) -> None:
    with FakeServer() as fake:
        world = simulation(fake, tmp_path, fleet=make_fleet(1, 1), count=1)
        try:
            world.start()
            log = tmp_path / "W0G-GW-001" / "gateway.log"
            assert wait_until(lambda: b"port_opened" in log.read_bytes())
            config = str(tmp_path / "W0G-GW-001" / "gateway.toml")
            second = command("run", "--lang", "en", "--config", config, timeout=20)
        finally:
            world.stop()
    assert second.returncode == 1
    assert "another jongnyang-gateway" in second.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "output"),
    [
        (["--protocol", "rdm6300", "--hex", "02 30 44 30 30 33 31 39 43 44 30 37 30 03"], 0, {"id": "0D00319CD0"}),
        (
            ["--protocol", "cas_22", "--hex", "53 54 2C 47 53 2C 31 C4 2C 30 30 30 30 31 33 2E 35 20 6B 67 0D 0A"],
            0,
            {"grams": 13_500, "stable": True},
        ),
        (
            ["--protocol", "cas_22", "--hex", "4F 4C 2C 47 53 2C 31 84 2C 20 20 20 20 20 20 20 20 20 6B 67 0D 0A"],
            0,
            {"grams": None, "fault": "overload"},
        ),
        (["--protocol", "rdm6300", "--hex", "02 30 44 30 30 33 31 39 43 44 30 37 31 03"], 1, None),
        (["--protocol", "rdm6300", "--hex", "zz"], 1, None),
    ],
)
def test_decode_shows_readings_or_says_why_there_are_none(
    arguments: list[str], code: int, output: dict[str, Any] | None
) -> None:
    done = CliRunner().invoke(main, ["decode", *arguments, "--lang", "en"])
    assert done.exit_code == code
    if output is None:
        assert done.stdout == ""
        assert done.stderr
    else:
        assert output.items() <= json.loads(done.stdout).items()


def test_claim_writes_the_key_once_and_never_over_another(tmp_path: Path) -> None:
    path = tmp_path / "gateway.key"
    with FakeServer() as fake:
        arguments = ["claim", "--url", fake.url, "--code", "code-of-W0G-GW-001", "--key-file", str(path)]
        assert CliRunner().invoke(main, arguments).exit_code == 0
        before = path.read_bytes()
        again = CliRunner().invoke(main, [*arguments, "--lang", "en"])
    assert again.exit_code == 1
    assert "exists already" in again.stderr
    assert path.read_bytes() == before


def test_every_command_shows_an_example() -> None:
    for name in COMMANDS:
        assert f"Example: jongnyang-gateway {name}" in CliRunner().invoke(main, [name, "--help"]).output
