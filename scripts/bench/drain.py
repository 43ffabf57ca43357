"""Measures how fast a gateway's backlog drains, beside a bare script on the same spool.

Both post to the same server, another process that reads every batch and acknowledges every record, and nothing else.
"""

import argparse
import base64
import gzip
import hashlib
import hmac
import json
import secrets
import shutil
import sqlite3
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any, Final

import msgspec
import requests
import structlog

from gateways.cards import Card
from gateways.clock import Clock, rfc3339
from gateways.link.api import Server
from gateways.link.keys import GatewayKey
from gateways.link.records import encode_record
from gateways.link.uplink import MAX_RECORDS, Uplink, UplinkSettings
from gateways.spool import Spool, Stamp, open_spool
from gateways.weighing.events import Draft
from scripts.bench import workload

RECORDS: Final = 100_000
LEAST: Final = 0.5
_GATEWAY, _METER = "W0G-GW-001", "W0G-001-01-1"
_KEY: Final = GatewayKey(_GATEWAY, "W0G", f"W0G/{_GATEWAY}/1", secrets.token_urlsafe(32), secrets.token_urlsafe(32))
ABOUT: Final = f"""## Drain

A backlog of {RECORDS:,} records in batches of {MAX_RECORDS}, to a server in another process that acknowledges them and
does nothing else.

- **the gateway**: reads its spool, writes the envelope, compresses, signs, posts, and marks each record as acknowledged
  with a durable commit every few batches.
- **bare script**: reads the same spool, serialises, compresses, signs by hand and posts; it marks nothing.

| the gateway, records/s | bare script, records/s | ratio | asked for | |
|--:|--:|--:|--:|---|
"""


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    print(section(chosen.rounds, chosen.records))


