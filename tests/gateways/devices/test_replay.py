"""A recorded port log gives the records again that the box booked from the same ports."""

import json
import select
from collections import deque
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateways.cards import hash_card
from gateways.cli import main
from gateways.config import DeviceConfig, LidConfig
from gateways.devices.device import Device
from gateways.devices.lid import make_lid
from gateways.devices.portlog import PortLog, log_files
from gateways.devices.ports import SerialPort
from gateways.frames import FrameStats, Options, TagRead, WeightSample
from gateways.simulate.pty import Cable
from gateways.weighing.events import CardSeen, Commit, Committed, Event, LidMoved, OpenLid, Tick, Weighed
from gateways.weighing.session import Session
from gateways.weighing.thresholds import Thresholds
from tests.gateways.devices.support import CARD_KEY, CAS, CONFIG, Now, card_frame, weight_frame
from tests.gateways.fake_server import wait_until

NUMBER = "0D00319CD0"


class Bin:
    """Writes into the log what the ports of a bin would have said."""

    def __init__(self, folder: Path, *, boot_id: str = "b1", at: float = 100.0) -> None:
        self.log = PortLog(folder, CARD_KEY, boot_id)
        self.at = at
        self.grams = 12_000
        self._scale = CAS.make(Options())

    def stand(self, seconds: float) -> None:
        until = self.at + seconds
        while self.at < until:
            self.at += 0.1
            frame = weight_frame(self.grams)
            self.log.received("/dev/s", self.at, "scale", len(frame), self._scale.feed(frame), self._scale.stats)

    def touch(self) -> None:
        self.log.received("/dev/r", self.at, "reader", 14, [TagRead(NUMBER)], FrameStats(1))

    def lid(self, *, is_open: bool) -> None:
        self.log.lid("/dev/l", self.at, is_open)

    def visit(self, grams: int) -> None:
        self.stand(5)
        self.touch()
        self.stand(3)
        self.lid(is_open=True)
        self.stand(2)
        self.grams += grams
        self.stand(2)
        self.lid(is_open=False)
        self.stand(5)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.toml"
    path.write_text(CONFIG)
    return path


def run(config: Path, log: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["replay", "--config", str(config), str(log), "--lang", "en", *arguments])


def records(config: Path, log: Path) -> list[dict[str, Any]]:
    result = run(config, log, "--json")
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def settled(config: Path, log: Path) -> list[tuple[int, int, int]]:
    rows = [row for row in records(config, log) if row["outcome"] == "settled"]
    return [(row["gross_before_g"], row["gross_after_g"], row["net_g"]) for row in rows]


def test_visits_are_booked_again_with_their_card_and_time(tmp_path: Path, config: Path) -> None:
    bin_ = Bin(tmp_path / "log")
    bin_.lid(is_open=False)
    bin_.visit(410)
    bin_.visit(250)
    bin_.log.close()
    assert settled(config, tmp_path / "log") == [(12_000, 12_410, 410), (12_410, 12_660, 250)]
    first = next(row for row in records(config, tmp_path / "log") if row["outcome"] == "settled")
    card = hash_card(NUMBER, CARD_KEY)
    assert first["card"] == {"hash": card.hash, "last4": card.last4}
    assert first["meter"] == "W0G-001-01-1"
    assert 112_000 < first["at_ms"] < 118_000
    assert first["evidence"]


def test_the_same_log_always_gives_the_same_records(tmp_path: Path, config: Path) -> None:
    bin_ = Bin(tmp_path / "log")
    bin_.lid(is_open=False)
    bin_.visit(410)
    bin_.log.close()
    assert records(config, tmp_path / "log") == records(config, tmp_path / "log")


def test_a_session_cut_by_a_power_cut_is_recovered_from_the_next_boots_rows(tmp_path: Path, config: Path) -> None:
    before = Bin(tmp_path / "log")
    before.lid(is_open=False)
    before.stand(5)
    before.touch()
    before.stand(3)
    before.lid(is_open=True)
    before.stand(1)
    before.log.close()
    after = Bin(tmp_path / "log", boot_id="b2", at=20.0)  # this boot's clock begins anew
    after.grams += 410
    after.stand(1)
    after.lid(is_open=False)
    after.stand(10)
    after.log.close()
    (row,) = [row for row in records(config, tmp_path / "log") if row["card"]]
    assert (row["outcome"], row["net_g"]) == ("recovered", 410)


def test_a_single_file_is_replayed_too_and_a_cut_line_is_passed_over(tmp_path: Path, config: Path) -> None:
    bin_ = Bin(tmp_path / "log")
    bin_.lid(is_open=False)
    bin_.visit(410)
    bin_.log.close()
    (path,) = log_files(tmp_path / "log")
    with path.open("a") as file:
        file.write('{"at_ms": 12')
    result = run(config, path)
    assert "410 g discharged" in result.stdout
    assert "card …9CD0" in result.stdout
    assert "1 lines could not be read" in result.stderr


