"""A gateway as a child process, with its folder: key, config, spool and log."""

import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import msgspec

from gateways.booked import BookedLine
from gateways.clock import BOOT_ID_VARIABLE, WALL_OFFSET_VARIABLE, Clock, boot_id
from gateways.link.api import Server, UnreachableError
from gateways.link.keys import GatewayKey, load_key, save_key
from gateways.link.uplink import UplinkSettings
from gateways.simulate.bin import BinLinks
from gateways.simulate.devices import Fitting
from gateways.simulate.fleet import FleetGateway
from gateways.simulate.pace import Pace
from gateways.spool import Spool
from gateways.weighing.thresholds import Thresholds

_CLAIM_TRIES: Final = 30
_CLAIM_PAUSE_S: Final = 0.5
_STOP_S: Final = 15.0
PROGRAM: Final = "gateways.cli"


class GatewayProcess:
    """Claims, configures, starts, stops and kills one gateway. `on_booked` is called from a thread of its own."""

    def __init__(
        self,
        gateway: FleetGateway,
        url: str,
        folder: Path,
        on_booked: Callable[[BookedLine], None] = lambda _line: None,
        program: str = PROGRAM,
    ) -> None:
        self.gateway = gateway
        self.folder = folder
        self.is_wanted = False
        self.environment: dict[str, str] = {}
        self._program = program
        self._url = url
        self._on_booked = on_booked
        self._process: subprocess.Popen[bytes] | None = None
        self._listener: threading.Thread | None = None
        # Held to start and to give up the child, never while it is waited for: the world's thread revives.
        self._lock = threading.Lock()

    @property
    def spool_path(self) -> Path:
        """Return where the gateway keeps its spool."""
        return self.folder / "spool.db"

    @property
    def is_running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    def claim(self) -> GatewayKey:
        """Return the gateway's key: kept from an earlier start, or claimed now. Raises ServerError, KeyFileError."""
        path = self.folder / "gateway.key"
        if path.exists():
            return load_key(path)
        server = Server(self._url, Clock())
        try:
            key = self._claim(server)
        finally:
            server.close()
        save_key(path, key)
        return key

    def _claim(self, server: Server) -> GatewayKey:
        for _ in range(_CLAIM_TRIES):
            try:
                return server.claim(self.gateway.claim_code, f"simulated-{boot_id()}")
            except UnreachableError:
                time.sleep(_CLAIM_PAUSE_S)  # the service may still be starting
        return server.claim(self.gateway.claim_code, f"simulated-{boot_id()}")

    def configure(self, bins: dict[str, tuple[BinLinks, Fitting]], pace: Pace) -> None:
        """Write the config file."""
        lines = [f"server = {_toml(self._url)}", 'key_file = "gateway.key"', 'spool = "spool.db"']
        for meter, (links, fitting) in bins.items():
            lines += ["", "[[meters]]", f"meter = {_toml(meter)}"]
            for name, path, model in (("reader", links.reader, fitting.reader), ("scale", links.scale, fitting.scale)):
                device = {"port": str(path.absolute()), "protocol": model.protocol, **model.options}
                lines += _table(f"meters.{name}", device)
            lines += _table("meters.lid", {"port": str(links.lid.absolute()), "driver": "simulated"})
        lines += _table("session", _unusual(pace.thresholds(), Thresholds()))
        lines += _table("uplink", _unusual(pace.uplink(), UplinkSettings()))
        (self.folder / "gateway.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    # --- What a power cut and a wrong clock look like

    @property
    def _wall_offset_path(self) -> Path:
        return self.folder / "wall_offset"

    def set_wall_clock(self, offset_s: float) -> None:
        """Let the box's wall clock be so many seconds off, from now on."""
        aside = self._wall_offset_path.with_suffix(".new")
        aside.write_text(str(offset_s), encoding="ascii")
        aside.replace(self._wall_offset_path)

    def forget_boot(self) -> None:
        """Let the next start look like one after a boot of the machine."""
        self.environment[BOOT_ID_VARIABLE] = str(uuid.uuid4())

    def start(self) -> None:
        """Start the process, which ends by itself should this one die; nothing if it runs."""
        with self._lock:
            if not self.is_running:
                self._collect()
                self._spawn()
            self.is_wanted = True

    def _spawn(self) -> None:
        command = [sys.executable, "-m", self._program, "run", "--json", "--exit-with-parent"]
        if not self._wall_offset_path.exists():
            self.set_wall_clock(0)
        with (self.folder / "gateway.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [*command, "--config", str(self.folder / "gateway.toml")],
                env=os.environ | {WALL_OFFSET_VARIABLE: str(self._wall_offset_path.absolute())} | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the simulation, which then stops its gateways in order
            )
        self._listener = threading.Thread(target=self._listen, args=(self._process,), daemon=True)
        self._listener.start()

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if line.endswith(b"\n"):  # a killed gateway may leave half a line
                self._on_booked(msgspec.json.decode(line, type=BookedLine))

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        process = self._release()
        if process is not None:
            process.kill()
            process.wait()
            self._collect()

    def ask_to_stop(self) -> None:
        """SIGTERM, as an operator would; `stop` waits for it."""
        process = self._release()
        if process is not None:
            process.terminate()

    def stop(self) -> None:
        """Stop and wait; killed if it takes too long."""
        self.ask_to_stop()
        process = self._process
        if process is None:
            return
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._collect()

    def _release(self) -> subprocess.Popen[bytes] | None:
        """The child, which nobody revives from now on."""
        with self._lock:
            self.is_wanted = False
            return self._process

    def _collect(self) -> None:
        """Close what is left of a child that has ended."""
        process, self._process = self._process, None
        if process is None or self._listener is None:
            return
        self._listener.join()
        if process.stdout is not None:
            process.stdout.close()

    def revive(self) -> bool:
        """Start the process again if it died by itself, as systemd would; return whether it had."""
        with self._lock:
            if not self.is_wanted or self.is_running:
                return False
            self._collect()
            self._spawn()
            return True

    def undelivered(self) -> int:
        """Return how many records and open sessions the spool holds."""
        with self._spool() as spool:
            if spool is None:
                return 0
            open_sessions = sum(spool.open_session(meter) is not None for meter in self.gateway.meters)
            return spool.depth().records + open_sessions

    def has_session(self, meter: str) -> bool:
        """Whether the meter's session is under way, in the running gateway or for the next one to resume."""
        with self._spool() as spool:
            return spool is not None and spool.open_session(meter) is not None

    @contextmanager
    def _spool(self) -> Iterator[Spool | None]:
        """The spool to look at, or None while the gateway has not made it yet."""
        if not self.spool_path.exists():
            yield None
            return
        with closing(Spool(self.spool_path, read_only=True)) as spool:
            yield spool if spool.is_prepared else None


def _unusual(settings: Thresholds | UplinkSettings, usual: Thresholds | UplinkSettings) -> dict[str, Any]:
    before = asdict(usual)
    return {name: value for name, value in asdict(settings).items() if value != before[name]}


def _table(name: str, values: dict[str, Any]) -> list[str]:
    return ["", f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in values.items() if value is not None)]


def _toml(value: Any) -> str:
    """Numbers and texts look in TOML as in JSON."""
    return json.dumps(value, ensure_ascii=False)