def section(rounds: int = 3, records: int = RECORDS) -> str:
    """Return the table; both ways in turn, the median of the rounds counts."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    folder = workload.on_disk("drain")
    full = folder / "full.db"
    _fill(full, records)
    found: list[tuple[float, float]] = []
    with _acknowledging() as url:
        for _ in range(rounds):
            ours = _timed(_gateway, url, _copy(full, folder / "gateway.db"), records)
            bare = _timed(_bare, url, _copy(full, folder / "bare.db"), records)
            found.append((ours, bare))
            print(f"  drain {ours:>9,.0f}/s   bare script {bare:>9,.0f}/s", flush=True)
    shutil.rmtree(folder)
    ratio = statistics.median(ours / bare for ours, bare in found)
    rates = [statistics.median(column) for column in zip(*found, strict=True)]
    verdict = "met" if ratio >= LEAST else "**missed**"
    return f"{ABOUT}| {rates[0]:,.0f} | {rates[1]:,.0f} | {ratio:.2f} | {LEAST} | {verdict} |\n"


def _timed(way: Any, url: str, spool: Path, records: int) -> float:
    begun = time.perf_counter()
    way(url, spool)
    return records / (time.perf_counter() - begun)


def _copy(full: Path, path: Path) -> Path:
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    shutil.copy(full, path)
    return path


def _fill(path: Path, records: int) -> None:
    """Spool records as meters make them; without fsync, as they are not what is measured."""
    clock = Clock()
    card = Card(secrets.token_hex(16), "9CD0")
    evidence = {
        "before": {"min_g": 12000, "max_g": 12000, "frames": 10, "span_ms": 1000},
        "after": {"min_g": 12410, "max_g": 12410, "frames": 10, "span_ms": 1000},
        "frames": ["53542C47532C31C42C3030303031332E35206B670D0A"] * 2,
    }
    with closing(open_spool(path)) as spool:
        spool._db.execute("PRAGMA synchronous = OFF")
        for number in range(records):
            draft = Draft(clock.mono(), "settled", card, 12000 + number, 12410 + number, 410, [], evidence)
            moment = clock.at(draft.at)
            spool.append(
                _METER,
                lambda seq, draft=draft, moment=moment: encode_record(seq, _METER, draft, moment, clock.boot_id),  # type: ignore[misc]
                Stamp(clock.boot_id, moment.mono_ms),
            )
        spool._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


# --- The two ways


def _gateway(url: str, path: Path) -> None:
    clock = Clock()
    with closing(Spool(path)) as spool, closing(Server(url, clock, _KEY)) as server:
        uplink = Uplink(server, spool, clock, list, UplinkSettings(status_every_s=3600))
        while uplink.step() == 0.0:
            pass
        if spool.depth().records:
            raise RuntimeError(f"{spool.depth().records} records were not delivered")


def _bare(url: str, path: Path) -> None:
    target = f"/api/v1/gateways/{_GATEWAY}/discharges"
    clock = Clock()
    with closing(sqlite3.connect(path)) as db, requests.Session() as http:
        last = 0
        while True:
            rows = db.execute(
                "SELECT id, epoch, body FROM records WHERE id > ? ORDER BY id LIMIT ?", (last, MAX_RECORDS)
            ).fetchall()
            if not rows:
                return
            last = rows[-1][0]
            now = clock.now()
            envelope = {
                "schema": 1,
                "epoch": rows[0][1],
                "boot_id": clock.boot_id,
                "sent_at": rfc3339(now.wall),
                "mono_ms": now.mono_ms,
            }
            bodies = b",".join(row[2] for row in rows)
            body = json.dumps(envelope)[:-1].encode() + b',"discharges":[' + bodies + b"]}"
            content = gzip.compress(body, 6, mtime=0)
            reply = http.post(url + target, data=content, headers=_signature(target, content), timeout=30)
            reply.raise_for_status()
            if len(reply.json()["results"]) != len(rows):
                raise RuntimeError("the server lost records")


def _signature(target: str, content: bytes) -> dict[str, str]:
    """RFC 9421 by hand, for one fixed set of components."""
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"
    parameters = (
        f'("@method" "@request-target" "content-digest");created={int(datetime.now(UTC).timestamp())}'
        f';keyid="{_KEY.key_id}";alg="hmac-sha256";nonce="{secrets.token_urlsafe(18)}";tag="jongnyang-gateway"'
    )
    base = (
        f'"@method": POST\n"@request-target": {target}\n"content-digest": {digest}\n"@signature-params": {parameters}'
    )
    signature = base64.b64encode(hmac.digest(_KEY.secret_bytes, base.encode(), hashlib.sha256)).decode()
    return {
        "Content-Type": "application/json",
        "Content-Encoding": "gzip",
        "Content-Digest": digest,
        "Signature-Input": f"gw={parameters}",
        "Signature": f"gw=:{signature}:",
    }


# --- The server


class _Sent(msgspec.Struct):
    seq: int


class _Batch(msgspec.Struct):
    discharges: list[_Sent] = []


class _Acknowledging(StreamRequestHandler):
    """Keeps its connection; answers every request as if all of it were stored."""

    def handle(self) -> None:
        while line := self.rfile.readline():
            length = 0
            while (header := self.rfile.readline()) not in (b"\r\n", b""):
                name, _, value = header.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            body = self.rfile.read(length)
            content = self._answer(line, body)
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content)

    def _answer(self, line: bytes, body: bytes) -> bytes:
        answer: dict[str, object] = {"server_time": rfc3339(datetime.now(UTC))}
        if b"/discharges" in line:
            seqs = [one.seq for one in msgspec.json.decode(gzip.decompress(body), type=_Batch).discharges]
            results = [{"seq": seq, "status": "stored", "code": None} for seq in seqs]
            answer |= {
                "acked_through": seqs[-1] if seqs else 0,
                "high_seq": seqs[-1] if seqs else 0,
                "results": results,
            }
        return msgspec.json.encode(answer)


class _Threads(ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def _serve(pipe: Connection) -> None:
    with _Threads(("127.0.0.1", 0), _Acknowledging) as server:
        pipe.send(server.server_address[1])
        server.serve_forever()


@contextmanager
def _acknowledging() -> Iterator[str]:
    """Run the server in a process of its own, so that it takes no time from either client."""
    context = get_context("spawn")
    mine, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{mine.recv()}"
    finally:
        process.terminate()
        process.join()


if __name__ == "__main__":
    main()
