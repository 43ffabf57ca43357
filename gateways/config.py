"""The box's one TOML file, read into frozen objects before anything is opened; every error names its line."""

import base64
import binascii
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from gateways.frames import Options
from gateways.limits import SpoolLimits
from gateways.link.uplink import UplinkSettings
from gateways.tables import ConfigError, Tables
from gateways.toml_lines import Way
from gateways.weighing.thresholds import Thresholds

__all__ = ["EXAMPLE", "ConfigError", "GatewayConfig", "load_config"]

EXAMPLE: Final = """\
server = "https://meters.example.go.kr"
key_file = "/var/lib/jongnyang/gateway.key"
spool = "/var/lib/jongnyang/spool.db"
# port_log = "/var/log/jongnyang"     # records what the ports say, without card numbers

[[meters]]                            # once per meter
meter = "W0G-001-01-1"                # as registered in the service
capacity_g = 100000                   # what scale and bin may hold, gross

[meters.reader]
port = "/dev/serial/by-path/platform-fd500000.pcie-usb-0:1.1:1.0-port0"
protocol = "rdm6300"

[meters.scale]
port = "/dev/serial/by-path/platform-fd500000.pcie-usb-0:1.2:1.0-port0"
protocol = "cas_22"

[meters.lid]
port = "/dev/serial/by-path/platform-fd500000.pcie-usb-0:1.3:1.0-port0"
driver = "relay"

# [meters.display]                    # where there is one
# port = "/dev/serial/by-path/platform-fd500000.pcie-usb-0:1.4:1.0-port0"
# language = "ko"

[session]                             # optional, any threshold of gateways/weighing/thresholds.py
division_g = 10

[uplink]                              # optional, see gateways/link/uplink.py
status_every_s = 60

[spool_limits]                        # optional, see gateways/limits.py
max_bytes = 2000000000

[update]                              # optional
# public_key = "..."                  # the maker's Ed25519 key in base64; without it no release is taken
trial_s = 900
"""

_ED25519_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class DeviceConfig:
    """A reader or scale: its port, its protocol (a name in `gateways.frames.protocols`), what differs from the usual.

    `identity` is what the device must answer to its identity probe; empty: not asked. `unit`, `checksum` and `framing`
    are the parser's `Options`; `baudrate`, `bytesize`, `parity` and `stopbits` override the protocol's `Line`.
    `stability = "inferred"` takes an unchanging weight for a stable one, for scales whose frames carry no mark of it.
    """

    port: str
    protocol: str
    identity: str = ""
    unit: Literal["kg", "g", "t", "lb"] | None = None
    checksum: bool | None = None
    framing: Literal["BB", "AA"] | None = None
    baudrate: Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200] | None = None
    bytesize: Literal[7, 8] | None = None
    parity: Literal["N", "E", "O"] | None = None
    stopbits: Literal[1, 2] | None = None
    stability: Literal["device", "inferred"] = "device"


@dataclass(frozen=True, slots=True)
class LidConfig:
    """The lid's controller: `driver` is `relay` or `simulated`.

    The rest is for `relay` (wiring in gateways/devices/lid.py): relay channels from 1 (0: not wired) of the lock, of a
    closing motor and of the alarm; milliseconds that lock and motor are powered; where the lid switch is read (a modem
    line, or `spoken`: the port's other end says it in lines).
    """

    port: str
    driver: Literal["relay", "simulated"] = "relay"
    channel: Literal[1, 2, 3, 4, 5, 6, 7, 8] = 1
    close_channel: Literal[0, 1, 2, 3, 4, 5, 6, 7, 8] = 0
    alarm_channel: Literal[0, 1, 2, 3, 4, 5, 6, 7, 8] = 0
    pulse_ms: int = 800
    switch: Literal["cts", "dsr", "cd", "ri", "spoken"] = "cts"


@dataclass(frozen=True, slots=True)
class DisplayConfig:
    """A text display with voice on a serial port; none if `port` is empty."""

    port: str = ""
    language: Literal["ko", "en", "both"] = "ko"


@dataclass(frozen=True, slots=True)
class MeterConfig:
    """One meter and its devices. `capacity_g`: what its scale and bin may hold, gross in grams."""

    meter: str
    reader: DeviceConfig
    scale: DeviceConfig
    lid: LidConfig
    display: DisplayConfig = DisplayConfig()
    capacity_g: int = 100_000


