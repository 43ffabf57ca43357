"""All that `jongnyang-gateway status` shows: from the spool and from what the running gateway wrote beside it."""

from datetime import datetime
from typing import Final

import msgspec

from gateways.clock import Clock, Quality, rfc3339
from gateways.config import GatewayConfig, MeterConfig
from gateways.health.live import LiveMeter, LiveStatus, PortCounts, is_served, live_path, read_live
from gateways.link.keys import KeyFileError, load_key
from gateways.link.report import spool_status
from gateways.spool import Spool

_MISSED: Final = 3  # a status file this many periods old was not written by a gateway that works
_SILENT_S: Final = 900  # statuses go out every minute
_WAITING_S: Final = 3600
# What is wrong with the device behind an open port (gateways/devices/device.py); other errors of an open port are over.
_COMPLAINTS: Final = frozenset(("wrong_device", "no_frames", "identity_unanswered"))


class PortView(PortCounts, frozen=True, kw_only=True):
    """One port and where it is."""

    path: str


class MeterView(msgspec.Struct, frozen=True):
    """One meter and its ports by device, as the running gateway sees them."""

    meter: str
    gross_g: int | None
    fill_percent: int | None
    lid: str
    faults: list[str]
    ports: dict[str, PortView]


class CardsView(msgspec.Struct, frozen=True):
    """The list of cards; its age in seconds."""

    version: str | None
    count: int
    age_s: int | None
    expired: bool


class LinkView(msgspec.Struct, frozen=True):
    """How the way to the server is: `ok`, `waiting` (for a server or network that failed) or `refused` (the key)."""

    state: str
    problem: str = ""
    since: str | None = None


class Trouble(msgspec.Struct, frozen=True):
    """Something that needs somebody: the key of its message, and the values in it."""

    key: str
    values: dict[str, str | int] = {}


class Overview(msgspec.Struct, frozen=True):
    """The gateway at this moment. Of a gateway that does not run, only what is on its disk is known."""

    running: bool
    version: str | None
    gateway: str | None
    key_id: str | None
    clock: Quality | None
    now: str | None
    late: list[str]
    epoch: str
    next_seq: int
    depth: int
    oldest_age_s: int
    link: LinkView | None
    last_contact: str | None
    last_contact_age_s: int | None
    last_acknowledged: str | None
    last_acknowledged_age_s: int | None
    spool_bytes: int
    free_bytes: int
    refusing: bool
    cards: CardsView
    commands: list[str]
    meters: list[MeterView]
    trouble: list[Trouble]


def overview(config: GatewayConfig) -> Overview:
    """Look at the gateway of this config. Raises FileNotFoundError before its first run, OSError if it may not look."""
    if not config.spool.exists():
        raise FileNotFoundError(config.spool)
    running = is_served(config.spool)
    live = read_live(live_path(config.spool)) if running else None
    spool = Spool(config.spool, read_only=True, limits=config.spool_limits)
    try:
        seen = _look(config, running, live, spool)
    finally:
        spool.close()
    return msgspec.structs.replace(seen, trouble=_troubles(seen, live))


def _look(config: GatewayConfig, running: bool, live: LiveStatus | None, spool: Spool) -> Overview:
    last, acknowledged = spool.last_contact(), spool.last_acknowledgement()
    clock = Clock(floor=last) if last else Clock()
    now = datetime.fromisoformat(live.now) if live else clock.now().wall
    waiting, room, cards = spool_status(spool, clock), spool.room(), spool.cards_status()
    return Overview(
        running=running,
        version=live.version if live else None,
        gateway=live.gateway if live else None,
        key_id=live.key_id if live else _key_id(config),
        clock=live.clock if live else None,
        now=live.now if live else None,
        late=live.late if live else [],
        epoch=spool.epoch(),
        next_seq=spool.next_seq(),
        depth=waiting.depth,
        oldest_age_s=waiting.oldest_age_s,
        link=_link(spool),
        last_contact=rfc3339(last) if last else None,
        last_contact_age_s=_age_s(last, now),
        last_acknowledged=rfc3339(acknowledged) if acknowledged else None,
        last_acknowledged_age_s=_age_s(acknowledged, now),
        spool_bytes=room.spool_bytes,
        free_bytes=room.free_bytes,
        refusing=room.refusing,
        cards=CardsView(cards.version, cards.count, _age_s(cards.received_at, now), cards.is_expired(now)),
        commands=[command.kind for command in spool.open_commands()],
        meters=_meters(config, live),
        trouble=[],
    )


