"""Measures what an idle gateway costs: memory and CPU of the real process, with its meters on pseudo-terminals.

Idle means that nobody comes: scales stream ten frames a second (or are silent, for comparison), lids answer when
asked, a server answers every call. Resident memory counts pages shared with other processes; PSS gives it its share.
"""

import argparse
import contextlib
import json
import os
import pty
import select
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from gateways.health.live import live_path, read_live
from gateways.link.keys import GatewayKey, save_key

MOST_RSS_MB: Final = 60
MOST_CPU_PERCENT: Final = 1.0
CASES: Final = ((1, True), (4, True), (1, False))  # meters, and whether their scales stream
_FRAME: Final = b"ST,GS,1\xc4,000013.5 kg\r\n"
_EVERY_S: Final = 0.1
_WARM_UP_S: Final = 10.0
_SECRET: Final = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"  # noqa: S105 - of a server that checks nothing
ABOUT: Final = f"""## The gateway's footprint

The real process (`jongnyang-gateway run`), idle: nobody comes. Scales of 22-byte frames stream ten a second or say
nothing, lids answer when asked, a server answers every call. CPU is of one core, after {_WARM_UP_S:.0f} s of warm-up.

| meters | scales | RSS, MB | PSS, MB | CPU | asked for | |
|--:|---|--:|--:|--:|--:|---|
"""


@dataclass(frozen=True, slots=True)
class Footprint:
    """Memory in MB at the end, CPU in percent of one core over the time."""

    rss_mb: float
    pss_mb: float
    cpu_percent: float


def main() -> None:
    """Run from the command line; `--seconds` is how long each gateway is watched."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    print(section(parser.parse_args().seconds))


def section(seconds: float) -> str:
    """Return the table; one gateway after another."""
    rows = []
    for meters, streams in CASES:
        found = measure(meters, seconds, streams=streams)
        fits = found.rss_mb <= MOST_RSS_MB and found.cpu_percent < MOST_CPU_PERCENT
        rows.append(
            f"| {meters} | {'10 frames/s' if streams else 'silent'} | {found.rss_mb:.1f} | {found.pss_mb:.1f} "
            f"| {found.cpu_percent:.2f} % | {MOST_RSS_MB} MB RSS, under {MOST_CPU_PERCENT:.0f} % "
            f"| {'met' if fits else '**missed**'} |"
        )
    return ABOUT + "\n".join([*rows, ""])


def measure(meters: int, seconds: float, *, streams: bool) -> Footprint:
    """Watch one gateway with so many meters."""
    with tempfile.TemporaryDirectory() as folder, _server() as url, _bins(meters, streams=streams) as ports:
        config = _configure(Path(folder), url, ports)
        command = [sys.executable, "-m", "gateways.cli", "run", "--config", str(config)]
        log = Path(folder, "log")
        with log.open("wb") as file, subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=file) as process:
            try:
                time.sleep(_WARM_UP_S)
                before, since = _cpu_s(process.pid), time.monotonic()
                time.sleep(seconds)
                used = (_cpu_s(process.pid) - before) / (time.monotonic() - since)
                memory = _memory_mb(process.pid)
                _check(Path(folder, "spool.db"), meters, streams=streams)
            except ProcessLookupError as error:
                raise SystemExit(f"the gateway ended: {log.read_text(encoding='utf-8')[-2000:]}") from error
            finally:
                process.terminate()
    return Footprint(memory["Rss"], memory["Pss"], 100 * used)


def _check(spool: Path, meters: int, *, streams: bool) -> None:
    """See that what was measured has really read its scales."""
    live = read_live(live_path(spool))
    frames = [meter.ports["scale"].frames for meter in live.meters] if live else []
    if len(frames) != meters or any((count < _WARM_UP_S / _EVERY_S / 2) == streams for count in frames):
        raise SystemExit(f"the gateway read {frames} frames of its scales: nothing to measure")


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory_mb(pid: int) -> dict[str, float]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    return {name: int(rest.split()[0]) / 1024 for name, _, rest in (line.partition(":") for line in lines)}


def _configure(folder: Path, url: str, ports: list[dict[str, str]]) -> Path:
    save_key(folder / "gateway.key", GatewayKey("W0G-GW-001", "W0G", "W0G/W0G-GW-001/1", _SECRET, _SECRET))
    lines = [f'server = "{url}"', 'key_file = "gateway.key"', 'spool = "spool.db"']
    for index, port in enumerate(ports):
        lines += ["[[meters]]", f'meter = "W0G-001-01-{index}"']
        for device, how in (("reader", "protocol"), ("scale", "protocol"), ("lid", "driver")):
            what = {"reader": "rdm6300", "scale": "cas_22", "lid": "simulated"}[device]
            lines += [f"[meters.{device}]", f'port = "{port[device]}"', f'{how} = "{what}"']
    path = folder / "gateway.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


# --- The world around it


@contextlib.contextmanager
def _bins(count: int, *, streams: bool) -> Iterator[list[dict[str, str]]]:
    """Pseudo-terminals for so many meters; a thread speaks for their scales and lids."""
    pairs = [{device: pty.openpty() for device in ("reader", "scale", "lid")} for _ in range(count)]
    for _, slave in (pair for devices in pairs for pair in devices.values()):
        _make_raw(slave)
    stop = threading.Event()
    world = threading.Thread(target=_speak, args=(pairs, stop, streams), daemon=True)
    world.start()
    try:
        yield [{device: os.ttyname(slave) for device, (_, slave) in devices.items()} for devices in pairs]
    finally:
        stop.set()
        world.join()
        for descriptor in (end for devices in pairs for pair in devices.values() for end in pair):
            os.close(descriptor)


def _make_raw(slave: int) -> None:
    settings = termios.tcgetattr(slave)
    settings[0] = settings[1] = settings[3] = 0
    termios.tcsetattr(slave, termios.TCSANOW, settings)


def _speak(pairs: list[dict[str, tuple[int, int]]], stop: threading.Event, streams: bool) -> None:
    lids = [devices["lid"][0] for devices in pairs]
    scales = [devices["scale"][0] for devices in pairs if streams]
    while not stop.wait(_EVERY_S):
        for scale in select.select([], scales, [], 0)[1]:
            os.write(scale, _FRAME)
        for lid in select.select(lids, [], [], 0)[0]:
            if b"S" in os.read(lid, 256):
                os.write(lid, b"LID CLOSED\r\n")


class _Answers(BaseHTTPRequestHandler):
    """Answers as a server with nothing to say, and checks nothing."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if "/cards" in self.path:
            self._answer({"version": "1", "complete": True, "valid_for_s": 2_592_000, "set": [], "removed": []})
        else:
            self._answer({})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        records = {"acked_through": 0, "high_seq": 0, "results": []} if self.path.endswith("discharges") else {}
        self._answer({**records, "refused": [], "commands": [], "cards_version": "1", "tariff": []})

    def _answer(self, values: dict[str, object]) -> None:
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        body = json.dumps({"server_time": now, **values}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def _server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


if __name__ == "__main__":
    main()
