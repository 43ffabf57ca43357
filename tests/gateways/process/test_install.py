"""A box is claimed, run, its key rotated and revoked by typing what docs/install-gateway.md says, and nothing else."""

import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.db import Database
from app.metering.models import Discharge
from gateways.config import load_config
from gateways.health.overview import Overview, overview
from tests.builders import Town
from tests.end_to_end.server import ServerProcess
from tests.gateways.process.test_packaging import settings
from tests.gateways.process.world import World

ROOT = Path(__file__).parents[3]
GUIDES = {"en": ROOT / "docs" / "install-gateway.md", "ko": ROOT / "docs" / "install-gateway.ko.md"}
BIN = Path(sys.executable).parent
BLOCK = re.compile(r"^```sh (service|box|root)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WAIT_S = 90.0


def blocks(language: str) -> list[tuple[str, str]]:
    """The blocks to type, in order: where, and what."""
    return BLOCK.findall(GUIDES[language].read_text(encoding="utf-8"))


def wait_until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < until, "it did not come about in time"
        time.sleep(0.2)


@dataclass
class Installer:
    """Types blocks in a folder that stands for the box's disk; knows what systemd would do."""

    folder: Path
    url: str
    database_url: str
    world: World
    code: str = ""
    process: "subprocess.Popen[bytes] | None" = None
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("etc/jongnyang", "var/lib/jongnyang"):
            (self.folder / name).mkdir(parents=True)

    @property
    def config(self) -> Path:
        return self.folder / "etc/jongnyang/gateway.toml"

    def type(self, block: str) -> str:
        """Run a block as a shell would; return what it printed."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self._here(block)],
            env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "JONGNYANG_DATABASE_URL": self.database_url}
            | {"LANG": "C.UTF-8", "JONGNYANG_SECRET_KEY": "only for tests"},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=WAIT_S,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
        if "claim-code" in block:
            self.code = done.stdout.splitlines()[-2]
        return done.stdout

    def _here(self, text: str) -> str:
        """What the guide says, with this machine's places instead of the box's."""
        places = {
            "sudo -u jongnyang ": "",
            "https://meters.example.go.kr": self.url,
            "/dev/serial/by-path/READER": str(self.world.reader),
            "/dev/serial/by-path/SCALE": str(self.world.scale),
            "/opt/jongnyang/bin": str(BIN),
            "/etc/jongnyang": str(self.folder / "etc/jongnyang"),
            "/var/lib/jongnyang": str(self.folder / "var/lib/jongnyang"),
            "CODE": self.code or "CODE",
        }
        for theirs, mine in places.items():
            text = text.replace(theirs, mine)
        return text

    def edit_config(self) -> None:
        """What the guide tells to edit; shorter pauses, to save time, and more patience with a busy machine."""
        text = self._here(self.config.read_text(encoding="utf-8"))
        devices = iter([self.world.reader, self.world.scale, self.world.lid])
        text = re.sub(r'^port = ".*"', lambda _: f'port = "{next(devices)}"', text, flags=re.MULTILINE)
        text = text.replace('driver = "relay"', 'driver = "simulated"')
        text = text.replace("status_every_s = 60", "status_every_s = 1\nbackoff_last_s = 2")
        text = text.replace(
            "division_g = 10", "division_g = 10\nmax_gap_s = 2\nscale_silent_s = 10\nlid_timeout_s = 20"
        )
        self.config.write_text(text, encoding="utf-8")

    def start(self) -> None:
        """`systemctl start`: the unit's own ExecStart, until it says that it is ready."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, (self.folder / "log").open("ab") as log:
            address = self.folder / "notify"
            address.unlink(missing_ok=True)
            manager.bind(str(address))
            manager.settimeout(WAIT_S)
            [command] = settings("Service")["ExecStart"]
            self.process = subprocess.Popen(
                shlex.split(self._here(command)),
                env={**os.environ, "NOTIFY_SOCKET": str(address)},
                stdout=log,
                stderr=log,
            )
            while manager.recv(4096) != b"READY=1":
                pass

    def stop(self) -> None:
        """`systemctl stop`."""
        if self.process is not None:
            self.process.terminate()
            assert self.process.wait(WAIT_S) == 0
            self.process = None

    def status(self) -> Overview:
        return overview(load_config(self.config))

    def troubles(self) -> list[str]:
        return [trouble.key for trouble in self.status().trouble]

    def throw_in(self, grams: int) -> None:
        """A resident comes with a bag; ends when the gateway has booked it."""
        before = self.status().next_seq
        self.world.throws_g, self.world.card_held = grams, True
        wait_until(lambda: self.status().next_seq > before)
        self.world.card_held = False
        time.sleep(2)  # or the next touch would be the same one


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path}/service.db"
    command = [BIN / "jongnyang", "db", "upgrade"]
    subprocess.run(command, env={**os.environ, "JONGNYANG_DATABASE_URL": url}, check=True, capture_output=True)
    made = Database(url)
    yield made
    made.dispose()


