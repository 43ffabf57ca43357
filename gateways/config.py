"""The box's one TOML file, read into frozen objects before anything is opened."""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, TypeVar

from gateways.limits import SpoolLimits
from gateways.thresholds import Thresholds
from gateways.uplink import UplinkSettings

EXAMPLE: Final = """\
server = "https://meters.example.go.kr"
key_file = "/etc/jongnyang/gateway.key"
spool = "/var/lib/jongnyang/spool.db"

[[meters]]
meter = "W0G-001-01-1"
reader = "/dev/serial/by-path/platform-1-port0"
scale = "/dev/serial/by-path/platform-1-port1"
lid = "/dev/serial/by-path/platform-1-port2"

[session]          # optional, any threshold of gateways/thresholds.py
division_g = 10

[uplink]           # optional, see gateways/uplink.py
status_every_s = 60
"""


class ConfigError(Exception):
    """The config file cannot be used; the text names the file, the setting and what is expected."""


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
    unit: str | None = None
    checksum: bool | None = None
    framing: str | None = None
    baudrate: int | None = None
    bytesize: int | None = None
    parity: str | None = None
    stopbits: int | None = None
    stability: str = "device"


@dataclass(frozen=True, slots=True)
class LidConfig:
    """The lid's controller: `driver` is `relay` or `simulated`."""

    port: str
    driver: str = "relay"


@dataclass(frozen=True, slots=True)
class DisplayConfig:
    """A text display with voice on a serial port; none if `port` is empty."""

    port: str = ""
    language: str = "ko"


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
    thresholds: Thresholds
    uplink: UplinkSettings
    spool_limits: SpoolLimits
    update: UpdateConfig
    port_log: Path | None = None


Table = TypeVar("Table", Thresholds, UplinkSettings, MeterConfig)


def load_config(path: Path) -> GatewayConfig:
    """Read the file. Raises ConfigError."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from error
    try:
        return _config(values, path.parent)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def _config(values: dict[str, Any], folder: Path) -> GatewayConfig:
    known = {"server", "key_file", "spool", "meters", "session", "uplink"}
    if unknown := sorted(set(values) - known):
        raise ConfigError(f"unknown setting {unknown[0]!r}; known are {', '.join(sorted(known))}")
    return GatewayConfig(
        server=_text(values, "server"),
        key_file=folder / _text(values, "key_file"),
        spool=folder / _text(values, "spool"),
        meters=_meters(values.get("meters")),
        thresholds=_table(Thresholds, values.get("session", {}), "[session]"),
        uplink=_table(UplinkSettings, values.get("uplink", {}), "[uplink]"),
    )


def _text(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{name} must be given as text")
    return value


def _meters(rows: object) -> tuple[MeterConfig, ...]:
    if not isinstance(rows, list) or not rows:
        raise ConfigError("at least one [[meters]] is needed")
    meters = tuple(_table(MeterConfig, row, "[[meters]]") for row in rows)
    names = [meter.meter for meter in meters]
    ports = [port for meter in meters for port in (meter.reader, meter.scale, meter.lid)]
    for kind, values in (("meter", names), ("port", ports)):
        if repeated := {value for value in values if values.count(value) > 1}:
            raise ConfigError(f"{kind} {min(repeated)} stands twice in [[meters]]")
    return meters


def _table(kind: type[Table], values: object, where: str) -> Table:
    """Fill a dataclass of plain numbers or texts; a whole number will do where a fraction is allowed."""
    if not isinstance(values, dict):
        raise ConfigError(f"{where} must be a table")
    types = {field.name: field.type for field in fields(kind)}
    for name, value in values.items():
        if name not in types:
            raise ConfigError(f"{where} has no setting {name!r}; known are {', '.join(sorted(types))}")
        allowed = (int, float) if types[name] is float else (types[name],)
        if type(value) not in allowed or (isinstance(value, int | float) and value < 0):
            raise ConfigError(f"{where} {name} = {value!r} must be {_describe(types[name])}")
    try:
        return kind(**values)
    except TypeError as error:
        raise ConfigError(f"{where}: {error}") from error


def _describe(expected: object) -> str:
    return {float: "seconds, 0 or more", int: "a whole number, 0 or more"}.get(expected, "text")  # type: ignore[call-overload, no-any-return]