def test_neither_spool_nor_key_is_needed_or_made(tmp_path: Path, config: Path) -> None:
    bin_ = Bin(tmp_path / "log")
    bin_.lid(is_open=False)
    bin_.visit(410)
    bin_.log.close()
    assert settled(config, tmp_path / "log")
    assert {path.name for path in tmp_path.iterdir()} == {"gateway.toml", "log"}


def test_a_log_of_other_ports_says_which(tmp_path: Path, config: Path) -> None:
    log = PortLog(tmp_path / "log", CARD_KEY, "b")
    log.lid("/dev/other", 1.0, True)
    log.close()
    result = run(config, tmp_path / "log")
    assert result.exit_code == 1
    assert "/dev/other" in result.stderr


def test_a_folder_without_a_log_is_an_error(tmp_path: Path, config: Path) -> None:
    result = run(config, tmp_path)
    assert result.exit_code == 1
    assert "there is no port log" in result.stderr


class LivePorts:
    """Real ports, parsers and lid of one meter with a port log, in front of a session; time passes as told."""

    def __init__(self, folder: Path) -> None:
        self.now = Now()
        self.now.s = 1000.0
        self.log = PortLog(folder / "log", CARD_KEY, "b")
        self.cables = {name: Cable(folder / name) for name in ("r", "s", "l")}
        link = {name: str(cable.link) for name, cable in self.cables.items()}
        self.reader = Device(DeviceConfig(link["r"], "rdm6300"), "reader", self.now, self.log)
        self.scale = Device(DeviceConfig(link["s"], "cas_22"), "scale", self.now, self.log)
        self.lid_port = SerialPort(link["l"], self.now)
        self.lid = make_lid(LidConfig(link["l"], "simulated"), self.lid_port, self.log)
        self.session = Session(Thresholds(), at=self.now.s)
        self.booked: list[tuple[str, int | None, int | None]] = []
        self.is_lid_open = False
        self.grams = 12_000

    def tell(self, event: Event) -> None:
        effects = deque(self.session.handle(event))
        while effects:
            effect = effects.popleft()
            if isinstance(effect, OpenLid):
                self.is_lid_open = True
            elif isinstance(effect, Commit):
                draft = effect.draft
                self.booked.append((draft.outcome, draft.gross_before_g, draft.net_g))
                effects.extend(self.session.handle(Committed(self.now.s)))

    def step(self, *, card: str | None = None) -> None:
        """A twentieth of a second at the bin, bytes and all."""
        self.now.s += 0.05
        for part in (self.reader, self.scale):
            part.poll(self.now.s)
        self.lid_port.poll()
        said = {"s": weight_frame(self.grams), "l": b"LID OPEN\r\n" if self.is_lid_open else b"LID CLOSED\r\n"}
        for name, data in (said | ({"r": card_frame(card)} if card else {})).items():
            self.cables[name].write(data)
        ports = [self.scale.port, self.lid_port, *([self.reader.port] if card else [])]
        assert wait_until(lambda: len(select.select(ports, [], [], 0)[0]) == len(ports))
        self.take()

    def take(self) -> None:
        at = self.now.s
        for sample in self.scale.read(at):
            assert isinstance(sample, WeightSample)
            self.tell(Weighed(at, sample))
        for is_open in self.lid.feed(self.lid_port.read()):
            self.tell(LidMoved(at, is_open))
        for tag in self.reader.read(at):
            assert isinstance(tag, TagRead)
            self.tell(CardSeen(at, hash_card(tag.number, CARD_KEY)))
        self.tell(Tick(at))

    def steps(self, seconds: float) -> None:
        for _ in range(round(seconds * 20)):
            self.step()

    def close(self) -> None:
        self.log.close()
        for part in (self.reader, self.scale, self.lid_port, *self.cables.values()):
            part.close()


def test_what_a_session_booked_from_live_ports_is_what_the_replay_books(tmp_path: Path) -> None:
    live = LivePorts(tmp_path)
    live.steps(3)
    for grams in (410, 20, 1_230):
        live.step(card=NUMBER)
        live.steps(3)
        live.grams += grams
        live.steps(1)
        live.is_lid_open = False
        live.steps(5)
    live.close()
    config = tmp_path / "gateway.toml"
    config.write_text(CONFIG.replace('"/dev/', f'"{tmp_path}/'))
    again = [(row["outcome"], row["gross_before_g"], row["net_g"]) for row in records(config, tmp_path / "log")]
    assert [net for _, _, net in live.booked] == [410, 0, 1_230]
    assert again == live.booked