def _link(spool: Spool) -> LinkView | None:
    body = spool.statuses().get("uplink")
    return None if body is None else msgspec.json.decode(body, type=LinkView)


def _key_id(config: GatewayConfig) -> str | None:
    try:
        return load_key(config.key_file).key_id
    except KeyFileError:
        return None


def _age_s(then: datetime | None, now: datetime) -> int | None:
    return None if then is None else max(0, int((now - then).total_seconds()))


def _meters(config: GatewayConfig, live: LiveStatus | None) -> list[MeterView]:
    paths = {meter.meter: _paths(meter) for meter in config.meters}
    # A meter that was taken out of the file since the gateway started is no longer of interest.
    return [_meter(meter, paths[meter.meter]) for meter in (live.meters if live else []) if meter.meter in paths]


def _paths(meter: MeterConfig) -> dict[str, str]:
    return {
        "reader": meter.reader.port,
        "scale": meter.scale.port,
        "lid": meter.lid.port,
        "display": meter.display.port,
    }


def _meter(meter: LiveMeter, paths: dict[str, str]) -> MeterView:
    ports = {
        device: PortView(path=paths.get(device, ""), **msgspec.structs.asdict(port))
        for device, port in meter.ports.items()
    }
    return MeterView(meter.meter, meter.gross_g, meter.fill_percent, meter.lid, meter.faults, ports)


def _troubles(seen: Overview, live: LiveStatus | None) -> list[Trouble]:
    found = _troubles_of_process(seen, live)
    if seen.depth and seen.oldest_age_s > _WAITING_S:
        found.append(Trouble("trouble_waiting", {"depth": seen.depth, "hours": seen.oldest_age_s // 3600}))
    if seen.refusing:
        found.append(Trouble("trouble_disk", {"free": seen.free_bytes // 1_000_000}))
    if seen.link is not None and seen.link.state == "refused":
        found.append(Trouble("trouble_refused", {"problem": seen.link.problem}))
    elif seen.last_contact_age_s is None or seen.last_contact_age_s > _SILENT_S:
        found.append(Trouble("trouble_no_contact"))
    if seen.cards.expired:
        found.append(Trouble("trouble_cards"))
    for meter in seen.meters:
        found += _troubles_of_meter(meter)
    return found


def _troubles_of_process(seen: Overview, live: LiveStatus | None) -> list[Trouble]:
    if not seen.running:
        return [Trouble("trouble_not_running")]
    clock = Clock()
    if live is None or live.boot_id != clock.boot_id:
        return [Trouble("trouble_starting")]
    found = []
    silent_s = clock.mono() - live.mono_ms / 1000
    if silent_s > _MISSED * live.every_s:
        found.append(Trouble("trouble_hangs", {"loops": "ports", "seconds": int(silent_s)}))
    elif live.late:
        found.append(Trouble("trouble_hangs", {"loops": ", ".join(live.late), "seconds": int(silent_s)}))
    if live.clock == "unset":
        found.append(Trouble("trouble_clock"))
    return found


def _troubles_of_meter(meter: MeterView) -> list[Trouble]:
    found = [
        Trouble(
            "trouble_port_closed" if not port.open else "trouble_port_talks_nonsense",
            {"meter": meter.meter, "device": device, "port": port.path, "error": port.last_error or ""},
        )
        for device, port in meter.ports.items()
        if not port.open or port.last_error in _COMPLAINTS
    ]
    if meter.faults:
        found.append(Trouble("trouble_faults", {"meter": meter.meter, "faults": ", ".join(meter.faults)}))
    return found
