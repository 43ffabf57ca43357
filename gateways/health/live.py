"""How the running gateway is doing at this moment: a small file for `jongnyang-gateway status`.

Written every few seconds, whole or not at all: in memory where the service manager gave a folder there, for an SD card
would wear out by it; else beside the spool.
"""

import fcntl
import hashlib
from pathlib import Path
from typing import Final, Literal

import msgspec

from gateways.clock import Quality
from gateways.link.report import MeterReading

RUNTIME_FOLDER: Final = Path("/run/jongnyang-gateway")  # RuntimeDirectory= of the unit


class PortCounts(msgspec.Struct, frozen=True):
    """How one serial port is doing: the PORT of docs/gateway-api.md, counted since the process started."""

    open: bool
    frames: int = 0
    rejects: dict[str, int] = {}
    noise_bytes: int = 0
    errors: int = 0
    last_error: str | None = None


class LiveMeter(msgspec.Struct, frozen=True):
    """One meter; weight in grams of gross. `ports` by device: reader, scale, lid."""

    meter: str
    gross_g: int | None
    fill_percent: int | None
    lid: Literal["closed", "open", "unknown"]
    faults: list[str]
    ports: dict[str, PortCounts]


class LiveStatus(msgspec.Struct, frozen=True):
    """The gateway as it was `mono_ms` milliseconds after the boot `boot_id`; written anew every `every_s` seconds.

    `now` is the box's best knowledge of the time (RFC 3339, UTC) and `clock` how good that is; `late` names the loops
    that make no progress. What is in the spool is not repeated here.
    """

    version: str
    pid: int
    gateway: str
    key_id: str
    boot_id: str
    mono_ms: int
    every_s: float
    now: str
    clock: Quality
    late: list[str]
    meters: list[LiveMeter]


def live_meter(reading: MeterReading) -> LiveMeter:
    """Return a meter's reading as it is shown."""
    return LiveMeter(
        meter=reading.meter,
        gross_g=reading.gross_g,
        fill_percent=reading.fill_percent,
        lid="unknown" if reading.lid_open is None else "open" if reading.lid_open else "closed",
        faults=reading.faults,
        ports=msgspec.convert(reading.ports, dict[str, PortCounts]),
    )


def live_path(spool: Path) -> Path:
    """Return where the status of the gateway that serves this spool is."""
    if not RUNTIME_FOLDER.is_dir():
        return spool.with_name(f"{spool.name}.status.json")
    name = hashlib.sha256(str(spool.absolute()).encode()).hexdigest()[:16]
    return RUNTIME_FOLDER / f"{name}.status.json"


def write_live(path: Path, status: LiveStatus) -> None:
    """Replace the file. Raises OSError."""
    draft = path.with_name(f"{path.name}.new")
    draft.write_bytes(msgspec.json.encode(status))
    draft.replace(path)


def read_live(path: Path) -> LiveStatus | None:
    """Return what was written last; None if nothing was, or by a version that wrote something else."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=LiveStatus)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def is_served(spool: Path) -> bool:
    """Whether a process serves this spool: it holds the lock beside it, and the kernel frees that at its end."""
    try:
        with spool.with_name(f"{spool.name}.lock").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
