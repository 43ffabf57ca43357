"""`status` tells how a gateway does from its files alone, and its exit code says whether somebody is needed."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from gateways.cards import CardRule
from gateways.cli import main
from gateways.clock import Clock, rfc3339
from gateways.commands.status import ERRORS
from gateways.health.live import LiveStatus, live_meter, live_path, read_live, write_live
from gateways.link.records import Result as Acknowledgement
from gateways.link.report import MeterReading
from gateways.messages import Lang, say
from gateways.spool import Spool, Stamp, open_spool

CONFIG = """\
server = "http://127.0.0.1:8000"
key_file = "gateway.key"
spool = "spool.db"
[[meters]]
meter = "W0G-001-01-1"
[meters.reader]
port = "/dev/ttyUSB0"
protocol = "rdm6300"
[meters.scale]
port = "/dev/serial/by-id/usb-FTDI-if00-port0"
protocol = "cas_22"
[meters.lid]
port = "/dev/serial/by-id/usb-1a86-if00-port0"
"""
PORT = {"open": True, "frames": 51, "rejects": {"checksum": 2}, "noise_bytes": 14, "errors": 0, "last_error": None}
READING = MeterReading(
    meter="W0G-001-01-1",
    gross_g=41_230,
    lid_open=False,
    faults=[],
    fill_percent=41,
    ports={"reader": PORT, "scale": PORT, "lid": PORT},
)


class Box:
    """The files of a gateway that works, made without one."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "gateway.toml"
        self.config.write_text(CONFIG, encoding="utf-8")
        self.path = folder / "spool.db"
        self.clock = Clock()
        self.now = datetime.now(UTC)
        self.live = LiveStatus(
            version="0.1.0",
            pid=1,
            gateway="W0G-GW-001",
            key_id="W0G/W0G-GW-001/1",
            boot_id=self.clock.boot_id,
            mono_ms=int(self.clock.mono() * 1000),
            every_s=5,
            now=rfc3339(self.now),
            clock="synced",
            late=[],
            meters=[live_meter(READING)],
        )

    def fill(self) -> None:
        """A spool that the server has answered to."""
        with self.spool() as spool:
            seq = spool.append("W0G-001-01-1", lambda seq: b"{}", Stamp(self.clock.boot_id, 0))
            spool.acknowledge(spool.epoch(), [Acknowledgement(seq, "stored")], self.now)
            spool.replace_cards("7", {"00" * 16: CardRule("allowed", "household")}, 3600, self.now)
        self.tell()

    def tell(self, **changes: Any) -> None:
        write_live(live_path(self.path), msgspec.structs.replace(self.live, **changes))

    @contextmanager
    def spool(self) -> Iterator[Spool]:
        spool = open_spool(self.path)
        try:
            yield spool
        finally:
            spool.close()

    @contextmanager
    def served(self) -> Iterator[None]:
        """As long as a process holds the spool's lock."""
        with self.path.with_name("spool.db.lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def status(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, ["status", "--config", str(self.config), "--lang", "en", *arguments])

    def troubles(self) -> list[str]:
        result = self.status("--json")
        troubles = [trouble["key"] for trouble in json.loads(result.stdout)["trouble"]]
        assert result.exit_code == (1 if troubles else 0)
        return troubles


@pytest.fixture
def box(tmp_path: Path) -> Box:
    made = Box(tmp_path)
    made.fill()
    return made


def test_a_gateway_that_works_has_no_trouble_and_shows_what_it_does(box: Box) -> None:
    with box.served():
        assert box.troubles() == []
        text = box.status().stdout
        values = json.loads(box.status("--json").stdout)
    assert "gateway W0G-GW-001: running, version 0.1.0, key W0G/W0G-GW-001/1" in text
    assert "0 records wait" in text
    assert "cards: 1 on the list" in text
    assert "meter W0G-001-01-1: 41.23 kg, 41 % full, lid closed" in text
    assert "51 frames, rejected checksum 2, noise 14 B, last error -" in text
    assert (values["depth"], values["next_seq"], values["clock"], values["late"]) == (0, 2, "synced", [])
    assert values["meters"][0]["ports"]["scale"]["path"] == "/dev/serial/by-id/usb-FTDI-if00-port0"


def test_a_port_whose_name_may_change_is_pointed_out_but_is_no_trouble(box: Box) -> None:
    with box.served():
        result = box.status()
    assert result.exit_code == 0
    assert "/dev/ttyUSB0 may be another device after a restart" in result.stdout
    assert result.stdout.count("may be another device") == 1


def test_a_gateway_that_does_not_run_is_told_apart_from_one_that_hangs(box: Box) -> None:
    assert box.troubles() == ["trouble_not_running"]
    assert "systemctl start" in box.status().stdout
    with box.served():
        box.tell(mono_ms=box.live.mono_ms - 60_000)
        assert box.troubles() == ["trouble_hangs"]
        box.tell(late=["uplink"])
        assert box.troubles() == ["trouble_hangs"]
        assert "hangs: uplink" in box.status().stdout
        box.tell(boot_id="before the power cut")
        assert box.troubles() == ["trouble_starting"]


def test_what_was_written_before_the_gateway_ended_is_not_shown_as_if_it_were_so_now(box: Box) -> None:
    values = json.loads(box.status("--json").stdout)
    assert (values["meters"], values["version"], values["clock"]) == ([], None, None)


def test_each_trouble_is_named_with_its_thing(box: Box) -> None:
    closed = {**PORT, "open": False, "last_error": "missing"}
    reading = MeterReading("W0G-001-01-1", None, None, ["comm", "weighing"], ports={"scale": closed})
    with box.served():
        box.tell(clock="unset", meters=[live_meter(reading)])
        assert box.troubles() == ["trouble_clock", "trouble_port_closed", "trouble_faults"]
        text = box.status().stdout
    assert (
        "scale /dev/serial/by-id/usb-FTDI-if00-port0 of meter W0G-001-01-1 is closed: not there; check its plug" in text
    )
    assert "faults of meter W0G-001-01-1: comm, weighing" in text


@pytest.mark.parametrize(
    ("error", "troubles"), [("no_frames", ["trouble_port_talks_nonsense"]), ("unplugged", []), ("io: Broken pipe", [])]
)
def test_an_open_port_is_a_trouble_only_while_its_device_makes_no_sense(
    box: Box, error: str, troubles: list[str]
) -> None:
    reading = MeterReading("W0G-001-01-1", 0, False, [], ports={"scale": {**PORT, "last_error": error}})
    with box.served():
        box.tell(meters=[live_meter(reading)])
        assert box.troubles() == troubles


@pytest.mark.parametrize("error", sorted(ERRORS))
def test_every_error_of_a_port_says_what_to_do(box: Box, error: str) -> None:
    reading = MeterReading("W0G-001-01-1", 0, False, [], ports={"scale": {**PORT, "open": False, "last_error": error}})
    with box.served():
        box.tell(meters=[live_meter(reading)])
        languages: list[Lang] = ["ko", "en"]
        for lang in languages:
            lines = box.status("--lang", lang).stdout.splitlines()
            assert [line for line in lines if "W0G-001-01-1" in line and line.endswith(say(lang, f"error_{error}"))]


def test_a_server_that_is_silent_and_cards_that_are_too_old_are_troubles(box: Box) -> None:
    with box.served():
        box.tell(now=rfc3339(box.now + timedelta(seconds=890)))
        assert box.troubles() == []
        box.tell(now=rfc3339(box.now + timedelta(seconds=910)))
        assert box.troubles() == ["trouble_no_contact"]
        box.tell(now=rfc3339(box.now + timedelta(hours=2)))
        assert box.troubles() == ["trouble_no_contact", "trouble_cards"]


def test_the_last_discharge_that_was_acknowledged_is_told_apart_from_the_last_answer(box: Box) -> None:
    later = box.now + timedelta(seconds=400)
    with box.spool() as spool:
        spool.forget_alive([], later)
    with box.served():
        box.tell(now=rfc3339(later))
        text, values = box.status().stdout, json.loads(box.status("--json").stdout)
    assert (values["last_contact_age_s"], values["last_acknowledged_age_s"]) in [(0, 400), (0, 401), (1, 401)]
    at = f"{box.now:%Y-%m-%dT%H:%M:%S}.000Z"
    assert f"last discharge that the server acknowledged: {at} ({values['last_acknowledged_age_s']} s ago)" in text


def test_before_anything_was_acknowledged_it_says_never(tmp_path: Path) -> None:
    box = Box(tmp_path)
    with box.spool() as spool:
        spool.forget_alive([], box.now)
    box.tell()
    with box.served():
        assert json.loads(box.status("--json").stdout)["last_acknowledged"] is None
        assert "acknowledged: never (-)" in box.status().stdout


def test_a_key_that_the_server_refuses_is_a_trouble_of_its_own(box: Box) -> None:
    with box.spool() as spool:
        spool.put_status("uplink", b'{"state": "refused", "problem": "key-revoked", "since": "2026-11-27T00:00:00Z"}')
    with box.served():
        box.tell(now=rfc3339(box.now + timedelta(seconds=910)))
        assert box.troubles() == ["trouble_refused"]
        assert "refuses this box's key (key-revoked); claim it again" in box.status().stdout


def test_records_that_wait_too_long_are_a_trouble(box: Box) -> None:
    long_ago = int(box.clock.mono() * 1000) - 2 * 3600 * 1000
    with box.spool() as spool:
        spool.append("W0G-001-01-1", lambda seq: b"{}", Stamp(box.clock.boot_id, long_ago))
    with box.served():
        assert box.troubles() == ["trouble_waiting"]
        assert "1 records have waited over 2 h" in box.status().stdout


def test_a_full_disk_is_a_trouble(box: Box) -> None:
    text = box.config.read_text(encoding="utf-8")
    box.config.write_text(f"{text}[spool_limits]\nmax_bytes = 1\n", encoding="utf-8")
    with box.served():
        assert box.troubles() == ["trouble_disk"]


def test_before_the_first_run_it_says_what_to_do(tmp_path: Path) -> None:
    result = Box(tmp_path).status()
    assert result.exit_code == 1
    assert "made when the gateway runs for the first time" in result.stderr


def test_every_trouble_has_words_in_both_languages(box: Box) -> None:
    with box.served():
        box.tell(
            clock="unset", late=["commit"], meters=[live_meter(MeterReading("W0G-001-01-1", None, None, ["lock"]))]
        )
        for lang in ("ko", "en"):
            assert box.status("--lang", lang).stdout.count({"ko": "문제:", "en": "Trouble:"}[lang]) == 3


def test_a_status_file_of_another_version_is_taken_for_none(box: Box) -> None:
    live_path(box.path).write_bytes(b'{"version": "9"}')
    assert read_live(live_path(box.path)) is None
    with box.served():
        assert box.troubles() == ["trouble_starting"]