@pytest.fixture
def installer(tmp_path: Path, database: Database) -> Iterator[Installer]:
    Town(database)
    url = str(database.engine.url)
    server = ServerProcess(url, tmp_path)
    server.start()
    folder = tmp_path / "box"
    folder.mkdir()
    with World(tmp_path) as world:
        made = Installer(folder, f"http://127.0.0.1:{server.address[1]}", url, world)
        try:
            yield made
        finally:
            if made.process is not None:
                made.process.kill()
                made.process.wait()
            server.close()


def nets(database: Database) -> list[int | None]:
    statement = sa.select(Discharge.net_g).where(Discharge.outcome == "settled").order_by(Discharge.seq)
    with database.session() as session:
        return list(session.scalars(statement))


@pytest.mark.soak
def test_the_guide_alone_brings_a_box_to_work_rotates_and_revokes_its_key(
    installer: Installer, database: Database
) -> None:
    def begin() -> None:
        installer.start()
        wait_until(lambda: installer.troubles() == [])
        assert installer.status().key_id == "W0G/W0G-GW-001/1"
        installer.throw_in(410)
        wait_until(lambda: nets(database) == [410])

    def hold_card(is_held: bool) -> None:
        installer.world.card_held = is_held

    def rotated() -> None:
        wait_until(lambda: installer.status().key_id == "W0G/W0G-GW-001/2")
        wait_until(lambda: installer.troubles() == [])

    def revoked() -> None:
        wait_until(lambda: installer.troubles() == ["trouble_refused"])
        if not removed:
            installer.throw_in(520)
            assert installer.status().depth == 1

    def restart() -> None:
        installer.stop()
        installer.start()
        wait_until(lambda: installer.troubles() == [])
        wait_until(lambda: nets(database) == [410, 520])
        assert installer.status().key_id == "W0G/W0G-GW-001/3"
        removed.append(True)

    removed: list[bool] = []
    # What root does, and what is waited for after a block, by what stands in it.
    roots = {"enable --now": begin, "systemctl restart jongnyang-gateway\n": restart, "disable --now": installer.stop}
    after = {"check --example": installer.edit_config, "rotate": rotated, "revoke-key": revoked}
    for where, block in blocks("en"):
        if where == "root":
            act = next((act for part, act in roots.items() if part in block and "pip" not in block), None)
        else:
            hold_card("probe" in block)
            installer.said.append(installer.type(block))
            hold_card(False)
            act = next((act for part, act in after.items() if part in block), None)
        if act is not None:
            act()
    assert removed
    said = "\n".join(installer.said)
    assert "rdm6300" in said
    assert "cas_22" in said
    assert "ok: " in said


def test_both_guides_say_the_same_commands_in_the_same_order() -> None:
    assert blocks("ko") == blocks("en")
    assert len(blocks("en")) > 10


@pytest.mark.parametrize("language", GUIDES)
def test_every_block_of_a_guide_says_where_it_is_typed_and_is_a_shells(language: str) -> None:
    text = GUIDES[language].read_text(encoding="utf-8")
    assert text.count("```sh ") * 2 == text.count("```")
    for _, block in blocks(language):
        subprocess.run(["bash", "-n", "-c", block], check=True)