@dataclass(frozen=True, slots=True)
class UpdateConfig:
    """Signed releases: `public_key` is the maker's Ed25519 key in base64; without it no update is taken."""

    public_key: str = ""
    folder: Path | None = None
    trial_s: float = 900.0


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """The whole file; relative paths are taken from its folder. `port_log`: where raw port bytes are recorded."""

    server: str
    key_file: Path
    spool: Path
    meters: tuple[MeterConfig, ...]
    thresholds: Thresholds = field(default_factory=Thresholds, metadata={"toml": "session"})
    uplink: UplinkSettings = field(default_factory=UplinkSettings)
    spool_limits: SpoolLimits = field(default_factory=SpoolLimits)
    update: UpdateConfig = field(default_factory=UpdateConfig)
    port_log: Path | None = None


def load_config(path: Path) -> GatewayConfig:
    """Read the file. Raises ConfigError with everything that is wrong in it."""
    tables = Tables(path)
    config = tables.fill(GatewayConfig, check=_Checks(tables).check)
    _check_repeated(tables)
    if config is None or tables.problems:
        raise ConfigError(path, tables.problems)
    return config


class _Checks:
    """What the types of the settings do not say, table by table."""

    def __init__(self, tables: Tables) -> None:
        self._report = tables.report
        self._tables = tables

    def check(self, made: Any, way: Way) -> None:
        """Report what is wrong in a table whose settings have the right types."""
        if isinstance(made, DeviceConfig):
            self._check_device(made, way)
        elif isinstance(made, DisplayConfig) and not made.port:
            self._report((*way, "port"), "config_missing")
        elif isinstance(made, UpdateConfig) and made.public_key and not _is_public_key(made.public_key):
            self._report((*way, "public_key"), "config_public_key")
        elif isinstance(made, GatewayConfig) and not _is_address(made.server):
            self._report(("server",), "config_server", found=made.server)

    def _check_device(self, device: DeviceConfig, way: Way) -> None:
        # Every protocol is one module: loaded here so that reading this file's classes stays light.
        from gateways.frames.protocols import PROTOCOLS

        kind = str(way[-1])
        for name in {"reader": ("unit", "checksum", "stability"), "scale": ("framing",)}[kind]:
            if self._tables.get((*way, name)) is not None:
                self._report((*way, name), "config_no_use", kind=kind)
        offered = sorted(name for name, protocol in PROTOCOLS.items() if protocol.kind == kind)
        if device.protocol not in offered:
            key = "config_wrong_kind" if device.protocol in PROTOCOLS else "config_protocol"
            self._report((*way, "protocol"), key, found=device.protocol, kind=kind, choices=", ".join(offered))
            return
        protocol = PROTOCOLS[device.protocol]
        if protocol.needs_unit and device.unit is None:
            self._report((*way, "unit"), "config_needs_unit", protocol=protocol.name)
            return
        if not protocol.sends_stability and kind == "scale" and device.stability == "device":
            self._report((*way, "stability"), "config_needs_inferred", protocol=protocol.name)
        if device.identity and protocol.dialogue.identify is None:
            self._report((*way, "identity"), "config_no_identity", protocol=protocol.name)
        try:
            protocol.make(Options(device.unit, device.checksum, device.framing))
        except ValueError as error:
            self._report((*way, "protocol"), "config_refused", problem=error)


def _check_repeated(tables: Tables) -> None:
    """Report meters and ports that stand twice; a port is the same under each of its names."""
    first: dict[tuple[str, str], Way] = {}
    for kind, value, way in _unique_values(tables):
        other = first.setdefault((kind, value), way)
        if other != way:
            tables.report(way, f"config_{kind}_twice", found=tables.get(way), line=tables.line(other))


def _unique_values(tables: Tables) -> Iterator[tuple[str, str, Way]]:
    rows = tables.get(("meters",))
    for index in range(len(rows) if isinstance(rows, list) else 0):
        meter: Way = ("meters", index)
        for kind, way in [
            ("meter", (*meter, "meter")),
            *(("port", (*meter, device, "port")) for device in ("reader", "scale", "lid", "display")),
        ]:
            value = tables.get(way)
            if isinstance(value, str) and value:
                yield kind, os.path.realpath(value) if kind == "port" else value, way


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query and parts.port != 0
    except ValueError:
        return False


def _is_public_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == _ED25519_BYTES
    except binascii.Error:
        return False
